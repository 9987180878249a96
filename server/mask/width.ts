/** How many columns of a terminal a character takes. Not caught here: sequences of emoji that are joined. */

/** From … to, two columns each. */
const WIDE: readonly (readonly [number, number])[] = [
  [0x1100, 0x115f],
  [0x2e80, 0x303e],
  [0x3041, 0x33ff],
  [0x3400, 0x4dbf],
  [0x4e00, 0x9fff],
  [0xa000, 0xa4cf],
  [0xac00, 0xd7a3],
  [0xf900, 0xfaff],
  [0xfe30, 0xfe6f],
  [0xff00, 0xff60],
  [0xffe0, 0xffe6],
  [0x1f300, 0x1f64f],
  [0x1f680, 0x1f6ff],
  [0x1f900, 0x1f9ff],
  [0x20000, 0x3fffd],
];
const NO_WIDTH = /^[\p{Mn}\p{Me}\u200b-\u200f]$/u;

/** @param text as it is shown, without control characters */
export function columnsOf(text: string): number {
  let columns = 0;
  for (const one of text) {
    const code = one.codePointAt(0) ?? 0;
    if (code < 0x300) columns += 1;
    else if (!NO_WIDTH.test(one)) {
      columns += WIDE.some(([from, to]) => code >= from && code <= to) ? 2 : 1;
    }
  }
  return columns;
}
