/**
 * JSON's escapes on bytes: what `JSON.stringify` makes of a text, from the text's UTF-8 and without the
 * strings in between, since recorded output passes here at full speed.
 * Not caught here: bytes that are not valid UTF-8; they pass as they are.
 */

/** A control character becomes six bytes. */
export const MAX_ESCAPED_BYTES = 6;

const BACKSLASH = 0x5c;
const ZERO = 0x30;
const U = 0x75;
/** What follows the backslash, by byte; 0 = the byte stands for itself. */
const ESCAPES = new Uint8Array(256);
ESCAPES.fill(U, 0, 0x20);
for (const pair of ['\bb', '\tt', '\nn', '\ff', '\rr', '""', '\\\\']) {
  ESCAPES[pair.charCodeAt(0)] = pair.charCodeAt(1);
}
const HEX = Buffer.from('0123456789abcdef');

/**
 * Writes `text` as the inside of a JSON string to `out` from `at` on; returns where it ends.
 * @param text valid UTF-8
 * @param out room for MAX_ESCAPED_BYTES per byte of `text`
 */
export function escapeText(text: Buffer, out: Buffer, at: number): number {
  const source = new DataView(text.buffer, text.byteOffset, text.length);
  const sink = new DataView(out.buffer, out.byteOffset, out.length);
  const wordsEnd = text.length - (text.length % 4);
  let to = at;
  for (let from = 0; from < wordsEnd; from += 4) {
    const word = source.getInt32(from, true);
    if (needsEscape(word)) to = escapeBytes(text, from, from + 4, out, to);
    else {
      sink.setInt32(to, word, true);
      to += 4;
    }
  }
  return escapeBytes(text, wordsEnd, text.length, out, to);
}

/**
 * Whether one of four ASCII bytes is below 0x20, a quote or a backslash: subtracting borrows into the top
 * bit of such a byte. A borrow may also mark its neighbour, and bytes above 0x7f are never marked.
 */
function needsEscape(word: number): boolean {
  const control = word - 0x20202020;
  const quote = (word ^ 0x22222222) - 0x01010101;
  const backslash = (word ^ 0x5c5c5c5c) - 0x01010101;
  return ((control | quote | backslash) & ~word & 0x80808080) !== 0;
}

function escapeBytes(text: Buffer, first: number, end: number, out: Buffer, at: number): number {
  let to = at;
  for (let from = first; from < end; from += 1) {
    const byte = text[from] ?? 0;
    const escape = ESCAPES[byte] ?? 0;
    if (escape === 0) {
      out[to++] = byte;
      continue;
    }
    out[to++] = BACKSLASH;
    out[to++] = escape;
    if (escape !== U) continue;
    out[to++] = ZERO;
    out[to++] = ZERO;
    out[to++] = HEX[byte >> 4] ?? ZERO;
    out[to++] = HEX[byte & 15] ?? ZERO;
  }
  return to;
}
