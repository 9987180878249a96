/**
 * Private keys as DER, which node takes as bytes: any other way in makes strings or big numbers of the
 * secret, and these can't be wiped. Every piece that held a secret is wiped before a function returns.
 * Not caught here: whether the numbers fit each other.
 */
import { createPrivateKey, type KeyObject } from 'node:crypto';
import { encodeInteger } from './wire.ts';

const TAG = { integer: 0x02, bits: 0x03, octets: 0x04, sequence: 0x30, first: 0xa0, second: 0xa1 };
const ED25519_HEADER = Buffer.from('302e020100300506032b657004220420', 'hex');
const ED25519_SEED_BYTES = 32;
/** Object identifiers, encoded, with the size of a number on the curve. */
const CURVES: Readonly<Record<string, { readonly id: Buffer; readonly bytes: number }>> = {
  nistp256: { id: Buffer.from('06082a8648ce3d030107', 'hex'), bytes: 32 },
  nistp384: { id: Buffer.from('06052b81040022', 'hex'), bytes: 48 },
  nistp521: { id: Buffer.from('06052b81040023', 'hex'), bytes: 66 },
};
const WORD_BITS = 32;
const WORD_BYTES = 4;

/** @param seed the first 32 bytes of OpenSSH's secret */
export function ed25519Key(seed: Buffer): KeyObject {
  const der = Buffer.concat([ED25519_HEADER, seed.subarray(0, ED25519_SEED_BYTES)]);
  return fromDer(der, 'pkcs8');
}

/** Null for a curve that isn't known. @param d big-endian, of any length */
export function ecKey(curve: string, point: Buffer, d: Buffer): KeyObject | null {
  const known = CURVES[curve];
  if (known === undefined) return null;
  const digits = Buffer.concat([Buffer.alloc(known.bytes), d]);
  const octets = der(TAG.octets, digits.subarray(-known.bytes));
  const parts = [
    der(TAG.integer, Buffer.of(1)),
    octets,
    der(TAG.first, known.id),
    der(TAG.second, der(TAG.bits, Buffer.concat([Buffer.of(0), point]))),
  ];
  return made(parts, [digits, octets], 'sec1');
}

export interface RsaNumbers {
  readonly n: Buffer;
  readonly e: Buffer;
  readonly d: Buffer;
  readonly inverse: Buffer;
  readonly p: Buffer;
  readonly q: Buffer;
}

export function rsaKey({ d, e, inverse, n, p, q }: RsaNumbers): KeyObject {
  const exponents = [p, q].map((prime) => remainder(d, lessOne(prime)));
  const numbers = [Buffer.of(0), n, e, d, p, q, ...exponents, inverse];
  const parts = numbers.map((number) => {
    const magnitude = encodeInteger(number);
    const encoded = der(TAG.integer, magnitude);
    // It is a copy where a zero was put in front.
    if (magnitude.buffer !== number.buffer) magnitude.fill(0);
    return encoded;
  });
  return made(parts, [...parts, ...exponents], 'pkcs1');
}

function made(
  parts: readonly Buffer[],
  secrets: readonly Buffer[],
  type: 'pkcs1' | 'sec1',
): KeyObject {
  const inner = Buffer.concat(parts);
  const whole = der(TAG.sequence, inner);
  for (const secret of [...secrets, inner]) secret.fill(0);
  return fromDer(whole, type);
}

function fromDer(key: Buffer, type: 'pkcs1' | 'pkcs8' | 'sec1'): KeyObject {
  try {
    return createPrivateKey({ key, format: 'der', type });
  } finally {
    key.fill(0);
  }
}

function der(tag: number, content: Buffer): Buffer {
  const { length } = content;
  const size =
    length < 0x80 ? [length] : length < 0x100 ? [0x81, length] : [0x82, length >> 8, length & 0xff];
  return Buffer.concat([Buffer.of(tag, ...size), content]);
}

/** An odd number less one. */
function lessOne(prime: Buffer): Buffer {
  const less = Buffer.from(prime);
  const last = less.length - 1;
  if (last >= 0) less[last] = (less[last] ?? 0) & 0xfe;
  return less;
}

/** What is left of a division, bit by bit; numbers are big-endian. Wipes the divisor. */
function remainder(number: Buffer, divisor: Buffer): Buffer {
  const size = Math.ceil(divisor.length / WORD_BYTES) + 1;
  const by = toWords(divisor, size);
  const left = new Uint32Array(size);
  if (by.some((word) => word !== 0)) {
    for (const byte of number) {
      for (let bit = 7; bit >= 0; bit -= 1) {
        shiftIn(left, (byte >> bit) & 1);
        if (isAtLeast(left, by)) subtract(left, by);
      }
    }
  }
  const bytes = Buffer.alloc(size * WORD_BYTES);
  left.forEach((word, at) => bytes.writeUInt32BE(word, bytes.length - WORD_BYTES * (at + 1)));
  for (const words of [left, by]) words.fill(0);
  divisor.fill(0);
  return bytes;
}

/** Least word first. */
function toWords(number: Buffer, size: number): Uint32Array {
  const words = new Uint32Array(size);
  for (let at = 0; at < number.length; at += 1) {
    const byte = number[number.length - 1 - at] ?? 0;
    const word = at >> 2;
    words[word] = ((words[word] ?? 0) | (byte << (8 * (at & 3)))) >>> 0;
  }
  return words;
}

function shiftIn(words: Uint32Array, bit: number): void {
  let carry = bit;
  for (let at = 0; at < words.length; at += 1) {
    const word = words[at] ?? 0;
    words[at] = ((word << 1) | carry) >>> 0;
    carry = word >>> (WORD_BITS - 1);
  }
}

function isAtLeast(words: Uint32Array, other: Uint32Array): boolean {
  for (let at = words.length - 1; at >= 0; at -= 1) {
    const [one, two] = [words[at] ?? 0, other[at] ?? 0];
    if (one !== two) return one > two;
  }
  return true;
}

function subtract(words: Uint32Array, other: Uint32Array): void {
  let borrow = 0;
  for (let at = 0; at < words.length; at += 1) {
    const difference = (words[at] ?? 0) - (other[at] ?? 0) - borrow;
    borrow = difference < 0 ? 1 : 0;
    words[at] = difference >>> 0;
  }
}
