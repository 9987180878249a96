/**
 * Finds the long runs of characters of a class without looking at every character: in a run of at least
 * n characters every n-th place of the text falls. Not caught here: what the runs mean.
 */

/** Digits, capital letters, blank and dash: numbers of cards and accounts. */
export const NUMBER_RUN = 1;
/** What tokens and keys are written with. */
export const TOKEN_RUN = 2;

const CLASSES = new Uint8Array(256);
for (const one of '0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZ -') mark(one, NUMBER_RUN);
for (const one of '0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz_+/=.~-') {
  mark(one, TOKEN_RUN);
}

function mark(character: string, kind: number): void {
  const code = character.charCodeAt(0);
  CLASSES[code] = (CLASSES[code] ?? 0) | kind;
}

/** Calls `examine` with the bounds of every run of the class that is at least so long, in order. */
export function eachRun(
  text: string,
  kind: number,
  least: number,
  examine: (start: number, end: number) => void,
): void {
  const { length } = text;
  let low = 0;
  for (let at = least - 1; at < length;) {
    if ((CLASSES[text.charCodeAt(at)]! & kind) === 0) {
      at += least;
      continue;
    }
    let start = at;
    while (start > low && (CLASSES[text.charCodeAt(start - 1)]! & kind) !== 0) start -= 1;
    let end = at + 1;
    while (end < length && (CLASSES[text.charCodeAt(end)]! & kind) !== 0) end += 1;
    if (end - start >= least) examine(start, end);
    low = end;
    at = end + least;
  }
}

/** Where the run that ends the text begins, at most so long. */
export function runStart(text: string, kind: number, longest: number): number {
  const low = Math.max(0, text.length - longest);
  let start = text.length;
  while (start > low && (CLASSES[text.charCodeAt(start - 1)]! & kind) !== 0) start -= 1;
  return start;
}
