/**
 * Private keys: OpenSSH's own container (PROTOCOL.key) and the PEM forms that node reads. Without
 * pass phrases, because nobody is there to type one.
 * Not caught here: a key that somebody else has too.
 */
import { createPrivateKey, type JsonWebKey, type KeyObject } from 'node:crypto';
import { blobOf } from './signature.ts';
import { encodeFields, PacketReader } from './wire.ts';

const MAGIC = 'openssh-key-v1\0';
const BEGIN = '-----BEGIN OPENSSH PRIVATE KEY-----';
const END = '-----END OPENSSH PRIVATE KEY-----';
const BLOCK_BYTES = 8;
const LINE_LENGTH = 70;

export type PrivateKeyOutcome =
  | { readonly kind: 'key'; readonly type: string; readonly key: KeyObject; readonly blob: Buffer }
  | { readonly kind: 'invalid'; readonly why: string };

const ENCRYPTED =
  'the private key is protected by a pass phrase; remove it with `ssh-keygen -p -N "" -f FILE` on a copy';

/** Reads an unencrypted private key (Ed25519, ECDSA, RSA). Never throws. */
export function readPrivateKey(pem: Buffer): PrivateKeyOutcome {
  const text = pem.toString('latin1');
  try {
    if (text.includes(BEGIN)) return readContainer(text);
    if (/ENCRYPTED/.test(text)) return invalid(ENCRYPTED);
    if (!/-----BEGIN [A-Z ]*PRIVATE KEY-----/.test(text)) {
      return invalid('this is not a private key in OpenSSH or PEM form');
    }
    return known(createPrivateKey(pem));
  } catch {
    return invalid('the private key is damaged or of an unknown kind');
  }
}

/** An Ed25519 private key as `ssh-keygen` writes it. `check` is any random number, `comment` is one line. */
export function writeContainer(key: KeyObject, check: number, comment: string): Buffer {
  const jwk = key.export({ format: 'jwk' });
  const seed = Buffer.from(jwk.d ?? '', 'base64url');
  const point = Buffer.from(jwk.x ?? '', 'base64url');
  const secret = encodeFields([
    check,
    check,
    'ssh-ed25519',
    point,
    Buffer.concat([seed, point]),
    comment,
  ]);
  const missing = (BLOCK_BYTES - (secret.length % BLOCK_BYTES)) % BLOCK_BYTES;
  const padding = Buffer.from(Array.from({ length: missing }, (_, at) => at + 1));
  const blob = encodeFields(['ssh-ed25519', point]);
  const body = Buffer.concat([
    Buffer.from(MAGIC),
    encodeFields(['none', 'none', '', 1, blob, Buffer.concat([secret, padding])]),
  ]).toString('base64');
  const lines = body.match(new RegExp(`.{1,${LINE_LENGTH}}`, 'g')) ?? [];
  return Buffer.from([BEGIN, ...lines, END, ''].join('\n'));
}

function readContainer(text: string): PrivateKeyOutcome {
  const inner = text.slice(text.indexOf(BEGIN) + BEGIN.length, text.indexOf(END));
  const bytes = Buffer.from(inner, 'base64');
  if (bytes.toString('latin1', 0, MAGIC.length) !== MAGIC)
    return invalid('the key file is damaged');
  const outer = new PacketReader(bytes, MAGIC.length);
  const cipher = outer.name();
  outer.string();
  outer.string();
  if (cipher !== 'none') return invalid(ENCRYPTED);
  if (outer.uint32() !== 1) return invalid('the file holds more than one key');
  outer.string();
  const secret = new PacketReader(outer.string());
  if (secret.uint32() !== secret.uint32()) return invalid('the key file is damaged');
  const key = readSecret(secret);
  return key === null ? invalid('this kind of key is not supported') : known(key);
}

function readSecret(secret: PacketReader): KeyObject | null {
  const type = secret.name();
  if (type === 'ssh-ed25519') {
    const x = secret.string();
    const d = secret.string().subarray(0, 32);
    return fromJwk({ kty: 'OKP', crv: 'Ed25519', x: text(x), d: text(d) });
  }
  if (type === 'ssh-rsa') {
    const [n, e, d, qi, p, q] = [1, 2, 3, 4, 5, 6].map(() => secret.string());
    if (!n || !e || !d || !qi || !p || !q) return null;
    const remainder = (prime: Buffer): string => text(fromNumber(number(d) % (number(prime) - 1n)));
    return fromJwk({
      kty: 'RSA',
      n: text(n),
      e: text(e),
      d: text(d),
      p: text(p),
      q: text(q),
      dp: remainder(p),
      dq: remainder(q),
      qi: text(qi),
    });
  }
  const sizes: Readonly<Record<string, readonly [string, number]>> = {
    nistp256: ['P-256', 32],
    nistp384: ['P-384', 48],
    nistp521: ['P-521', 66],
  };
  const curve = type.startsWith('ecdsa-sha2-') ? sizes[secret.name()] : undefined;
  if (curve === undefined) return null;
  const [crv, size] = curve;
  const point = secret.string();
  const d = secret.string();
  const digits = Buffer.concat([Buffer.alloc(size), d]).subarray(-size);
  const x = point.subarray(1, 1 + size);
  const y = point.subarray(1 + size);
  return fromJwk({ kty: 'EC', crv, x: text(x), y: text(y), d: text(digits) });
}

function known(key: KeyObject): PrivateKeyOutcome {
  const blob = blobOf(key);
  if (blob === null) return invalid('this kind of key is not supported');
  const bits = key.asymmetricKeyDetails?.modulusLength;
  if (bits !== undefined && bits < 2048)
    return invalid(`an RSA key needs 2048 bits, this has ${bits}`);
  return { kind: 'key', type: new PacketReader(blob).name(), key, blob };
}

function invalid(why: string): PrivateKeyOutcome {
  return { kind: 'invalid', why };
}

function fromJwk(key: JsonWebKey): KeyObject {
  return createPrivateKey({ key, format: 'jwk' });
}

function text(bytes: Buffer): string {
  return bytes.toString('base64url');
}

function number(bytes: Buffer): bigint {
  return BigInt(`0x${bytes.toString('hex')}`);
}

function fromNumber(value: bigint): Buffer {
  const hex = value.toString(16);
  return Buffer.from(hex.length % 2 === 0 ? hex : `0${hex}`, 'hex');
}
