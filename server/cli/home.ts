/**
 * The folder of one bastion (SALLYPORT_HOME): who runs in it, its keys, and run.json.
 * Files are 0600; the folder is made 0700 (the embedded database may have to open it to 0711).
 */
import { randomBytes } from 'node:crypto';
import { mkdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { readFile, rename, rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { v7 as uuidv7 } from 'uuid';
import { messageOf, SallyportError } from '../errors.ts';
import { lockHome } from './home-lock.ts';

export interface RunFile {
  readonly pid: number;
  readonly ssh: { readonly host: string; readonly port: number };
  readonly http: { readonly url: string };
  readonly database: 'embedded' | 'external';
  readonly version: string;
}

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
    return lockHome(this.directory);
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

  /** What the running bastion wrote, or null when none runs or it is just starting. */
  async readRunFile(): Promise<RunFile | null> {
    try {
      const run = JSON.parse(await readFile(this.path('run.json'), 'utf8')) as RunFile;
      process.kill(run.pid, 0);
      return run;
    } catch (error) {
      const code = error instanceof Error && 'code' in error ? error.code : null;
      if (code === 'ENOENT' || code === 'ESRCH') return null;
      throw error;
    }
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
