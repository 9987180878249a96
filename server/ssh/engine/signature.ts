/**
 * Public keys and signatures of RFC 4253 section 6.6, RFC 5656, RFC 8332 and RFC 8709 with node's own
 * cryptography: a key blob is checked once when it is read, and no signature is taken on trust. The keys of
 * security tokens (FIDO) are those of OpenSSH's PROTOCOL.u2f.
 * Not caught here: whether a key is registered, whether somebody touched the token, and a token that was
 * copied, which its counter would show. Certificates are no keys here.
 */
import {
  createHash,
  createPublicKey,
  sign as signWith,
  verify as verifyWith,
  type JsonWebKey,
  type KeyObject,
} from 'node:crypto';
import { encodeFields, encodeInteger, MalformedPacket, PacketReader } from './wire.ts';

/** Weakest RSA key that is accepted, the strongest, and the largest exponent: more cost time to verify. */
export const MIN_RSA_BITS = 2048;
const MAX_RSA_BITS = 16_384;
const MAX_RSA_EXPONENT_BITS = 32;
/** Longest application that a security token's key may name; OpenSSH's is `ssh:` and a few words. */
const MAX_APPLICATION_BYTES = 255;

interface Curve {
  readonly name: string;
  readonly jwk: string;
  readonly bytes: number;
  readonly hash: string;
}
const CURVES: Readonly<Record<string, Curve>> = {
  'ecdsa-sha2-nistp256': { name: 'nistp256', jwk: 'P-256', bytes: 32, hash: 'sha256' },
  'ecdsa-sha2-nistp384': { name: 'nistp384', jwk: 'P-384', bytes: 48, hash: 'sha384' },
  'ecdsa-sha2-nistp521': { name: 'nistp521', jwk: 'P-521', bytes: 66, hash: 'sha512' },
};
/** Keys of security tokens, and the key type inside. */
const TOKEN_TYPES: Readonly<Record<string, string>> = {
  'sk-ssh-ed25519@openssh.com': 'ssh-ed25519',
  'sk-ecdsa-sha2-nistp256@openssh.com': 'ecdsa-sha2-nistp256',
};
/** Flags and counter behind a token's signature, and the flags. */
const TOKEN_FLAGS_BYTES = 5;
const USER_PRESENT = 0x01;
const USER_VERIFIED = 0x04;
const RSA_HASHES: Readonly<Record<string, string>> = {
  'rsa-sha2-256': 'sha256',
  'rsa-sha2-512': 'sha512',
};

export type BlobOutcome =
  | {
      readonly kind: 'key';
      readonly type: string;
      readonly key: KeyObject;
      /** What a security token signs for (`ssh:`); null = the key is in no token. */
      readonly application: Buffer | null;
    }
  | { readonly kind: 'invalid'; readonly why: string };

/** What a security token says of the moment in which it signed. */
export interface TokenFlags {
  /** Somebody touched it. */
  readonly isTouched: boolean;
  /** It asked for a PIN or a finger first. */
  readonly isVerified: boolean;
}

/** `SHA256:…` as OpenSSH shows it. */
export function fingerprintOf(blob: Buffer): string {
  return `SHA256:${createHash('sha256').update(blob).digest('base64').replace(/=+$/, '')}`;
}

/** Reads a public key blob. Expected failures are values; never throws. */
export function readBlob(blob: Buffer): BlobOutcome {
  try {
    const reader = new PacketReader(blob);
    const type = reader.name();
    const outcome = readKey(type, reader);
    if (outcome.kind === 'key' && reader.rest().length > 0) return invalid('trailing bytes');
    return outcome;
  } catch (thrown) {
    if (thrown instanceof MalformedPacket) return invalid('the key is cut');
    return invalid('the key is not valid');
  }
}

function readKey(type: string, reader: PacketReader): BlobOutcome {
  const inner = TOKEN_TYPES[type];
  if (inner !== undefined) {
    const outcome = readKey(inner, reader);
    if (outcome.kind === 'invalid') return outcome;
    const application = reader.string();
    if (application.length > MAX_APPLICATION_BYTES) return invalid('its application is too long');
    return { ...outcome, type, application };
  }
  const curve = CURVES[type];
  if (type === 'ssh-ed25519') {
    const point = reader.string();
    if (point.length !== 32) return invalid('an Ed25519 key has 32 bytes');
    return publicKey(type, { kty: 'OKP', crv: 'Ed25519', x: base64url(point) });
  }
  if (curve !== undefined) {
    if (reader.name() !== curve.name) return invalid('the curve does not fit the key type');
    const point = reader.string();
    if (point.length !== 1 + 2 * curve.bytes || point[0] !== 4) {
      return invalid('the point is not of the curve');
    }
    const x = base64url(point.subarray(1, 1 + curve.bytes));
    const y = base64url(point.subarray(1 + curve.bytes));
    return publicKey(type, { kty: 'EC', crv: curve.jwk, x, y });
  }
  if (type === 'ssh-rsa') {
    const e = reader.string();
    const n = reader.string();
    const outcome = publicKey(type, { kty: 'RSA', n: base64url(n), e: base64url(e) });
    if (outcome.kind === 'invalid') return outcome;
    const bits = outcome.key.asymmetricKeyDetails?.modulusLength ?? 0;
    if (bits < MIN_RSA_BITS)
      return invalid(`an RSA key needs ${MIN_RSA_BITS} bits, this has ${bits}`);
    if (bits > MAX_RSA_BITS) return invalid('the RSA key is too large');
    const exponent = outcome.key.asymmetricKeyDetails?.publicExponent ?? 0n;
    if (exponent >> BigInt(MAX_RSA_EXPONENT_BITS) > 0n) {
      return invalid('the exponent of the RSA key is too large');
    }
    return outcome;
  }
  if (type.includes('-cert-')) return invalid('a certificate is not a key');
  if (type === 'ssh-dss') return invalid('DSA keys are too weak');
  return invalid('the key type is unknown');
}

function publicKey(type: string, key: JsonWebKey): BlobOutcome {
  return { kind: 'key', type, key: createPublicKey({ key, format: 'jwk' }), application: null };
}

function invalid(why: string): BlobOutcome {
  return { kind: 'invalid', why };
}

/** The blob of a public or private key; null for a kind that SSH doesn't use here. */
export function blobOf(key: KeyObject): Buffer | null {
  const publicHalf = key.type === 'private' ? createPublicKey(key) : key;
  const jwk = publicHalf.export({ format: 'jwk' });
  const bytes = (value: string | undefined): Buffer => Buffer.from(value ?? '', 'base64url');
  if (jwk.kty === 'OKP' && jwk.crv === 'Ed25519') {
    return encodeFields(['ssh-ed25519', bytes(jwk.x)]);
  }
  if (jwk.kty === 'RSA') {
    return encodeFields(['ssh-rsa', encodeInteger(bytes(jwk.e)), encodeInteger(bytes(jwk.n))]);
  }
  const curve = Object.entries(CURVES).find(([, one]) => jwk.kty === 'EC' && one.jwk === jwk.crv);
  if (curve === undefined) return null;
  const point = Buffer.concat([Buffer.of(4), bytes(jwk.x), bytes(jwk.y)]);
  return encodeFields([curve[0], curve[1].name, point]);
}

/** The key type that a signature algorithm belongs to; null = an algorithm that is refused. */
export function keyTypeOf(algorithm: string): string | null {
  if (RSA_HASHES[algorithm] !== undefined) return 'ssh-rsa';
  const isKnown =
    algorithm === 'ssh-ed25519' ||
    CURVES[algorithm] !== undefined ||
    TOKEN_TYPES[algorithm] !== undefined;
  return isKnown ? algorithm : null;
}

/**
 * Whether `signature` (string algorithm, string value) is the key's signature of `data`. What a security
 * token says of its user is covered by the signature and isn't judged here: see `tokenFlags`.
 * @param algorithm the one that the request named; the signature must name the same
 */
export function verifySignature(
  blob: Buffer,
  algorithm: string,
  data: Buffer,
  signature: Buffer,
): boolean {
  const outcome = readBlob(blob);
  if (outcome.kind === 'invalid' || keyTypeOf(algorithm) !== outcome.type) return false;
  const { application, key } = outcome;
  try {
    const reader = new PacketReader(signature);
    if (reader.name() !== algorithm) return false;
    const value = reader.string();
    const rest = reader.rest();
    if (application === null) {
      return rest.length === 0 && verifyValue(key, algorithm, data, value);
    }
    if (rest.length !== TOKEN_FLAGS_BYTES) return false;
    const signed = Buffer.concat([sha256(application), rest, sha256(data)]);
    return verifyValue(key, TOKEN_TYPES[algorithm] ?? '', signed, value);
  } catch {
    return false; // A signature that can't be read proves nothing.
  }
}

/** What a token says in a signature that was verified; null for a signature of no token. */
export function tokenFlags(signature: Buffer): TokenFlags | null {
  const reader = new PacketReader(signature);
  if (TOKEN_TYPES[reader.name()] === undefined) return null;
  reader.string();
  const flags = reader.byte();
  return { isTouched: (flags & USER_PRESENT) !== 0, isVerified: (flags & USER_VERIFIED) !== 0 };
}

function verifyValue(key: KeyObject, algorithm: string, data: Buffer, value: Buffer): boolean {
  const curve = CURVES[algorithm];
  if (curve !== undefined) {
    const inner = new PacketReader(value);
    const pair = Buffer.concat([
      fixed(inner.string(), curve.bytes),
      fixed(inner.string(), curve.bytes),
    ]);
    return verifyWith(curve.hash, data, { key, dsaEncoding: 'ieee-p1363' }, pair);
  }
  if (algorithm === 'ssh-ed25519') return verifyWith(null, data, key, value);
  const modulus = Math.ceil((key.asymmetricKeyDetails?.modulusLength ?? 0) / 8);
  return verifyWith(RSA_HASHES[algorithm], data, key, fixed(value, modulus));
}

function sha256(data: Buffer): Buffer {
  return createHash('sha256').update(data).digest();
}

/** The signature of `data` in the form that `verifySignature` reads. */
export function signData(key: KeyObject, algorithm: string, data: Buffer): Buffer {
  const curve = CURVES[algorithm];
  if (curve === undefined) {
    return encodeFields([algorithm, signWith(RSA_HASHES[algorithm] ?? null, data, key)]);
  }
  const pair = signWith(curve.hash, data, { key, dsaEncoding: 'ieee-p1363' });
  const value = encodeFields([
    encodeInteger(pair.subarray(0, curve.bytes)),
    encodeInteger(pair.subarray(curve.bytes)),
  ]);
  return encodeFields([algorithm, value]);
}

/** Name of the hash that a host key of this type signs with; null = the algorithm brings its own. */
export function hostKeyHash(type: string, rsaHash: string | undefined): string | null {
  return CURVES[type]?.hash ?? (type === 'ssh-rsa' ? (rsaHash ?? 'sha1') : null);
}

/** A big-endian number in exactly `size` bytes; throws when it has more. */
function fixed(value: Buffer, size: number): Buffer {
  let from = 0;
  while (value.length - from > size && value[from] === 0) from += 1;
  const digits = value.subarray(from);
  if (digits.length > size) throw new MalformedPacket('a number is too large');
  return Buffer.concat([Buffer.alloc(size - digits.length), digits]);
}

function base64url(bytes: Buffer): string {
  return bytes.toString('base64url');
}
