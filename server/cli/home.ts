/**
 * The folder of one bastion (SALLYPORT_HOME): who runs in it, its keys, and run.json.
 * Files are 0600; the folder is made 0700 (the embedded database may have to open it to 0711).
 */
import { randomBytes } from 'node:crypto';
import { linkSync, mkdirSync, readFileSync, renameSync, rmSync, writeFileSync } from 'node:fs';
import { readFile, rename, rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { v7 as uuidv7 } from 'uuid';
import { messageOf, SallyportError } from '../errors.ts';

export interface RunFile {
  readonly pid: number;
  readonly ssh: { readonly host: string; readonly port: number };
  readonly http: { readonly url: string };
  readonly database: 'embedded' | 'external';
  readonly version: string;
}

/** A process that exists: its id and when it started, since ids are used again. */
interface Owner {
  readonly pid: number;
  readonly startedAt: string;
}

const OWNER_ATTEMPTS = 5;

export class Home {
  readonly directory: string;

  private constructor(directory: string) {
    this.directory = directory;
  }

  /** Makes the folder if need be. Throws `home.unwritable`. */
  static open(directory: string): Home {
    try {
      mkdirSync(directory, { recursive: true, mode: 0o700 });
      const probe = join(directory, `.probe-${randomBytes(4).toString('hex')}`);
      writeFileSync(probe, '', { mode: 0o600 });
      rmSync(probe);
      for (const name of ['keys', 'demo']) {
        mkdirSync(join(directory, name), { recursive: true, mode: 0o700 });
      }
    } catch (error) {
      throw new SallyportError(
        'home.unwritable',
        `the home folder ${directory} can't be written (${messageOf(error)})`,
        'make it writable for this user, or set SALLYPORT_HOME to a folder that is',
        { cause: error },
      );
    }
    return new Home(directory);
  }

  path(...parts: readonly string[]): string {
    return join(this.directory, ...parts);
  }

  /**
   * Makes this process the only one that serves from the folder. Throws `home.in-use` with the other's
   * pid. The lock of a process that no longer exists is taken over.
   * @returns releases the lock
   */
  lock(): () => void {
    const lockPath = this.path('serve.lock');
    const own = `${lockPath}.${process.pid}`;
    writeFileSync(own, JSON.stringify(ownerOf(process.pid)), { mode: 0o600 });
    try {
      for (let attempt = 0; attempt < OWNER_ATTEMPTS; attempt += 1) {
        try {
          linkSync(own, lockPath);
          return () => rmSync(lockPath, { force: true });
        } catch (error) {
          if ((error as NodeJS.ErrnoException).code !== 'EEXIST') throw error;
        }
        const other = readOwner(lockPath);
        if (other !== null && isAlive(other)) {
          throw new SallyportError(
            'home.in-use',
            `a bastion with pid ${other.pid} already runs in ${this.directory}`,
            'use that one, stop it first, or set SALLYPORT_HOME to another folder',
          );
        }
        // Moved aside rather than removed: of two that found it stale, one gets the file.
        try {
          renameSync(lockPath, `${own}.stale`);
          rmSync(`${own}.stale`, { force: true });
        } catch (error) {
          if ((error as NodeJS.ErrnoException).code !== 'ENOENT') throw error;
        }
      }
    } finally {
      rmSync(own, { force: true });
    }
    throw new SallyportError(
      'home.in-use',
      `other processes keep taking ${lockPath}`,
      'start one bastion at a time in a home folder',
    );
  }

  /** The id under which this home's bastion owns sessions; made once. */
  instanceId(): string {
    const path = this.path('instance-id');
    try {
      const id = readFileSync(path, 'utf8').trim();
      if (/^[0-9a-f-]{36}$/.test(id)) return id;
    } catch (error) {
      if ((error as NodeJS.ErrnoException).code !== 'ENOENT') throw error;
    }
    const id = uuidv7();
    writeFileSync(path, `${id}\n`, { mode: 0o600 });
    return id;
  }

  async writeRunFile(run: RunFile): Promise<void> {
    const path = this.path('run.json');
    await writeFile(`${path}.new`, `${JSON.stringify(run)}\n`, { mode: 0o600 });
    await rename(`${path}.new`, path);
  }

  async removeRunFile(): Promise<void> {
    await rm(this.path('run.json'), { force: true });
  }

  /**
   * The key in the file, made by `generate` if it isn't there. Throws `key.corrupt`.
   * @param file relative to the folder, for instance `keys/ssh_host_ed25519`
   * @param check says why the content is no such key; null = it is
   */
  async key(
    file: string,
    generate: () => Buffer,
    check: (content: Buffer) => string | null,
  ): Promise<Buffer> {
    const path = this.path(file);
    let content: Buffer;
    try {
      content = await readFile(path);
    } catch (error) {
      if ((error as NodeJS.ErrnoException).code !== 'ENOENT') {
        throw corruptKey(path, messageOf(error), error);
      }
      content = generate();
      // Written aside and renamed, so that a crash leaves no half key behind.
      await writeFile(`${path}.new`, content, { mode: 0o600 });
      await rename(`${path}.new`, path);
      return content;
    }
    const why = check(content);
    if (why !== null) throw corruptKey(path, why);
    return content;
  }
}

function corruptKey(path: string, why: string, cause?: unknown): SallyportError {
  return new SallyportError(
    'key.corrupt',
    `the key file ${path} can't be used (${why})`,
    'restore it from a backup, or move it away to have a new one made, which clients and old signatures will notice',
    { cause },
  );
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
