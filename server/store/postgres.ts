/**
 * The PostgreSQL server that Sallyport runs itself: started or found running, watched, restarted after
 * a crash, stopped with us. It lives in a session of its own and survives a kill -9 of this process;
 * the next start adopts it.
 */
import { randomUUID } from 'node:crypto';
import * as fs from 'node:fs/promises';
import { join } from 'node:path';
import { messageOf, SallyportError } from '../errors.ts';
import type { Logger } from '../log.ts';
import {
  findBinaries,
  readyBinaries,
  type PostgresBinaries,
  type ReadyBinaries,
} from './postgres-binaries.ts';
import {
  createData,
  dataMajor,
  fittingBinaries,
  isAlive,
  preparePlace,
  SERVER_USER,
  type Place,
} from './postgres-data.ts';
import {
  answers,
  boundLog,
  ensureDatabase,
  findRun,
  pause,
  SERVER_DATABASE,
  servesData,
  startRun,
  stopRun,
  type ServerRun,
} from './postgres-process.ts';

/** Restarts after a crash: at most so many within the window, milliseconds; then it stays down. */
export const RESTARTS = { most: 5, windowMs: 60_000 } as const;
/** Attempts at one start, for another process may be starting or stopping the same server. */
const START_ATTEMPTS = 10;
const ATTEMPT_PAUSE_MS = 300;
const WATCH_MS = 500;

export interface RunningPostgres {
  readonly socketDirectory: string;
  readonly port: number;
  readonly user: string;
  readonly database: string;
  /** Version of the server, such as `15.20`. */
  readonly version: string;
  /** Whether it was running already: it survived the process that started it, or serves another one. */
  readonly adopted: boolean;
  /** Fast shutdown; a server that another live process of ours supervises is left running. */
  stop(): Promise<void>;
}

export interface PostgresOptions {
  /** Made when it doesn't exist; mode 0700. */
  readonly directory: string;
  readonly logger: Logger;
  /** Programs to choose from, best first; those that are installed when left out. */
  readonly candidates?: readonly PostgresBinaries[];
  /** The server ended by itself. `willRestart` is false when it crashed too often. */
  readonly onExit?: (willRestart: boolean) => void;
}

/**
 * Starts the server in `directory`, or adopts the one that runs there.
 * Rejects with `database.unreachable`, `database.too-old`, `database.schema` or `home.unwritable`.
 */
export async function startPostgres(options: PostgresOptions): Promise<RunningPostgres> {
  const place = await preparePlace(options.directory);
  const supervisor = new Supervisor(place, options);
  const { run, adopted } = await supervisor.start();
  const version = await ensureDatabase(run).catch(async (error: unknown) => {
    await supervisor.stop();
    throw error;
  });
  options.logger.info('database.server-ready', { version, adopted, directory: place.directory });
  return {
    socketDirectory: run.socketDirectory,
    port: run.port,
    user: SERVER_USER,
    database: SERVER_DATABASE,
    version,
    adopted,
    stop: () => supervisor.stop(),
  };
}

class Supervisor {
  readonly #place: Place;
  readonly #options: PostgresOptions;
  #run: ServerRun | null = null;
  #timer: NodeJS.Timeout | null = null;
  #stopped: Promise<void> | null = null;
  #restarting: Promise<void> = Promise.resolve();
  readonly #crashesMs: number[] = [];
  readonly #id = randomUUID();

  constructor(place: Place, options: PostgresOptions) {
    this.#place = place;
    this.#options = options;
  }

  async start(): Promise<{ readonly run: ServerRun; readonly adopted: boolean }> {
    const run = await this.#bringUp();
    this.#run = run;
    this.#watch(run);
    return { run, adopted: run.child === null };
  }

  stop(): Promise<void> {
    this.#stopped ??= this.#stop();
    return this.#stopped;
  }

  async #stop(): Promise<void> {
    if (this.#timer !== null) clearTimeout(this.#timer);
    await this.#restarting;
    const run = this.#run;
    if (run === null || !(await this.#isOwner())) return;
    await stopRun(run, this.#place.dataDirectory);
    await fs.rm(this.#ownerFile, { force: true });
  }

  /** Adopts or starts; several processes may do this at once, and PostgreSQL's own lock decides. */
  async #bringUp(): Promise<ServerRun> {
    const { dataDirectory } = this.#place;
    for (let attempt = 1; ; attempt++) {
      const found = await findRun(dataDirectory);
      if (found !== null && (await answers(found, dataDirectory)) === null) {
        if (!(await this.#ownerLives())) await this.#own();
        return found;
      }
      try {
        const run = await startRun(this.#place, await this.#binaries());
        await this.#own();
        return run;
      } catch (error) {
        // Lost against another start, or children of a killed server haven't left yet.
        const contended = /lock file|shared memory/.test(messageOf(error));
        if (!contended || attempt >= START_ATTEMPTS) throw error;
      }
      await pause(ATTEMPT_PAUSE_MS);
    }
  }

  async #binaries(): Promise<ReadyBinaries> {
    const { account, directory, dataDirectory } = this.#place;
    const major = await dataMajor(dataDirectory);
    const candidates = this.#options.candidates ?? (await findBinaries());
    for (const binaries of fittingBinaries(this.#place, major, candidates)) {
      const ready = await readyBinaries(binaries, account, directory);
      if (ready === null) continue;
      if (major === null) await createData(this.#place, ready);
      return ready;
    }
    throw new SallyportError(
      'database.unreachable',
      'the installed PostgreSQL programs lie where the account that runs the server may not go',
      'install PostgreSQL for all users (Debian: apt-get install postgresql) or set DATABASE_URL',
    );
  }

  #watch(run: ServerRun): void {
    let ticks = 0;
    const look = async (): Promise<void> => {
      if (this.#stopped !== null) return;
      if (!(await servesData(run.pid, this.#place.dataDirectory))) return this.#down();
      if (++ticks % 100 === 0) await boundLog(this.#place);
      plan();
    };
    const plan = (): void => {
      this.#timer = setTimeout(() => {
        look().catch((error: unknown) => {
          this.#options.logger.error('database.watch-failed', { why: messageOf(error) });
          plan();
        });
      }, WATCH_MS);
      this.#timer.unref();
    };
    plan();
  }

  #down(): void {
    if (this.#stopped !== null) return;
    const nowMs = Date.now();
    this.#crashesMs.push(nowMs);
    const recent = this.#crashesMs.filter((atMs) => nowMs - atMs < RESTARTS.windowMs);
    this.#crashesMs.splice(0, this.#crashesMs.length, ...recent);
    const willRestart = recent.length <= RESTARTS.most;
    const { logger, onExit } = this.#options;
    logger.error('database.server-ended', { willRestart, crashes: recent.length });
    onExit?.(willRestart);
    if (!willRestart) return;
    this.#restarting = this.#restart();
  }

  async #restart(): Promise<void> {
    try {
      const run = await this.#bringUp();
      this.#run = run;
      this.#options.logger.info('database.server-restarted', { pid: run.pid });
      this.#watch(run);
    } catch (error) {
      this.#options.logger.error('database.restart-failed', { why: messageOf(error) });
      await pause(ATTEMPT_PAUSE_MS);
      this.#down();
    }
  }

  get #ownerFile(): string {
    return join(this.#place.directory, 'owner');
  }

  /** Of several starts that use one server the last that found no supervisor alive supervises it. */
  async #own(): Promise<void> {
    await fs.writeFile(this.#ownerFile, `${process.pid} ${this.#id}\n`, { mode: 0o600 });
  }

  async #owner(): Promise<{ readonly pid: number; readonly id: string }> {
    const text = await fs.readFile(this.#ownerFile, 'utf8').catch(() => '');
    const [pid = '', id = ''] = text.trim().split(' ');
    return { pid: Number(pid), id };
  }

  async #isOwner(): Promise<boolean> {
    return (await this.#owner()).id === this.#id;
  }

  async #ownerLives(): Promise<boolean> {
    const { pid } = await this.#owner();
    return pid > 0 && isAlive(pid);
  }
}
