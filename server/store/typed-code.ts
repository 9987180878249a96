/** Codes that a terminal shows and a person types in a browser. Only their hashes are stored. */
import { createHash, randomBytes, randomInt, timingSafeEqual } from 'node:crypto';

/** Letters that make no words and that nobody takes for one another (RFC 8628 section 6.1). */
const ALPHABET = 'BCDFGHJKLMNPQRSTVWXZ';
const LETTERS = 8;
const CODE = new RegExp(`^[${ALPHABET}]{${LETTERS}}$`);
const SECRET_BYTES = 32;
const SECRET = /^[A-Za-z0-9_-]{43}$/;
/** Longer input is no code. */
const MAX_TYPED_CHARACTERS = 64;

/** A fresh code as it is shown, `BCDF-GHJK`: 34 bits. */
export function newCode(): string {
  const letters = Array.from({ length: LETTERS }, () => ALPHABET[randomInt(ALPHABET.length)]);
  return `${letters.slice(0, 4).join('')}-${letters.slice(4).join('')}`;
}

/** What somebody typed, in the form that is hashed; spaces, hyphens and small letters don't matter. */
export function readCode(typed: string): string | null {
  if (typed.length > MAX_TYPED_CHARACTERS) return null;
  const letters = typed.toUpperCase().replaceAll(/[\s\p{Pd}.]/gu, '');
  const isCode = CODE.test(letters);
  return isCode ? letters : null;
}

/** A secret that nobody guesses. */
export function newSecret(): string {
  return randomBytes(SECRET_BYTES).toString('base64url');
}

export function isSecret(text: string): boolean {
  return SECRET.test(text);
}

/** @param salt keeps the hash of a short code from being looked up by whoever reads the database */
export function hashOf(text: string, salt = ''): Buffer {
  return createHash('sha256').update(salt).update('\0').update(text).digest();
}

/** In constant time. */
export function isSameHash(one: Buffer, other: Buffer): boolean {
  return one.length === other.length && timingSafeEqual(one, other);
}
