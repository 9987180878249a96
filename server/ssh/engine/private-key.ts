/**
 * Private keys: OpenSSH's own container (PROTOCOL.key) and the PEM forms that node reads. Without
 * pass phrases, because nobody is there to type one. What is secret stays in bytes, which are wiped: a
 * string of it, or a match of an expression in it, would live on in the heap.
 * Not caught here: a key that somebody else has too.
 */
import { createPrivateKey, createPublicKey, type KeyObject } from 'node:crypto';
import { decodeBase64, encodeBase64 } from '../../base64.ts';
import { ecKey, ed25519Key, rsaKey } from './private-key-der.ts';
import { blobOf } from './signature.ts';
import { encodeFields, PacketReader } from './wire.ts';

const MAGIC = Buffer.from('openssh-key-v1\0');
const BEGIN = '-----BEGIN OPENSSH PRIVATE KEY-----';
const END = '-----END OPENSSH PRIVATE KEY-----';
const BLOCK_BYTES = 8;
const POINT_BYTES = 32;
const LINE_LENGTH = 70;

export type PrivateKeyOutcome =
  | { readonly kind: 'key'; readonly type: string; readonly key: KeyObject; readonly blob: Buffer }
  | { readonly kind: 'invalid'; readonly why: string };

const ENCRYPTED =
  'the private key is protected by a pass phrase; remove it with `ssh-keygen -p -N "" -f FILE` on a copy';
const IN_A_TOKEN = 'the secret of this key is in its security token, which the bastion has not';
const UNKNOWN_KIND = 'this kind of key is not supported; take Ed25519, ECDSA or RSA';

/** Reads an unencrypted private key (Ed25519, ECDSA, RSA). Never throws, and leaves no copy of its own. */
export function readPrivateKey(pem: Buffer): PrivateKeyOutcome {
  try {
    if (pem.includes(BEGIN)) return readContainer(pem);
    if (pem.includes('ENCRYPTED')) return invalid(ENCRYPTED);
    if (!pem.includes('-----BEGIN ') || !pem.includes('PRIVATE KEY-----')) {
      return invalid('this is not a private key in OpenSSH or PEM form');
    }
    return known(createPrivateKey(pem));
  } catch {
    return invalid('the private key is damaged or of an unknown kind');
  }
}

/** An Ed25519 private key as `ssh-keygen` writes it. `check` is any random number, `comment` is one line. */
export function writeContainer(key: KeyObject, check: number, comment: string): Buffer {
  const der = key.export({ format: 'der', type: 'pkcs8' });
  const point = createPublicKey(key).export({ format: 'der', type: 'spki' }).subarray(-POINT_BYTES);
  const both = Buffer.concat([der.subarray(-POINT_BYTES), point]);
  const secret = encodeFields([check, check, 'ssh-ed25519', point, both, comment]);
  const missing = (BLOCK_BYTES - (secret.length % BLOCK_BYTES)) % BLOCK_BYTES;
  const padding = Buffer.from(Array.from({ length: missing }, (_, at) => at + 1));
  const padded = Buffer.concat([secret, padding]);
  const blob = encodeFields(['ssh-ed25519', point]);
  const fields = encodeFields(['none', 'none', '', 1, blob, padded], MAGIC.length);
  MAGIC.copy(fields);
  const body = encodeBase64(fields);
  const lines: Uint8Array[] = [Buffer.from(`${BEGIN}\n`)];
  for (let at = 0; at < body.length; at += LINE_LENGTH) {
    lines.push(body.subarray(at, at + LINE_LENGTH), Buffer.from('\n'));
  }
  const container = Buffer.concat([...lines, Buffer.from(`${END}\n`)]);
  for (const one of [der, both, secret, padded, fields, body]) one.fill(0);
  return container;
}

function readContainer(pem: Buffer): PrivateKeyOutcome {
  const from = pem.indexOf(BEGIN) + BEGIN.length;
  const to = pem.indexOf(END, from);
  const bytes = to === -1 ? null : decodeBase64(pem.subarray(from, to));
  if (bytes === null) return invalid('the key file is damaged');
  try {
    return readDecoded(bytes);
  } finally {
    bytes.fill(0);
  }
}

function readDecoded(bytes: Buffer): PrivateKeyOutcome {
  if (!bytes.subarray(0, MAGIC.length).equals(MAGIC)) return invalid('the key file is damaged');
  const outer = new PacketReader(bytes, MAGIC.length);
  const cipher = outer.name();
  outer.string();
  outer.string();
  if (cipher !== 'none') return invalid(ENCRYPTED);
  if (outer.uint32() !== 1) return invalid('the file holds more than one key');
  outer.string();
  const secret = new PacketReader(outer.string());
  if (secret.uint32() !== secret.uint32()) return invalid('the key file is damaged');
  const type = secret.name();
  if (type.startsWith('sk-')) return invalid(IN_A_TOKEN);
  const key = readSecret(type, secret);
  return key === null ? invalid(UNKNOWN_KIND) : known(key);
}

/** All that it reads are views of the same bytes. */
function readSecret(type: string, secret: PacketReader): KeyObject | null {
  if (type === 'ssh-ed25519') {
    secret.string();
    return ed25519Key(secret.string());
  }
  if (type === 'ssh-rsa') {
    const [n, e, d, inverse, p, q] = [1, 2, 3, 4, 5, 6].map(() => secret.string());
    return n && e && d && inverse && p && q ? rsaKey({ n, e, d, inverse, p, q }) : null;
  }
  if (!type.startsWith('ecdsa-sha2-')) return null;
  const curve = secret.name();
  const point = secret.string();
  return ecKey(curve, point, secret.string());
}

function known(key: KeyObject): PrivateKeyOutcome {
  const blob = blobOf(key);
  if (blob === null) return invalid(UNKNOWN_KIND);
  const bits = key.asymmetricKeyDetails?.modulusLength;
  if (bits !== undefined && bits < 2048)
    return invalid(`an RSA key needs 2048 bits, this has ${bits}`);
  return { kind: 'key', type: new PacketReader(blob).name(), key, blob };
}

function invalid(why: string): PrivateKeyOutcome {
  return { kind: 'invalid', why };
}
