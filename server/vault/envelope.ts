/**
 * Sealing: AES-256-GCM with a data key of its own for every credential, wrapped (AES-256-GCM again) by a
 * key derived from the master key. Both layers bind the credential's name, kind and version, so that a
 * sealed value can't be moved to another row. Not caught here: a whole older row put back.
 *
 * Layout: format (1 byte) ‖ key id (8) ‖ wrap nonce (12) ‖ wrapped data key (32) ‖ wrap tag (16) ‖
 * nonce (12) ‖ tag (16) ‖ ciphertext.
 */
import {
  createCipheriv,
  createDecipheriv,
  createHash,
  hkdfSync,
  randomBytes,
  type CipherGCMTypes,
} from 'node:crypto';
import type { MasterKey } from './master-key.ts';

const CIPHER: CipherGCMTypes = 'aes-256-gcm';
const FORMAT = 1;
const LENGTH = { keyId: 8, nonce: 12, key: 32, tag: 16 } as const;
const WRAP_AT = 1 + LENGTH.keyId;
const BODY_AT = WRAP_AT + LENGTH.nonce + LENGTH.key + LENGTH.tag;
/** Bytes that sealing adds. */
export const ENVELOPE_BYTES = BODY_AT + LENGTH.nonce + LENGTH.tag;

/** What a sealed value belongs to; opening under another context fails. */
export interface SealContext {
  readonly name: string;
  readonly kind: string;
  readonly version: number;
}

export type OpenOutcome =
  | { readonly kind: 'open'; readonly bytes: Buffer }
  /** Sealed by another master key. */
  | { readonly kind: 'other-key'; readonly keyId: string }
  /** Changed, cut, or moved from another credential. */
  | { readonly kind: 'damaged' };

/** Names a master key without telling anything about it: 16 hexadecimal digits. */
export function keyIdOf(masterKey: MasterKey): string {
  const derived = derive(masterKey, 'sallyport key id');
  return createHash('sha256')
    .update(derived)
    .digest('hex')
    .slice(0, LENGTH.keyId * 2);
}

export function seal(masterKey: MasterKey, context: SealContext, plain: Buffer): Buffer {
  const header = Buffer.concat([Buffer.of(FORMAT), Buffer.from(keyIdOf(masterKey), 'hex')]);
  const bound = boundData(header, context);
  const dataKey = randomBytes(LENGTH.key);
  const wrappingKey = derive(masterKey, 'sallyport credential wrapping');
  try {
    const wrap = encrypt(wrappingKey, bound, dataKey);
    const body = encrypt(dataKey, bound, plain);
    const wrapped = [wrap.nonce, wrap.bytes, wrap.tag];
    return Buffer.concat([header, ...wrapped, body.nonce, body.tag, body.bytes]);
  } finally {
    dataKey.fill(0);
    wrappingKey.fill(0);
  }
}

export function open(masterKey: MasterKey, context: SealContext, sealed: Buffer): OpenOutcome {
  if (sealed.length < ENVELOPE_BYTES || sealed[0] !== FORMAT) return { kind: 'damaged' };
  const header = sealed.subarray(0, WRAP_AT);
  const keyId = header.subarray(1).toString('hex');
  if (keyId !== keyIdOf(masterKey)) return { kind: 'other-key', keyId };
  const bound = boundData(header, context);
  const wrappingKey = derive(masterKey, 'sallyport credential wrapping');
  let dataKey: Buffer | null = null;
  try {
    const wrap = cut(sealed, WRAP_AT, LENGTH.nonce, LENGTH.key, LENGTH.tag);
    dataKey = decrypt(wrappingKey, bound, { nonce: wrap[0], bytes: wrap[1], tag: wrap[2] });
    const body = cut(sealed, BODY_AT, LENGTH.nonce, LENGTH.tag, sealed.length - ENVELOPE_BYTES);
    const bytes = decrypt(dataKey, bound, { nonce: body[0], tag: body[1], bytes: body[2] });
    return { kind: 'open', bytes };
  } catch {
    // The only failure left is that of a tag.
    return { kind: 'damaged' };
  } finally {
    dataKey?.fill(0);
    wrappingKey.fill(0);
  }
}

interface Encrypted {
  readonly nonce: Buffer;
  readonly tag: Buffer;
  readonly bytes: Buffer;
}

/** The key has been used for nothing else or for few messages, so a random nonce never repeats. */
function encrypt(key: Buffer, bound: Buffer, plain: Buffer): Encrypted {
  const nonce = randomBytes(LENGTH.nonce);
  const cipher = createCipheriv(CIPHER, key, nonce, { authTagLength: LENGTH.tag });
  cipher.setAAD(bound);
  const bytes = Buffer.concat([cipher.update(plain), cipher.final()]);
  return { nonce, tag: cipher.getAuthTag(), bytes };
}

function decrypt(key: Buffer, bound: Buffer, { nonce, tag, bytes }: Encrypted): Buffer {
  const decipher = createDecipheriv(CIPHER, key, nonce, { authTagLength: LENGTH.tag });
  decipher.setAAD(bound);
  decipher.setAuthTag(tag);
  const first = decipher.update(bytes);
  try {
    return Buffer.concat([first, decipher.final()]);
  } finally {
    first.fill(0);
  }
}

function derive(masterKey: MasterKey, purpose: string): Buffer {
  return Buffer.from(hkdfSync('sha256', masterKey.bytes, '', purpose, LENGTH.key));
}

/** JSON keeps the parts apart whatever characters they hold. */
function boundData(header: Buffer, { name, kind, version }: SealContext): Buffer {
  return Buffer.concat([header, Buffer.from(JSON.stringify([name, kind, version]))]);
}

function cut(
  bytes: Buffer,
  from: number,
  first: number,
  second: number,
  third: number,
): readonly [Buffer, Buffer, Buffer] {
  const one = from + first;
  const two = one + second;
  return [bytes.subarray(from, one), bytes.subarray(one, two), bytes.subarray(two, two + third)];
}
