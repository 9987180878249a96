/**
 * ML-KEM-768 of FIPS 203: node's own where node has it, else in JavaScript. Both refuse keys and
 * ciphertexts of another size and keys that aren't reduced.
 * Not caught here: who made the key. The JavaScript one isn't constant in time; it decapsulates with a
 * key that serves for one exchange only.
 */
import * as crypto from 'node:crypto';
import type { KeyObject } from 'node:crypto';
import { ml_kem768 } from '@noble/post-quantum/ml-kem.js';

/** Sizes of FIPS 203 table 3. */
export const KEM_PUBLIC_BYTES = 1184;
export const KEM_CIPHERTEXT_BYTES = 1088;

/** A secret for the holder of a public key, and what carries it there. */
export interface Encapsulated {
  readonly ciphertext: Buffer;
  readonly secret: Buffer;
}

/** A key pair that is used once. */
export interface KemPair {
  readonly publicKey: Buffer;
  /** Throws for a ciphertext of another size. */
  decapsulate(ciphertext: Buffer): Buffer;
}

export interface Kem {
  readonly isNative: boolean;
  generate(): KemPair;
  /** Throws for what is no public key. */
  encapsulate(publicKey: Buffer): Encapsulated;
}

/** What node has since 24.7; its types here are those of the oldest version that we run on. */
interface NativeCrypto {
  readonly encapsulate?: (key: KeyObject) => {
    readonly sharedKey: Buffer;
    readonly ciphertext: Buffer;
  };
  readonly decapsulate?: (key: KeyObject, ciphertext: Buffer) => Buffer;
  readonly generateKeyPairSync: (type: 'ml-kem-768') => crypto.KeyPairKeyObjectResult;
}

/** What stands before the key itself in its DER form: algorithm 2.16.840.1.101.3.4.4.2. */
const SPKI_HEAD = Buffer.from('308204b2300b0609608648016503040402038204a100', 'hex');

/** node's own ML-KEM; null where it has none. */
export function nativeKem(): Kem | null {
  const native = crypto as unknown as NativeCrypto;
  const { encapsulate, decapsulate } = native;
  if (encapsulate === undefined || decapsulate === undefined) return null;
  try {
    native.generateKeyPairSync('ml-kem-768');
  } catch {
    return null; // The OpenSSL of this build lacks it.
  }
  return {
    isNative: true,
    generate: () => {
      const { publicKey, privateKey } = native.generateKeyPairSync('ml-kem-768');
      return {
        publicKey: publicKey.export({ type: 'spki', format: 'der' }).subarray(SPKI_HEAD.length),
        decapsulate: (ciphertext) => decapsulate(privateKey, ciphertext),
      };
    },
    encapsulate: (publicKey) => {
      const der = Buffer.concat([SPKI_HEAD, publicKey]);
      const key = crypto.createPublicKey({ key: der, format: 'der', type: 'spki' });
      const { ciphertext, sharedKey } = encapsulate(key);
      return { ciphertext: Buffer.from(ciphertext), secret: Buffer.from(sharedKey) };
    },
  };
}

/** The one in JavaScript. */
export const PORTABLE_KEM: Kem = {
  isNative: false,
  generate: () => {
    const { publicKey, secretKey } = ml_kem768.keygen();
    return {
      publicKey: Buffer.from(publicKey),
      decapsulate: (ciphertext) => {
        const secret = Buffer.from(ml_kem768.decapsulate(ciphertext, secretKey));
        secretKey.fill(0);
        return secret;
      },
    };
  },
  encapsulate: (publicKey) => {
    const { cipherText, sharedSecret } = ml_kem768.encapsulate(publicKey);
    return { ciphertext: Buffer.from(cipherText), secret: Buffer.from(sharedSecret) };
  },
};
