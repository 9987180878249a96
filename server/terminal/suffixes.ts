/**
 * Ends of a text at which a command could begin. Not caught here: commands that are spread over more
 * rows than the text covers.
 */

/** So many ends of one text are judged at most; of words those nearest to its end. */
export const MAX_SUFFIXES = 240;
/** Of a longer text only its end is looked at. */
const MAX_TEXT_CHARS = 4096;
/** Characters of all ends that begin at the first characters of a text. */
const MAX_SUFFIX_CHARS = 262_144;

/** `* from t` would be whatever file comes first: no command begins so, but much text goes on so. */
const JUST_A_PATTERN = /^[*?]+(?:\s|$)/;

/** Where a word begins, also behind a prompt without a blank at its end, and behind what makes an editor run it. */
const WORD_START = /(?<=[$#%>❯»:!|\])])\S|(?<!\S)\S/gu;

/** The text and each of its ends that starts a word, longest first. */
export function wordSuffixes(text: string): string[] {
  const line = text.slice(-MAX_TEXT_CHARS).trim();
  if (line === '') return [];
  const starts = [...line.matchAll(WORD_START)].map((match) => match.index);
  return starts
    .slice(-MAX_SUFFIXES)
    .map((start) => line.slice(start))
    .filter((end) => end === line || !JUST_A_PATTERN.test(end));
}

/**
 * The text and each of its ends, character by character, longest first: of a long one the first and last,
 * and of the first no more than MAX_SUFFIX_CHARS hold.
 */
export function charSuffixes(text: string): string[] {
  const line = text.trim();
  if (line === '') return [];
  const half = MAX_SUFFIXES / 2;
  const head = Math.max(1, Math.min(half, Math.floor(MAX_SUFFIX_CHARS / line.length)));
  const starts = [0];
  for (let at = next(line, 0); at < line.length && starts.length < head; at = next(line, at)) {
    starts.push(at);
  }
  const tail: number[] = [];
  for (let at = line.length; tail.length < half;) {
    at -= isPair(line, at - 2) ? 2 : 1;
    if (at <= (starts.at(-1) ?? 0)) break;
    tail.push(at);
  }
  return [...starts, ...tail.toReversed()].map((start) => line.slice(start));
}

function next(text: string, at: number): number {
  return at + (isPair(text, at) ? 2 : 1);
}

/** A character of two code units begins there. */
function isPair(text: string, at: number): boolean {
  return at >= 0 && (text.codePointAt(at) ?? 0) > 0xffff;
}
