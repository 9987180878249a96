/**
 * Reads OpenSSH certificates, version 01 (PROTOCOL.certkeys), and verifies what an authority has signed.
 * Expected failures are values; nothing here throws. ssh2's own reader takes the nonce for the key.
 * Not caught here: whether the authority is trusted, the time, revocation, and who a certificate names.
 */
import { keyTypeOf, readBlob, verifySignature } from './signature.ts';
import { encodeFields, exactText, PacketReader } from './wire.ts';

/** As many names as OpenSSH puts into one certificate. */
const MAX_PRINCIPALS = 256;
const MAX_OPTIONS = 64;

/** How many fields the key has inside its certificate, and what it is called outside. */
const TYPES: Readonly<Record<string, { readonly keyType: string; readonly fields: number }>> = {
  'ssh-ed25519-cert-v01@openssh.com': { keyType: 'ssh-ed25519', fields: 1 },
  'ssh-rsa-cert-v01@openssh.com': { keyType: 'ssh-rsa', fields: 2 },
  'ecdsa-sha2-nistp256-cert-v01@openssh.com': { keyType: 'ecdsa-sha2-nistp256', fields: 2 },
  'ecdsa-sha2-nistp384-cert-v01@openssh.com': { keyType: 'ecdsa-sha2-nistp384', fields: 2 },
  'ecdsa-sha2-nistp521-cert-v01@openssh.com': { keyType: 'ecdsa-sha2-nistp521', fields: 2 },
  'sk-ssh-ed25519-cert-v01@openssh.com': { keyType: 'sk-ssh-ed25519@openssh.com', fields: 2 },
  'sk-ecdsa-sha2-nistp256-cert-v01@openssh.com': {
    keyType: 'sk-ecdsa-sha2-nistp256@openssh.com',
    fields: 3,
  },
};
/** Signatures by an RSA key name their hash; `ssh-rsa-cert-v01@openssh.com` itself means SHA-1. */
const RSA_ALGORITHMS: Readonly<Record<string, string>> = {
  'rsa-sha2-256-cert-v01@openssh.com': 'rsa-sha2-256',
  'rsa-sha2-512-cert-v01@openssh.com': 'rsa-sha2-512',
};
const KINDS: Readonly<Record<number, 'user' | 'host'>> = { 1: 'user', 2: 'host' };

export interface Certificate {
  /** `ssh-ed25519-cert-v01@openssh.com` */
  readonly type: string;
  /** The certified key as a blob of its own. */
  readonly key: Buffer;
  readonly keyType: string;
  readonly serial: bigint;
  readonly kind: 'user' | 'host';
  readonly keyId: string;
  readonly principals: readonly string[];
  /** Seconds since 1970; valid from the first to before the second. */
  readonly validAfterS: bigint;
  readonly validBeforeS: bigint;
  readonly criticalOptions: ReadonlyMap<string, Buffer>;
  readonly extensions: ReadonlyMap<string, Buffer>;
  /** Public key of the authority, as a blob. */
  readonly authority: Buffer;
  /** What the authority's signature covers. */
  readonly signed: Buffer;
  readonly signature: Buffer;
}

export type CertificateOutcome =
  | { readonly kind: 'certificate'; readonly certificate: Certificate }
  | { readonly kind: 'invalid'; readonly why: string };

/** Whether a blob or an algorithm of this name is a certificate's, usable or not. */
export function isCertificateName(name: string): boolean {
  return name.includes('-cert-v');
}

/**
 * What an algorithm of a publickey request for a certificate means: the certificate's type and the
 * algorithm of the signature. Null = none that is accepted.
 */
export function certificateAlgorithm(
  algorithm: string,
): { readonly type: string; readonly signature: string } | null {
  const rsa = RSA_ALGORITHMS[algorithm];
  if (rsa !== undefined) return { type: 'ssh-rsa-cert-v01@openssh.com', signature: rsa };
  const known = TYPES[algorithm];
  if (known === undefined || known.keyType === 'ssh-rsa') return null;
  return { type: algorithm, signature: known.keyType };
}

/** Reads a certificate; its signature isn't verified yet. */
export function readCertificate(blob: Buffer): CertificateOutcome {
  try {
    return readFields(blob);
  } catch {
    return invalid('the certificate is cut');
  }
}

function readFields(blob: Buffer): CertificateOutcome {
  const reader = new PacketReader(blob);
  const type = reader.name();
  const known = TYPES[type];
  if (known === undefined) return invalid('the type of certificate is unknown');
  reader.string();
  const from = reader.position;
  for (let left = known.fields; left > 0; left -= 1) reader.string();
  const key = Buffer.concat([encodeFields([known.keyType]), blob.subarray(from, reader.position)]);
  const keyOutcome = readBlob(key);
  if (keyOutcome.kind === 'invalid') return invalid(`its key: ${keyOutcome.why}`);
  const serial = uint64(reader);
  const kind = KINDS[reader.uint32()];
  if (kind === undefined) return invalid('it is neither for users nor for hosts');
  const keyId = exactText(reader.string());
  if (keyId === null) return invalid('its key id is not UTF-8');
  const principals = readNames(reader.string());
  if (principals === null) return invalid('its principals cannot be read');
  const validAfterS = uint64(reader);
  const validBeforeS = uint64(reader);
  const criticalOptions = readOptions(reader.string());
  const extensions = readOptions(reader.string());
  if (criticalOptions === null || extensions === null) {
    return invalid('its options cannot be read');
  }
  reader.string();
  const authority = Buffer.from(reader.string());
  const authorityOutcome = readBlob(authority);
  if (authorityOutcome.kind === 'invalid') {
    return invalid(`the key of its authority: ${authorityOutcome.why}`);
  }
  const signed = blob.subarray(0, reader.position);
  const signature = Buffer.from(reader.string());
  if (reader.rest().length > 0) return invalid('bytes follow the certificate');
  return {
    kind: 'certificate',
    certificate: {
      type,
      key,
      keyType: known.keyType,
      serial,
      kind,
      keyId,
      principals,
      validAfterS,
      validBeforeS,
      criticalOptions,
      extensions,
      authority,
      signed,
      signature,
    },
  };
}

/** Whether the authority that the certificate names has signed it, by an algorithm that isn't broken. */
export function isSignedByAuthority(certificate: Certificate): boolean {
  const { authority, signature, signed } = certificate;
  try {
    const algorithm = new PacketReader(signature).name();
    if (keyTypeOf(algorithm) === null) return false;
    return verifySignature(authority, algorithm, signed, signature);
  } catch {
    return false;
  }
}

function readNames(bytes: Buffer): readonly string[] | null {
  const reader = new PacketReader(bytes);
  const names: string[] = [];
  while (reader.position < bytes.length) {
    const name = exactText(reader.string());
    if (name === null || names.length >= MAX_PRINCIPALS) return null;
    names.push(name);
  }
  return names;
}

/** Null also when an option comes twice: two readers could take different ones for valid. */
function readOptions(bytes: Buffer): ReadonlyMap<string, Buffer> | null {
  const reader = new PacketReader(bytes);
  const options = new Map<string, Buffer>();
  while (reader.position < bytes.length) {
    const name = reader.name();
    const value = Buffer.from(reader.string());
    if (options.has(name) || options.size >= MAX_OPTIONS) return null;
    options.set(name, value);
  }
  return options;
}

function uint64(reader: PacketReader): bigint {
  const high = BigInt(reader.uint32());
  return (high << 32n) | BigInt(reader.uint32());
}

function invalid(why: string): CertificateOutcome {
  return { kind: 'invalid', why };
}
