/**
 * The keys that sign recordings: one private key in the home, and the public half of every key that it ever
 * was, so that what an old key signed can be verified. Keys of other bastions on the same database are
 * known when their public halves are put beside them.
 */
import {
  createPrivateKey,
  createPublicKey,
  generateKeyPairSync,
  type KeyObject,
  sign,
} from 'node:crypto';
import { mkdir, readdir, readFile, rename, stat, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { messageOf, SallyportError } from '../errors.ts';
import {
  createHeadSigner,
  type HeadSigner,
  keyIdOf,
  keyring,
  type KeyOf,
} from '../journal/signature.ts';
import type { Home } from './home.ts';

const PRIVATE_KEY = 'keys/recording_ed25519';
const PUBLIC_KEYS = 'keys/recording_public';
/** Files of keys that are read; a folder with more is something else. */
const MAX_KEY_FILES = 1000;
const PEM_BLOCK = /-----BEGIN [A-Z ]+-----[^-]+-----END [A-Z ]+-----/g;

/** Notified when the key of a home has changed. */
export const KEYS_CHANNEL = 'sallyport_keys';

export interface KnownKey {
  readonly keyId: string;
  readonly key: KeyObject;
  /** It signs now. */
  readonly isCurrent: boolean;
}

/** The signer with the home's key, made at the first start. Rejects with `key.corrupt`. */
export async function recordingSigner(home: Home): Promise<HeadSigner> {
  const pem = await home.key(PRIVATE_KEY, newPrivateKey, (content) => {
    try {
      const { asymmetricKeyType } = createPrivateKey(content);
      return asymmetricKeyType === 'ed25519' ? null : 'it is no Ed25519 key';
    } catch {
      return 'it is no private key in PEM form';
    }
  });
  const privateKey = createPrivateKey(pem);
  await keepPublic(home, createPublicKey(privateKey));
  return createHeadSigner(privateKey);
}

/** A signer whose key can change while sessions run. */
export interface ChangeableSigner extends HeadSigner {
  /** From here on this one signs. */
  change(to: HeadSigner): void;
}

export function changeableSigner(first: HeadSigner): ChangeableSigner {
  let now = first;
  return {
    get keyId() {
      return now.keyId;
    },
    get publicKey() {
      return now.publicKey;
    },
    sign: (statement) => now.sign(statement),
    signAnchor: (statement) => now.signAnchor(statement),
    signTombstone: (tombstone) => now.signTombstone(tombstone),
    change: (to) => {
      now = to;
    },
  };
}

export interface Rotation {
  readonly oldKeyId: string;
  readonly newKeyId: string;
  /** SubjectPublicKeyInfo (DER) in base64. */
  readonly newPublicKey: string;
  /** base64 Ed25519 signature of `rotationPayload` by the old key: the new one is no stranger. */
  readonly endorsement: string;
}

/** The signed bytes. */
export function rotationPayload(oldKeyId: string, newKeyId: string): Buffer {
  return Buffer.from(`sallyport key rotation v1\n${oldKeyId} ${newKeyId}`);
}

/**
 * Makes a new key. The old one's private half is gone afterwards; its public half stays.
 * @param tell resolves when the rotation is written down; before that nothing changes
 */
export async function rotateRecordingKey(
  home: Home,
  tell: (rotation: Rotation) => Promise<void>,
): Promise<Rotation> {
  const old = await recordingSigner(home);
  const oldKey = createPrivateKey(await readFile(home.path(PRIVATE_KEY)));
  const pem = newPrivateKey();
  const fresh = createHeadSigner(createPrivateKey(pem));
  await keepPublic(home, createPublicKey(createPrivateKey(pem)));
  const rotation = {
    oldKeyId: old.keyId,
    newKeyId: fresh.keyId,
    newPublicKey: fresh.publicKey,
    endorsement: sign(null, rotationPayload(old.keyId, fresh.keyId), oldKey).toString('base64'),
  };
  await tell(rotation);
  const path = home.path(PRIVATE_KEY);
  await writeFile(`${path}.new`, pem, { mode: 0o600, flush: true });
  await rename(`${path}.new`, path);
  return rotation;
}

/** Every key whose signatures this home believes, the current one first. */
export async function knownKeys(home: Pick<Home, 'path'>): Promise<readonly KnownKey[]> {
  const current = await readFile(home.path(PRIVATE_KEY)).catch(() => null);
  const found = new Map<string, KnownKey>();
  if (current !== null) {
    const key = createPublicKey(createPrivateKey(current));
    found.set(keyIdOf(key), { keyId: keyIdOf(key), key, isCurrent: true });
  }
  for (const key of await publicKeysIn(home.path(PUBLIC_KEYS)).catch(nothingThere)) {
    const keyId = keyIdOf(key);
    if (!found.has(keyId)) found.set(keyId, { keyId, key, isCurrent: false });
  }
  return [...found.values()];
}

/** The key of that id, or the one that signs now when it is null or not known. */
export async function publicKeyOf(
  home: Home,
  keyId: string | null,
): Promise<{ readonly keyId: string; readonly publicKey: string }> {
  const known = (await knownKeys(home)).find((one) => one.keyId === keyId);
  if (known === undefined) return recordingSigner(home);
  const publicKey = known.key.export({ type: 'spki', format: 'der' }).toString('base64');
  return { keyId: known.keyId, publicKey };
}

/** Public keys in PEM form in a file, or in the files of a folder. Rejects with the system's error. */
export async function publicKeysIn(path: string): Promise<readonly KeyObject[]> {
  const names = (await stat(path)).isDirectory()
    ? (await readdir(path)).slice(0, MAX_KEY_FILES).map((name) => join(path, name))
    : [path];
  const keys: KeyObject[] = [];
  for (const name of names.filter((one) => !one.endsWith('.new'))) {
    const blocks = (await readFile(name, 'utf8')).match(PEM_BLOCK);
    if (blocks === null) throw new Error(`${name} holds no key in PEM form`);
    // The public half of a private key, where somebody gives that.
    for (const block of blocks) keys.push(createPublicKey(block));
  }
  return keys;
}

/** Finds keys by id. Rejects with `key.corrupt`. */
export async function recordingKeyring(
  home: Pick<Home, 'path'>,
  named: string | null,
): Promise<KeyOf> {
  const path = named ?? home.path(PRIVATE_KEY);
  try {
    const keys =
      named === null ? (await knownKeys(home)).map(({ key }) => key) : await publicKeysIn(named);
    if (keys.length > 0) return keyring(keys);
    throw new Error('there is none');
  } catch (error) {
    throw new SallyportError(
      'key.corrupt',
      `the key ${path} that signs recordings can't be read (${messageOf(error)})`,
      named === null
        ? 'restore it from a backup; where no bastion has run yet, there is none: name the public key with --key'
        : 'name public keys in PEM form: keys/recording_public of a home, or one of its files',
    );
  }
}

function newPrivateKey(): Buffer {
  const { privateKey } = generateKeyPairSync('ed25519');
  return Buffer.from(privateKey.export({ type: 'pkcs8', format: 'pem' }));
}

async function keepPublic(home: Home, key: KeyObject): Promise<void> {
  const folder = home.path(PUBLIC_KEYS);
  await mkdir(folder, { recursive: true, mode: 0o700 });
  const path = join(folder, `${keyIdOf(key).slice(0, 16)}.pem`);
  if ((await stat(path).catch(() => null)) !== null) return;
  await writeFile(`${path}.new`, key.export({ type: 'spki', format: 'pem' }), { mode: 0o600 });
  await rename(`${path}.new`, path);
}

function nothingThere(error: NodeJS.ErrnoException): readonly KeyObject[] {
  if (error.code === 'ENOENT') return [];
  throw error;
}
