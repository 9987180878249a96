/**
 * The key exchange `mlkem768x25519-sha256` of draft-ietf-sshm-mlkem-hybrid-kex: the secret of ML-KEM-768
 * and that of X25519, hashed together, so that one of the two may be broken.
 * Not caught here: whether the messages come from the peer; the signature of the host key says that.
 */
import {
  createHash,
  createPublicKey,
  diffieHellman,
  generateKeyPairSync,
  type KeyObject,
  type KeyPairKeyObjectResult,
} from 'node:crypto';
import {
  KEM_CIPHERTEXT_BYTES,
  KEM_PUBLIC_BYTES,
  nativeKem,
  PORTABLE_KEM,
  type Kem,
  type KemPair,
} from './ml-kem.ts';

export const HYBRID_EXCHANGE = 'mlkem768x25519-sha256';
/** Hash of the exchange. */
export const HYBRID_HASH = 'sha256';
const X25519_BYTES = 32;
/** Exchanges that are tried at the start: the first run of the JavaScript ML-KEM takes ten times longer. */
const WARM_UP_EXCHANGES = 8;

/** One side of one exchange. */
export interface Exchange {
  /** What we send. A server has it only after `secret`. */
  message(): Buffer;
  /** The shared secret as it is hashed. Throws when `theirs` isn't what the other side sends. */
  secret(theirs: Buffer): Buffer;
}

/** The ML-KEM in use. */
export const KEM: Kem = nativeKem() ?? PORTABLE_KEM;

/** One side of an exchange, with keys of its own. @param pair the X25519 one, for tests that replay */
export function createHybridExchange(
  isServer: boolean,
  kem: Kem = KEM,
  pair: KeyPairKeyObjectResult = generateKeyPairSync('x25519'),
): Exchange {
  return isServer ? new ServerExchange(kem, pair) : new ClientExchange(kem, pair);
}

/** Has the code compiled before a stranger's first packet pays for it. */
export function warmUpHybridExchange(): void {
  for (let left = WARM_UP_EXCHANGES; left > 0; left -= 1) {
    const client = createHybridExchange(false);
    const server = createHybridExchange(true);
    server.secret(client.message());
    client.secret(server.message());
  }
}

class ClientExchange implements Exchange {
  readonly #classic: KeyObject;
  readonly #pair: KemPair;
  readonly #message: Buffer;

  constructor(kem: Kem, { privateKey, publicKey }: KeyPairKeyObjectResult) {
    this.#classic = privateKey;
    this.#pair = kem.generate();
    this.#message = Buffer.concat([this.#pair.publicKey, pointOf(publicKey)]);
  }

  message(): Buffer {
    return this.#message;
  }

  secret(theirs: Buffer): Buffer {
    const [ciphertext, point] = split(theirs, KEM_CIPHERTEXT_BYTES);
    const classic = agree(this.#classic, point);
    return combine(this.#pair.decapsulate(ciphertext), classic);
  }
}

class ServerExchange implements Exchange {
  readonly #kem: Kem;
  readonly #classic: KeyPairKeyObjectResult;
  #message: Buffer | null = null;

  constructor(kem: Kem, pair: KeyPairKeyObjectResult) {
    this.#kem = kem;
    this.#classic = pair;
  }

  message(): Buffer {
    if (this.#message === null) throw new Error('the message of the client comes first');
    return this.#message;
  }

  secret(theirs: Buffer): Buffer {
    const [publicKey, point] = split(theirs, KEM_PUBLIC_BYTES);
    const classic = agree(this.#classic.privateKey, point);
    const { ciphertext, secret } = this.#kem.encapsulate(publicKey);
    this.#message = Buffer.concat([ciphertext, pointOf(this.#classic.publicKey)]);
    return combine(secret, classic);
  }
}

function split(message: Buffer, kemBytes: number): readonly [Buffer, Buffer] {
  if (message.length !== kemBytes + X25519_BYTES) {
    throw new Error(`the hybrid key has ${message.length} bytes`);
  }
  return [message.subarray(0, kemBytes), message.subarray(kemBytes)];
}

/** Throws for a point of low order, whose secret everybody knows. */
function agree(privateKey: KeyObject, point: Buffer): Buffer {
  const jwk = { kty: 'OKP', crv: 'X25519', x: point.toString('base64url') };
  return diffieHellman({ privateKey, publicKey: createPublicKey({ key: jwk, format: 'jwk' }) });
}

function pointOf(key: KeyObject): Buffer {
  return Buffer.from(key.export({ format: 'jwk' }).x ?? '', 'base64url');
}

function combine(kemSecret: Buffer, classic: Buffer): Buffer {
  return createHash(HYBRID_HASH).update(kemSecret).update(classic).digest();
}
