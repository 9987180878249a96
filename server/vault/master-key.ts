/**
 * The key that wraps all others: 32 bytes, from the environment, a file of the operator, or a file that
 * the first start makes. A key that can't be read exactly is never replaced or guessed at.
 */
import { randomBytes, randomUUID } from 'node:crypto';
import * as fs from 'node:fs/promises';
import { dirname } from 'node:path';
import { messageOf, SallyportError } from '../errors.ts';
import { Secret } from './secret.ts';

export const MASTER_KEY_BYTES = 32;
/** A file longer than this is no key file; bytes. */
export const MAX_KEY_FILE_BYTES = 4_096;
const HEX = /^[0-9a-f]{64}$/i;
const BASE64 = /^[A-Za-z0-9+/_-]{43}=?$/;
const MAKE_ONE = 'make one with: openssl rand -base64 32';

export type MasterKey = Secret<'master-key'>;

export interface MasterKeySources {
  /** Value of SALLYPORT_MASTER_KEY: base64 or hexadecimal of 32 bytes; null = not set. */
  readonly value: string | null;
  /** SALLYPORT_MASTER_KEY_FILE, which must exist; null = not set. Counts when there is no value. */
  readonly file: string | null;
  /** Used when neither is set; made, mode 0600, when it doesn't exist. */
  readonly generatedFile: string;
}

/** Rejects with `key.corrupt`, or `home.unwritable` when a new key can't be written. */
export async function loadMasterKey(sources: MasterKeySources): Promise<MasterKey> {
  if (sources.value !== null) return decode(sources.value, 'SALLYPORT_MASTER_KEY');
  if (sources.file !== null) return readKeyFile(sources.file);
  const { generatedFile } = sources;
  const exists = await fs.lstat(generatedFile).then(
    () => true,
    (error: unknown) => !isMissing(error),
  );
  if (!exists) await generate(generatedFile);
  return readKeyFile(generatedFile);
}

function decode(text: string, from: string): MasterKey {
  const trimmed = text.trim();
  const encoding = HEX.test(trimmed) ? 'hex' : BASE64.test(trimmed) ? 'base64' : null;
  const bytes = encoding === null ? null : Buffer.from(trimmed, encoding);
  if (bytes?.length === MASTER_KEY_BYTES) return new Secret('master-key', bytes);
  throw new SallyportError(
    'key.corrupt',
    `${from} is not a master key: it takes ${MASTER_KEY_BYTES} bytes in base64 or hexadecimal`,
    `restore the key that sealed the credentials; without any, ${MAKE_ONE}`,
  );
}

async function readKeyFile(path: string): Promise<MasterKey> {
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
      throw corrupt(path, `is ${facts.size} bytes long`, 'name a file that holds the key alone');
    }
    return decode(await handle.readFile('utf8'), path);
  } finally {
    await handle.close();
  }
}

function corrupt(path: string, why: string, hint: string): SallyportError {
  return new SallyportError('key.corrupt', `the master key file ${path} ${why}`, hint);
}

/** Two first starts at once agree: the file appears whole under its name, once. */
async function generate(path: string): Promise<void> {
  const unfinished = `${path}-${randomUUID()}`;
  try {
    await fs.mkdir(dirname(path), { recursive: true, mode: 0o700 });
    const handle = await fs.open(unfinished, 'wx', 0o600);
    try {
      await handle.writeFile(`${randomBytes(MASTER_KEY_BYTES).toString('base64')}\n`);
      await handle.sync();
    } finally {
      await handle.close();
    }
    await fs.link(unfinished, path).catch((error: unknown) => {
      if (!(error instanceof Error && 'code' in error && error.code === 'EEXIST')) throw error;
    });
    await syncDirectory(dirname(path));
  } catch (error) {
    throw new SallyportError(
      'home.unwritable',
      `the master key file ${path} can't be made: ${messageOf(error)}`,
      'make its directory writable for this user, or set SALLYPORT_MASTER_KEY_FILE',
    );
  } finally {
    await fs.rm(unfinished, { force: true });
  }
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
