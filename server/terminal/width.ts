/**
 * How many columns a character takes, as the line editors of current systems count: wide East Asian
 * characters and emoji two, marks and invisible format characters none. Not caught here: sequences
 * that fonts join into one picture, which line editors count character by character too.
 * Source: Unicode Standard Annex #11, ranges merged where unassigned gaps don't matter.
 */

const WIDE: readonly (readonly [number, number])[] = [
  [0x1100, 0x115f],
  [0x2329, 0x232a],
  [0x2e80, 0x303e],
  [0x3041, 0xa4cf],
  [0xa960, 0xa97f],
  [0xac00, 0xd7a3],
  [0xf900, 0xfaff],
  [0xfe10, 0xfe19],
  [0xfe30, 0xfe6f],
  [0xff00, 0xff60],
  [0xffe0, 0xffe6],
  [0x16fe0, 0x18aff],
  [0x1b000, 0x1b2ff],
  [0x1f200, 0x1f265],
  [0x20000, 0x3fffd],
];
const REGIONAL_INDICATORS: readonly [number, number] = [0x1f1e6, 0x1f1ff];
const SOFT_HYPHEN = 0xad;
const INVISIBLE = /^[\p{Mn}\p{Me}\p{Cf}\u1160-\u11ff]$/u;
const EMOJI = /^\p{Emoji_Presentation}$/u;

/** What was asked before, one more than the width; 0 = not yet. */
const known = new Uint8Array(0x110000);

/** 0, 1 or 2 columns. */
export function charWidth(codePoint: number): 0 | 1 | 2 {
  if (codePoint < 0x300) return 1;
  const before = known[codePoint] ?? 0;
  if (before > 0) return before === 1 ? 0 : before === 2 ? 1 : 2;
  const width = findWidth(codePoint);
  known[codePoint] = width + 1;
  return width;
}

function findWidth(codePoint: number): 0 | 1 | 2 {
  const char = String.fromCodePoint(codePoint);
  if (codePoint !== SOFT_HYPHEN && INVISIBLE.test(char)) return 0;
  if (WIDE.some(([from, to]) => codePoint >= from && codePoint <= to)) return 2;
  const [first, last] = REGIONAL_INDICATORS;
  if (codePoint >= first && codePoint <= last) return 1;
  return EMOJI.test(char) ? 2 : 1;
}
