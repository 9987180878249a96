/**
 * Deletes sessions whose time is over, in the background and in small steps, and leaves a signed tombstone
 * of each in the journal. What was promised when a session began is kept: the days count from its end, a
 * later configuration changes nothing, and what is held stays. Not caught here: copies elsewhere (exports,
 * backups, the journal's own entries, which are never deleted).
 */
import { setTimeout as sleep } from 'node:timers/promises';
import type { Knex } from 'knex';
import type { Clock } from '../clock.ts';
import { messageOf } from '../errors.ts';
import type { HeadSigner } from '../journal/signature.ts';
import type { Logger } from '../log.ts';
import type { Database } from './database.ts';
import type { StoredJournal } from './journal.ts';
import type { ObjectStore } from './object-store.ts';
import { HOUSEKEEPING_LOCK } from './partitions.ts';
import { dropMonth, pastMonths, settleMonths } from './retention-partitions.ts';
import {
  claimDue,
  claimedIds,
  CLAIM_SESSIONS,
  deleteBelongings,
  deleteChunks,
  deleteOutside,
  deleteSessions,
  type IdRange,
  mustKeepAny,
  type Undertaker,
  writeTombstones,
} from './retention-rows.ts';

/** How often the background job looks for sessions that are due. */
export const RETENTION_EVERY_MS = 3_600_000;
/** How long after a start it looks first. */
export const RETENTION_FIRST_MS = 60_000;
/** Rest between steps of the background job, so that sessions come first. */
const STEP_PAUSE_MS = 100;

export interface RetentionOptions {
  readonly database: Pick<Database, 'owner'>;
  readonly journal: Pick<StoredJournal, 'appendWith'>;
  readonly signer: HeadSigner;
  readonly clock: Pick<Clock, 'nowMs'>;
  readonly logger: Logger;
  /** Of old chunks; null = there is none. */
  readonly objects: Pick<ObjectStore, 'remove'> | null;
}

export type Pruned =
  | { readonly kind: 'done'; readonly sessions: number; readonly months: number }
  /** Another process is at it. */
  | { readonly kind: 'busy' }
  /** Only the bastion's role is at hand, which can't delete. */
  | { readonly kind: 'not-here' };

/**
 * Deletes all that is due. Rejects as `appendWith` does, with `storage.unreachable`, or with the error of
 * the database; calling it again goes on where it stopped.
 * @param by who, for the tombstones; `source` as in the journal
 */
export async function prune(
  options: RetentionOptions,
  { by, pauseMs = 0, signal, source }: PruneRun,
): Promise<Pruned> {
  const { owner } = options.database;
  if (owner === null) return { kind: 'not-here' };
  // The lock lives in a transaction, so that it can't outlive the connection.
  return owner.transaction(async (lock) => {
    const { rows } = await lock.raw<{ rows: readonly { got: boolean }[] }>(
      'select pg_try_advisory_xact_lock(?) as got',
      [HOUSEKEEPING_LOCK],
    );
    if (rows[0]?.got !== true) return { kind: 'busy' };
    const { clock, journal, logger, objects, signer } = options;
    const undertaker = { owner, journal, signer, by, source, objects };
    const step = async (): Promise<boolean> => {
      if (pauseMs > 0) await sleep(pauseMs);
      return signal?.aborted !== true;
    };
    return new Pass(undertaker, clock, logger, step).run();
  });
}

export interface PruneRun {
  readonly by: string;
  readonly source: string | null;
  readonly pauseMs?: number;
  /** Stops between two steps. */
  readonly signal?: AbortSignal;
}

class Pass {
  readonly #undertaker: Undertaker;
  readonly #owner: Knex;
  readonly #clock: Pick<Clock, 'nowMs'>;
  readonly #logger: Logger;
  /** Before each step; false = stop here. */
  readonly #step: () => Promise<boolean>;
  #sessions = 0;
  #months = 0;

  constructor(
    undertaker: Undertaker,
    clock: Pick<Clock, 'nowMs'>,
    logger: Logger,
    step: () => Promise<boolean>,
  ) {
    this.#undertaker = undertaker;
    this.#owner = undertaker.owner;
    this.#clock = clock;
    this.#logger = logger;
    this.#step = step;
  }

  async run(): Promise<Pruned> {
    this.#months += await settleMonths(this.#owner, this.#logger);
    for (const month of await pastMonths(this.#owner, this.#clock.nowMs())) {
      if (!(await this.#step())) break;
      if (await mustKeepAny(this.#owner, this.#clock.nowMs(), month.range)) continue;
      if (!(await this.#claimAll(month.range))) break;
      if (await dropMonth(this.#owner, month, this.#logger)) this.#months += 1;
    }
    // What is left, and what an earlier run had decided on: row by row.
    for (;;) {
      const ids = await claimedIds(this.#owner, null, CLAIM_SESSIONS);
      if (ids.length > 0) {
        if (!(await this.#bury(ids))) break;
      } else if ((await claimDue(this.#owner, this.#clock.nowMs(), null)) === 0) {
        break;
      }
    }
    return { kind: 'done', sessions: this.#sessions, months: this.#months };
  }

  /** Decides on every session of a month and tells the journal; their chunks go with the month. */
  async #claimAll(range: IdRange): Promise<boolean> {
    let claimed: number;
    do {
      if (!(await this.#step())) return false;
      claimed = await claimDue(this.#owner, this.#clock.nowMs(), range);
    } while (claimed > 0);
    for (let after: string = range[0]; ;) {
      const ids = await claimedIds(this.#owner, [after, range[1]], CLAIM_SESSIONS);
      if (ids.length === 0) return true;
      if (!(await this.#step())) return false;
      await writeTombstones(this.#undertaker, ids);
      await deleteOutside(this.#undertaker, ids);
      const last = ids.at(-1) ?? after;
      if (ids.length < CLAIM_SESSIONS) return true;
      // The ids are ordered: the next one is greater than the last.
      after = nextId(last);
    }
  }

  /** Sessions that were decided on, to the end. */
  async #bury(ids: readonly string[]): Promise<boolean> {
    if (!(await this.#step())) return false;
    await writeTombstones(this.#undertaker, ids);
    await deleteOutside(this.#undertaker, ids);
    await deleteBelongings(this.#owner, ids);
    await deleteChunks(this.#owner, ids);
    this.#sessions += await deleteSessions(this.#owner, ids);
    return true;
  }
}

function nextId(id: string): string {
  const next = (BigInt(`0x${id.replaceAll('-', '')}`) + 1n).toString(16).padStart(32, '0');
  return next.replace(/^(.{8})(.{4})(.{4})(.{4})(.{12})$/, '$1-$2-$3-$4-$5');
}

/** Starts the background job. Its failures are logged, and the next round tries again. */
export function startRetention(
  options: RetentionOptions,
  { everyMs, firstMs }: { readonly everyMs: number; readonly firstMs: number } = {
    everyMs: RETENTION_EVERY_MS,
    firstMs: RETENTION_FIRST_MS,
  },
): { close(): Promise<void> } {
  const { logger } = options;
  const stop = new AbortController();
  const { signal } = stop;
  const run = { by: 'retention', source: null, pauseMs: STEP_PAUSE_MS, signal };
  const round = async (): Promise<void> => {
    try {
      const pruned = await prune(options, run);
      const isNews = pruned.kind === 'done' && pruned.sessions + pruned.months > 0;
      if (isNews) logger.info('retention.pruned', { ...pruned });
    } catch (error) {
      logger.warn('retention.failed', { why: messageOf(error) });
    }
  };
  const loop = async (): Promise<void> => {
    for (let waitMs = firstMs; !signal.aborted; waitMs = everyMs) {
      await sleep(waitMs, null, { signal, ref: false }).catch(() => {});
      if (!signal.aborted) await round();
    }
  };
  if (options.database.owner === null) logger.warn('retention.not-here');
  const running = options.database.owner === null ? Promise.resolve() : loop();
  return {
    close: async () => {
      stop.abort();
      await running;
    },
  };
}
