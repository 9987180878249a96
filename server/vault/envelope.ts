/**
 * Sealing: AES-256-GCM with a data key of its own for every version of a credential; the data key is
 * wrapped by a key-encryption key, which is somebody else's business (`key-service.ts`). The body binds the
 * credential's name, kind and version, the wrapping binds these and the key's id, so that neither can be
 * moved to another row. Not caught here: a whole older row put back.
 *
 * Format 2: 2 ‖ length of key id (1 byte) ‖ key id ‖ length of wrapping (2 bytes) ‖ wrapping ‖ nonce (12) ‖
 * tag (16) ‖ ciphertext. Another key-encryption key changes the wrapping alone.
 * Format 1, only read: 1 ‖ key id (8) ‖ wrap nonce (12) ‖ wrapped data key (32) ‖ wrap tag (16) ‖ nonce (12)
 * ‖ tag (16) ‖ ciphertext, where the body binds the key id, too.
 */
import { createCipheriv, createDecipheriv, randomBytes, type CipherGCMTypes } from 'node:crypto';

const CIPHER: CipherGCMTypes = 'aes-256-gcm';
const OLD_FORMAT = 1;
const FORMAT = 2;
/** Longest id of a key, and longest wrapping, bytes. */
const MAX_KEY_ID_BYTES = 255;
export const MAX_WRAPPING_BYTES = 4_096;
const LENGTH = { keyId: 8, nonce: 12, tag: 16 } as const;
export const DATA_KEY_BYTES = 32;
const KEY_ID = /^[\x21-\x7e]+$/;

/** What a sealed value belongs to; opening under another context fails. */
export interface SealContext {
  readonly name: string;
  readonly kind: string;
  readonly version: number;
}

/** A data key as it is stored. */
export interface WrappedKey {
  readonly format: 1 | 2;
  /** Which key-encryption key wrapped it. */
  readonly keyId: string;
  readonly wrapping: Buffer;
}

export interface Envelope {
  readonly key: WrappedKey;
  /** nonce ‖ tag ‖ ciphertext */
  readonly body: Buffer;
}

/** The parts of a sealed value; null when it isn't one. Views, not copies. */
export function readEnvelope(sealed: Buffer): Envelope | null {
  if (sealed[0] === OLD_FORMAT) {
    const wrapAt = 1 + LENGTH.keyId;
    const bodyAt = wrapAt + LENGTH.nonce + DATA_KEY_BYTES + LENGTH.tag;
    if (sealed.length < bodyAt + LENGTH.nonce + LENGTH.tag) return null;
    const keyId = sealed.toString('hex', 1, wrapAt);
    const wrapping = sealed.subarray(wrapAt, bodyAt);
    return { key: { format: OLD_FORMAT, keyId, wrapping }, body: sealed.subarray(bodyAt) };
  }
  if (sealed[0] !== FORMAT) return null;
  const wrapLengthAt = 2 + (sealed[1] ?? 0);
  const keyId = sealed.toString('latin1', 2, wrapLengthAt);
  if (!KEY_ID.test(keyId) || sealed.length < wrapLengthAt + 2) return null;
  const wrapAt = wrapLengthAt + 2;
  const bodyAt = wrapAt + sealed.readUInt16BE(wrapLengthAt);
  if (bodyAt - wrapAt > MAX_WRAPPING_BYTES) return null;
  if (sealed.length < bodyAt + LENGTH.nonce + LENGTH.tag) return null;
  const wrapping = sealed.subarray(wrapAt, bodyAt);
  return { key: { format: FORMAT, keyId, wrapping }, body: sealed.subarray(bodyAt) };
}

/** Throws RangeError for a key id or a wrapping that has no place in it. */
export function writeEnvelope({ key, body }: Envelope): Buffer {
  const { keyId, wrapping } = key;
  const id = Buffer.from(keyId, 'latin1');
  if (!KEY_ID.test(keyId) || id.length > MAX_KEY_ID_BYTES) throw new RangeError('key id');
  if (key.format !== FORMAT || wrapping.length > MAX_WRAPPING_BYTES)
    throw new RangeError('wrapping');
  const wrapLength = Buffer.alloc(2);
  wrapLength.writeUInt16BE(wrapping.length);
  return Buffer.concat([Buffer.of(FORMAT, id.length), id, wrapLength, wrapping, body]);
}

/** nonce ‖ tag ‖ ciphertext of the credential under its data key. */
export function sealBody(dataKey: Buffer, context: SealContext, plain: Buffer): Buffer {
  return encrypt(
    dataKey,
    boundParts('credential', [context.name, context.kind, context.version]),
    plain,
  );
}

/** The credential; null when the body was changed, cut, or moved. */
export function openBody(
  dataKey: Buffer,
  context: SealContext,
  { key, body }: Envelope,
): Buffer | null {
  const { name, kind, version } = context;
  const bound =
    key.format === OLD_FORMAT
      ? oldBound(key.keyId, context)
      : boundParts('credential', [name, kind, version]);
  return decrypt(dataKey, bound, body);
}

/** nonce ‖ ciphertext ‖ tag of a data key: what wraps where the key-encryption key is ours. */
export function wrapDataKey(
  wrappingKey: Buffer,
  keyId: string,
  { name, kind, version }: SealContext,
  dataKey: Buffer,
): WrappedKey {
  const bound = boundParts('data key', [keyId, name, kind, version]);
  const sealed = encrypt(wrappingKey, bound, dataKey);
  return { format: FORMAT, keyId, wrapping: sealed };
}

/** The data key; null when the wrapping was changed or belongs elsewhere. */
export function unwrapDataKey(
  wrappingKey: Buffer,
  { format, keyId, wrapping }: WrappedKey,
  context: SealContext,
): Buffer | null {
  const { name, kind, version } = context;
  if (wrapping.length !== LENGTH.nonce + LENGTH.tag + DATA_KEY_BYTES) return null;
  if (format === FORMAT) {
    return decrypt(wrappingKey, boundParts('data key', [keyId, name, kind, version]), wrapping);
  }
  // Format 1 has the tag at the end.
  const tagAt = wrapping.length - LENGTH.tag;
  const nonce = wrapping.subarray(0, LENGTH.nonce);
  const ordered = [nonce, wrapping.subarray(tagAt), wrapping.subarray(LENGTH.nonce, tagAt)];
  return decrypt(wrappingKey, oldBound(keyId, context), Buffer.concat(ordered));
}

/** A key encrypts one body or few wrappings, so a random nonce never repeats. */
function encrypt(key: Buffer, bound: Buffer, plain: Buffer): Buffer {
  const nonce = randomBytes(LENGTH.nonce);
  const cipher = createCipheriv(CIPHER, key, nonce, { authTagLength: LENGTH.tag });
  cipher.setAAD(bound);
  const bytes = Buffer.concat([cipher.update(plain), cipher.final()]);
  return Buffer.concat([nonce, cipher.getAuthTag(), bytes]);
}

function decrypt(key: Buffer, bound: Buffer, sealed: Buffer): Buffer | null {
  if (key.length !== DATA_KEY_BYTES) return null;
  const textAt = LENGTH.nonce + LENGTH.tag;
  const nonce = sealed.subarray(0, LENGTH.nonce);
  const decipher = createDecipheriv(CIPHER, key, nonce, { authTagLength: LENGTH.tag });
  decipher.setAAD(bound);
  decipher.setAuthTag(sealed.subarray(LENGTH.nonce, textAt));
  const bytes = decipher.update(sealed.subarray(textAt));
  try {
    decipher.final();
    return bytes;
  } catch {
    // The only failure is that of the tag.
    bytes.fill(0);
    return null;
  }
}

/** JSON keeps the parts apart whatever characters they hold. */
function boundParts(what: string, parts: readonly (string | number)[]): Buffer {
  return Buffer.from(JSON.stringify(['sallyport', what, FORMAT, ...parts]));
}

function oldBound(keyId: string, { name, kind, version }: SealContext): Buffer {
  const header = Buffer.concat([Buffer.of(OLD_FORMAT), Buffer.from(keyId, 'hex')]);
  return Buffer.concat([header, Buffer.from(JSON.stringify([name, kind, version]))]);
}
