/**
 * Base64 and hexadecimal from bytes to bytes. A secret that once was a string stays in the heap until it is
 * collected, and nobody can wipe it; so the text of keys is decoded without ever becoming one.
 * Not caught here: bits that are left over in the last character, and what the bytes mean.
 */

const PADDING = 0x3d;
const WHITE_SPACE: readonly number[] = [0x09, 0x0a, 0x0d, 0x20];

/** Both alphabets, with or without padding; white space anywhere. Null for any other byte. */
export function decodeBase64(text: Uint8Array): Buffer | null {
  const bytes = Buffer.alloc(Math.ceil((text.length * 3) / 4));
  let at = 0;
  let held = 0;
  let bits = 0;
  let digits = 0;
  let isOver = false;
  for (const code of text) {
    if (WHITE_SPACE.includes(code)) continue;
    if (code === PADDING) {
      isOver = true;
      continue;
    }
    const value = base64Digit(code);
    if (value === null || isOver) return wiped(bytes);
    digits += 1;
    held = ((held << 6) | value) & 0xffff;
    bits += 6;
    if (bits < 8) continue;
    bits -= 8;
    bytes[at] = (held >> bits) & 0xff;
    at += 1;
  }
  // One digit alone makes no byte.
  return digits % 4 === 1 ? wiped(bytes) : bytes.subarray(0, at);
}

/** Null for an odd number of digits or any other byte. */
export function decodeHex(text: Uint8Array): Buffer | null {
  if (text.length % 2 !== 0) return null;
  const bytes = Buffer.alloc(text.length / 2);
  for (let at = 0; at < bytes.length; at += 1) {
    const high = hexDigit(text[2 * at] ?? 0);
    const low = hexDigit(text[2 * at + 1] ?? 0);
    if (high === null || low === null) return wiped(bytes);
    bytes[at] = high * 16 + low;
  }
  return bytes;
}

/** The standard alphabet, padded. */
export function encodeBase64(bytes: Uint8Array): Buffer {
  const text = Buffer.alloc(Math.ceil(bytes.length / 3) * 4, PADDING);
  for (let at = 0, to = 0; at < bytes.length; at += 3, to += 4) {
    const left = bytes.length - at;
    const held = ((bytes[at] ?? 0) << 16) | ((bytes[at + 1] ?? 0) << 8) | (bytes[at + 2] ?? 0);
    text[to] = base64Code(held >> 18);
    text[to + 1] = base64Code((held >> 12) & 63);
    if (left > 1) text[to + 2] = base64Code((held >> 6) & 63);
    if (left > 2) text[to + 3] = base64Code(held & 63);
  }
  return text;
}

function wiped(bytes: Buffer): null {
  bytes.fill(0);
  return null;
}

function base64Digit(code: number): number | null {
  if (code >= 0x41 && code <= 0x5a) return code - 0x41;
  if (code >= 0x61 && code <= 0x7a) return code - 0x61 + 26;
  if (code >= 0x30 && code <= 0x39) return code - 0x30 + 52;
  if (code === 0x2b || code === 0x2d) return 62;
  if (code === 0x2f || code === 0x5f) return 63;
  return null;
}

function base64Code(value: number): number {
  if (value < 26) return 0x41 + value;
  if (value < 52) return 0x61 + value - 26;
  if (value < 62) return 0x30 + value - 52;
  return value === 62 ? 0x2b : 0x2f;
}

function hexDigit(code: number): number | null {
  if (code >= 0x30 && code <= 0x39) return code - 0x30;
  if (code >= 0x41 && code <= 0x46) return code - 0x41 + 10;
  if (code >= 0x61 && code <= 0x66) return code - 0x61 + 10;
  return null;
}
