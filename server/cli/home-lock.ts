/**
 * Who serves from a home folder: at most one process, also when several start at once or the last one was
 * killed. Each owner makes `serve.lock.N` with the next N, which only one process can. A name that
 * others may be looking at is never removed or used again, so nobody takes away a lock that is held:
 * the owner removes lower ones only, and leaves its own behind, empty.
 */
import { linkSync, readdirSync, readFileSync, rmSync, truncateSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { SallyportError } from '../errors.ts';

/** A process that exists: its id and when it started, since ids are used again. */
interface Owner {
  readonly pid: number;
  readonly startedAt: string;
}

const LOCK = 'serve.lock';
/** How often others may come first. */
const MAX_ATTEMPTS = 20;

/**
 * Makes this process the owner of `directory`. Throws `home.in-use` with the other's pid.
 * @returns gives it back
 */
export function lockHome(directory: string): () => void {
  const own = join(directory, `${LOCK}-${process.pid}`);
  writeFileSync(own, JSON.stringify(ownerOf(process.pid)), { mode: 0o600 });
  try {
    for (let attempt = 0; attempt < MAX_ATTEMPTS; attempt += 1) {
      const last = locksIn(directory).at(-1) ?? 0;
      refuseIfOwned(directory, last);
      const number = last + 1;
      const path = join(directory, `${LOCK}.${number}`);
      if (!linked(own, path)) continue;
      const locks = locksIn(directory);
      if (locks.at(-1) === number) {
        for (const one of locks.slice(0, -1)) remove(join(directory, `${LOCK}.${one}`));
        return () => giveBack(path);
      }
      // What was seen had been overtaken. A lower lock means nothing, so it may go.
      remove(path);
    }
  } finally {
    remove(own);
  }
  throw new SallyportError(
    'home.in-use',
    `other processes keep taking ${join(directory, LOCK)}`,
    'start one bastion at a time in a home folder',
  );
}

/** Numbers of the locks, ascending; the last one counts. */
function locksIn(directory: string): readonly number[] {
  return readdirSync(directory)
    .flatMap((name) => /^serve\.lock\.(\d{1,15})$/.exec(name)?.[1] ?? [])
    .map(Number)
    .toSorted((one, other) => one - other);
}

function refuseIfOwned(directory: string, number: number): void {
  const owner = readOwner(join(directory, `${LOCK}.${number}`));
  if (owner === null || !isAlive(owner)) return;
  throw new SallyportError(
    'home.in-use',
    `a bastion with pid ${owner.pid} already runs in ${directory}`,
    'use that one, stop it first, or set SALLYPORT_HOME to another folder',
  );
}

/** False when there is such a file already. */
function linked(from: string, to: string): boolean {
  try {
    linkSync(from, to);
    return true;
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'EEXIST') return false;
    throw error;
  }
}

function giveBack(path: string): void {
  try {
    truncateSync(path);
  } catch (error) {
    // Somebody has removed the folder.
    if ((error as NodeJS.ErrnoException).code !== 'ENOENT') throw error;
  }
}

function remove(path: string): void {
  rmSync(path, { force: true });
}

function ownerOf(pid: number): Owner {
  return { pid, startedAt: startOf(pid) ?? 'unknown' };
}

/**
 * Start time of a process in clock ticks since boot, from /proc; `dead` for one that is only waiting
 * to be reaped; null where there is no such file.
 */
function startOf(pid: number): string | null {
  try {
    const stat = readFileSync(`/proc/${pid}/stat`, 'utf8');
    // The second field may hold spaces and parentheses; the state follows it, the start time is the 20th.
    const fields = stat.slice(stat.lastIndexOf(')') + 2).split(' ');
    return fields[0] === 'Z' ? 'dead' : (fields[19] ?? null);
  } catch {
    return null;
  }
}

/** Null for a lock that was given back, is gone or says nothing. */
function readOwner(path: string): Owner | null {
  try {
    const owner = JSON.parse(readFileSync(path, 'utf8')) as Partial<Owner>;
    return typeof owner.pid === 'number' && typeof owner.startedAt === 'string'
      ? { pid: owner.pid, startedAt: owner.startedAt }
      : null;
  } catch {
    return null;
  }
}

function isAlive(owner: Owner): boolean {
  try {
    process.kill(owner.pid, 0);
  } catch (error) {
    // EPERM: it exists and belongs to somebody else.
    if ((error as NodeJS.ErrnoException).code !== 'EPERM') return false;
  }
  const startedAt = startOf(owner.pid);
  if (startedAt === 'dead') return false;
  return startedAt === null || owner.startedAt === 'unknown' || startedAt === owner.startedAt;
}
