/**
 * Partitions of the chunks: one per calendar month (UTC) of the session ids, which are UUIDv7 and start
 * with their time. A whole session lies in one partition, which can be dropped at once.
 */
import type { Knex } from 'knex';
import { SallyportError } from '../errors.ts';
import { codeOf } from './connect.ts';
import { uuidBytes, uuidText } from './spool-segment.ts';

const UUID_V7 = /^[0-9a-f]{8}-[0-9a-f]{4}-7[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}$/;
/** Another process made the same partition at the same time: duplicate table, type name or overlap. */
const MADE_ALREADY = new Set(['42P07', '23505', '42710', '42P17']);

/** Milliseconds since 1970 that a UUIDv7 starts with. Throws `internal` for any other id. */
export function timeOfId(id: string): number {
  if (UUID_V7.test(id)) return uuidBytes(id).readUIntBE(0, 6);
  throw new SallyportError('internal', 'a session id is not a UUIDv7', 'report this');
}

/** One process at a time rewrites or drops partitions: retention, and moving to an object store. */
export const HOUSEKEEPING_LOCK = 0x5a11_0c01;

/** The least id of a month that begins at `startMs`. */
export function firstIdOfMonth(startMs: number): string {
  const bytes = Buffer.alloc(16);
  bytes.writeUIntBE(startMs, 0, 6);
  return uuidText(bytes);
}

/** Name of the partition that holds sessions started at `timeMs`. */
export function partitionName(timeMs: number): string {
  return `chunks_${new Date(timeMs).toISOString().slice(0, 7).replace('-', '_')}`;
}

/** Makes partitions when they are first needed; one per database. */
export class Partitions {
  readonly #knex: Knex;
  readonly #known = new Set<string>();

  constructor(knex: Knex) {
    this.#knex = knex;
  }

  /** Sees to it that the month of `nowMs` and the next one have their partitions. */
  async ensure(nowMs: number): Promise<void> {
    await this.#ensureMonth(nowMs);
    const time = new Date(nowMs);
    await this.#ensureMonth(Date.UTC(time.getUTCFullYear(), time.getUTCMonth() + 1));
  }

  /** The same for the month of a session. Throws `internal` for an id that isn't a UUIDv7. */
  async ensureFor(sessionId: string): Promise<void> {
    await this.#ensureMonth(timeOfId(sessionId));
  }

  async #ensureMonth(timeMs: number): Promise<void> {
    const name = partitionName(timeMs);
    if (this.#known.has(name)) return;
    try {
      // A function with the rights of the owner: our role doesn't own the table.
      await this.#knex.raw('select make_chunks_month(?::timestamptz)', [new Date(timeMs)]);
    } catch (error) {
      if (!MADE_ALREADY.has(codeOf(error))) throw error;
    }
    this.#known.add(name);
  }
}
