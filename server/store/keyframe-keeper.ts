/**
 * Keeps keyframes up to date while sessions record, and brings those of any recording up to date when
 * somebody opens it; both in a thread that lives while there is work.
 * Not caught here: recordings that nobody opened and that were made without a keeper; they have no
 * keyframes until somebody does.
 */
import { Worker } from 'node:worker_threads';
import { messageOf, SallyportError } from '../errors.ts';
import type { Logger } from '../log.ts';
import type { Database } from './database.ts';
import { SESSIONS_CHANNEL } from './head-row.ts';
import type { ThreadAnswer, ThreadData, ThreadOrder } from './keyframe-thread.ts';
import type { ObjectStoreOptions } from './object-store.ts';
import { isUuid } from './query-text.ts';
import { CHUNKS_CHANNEL } from './shipper.ts';

/** How long `prepare` keeps its caller; the rest happens behind. */
export const PREPARE_WAIT_MS = 600;
/** Notifications of one session are gathered for so long. */
export const GATHER_MS = 1000;
/** Sessions that wait for the thread; those beyond are left until somebody opens them. */
export const MAX_WAITING_SESSIONS = 10_000;
/** Callers that wait for one session; further ones take what is there. */
export const MAX_CALLERS = 64;
/** The thread ends when it has had nothing to do for so long. */
export const THREAD_IDLE_MS = 60_000;
/** A session that ended the thread, or whose keyframes fail, is left alone for so long. */
export const SET_ASIDE_MS = 300_000;
export const MAX_SET_ASIDE = 1000;
/** More memory ends the thread, not the process. */
export const THREAD_MEMORY_MB = 512;

export interface KeyframeKeeper {
  /**
   * Resolves when the recording's keyframes are up to date, or after PREPARE_WAIT_MS. Rejects with
   * `internal` when they can't be made.
   */
  prepare(sessionId: string): Promise<void>;
  close(): Promise<void>;
}

export interface KeeperOptions {
  readonly database: Database;
  readonly logger: Logger;
  /** UUID of this bastion, whose recordings are followed while they are made. */
  readonly instanceId: string;
  /** Where old chunks are; null = all of them are in the database. */
  readonly objects: ObjectStoreOptions | null;
}

/** @returns once it hears of new chunks */
export async function createKeyframeKeeper(options: KeeperOptions): Promise<KeyframeKeeper> {
  const keeper = new Keeper(options);
  await keeper.listen();
  return keeper;
}

interface Caller {
  readonly resolve: () => void;
  readonly reject: (error: SallyportError) => void;
}

class Keeper implements KeyframeKeeper {
  readonly #options: KeeperOptions;
  /** Somebody waits for these. */
  readonly #urgent = new Map<string, Caller[]>();
  readonly #grown = new Set<string>();
  readonly #ended = new Set<string>();
  /** Until when, and why. */
  readonly #aside = new Map<string, { readonly untilMs: number; readonly why: string }>();
  readonly #unlisten: (() => void)[] = [];
  #thread: Worker | null = null;
  #current: string | null = null;
  #gather: NodeJS.Timeout | null = null;
  #idle: NodeJS.Timeout | null = null;
  #closed = false;

  constructor(options: KeeperOptions) {
    this.#options = options;
  }

  async listen(): Promise<void> {
    const { database } = this.#options;
    this.#unlisten.push(
      await database.listen(CHUNKS_CHANNEL, (sessionId) => {
        if (sessionId !== '') this.#note(this.#grown, sessionId);
      }),
      await database.listen(SESSIONS_CHANNEL, (sessionId) => {
        if (sessionId !== '') this.#note(this.#ended, sessionId);
      }),
    );
  }

  async prepare(sessionId: string): Promise<void> {
    const aside = this.#aside.get(sessionId);
    if (aside !== undefined && aside.untilMs > Date.now()) throw unprepared(aside.why);
    const callers = this.#urgent.get(sessionId) ?? [];
    const isFull = callers.length >= MAX_CALLERS || this.#urgent.size >= MAX_WAITING_SESSIONS;
    if (this.#closed || isFull || !isUuid(sessionId)) return;
    let timer: NodeJS.Timeout | undefined;
    try {
      await new Promise<void>((resolve, reject) => {
        timer = setTimeout(resolve, PREPARE_WAIT_MS);
        this.#urgent.set(sessionId, [...callers, { resolve, reject }]);
        this.#next();
      });
    } finally {
      clearTimeout(timer);
    }
  }

  async close(): Promise<void> {
    this.#closed = true;
    for (const unlisten of this.#unlisten.splice(0)) unlisten();
    if (this.#gather !== null) clearTimeout(this.#gather);
    if (this.#idle !== null) clearTimeout(this.#idle);
    for (const callers of this.#urgent.values()) for (const { resolve } of callers) resolve();
    this.#urgent.clear();
    await this.#thread?.terminate();
  }

  #note(waiting: Set<string>, sessionId: string): void {
    if (this.#closed || waiting.size >= MAX_WAITING_SESSIONS) return;
    waiting.add(sessionId);
    this.#gather ??= setTimeout(() => {
      this.#gather = null;
      this.#next();
    }, GATHER_MS);
  }

  /** Gives the thread its next order, if it has none. */
  #next(): void {
    if (this.#current !== null || this.#closed) return;
    const [urgent] = this.#urgent.keys();
    const [grown] = this.#grown;
    const sessionId = urgent ?? grown;
    if (sessionId === undefined) {
      // Ended recordings only take memory from here on.
      for (const ended of this.#ended) this.#order({ kind: 'forget', sessionId: ended });
      this.#ended.clear();
      this.#idle ??= setTimeout(() => this.#retire(), THREAD_IDLE_MS);
      this.#idle.unref();
      return;
    }
    if (this.#idle !== null) clearTimeout(this.#idle);
    this.#idle = null;
    this.#grown.delete(sessionId);
    const aside = this.#aside.get(sessionId);
    if (urgent === undefined && aside !== undefined && aside.untilMs > Date.now()) {
      this.#next();
      return;
    }
    this.#current = sessionId;
    this.#thread ??= this.#start();
    this.#order({ kind: 'slice', sessionId, ifDue: urgent === undefined });
  }

  #order(order: ThreadOrder): void {
    this.#thread?.postMessage(order);
  }

  #start(): Worker {
    const { database, instanceId, objects } = this.#options;
    const { address } = database;
    const thread = new Worker(new URL('keyframe-thread.mjs', import.meta.url), {
      name: 'keyframes',
      workerData: { address, instanceId, objects } satisfies ThreadData,
      // Whatever started this process is of no use there.
      execArgv: [],
      env: {},
      resourceLimits: { maxOldGenerationSizeMb: THREAD_MEMORY_MB },
    });
    thread.on('message', (answer: ThreadAnswer) => this.#answered(answer));
    thread.on('error', (error) => this.#lost(thread, messageOf(error)));
    thread.on('exit', () => this.#lost(thread, 'the thread ended'));
    thread.unref();
    return thread;
  }

  #answered({ sessionId, outcome, why }: ThreadAnswer): void {
    this.#current = null;
    if (outcome === 'failed') this.#setAside(sessionId, why ?? 'unknown');
    else if (outcome === 'more') {
      const callers = this.#urgent.get(sessionId);
      // The others get their turn before the next slice.
      if (callers === undefined) this.#grown.add(sessionId);
      else {
        this.#urgent.delete(sessionId);
        this.#urgent.set(sessionId, callers);
      }
    } else {
      for (const { resolve } of this.#urgent.get(sessionId) ?? []) resolve();
      this.#urgent.delete(sessionId);
    }
    this.#next();
  }

  #lost(thread: Worker, why: string): void {
    if (this.#thread !== thread || this.#closed) return;
    this.#thread = null;
    const sessionId = this.#current;
    this.#current = null;
    if (sessionId !== null) this.#setAside(sessionId, why);
    this.#next();
  }

  #setAside(sessionId: string, why: string): void {
    this.#options.logger.warn('keyframes.failed', { session: sessionId, why });
    this.#aside.delete(sessionId);
    this.#aside.set(sessionId, { untilMs: Date.now() + SET_ASIDE_MS, why });
    const oldest = this.#aside.keys().next();
    if (this.#aside.size > MAX_SET_ASIDE && oldest.done !== true) this.#aside.delete(oldest.value);
    for (const { reject } of this.#urgent.get(sessionId) ?? []) reject(unprepared(why));
    this.#urgent.delete(sessionId);
  }

  #retire(): void {
    this.#idle = null;
    if (this.#current !== null) return;
    const thread = this.#thread;
    this.#thread = null;
    void thread?.terminate();
  }
}

function unprepared(why: string): SallyportError {
  return new SallyportError(
    'internal',
    `the replay can't be prepared: ${why}`,
    'read the recording as text or download it; sallyport verify says whether it is damaged',
  );
}
