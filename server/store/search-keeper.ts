/**
 * Has the search brought up to date when something was recorded, in a thread that lives while there is
 * work. Recording never waits for it and never hears of its failures.
 */
import { Worker } from 'node:worker_threads';
import { messageOf } from '../errors.ts';
import type { Logger } from '../log.ts';
import type { Database } from './database.ts';
import type { ObjectStoreOptions } from './object-store.ts';
import { JOURNAL_CHANNEL } from './journal.ts';
import type { SearchThreadAnswer, SearchThreadData, SearchThreadOrder } from './search-thread.ts';
import { CHUNKS_CHANNEL } from './shipper.ts';

/** What is recorded is gathered for so long before it is taken into the search. */
export const INDEX_AFTER_MS = 2000;
/** After a failure it is tried again so much later. */
export const INDEX_RETRY_MS = 30_000;
/** The thread ends when it has had nothing to do for so long. */
export const SEARCH_THREAD_IDLE_MS = 60_000;
/** More memory ends the thread, not the process. */
export const SEARCH_THREAD_MEMORY_MB = 512;

export interface SearchKeeper {
  close(): Promise<void>;
}

export interface SearchKeeperOptions {
  readonly database: Pick<Database, 'address' | 'knex' | 'listen'>;
  /** Where old recordings are; null = in the database. */
  readonly objects: ObjectStoreOptions | null;
  readonly logger: Logger;
  readonly afterMs?: number;
}

/** @returns once it hears of what is recorded; what was recorded before is taken in as well */
export async function createSearchKeeper(options: SearchKeeperOptions): Promise<SearchKeeper> {
  const keeper = new Keeper(options);
  await keeper.listen();
  return keeper;
}

class Keeper implements SearchKeeper {
  readonly #options: SearchKeeperOptions;
  readonly #unlisten: (() => void)[] = [];
  #timer: NodeJS.Timeout | null = null;
  #idle: NodeJS.Timeout | null = null;
  #thread: Worker | null = null;
  #closed = false;

  constructor(options: SearchKeeperOptions) {
    this.#options = options;
  }

  async listen(): Promise<void> {
    const { database, afterMs = INDEX_AFTER_MS } = this.#options;
    const note = (): void => this.#later(afterMs);
    this.#unlisten.push(await database.listen(JOURNAL_CHANNEL, note));
    this.#unlisten.push(await database.listen(CHUNKS_CHANNEL, note));
    note();
  }

  async close(): Promise<void> {
    this.#closed = true;
    for (const unlisten of this.#unlisten.splice(0)) unlisten();
    if (this.#timer !== null) clearTimeout(this.#timer);
    if (this.#idle !== null) clearTimeout(this.#idle);
    await this.#thread?.terminate();
  }

  #later(ms: number): void {
    if (this.#closed || this.#timer !== null) return;
    this.#timer = setTimeout(() => {
      this.#timer = null;
      void this.#order();
    }, ms);
    this.#timer.unref();
  }

  async #order(): Promise<void> {
    try {
      if (this.#thread === null && !(await this.#isNeeded())) return;
    } catch (error) {
      return this.#failed(messageOf(error));
    }
    if (this.#closed) return;
    if (this.#idle !== null) clearTimeout(this.#idle);
    this.#idle = null;
    this.#thread ??= this.#start();
    this.#tell('catch-up');
  }

  #tell(order: SearchThreadOrder): void {
    this.#thread?.postMessage(order);
  }

  /** Without a session that runs or changed there is nothing to take in. */
  async #isNeeded(): Promise<boolean> {
    const { rows } = await this.#options.database.knex.raw<{
      rows: readonly { needed: boolean }[];
    }>(
      `select exists (select 1 from search_changes)
           or exists (select 1 from search_progress where is_open) as needed`,
    );
    return rows[0]?.needed === true;
  }

  #start(): Worker {
    const { database, objects } = this.#options;
    const { address } = database;
    const thread = new Worker(new URL('./search-thread.mjs', import.meta.url), {
      workerData: { address, objects } satisfies SearchThreadData,
      resourceLimits: { maxOldGenerationSizeMb: SEARCH_THREAD_MEMORY_MB },
      env: {},
    });
    thread.unref();
    thread.on('message', ({ why }: SearchThreadAnswer) => {
      if (why !== null) this.#failed(why);
      this.#idle ??= setTimeout(() => this.#retire(thread), SEARCH_THREAD_IDLE_MS);
      this.#idle.unref();
    });
    thread.on('error', (error) => this.#failed(messageOf(error)));
    thread.on('exit', () => {
      if (this.#thread === thread) this.#thread = null;
    });
    return thread;
  }

  #failed(why: string): void {
    if (this.#closed) return;
    this.#options.logger.warn('search.behind', { why });
    this.#later(INDEX_RETRY_MS);
  }

  #retire(thread: Worker): void {
    this.#idle = null;
    if (this.#thread === thread) this.#thread = null;
    thread.terminate().catch(() => {});
  }
}
