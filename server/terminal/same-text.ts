/**
 * Is a line on the screen the one that was typed? Not caught here: which of two that differ is true; the
 * reader judges both.
 */

/** The same but for blanks at the end. */
export function sameText(one: string, other: string): boolean {
  return one.trimEnd() === other.trimEnd();
}

/**
 * The same but for blanks and for marks that join a character: rows that were wrapped at a wide
 * character, tabs, indented lines, accents that an editor writes apart or as their number.
 */
export function sameLetters(typed: string, shown: string): boolean {
  return letters(typed) === letters(shown) || queried(typed) === joined(shown);
}

/** It is shown with question marks in the place of some characters. */
export function isQueried(typed: string, shown: string): boolean {
  return letters(typed) !== letters(shown) && queried(typed) === joined(shown);
}

/** As small shells show it: with a question mark for each character that they can't draw. */
export function asQueried(text: string): string {
  return text.replace(/[^\0-\u02ff]/gu, '?');
}

function queried(text: string): string {
  return asQueried(joined(text));
}

/**
 * After a change of the size, line editors draw prompt and line once more below what is left of the old
 * ones: the screen ends with a prompt and the line.
 */
export function endsWithLine(shown: string, prompts: readonly string[], typed: string): boolean {
  const all = letters(shown);
  return prompts.some((prompt) => prompt.trim() !== '' && all.endsWith(letters(prompt + typed)));
}

/** So many letters of a line at least make up a piece of it; shorter ones may stand anywhere. */
const PIECE_LETTERS = 6;
/** Looked at for the start of the echo. */
const MAX_ECHO_ROWS = 40;
/** Characters that are compared in search of pieces; a line that takes more is not found. */
const MAX_ECHO_STEPS = 2_000_000;

/**
 * All of it is on the screen, in order, in one piece or in few: output of others came in between, or a
 * prompt, because it was typed ahead.
 * @param shown what the screen shows from where the line began
 */
export function isEchoed(typed: string, shown: string): boolean {
  const rows = shown.split('\n').slice(-MAX_ECHO_ROWS);
  const left = { steps: MAX_ECHO_STEPS };
  return [letters, queried].some((lettersOf) => {
    const line = lettersOf(typed);
    let rest = rows.map(lettersOf).join('');
    return rows.some((row) => {
      if (inPieces(line, rest, left)) return true;
      rest = rest.slice(lettersOf(row).length);
      return false;
    });
  });
}

function inPieces(line: string, shown: string, left: { steps: number }): boolean {
  const most = 1 + Math.floor(line.length / PIECE_LETTERS);
  let [done, from] = [0, 0];
  for (let piece = 0; piece < most && done < line.length; piece += 1) {
    // The first letter stands at the start of a row, or where the line began.
    if (piece === 0 && line[0] !== shown[0]) return false;
    left.steps -= line.length - done + shown.length - from;
    if (left.steps < 0) return false;
    const { at, length } = longestStart(line.slice(done), shown.slice(from));
    if (length === 0 || (piece === 0 && at > 0)) return false;
    // Question marks that are too many stand for characters that came in pieces.
    if (/^\?+$/.test(shown.slice(from, from + at))) return false;
    from += at + length;
    done += length;
  }
  return line !== '' && done === line.length;
}

/** Where the longest piece of text that `line` starts with first stands, in time that is linear. */
function longestStart(
  line: string,
  text: string,
): { readonly at: number; readonly length: number } {
  // How much of the line's start ends at each of its characters (Knuth, Morris and Pratt).
  const borders = new Int32Array(line.length);
  let best = { at: 0, length: 0 };
  for (let at = 1, length = 0; at < line.length; at += 1) {
    while (length > 0 && line[at] !== line[length]) length = borders[length - 1] ?? 0;
    if (line[at] === line[length]) length += 1;
    borders[at] = length;
  }
  for (let at = 0, length = 0; at < text.length; at += 1) {
    while (length > 0 && text[at] !== line[length]) length = borders[length - 1] ?? 0;
    if (text[at] === line[length]) length += 1;
    if (length > best.length) best = { at: at - length + 1, length };
    if (length === line.length) break;
  }
  return best;
}

/** The screen has the start of it, and the rest has not come yet. */
export function isBegun(typed: string, shown: string): boolean {
  return letters(typed).startsWith(letters(shown));
}

/** It ends with the other one. */
export function endsWithText(shown: string, end: string): boolean {
  return letters(shown).endsWith(letters(end)) || joined(shown).endsWith(queried(end));
}

/** The screen has the start and the end of it, and at most `chars` in the middle are missing or too many. */
export function isDamaged(typed: string, shown: string, chars: number): boolean {
  const [line, all] = [letters(typed), letters(shown)];
  const most = Math.min(line.length, all.length);
  let head = 0;
  while (head < most && line[head] === all[head]) head += 1;
  let tail = 0;
  while (tail < most - head && line.at(-1 - tail) === all.at(-1 - tail)) tail += 1;
  const longest = Math.max(line.length, all.length);
  return head > 0 && tail > 0 && longest - head - tail <= chars;
}

function joined(text: string): string {
  return text.replace(/\s+/g, '');
}

function letters(text: string): string {
  return text
    .replace(/<([\da-f]{4,6})>/gi, (_, code: string) => mark(code))
    .normalize('NFD')
    .replace(/[\s\p{Mn}\p{Me}\p{Cf}]+/gu, '');
}

/** zsh shows marks as `<0301>`. */
function mark(code: string): string {
  const point = Number.parseInt(code, 16);
  const char = point <= 0x10ffff ? String.fromCodePoint(point) : '';
  return /^[\p{Mn}\p{Me}\p{Cf}]$/u.test(char) ? char : `<${code}>`;
}

/**
 * A line of more rows than the screen has is shown in part: what is shown are rows of it in order, with
 * the first and the last.
 */
export function isWindow(typed: string, shown: string, rows: number): boolean {
  const all = typed.trimEnd().split('\n');
  const part = shown.trimEnd().split('\n');
  if (part.length < rows - 1 || part[0] !== all[0] || part.at(-1) !== all.at(-1)) return false;
  let at = 0;
  for (const row of part) {
    while (at < all.length && all[at] !== row) at += 1;
    if (at >= all.length) return false;
    at += 1;
  }
  return true;
}

/** So many characters at the end of a line tell whether the end of it is on the screen. */
const TAIL_CHARS = 4;

/** The end of what was typed stands somewhere in the text; suggestions may change the case. */
export function endsWithin(typed: string, text: string): boolean {
  const plain = (one: string): string => one.normalize('NFC').replace(/\s+/g, '').toLowerCase();
  const tail = plain(Array.from(typed.trim()).slice(-TAIL_CHARS).join(''));
  if (tail === '') return false;
  const drawn = queried(tail);
  return plain(text).includes(tail) || (/[^?]/.test(drawn) && plain(text).includes(drawn));
}
