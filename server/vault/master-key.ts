/**
 * The keys that wrap all others: 32 bytes each, from the environment, a file of the operator, or a file
 * that the first start makes. The first seals, all open, so that credentials can move from one to the next.
 * A key that can't be read exactly is never replaced or guessed at.
 */
import { createHash, hkdfSync, randomBytes, randomUUID } from 'node:crypto';
import * as fs from 'node:fs/promises';
import { dirname } from 'node:path';
import { decodeBase64, decodeHex, encodeBase64 } from '../base64.ts';
import { messageOf, SallyportError } from '../errors.ts';
import { Secret } from './secret.ts';

export const MASTER_KEY_BYTES = 32;
/** Most keys at once. */
export const MAX_MASTER_KEYS = 16;
/** A file longer than this is no key file; bytes. */
export const MAX_KEY_FILE_BYTES = 4_096;
const KEY_ID_DIGITS = 16;
const HEX_DIGITS = 64;
const BASE64_DIGITS: readonly number[] = [43, 44];
const LINE_END = 0x0a;
/** Space, tab, line ends and comma. */
const SEPARATORS: readonly number[] = [0x09, LINE_END, 0x0d, 0x20, 0x2c];
const MAKE_ONE = 'make one with: openssl rand -base64 32';

export type MasterKey = Secret<'master-key'>;

export interface MasterKeySources {
  /** Value of SALLYPORT_MASTER_KEY: base64 or hexadecimal of 32 bytes; null = not set. */
  readonly value: string | null;
  /** SALLYPORT_MASTER_KEY_FILE, which must exist; null = not set. Counts when there is no value. */
  readonly file: string | null;
  /** Used when neither is set. */
  readonly generatedFile: string;
  /** Whether it is made, mode 0600, when it doesn't exist; else there is no key then. */
  readonly generates: boolean;
}

/** Names a master key without telling anything about it: 16 hexadecimal digits. */
export function keyIdOf(masterKey: MasterKey): string {
  const derived = derive(masterKey, 'sallyport key id');
  const digest = createHash('sha256').update(derived).digest('hex');
  derived.fill(0);
  return digest.slice(0, KEY_ID_DIGITS);
}

/** What a master key wraps data keys with; the caller wipes it. */
export function wrappingKeyOf(masterKey: MasterKey): Buffer {
  return derive(masterKey, 'sallyport credential wrapping');
}

/**
 * The keys, the sealing one first; none only where none is made. Rejects with `key.corrupt`, or
 * `home.unwritable` when a new key can't be written.
 */
export async function loadMasterKeys(sources: MasterKeySources): Promise<readonly MasterKey[]> {
  const { file, generatedFile, generates, value } = sources;
  if (value !== null) return readKeys(Buffer.from(value), 'SALLYPORT_MASTER_KEY');
  if (file !== null) return readKeyFile(file);
  const exists = await fs.lstat(generatedFile).then(
    () => true,
    (error: unknown) => !isMissing(error),
  );
  if (!exists && !generates) return [];
  if (!exists) await generate(generatedFile);
  return readKeyFile(generatedFile);
}

/** Puts a new key in front of the others, which stay. @returns its id */
export async function addMasterKey(path: string): Promise<string> {
  const known = await readKeyFile(path);
  try {
    if (known.length >= MAX_MASTER_KEYS) {
      const why = `holds ${known.length} keys already`;
      throw corrupt(path, why, 'take out what nothing is sealed with: sallyport vault forget KEY');
    }
    using fresh = new Secret('master-key', randomBytes(MASTER_KEY_BYTES));
    await replaceKeys(path, [fresh, ...known]);
    return keyIdOf(fresh);
  } finally {
    wipe(known);
  }
}

/** Takes a key out that isn't the first. @returns false: it isn't there, or it is the first */
export async function dropMasterKey(path: string, keyId: string): Promise<boolean> {
  const known = await readKeyFile(path);
  try {
    const [first, ...others] = known;
    const left = others.filter((one) => keyIdOf(one) !== keyId);
    if (first === undefined || left.length === others.length) return false;
    await replaceKeys(path, [first, ...left]);
    return true;
  } finally {
    wipe(known);
  }
}

function wipe(keys: readonly MasterKey[]): void {
  for (const key of keys) key[Symbol.dispose]();
}

function derive(masterKey: MasterKey, purpose: string): Buffer {
  return Buffer.from(hkdfSync('sha256', masterKey.bytes, '', purpose, MASTER_KEY_BYTES));
}

/** @param text is wiped */
function readKeys(text: Buffer, from: string): readonly MasterKey[] {
  try {
    const words = wordsOf(text);
    if (words.length > MAX_MASTER_KEYS) throw noKey(from, `more than ${MAX_MASTER_KEYS} keys`);
    const keys = words.map(readKey);
    const known = keys.filter((one) => one !== null);
    if (known.length === keys.length && known.length > 0) return known;
    wipe(known);
    throw noKey(from, 'something else');
  } finally {
    text.fill(0);
  }
}

function noKey(from: string, what: string): SallyportError {
  return new SallyportError(
    'key.corrupt',
    `${from} is not a master key: it takes ${MASTER_KEY_BYTES} bytes in base64 or hexadecimal, and holds ${what}`,
    `restore the key that sealed the credentials; without any, ${MAKE_ONE}`,
  );
}

function readKey(word: Buffer): MasterKey | null {
  const bytes =
    word.length === HEX_DIGITS
      ? decodeHex(word)
      : BASE64_DIGITS.includes(word.length)
        ? decodeBase64(word)
        : null;
  if (bytes?.length === MASTER_KEY_BYTES) return new Secret('master-key', bytes);
  bytes?.fill(0);
  return null;
}

/** Views. */
function wordsOf(text: Buffer): readonly Buffer[] {
  const words: Buffer[] = [];
  let from = 0;
  for (let at = 0; at <= text.length; at += 1) {
    const code = text[at];
    if (code !== undefined && !SEPARATORS.includes(code)) continue;
    if (at > from) words.push(text.subarray(from, at));
    from = at + 1;
  }
  return words;
}

async function readKeyFile(path: string): Promise<readonly MasterKey[]> {
  const handle = await fs.open(path, 'r').catch((error: unknown) => {
    throw corrupt(path, `can't be read: ${messageOf(error)}`, `restore it, or ${MAKE_ONE}`);
  });
  try {
    const facts = await handle.stat();
    if (!facts.isFile()) throw corrupt(path, 'is not a file', 'name a file that holds the key');
    if ((facts.mode & 0o077) !== 0) {
      const mode = (facts.mode & 0o777).toString(8).padStart(4, '0');
      const why = `can be read or changed by other users (mode ${mode})`;
      throw corrupt(path, why, `chmod 600 ${path}, and think about who may have read it`);
    }
    if (facts.size > MAX_KEY_FILE_BYTES) {
      throw corrupt(path, `is ${facts.size} bytes long`, 'name a file that holds keys alone');
    }
    return readKeys(await handle.readFile(), path);
  } finally {
    await handle.close();
  }
}

function corrupt(path: string, why: string, hint: string): SallyportError {
  return new SallyportError('key.corrupt', `the master key file ${path} ${why}`, hint);
}

/** Two first starts at once agree: the file appears whole under its name, once. */
async function generate(path: string): Promise<void> {
  using key = new Secret('master-key', randomBytes(MASTER_KEY_BYTES));
  await fs.mkdir(dirname(path), { recursive: true, mode: 0o700 }).catch((error: unknown) => {
    throw unwritable(path, error);
  });
  await writeWhole(path, [key], (unfinished) =>
    fs.link(unfinished, path).catch((error: unknown) => {
      if (!(error instanceof Error && 'code' in error && error.code === 'EEXIST')) throw error;
    }),
  );
}

/** Behind a link, the file that it leads to is replaced. */
async function replaceKeys(path: string, keys: readonly MasterKey[]): Promise<void> {
  const real = await fs.realpath(path);
  await writeWhole(real, keys, (unfinished) => fs.rename(unfinished, real));
}

async function writeWhole(
  path: string,
  keys: readonly MasterKey[],
  publish: (unfinished: string) => Promise<void>,
): Promise<void> {
  const unfinished = `${path}-${randomUUID()}`;
  const lines = keys.flatMap((key) => [encodeBase64(key.bytes), Buffer.of(LINE_END)]);
  const text = Buffer.concat(lines);
  try {
    const handle = await fs.open(unfinished, 'wx', 0o600);
    try {
      await handle.writeFile(text);
      await handle.sync();
    } finally {
      await handle.close();
    }
    await publish(unfinished);
    await syncDirectory(dirname(path));
  } catch (error) {
    throw unwritable(path, error);
  } finally {
    for (const line of [...lines, text]) line.fill(0);
    await fs.rm(unfinished, { force: true });
  }
}

function unwritable(path: string, error: unknown): SallyportError {
  return new SallyportError(
    'home.unwritable',
    `the master key file ${path} can't be written: ${messageOf(error)}`,
    'make its directory writable for this user, or set SALLYPORT_MASTER_KEY_FILE',
  );
}

/** A key that seals something must not vanish with a power cut. */
async function syncDirectory(path: string): Promise<void> {
  const handle = await fs.open(path, 'r');
  try {
    await handle.sync();
  } finally {
    await handle.close();
  }
}

function isMissing(error: unknown): boolean {
  return error instanceof Error && 'code' in error && error.code === 'ENOENT';
}
