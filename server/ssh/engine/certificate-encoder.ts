/**
 * Writes OpenSSH certificates, version 01 (PROTOCOL.certkeys), for users and for hosts. Pure but for the
 * randomness that the caller brings.
 * Not caught here: whether somebody should have this certificate, and whether the signer is a trusted CA.
 */
import type { KeyObject } from 'node:crypto';
import { SallyportError } from '../../errors.ts';
import { blobOf, signData } from './signature.ts';
import { encodeFields, PacketReader } from './wire.ts';

const SUFFIX = '-cert-v01@openssh.com';
const KIND = { user: 1, host: 2 } as const;
/** A nonce shorter than this doesn't keep a signer from being led to sign what somebody else has made. */
const MIN_NONCE_BYTES = 16;

export interface CertificateFields {
  readonly kind: keyof typeof KIND;
  /** The public key that is certified, as a blob (`ssh-ed25519`, `ecdsa-…`, `ssh-rsa`). */
  readonly key: Buffer;
  /** Random bytes, at least 16. */
  readonly nonce: Buffer;
  readonly serial: bigint;
  /** What servers write into their logs. */
  readonly keyId: string;
  /** Logins or host names; none means every one, so an empty list is refused. */
  readonly principals: readonly string[];
  readonly validAfterMs: number;
  readonly validBeforeMs: number;
  /** Name and value; the order doesn't matter. */
  readonly criticalOptions?: Readonly<Record<string, string>>;
  /** Names of extensions without a value: `permit-pty`. */
  readonly extensions?: readonly string[];
}

export interface EncodedCertificate {
  /** `ssh-ed25519-cert-v01@openssh.com` */
  readonly type: string;
  readonly blob: Buffer;
}

/** Name of the certificate type for a key type: `ssh-ed25519` → `ssh-ed25519-cert-v01@openssh.com`. */
export function certificateTypeOf(keyType: string): string {
  return `${keyType}${SUFFIX}`;
}

/** The certificate, signed by `authority` (a private key). Throws `internal` for fields that make no certificate. */
export function encodeCertificate(
  fields: CertificateFields,
  authority: KeyObject,
): EncodedCertificate {
  const { key, nonce, principals, criticalOptions = {}, extensions = [] } = fields;
  const signer = blobOf(authority);
  if (signer === null || nonce.length < MIN_NONCE_BYTES || principals.length === 0) {
    throw new SallyportError(
      'internal',
      'a certificate was asked for without a usable signing key, a nonce or a name',
      'this is a defect; please report it',
    );
  }
  const reader = new PacketReader(key);
  const type = certificateTypeOf(reader.name());
  const options = Object.entries(criticalOptions).map(
    ([name, value]) => [name, encodeFields([value])] as const,
  );
  const flags = extensions.map((name) => [name, Buffer.alloc(0)] as const);
  const signed = Buffer.concat([
    encodeFields([type, nonce]),
    reader.rest(),
    uint64(fields.serial),
    encodeFields([KIND[fields.kind], fields.keyId, encodeFields(principals)]),
    uint64(seconds(fields.validAfterMs)),
    uint64(seconds(fields.validBeforeMs)),
    encodeFields([pairs(options), pairs(flags), '', signer]),
  ]);
  const keyType = new PacketReader(signer).name();
  const algorithm = keyType === 'ssh-rsa' ? 'rsa-sha2-512' : keyType;
  const signature = signData(authority, algorithm, signed);
  return { type, blob: Buffer.concat([signed, encodeFields([signature])]) };
}

/** Readers refuse names that come twice or out of order. */
function pairs(entries: readonly (readonly [string, Buffer])[]): Buffer {
  const sorted = entries.toSorted(([a], [b]) => Buffer.compare(Buffer.from(a), Buffer.from(b)));
  return encodeFields(sorted.flat());
}

function uint64(value: bigint): Buffer {
  const bytes = Buffer.alloc(8);
  bytes.writeBigUInt64BE(BigInt.asUintN(64, value));
  return bytes;
}

function seconds(ms: number): bigint {
  return BigInt(Math.max(0, Math.floor(ms / 1000)));
}
