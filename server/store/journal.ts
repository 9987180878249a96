/**
 * The journal in Postgres: one chain, whoever writes. Events that wait go into one transaction (group
 * commit), and the head moves by compare-and-set in the statement that inserts, so that two processes
 * on one database can't fork the chain.
 */
import { setTimeout as sleep } from 'node:timers/promises';
import type { Knex } from 'knex';
import type { Clock } from '../clock.ts';
import { messageOf, SallyportError } from '../errors.ts';
import { canonicalJson, chainEntry } from '../journal/chain.ts';
import type { AuditEvent, JournalEntry, JsonValue } from '../journal/event.ts';
import type { Logger } from '../log.ts';
import type { Database } from './database.ts';
import { type JournalReader, createJournalReader } from './journal-reader.ts';
import { isOutage, retryDelayMs } from './outage.ts';
import { storable } from './storable.ts';

/** Notified with the last sequence number after every commit. */
export const JOURNAL_CHANNEL = 'sallyport_journal';
export const MAX_GROUP_EVENTS = 256;
export const MAX_QUEUED_EVENTS = 10_000;
/** How long an event may wait for a commit while the database is away. */
export const JOURNAL_WAIT_MS = 15_000;
/** A head that others moved is read again under a lock, which can't be outrun. */
const MAX_CONFLICTS = 2;

/** Rows that belong to the events; runs again when the transaction is tried again. */
export type Statements = (trx: Knex) => Promise<void>;

/**
 * The same as statements of SQL without a result, which go to Postgres together with the events: one round
 * trip instead of four or more. Each must read `from moved`, a row that is there only if the events are
 * stored. They run in no order and don't see each other's rows.
 */
export interface AttachedRows {
  readonly statements: readonly {
    readonly sql: string;
    readonly bindings: readonly Knex.RawBinding[];
  }[];
  /** Sent with the commit. */
  readonly notices: readonly { readonly channel: string; readonly payload: string }[];
}

/** Inserts one row. @param conflict what follows, such as `on conflict do nothing` */
export function attachedInsert(
  table: string,
  row: Readonly<Record<string, unknown>>,
  conflict = '',
): AttachedRows['statements'][number] {
  const columns = Object.keys(row);
  const values = columns.map(() => '?').join(', ');
  return {
    sql: `insert into ${table} (${columns.join(', ')}) select ${values} from moved ${conflict}`,
    bindings: Object.values(row) as Knex.RawBinding[],
  };
}

export interface StoredJournal extends JournalReader {
  /** Resolves when the event is committed. Rejects with `journal.failed`. */
  append(event: AuditEvent): Promise<void>;
  /**
   * Commits the events and what `work` does in one transaction. What `work` throws, this
   * rejects with, and nothing is written. Rejects with `journal.failed` when the database doesn't take
   * it in time; a commit whose answer was lost may then have taken place.
   */
  appendWith(events: readonly AuditEvent[], work: Statements | AttachedRows): Promise<void>;
}

export interface JournalOptions {
  readonly database: Database;
  readonly clock: Clock;
  readonly logger: Logger;
  readonly waitMs?: number;
}

interface Waiting {
  readonly events: readonly AuditEvent[];
  readonly at: string;
  readonly work: Statements | AttachedRows | null;
  readonly deadlineMs: number;
  readonly resolve: () => void;
  readonly reject: (error: unknown) => void;
}

interface Head {
  readonly seq: number;
  readonly hash: string;
}

export function createJournal(options: JournalOptions): StoredJournal {
  const writer = new JournalWriter(options);
  return {
    append: (event) => writer.append([event], null),
    appendWith: (events, work) => writer.append(events, work),
    ...createJournalReader(options.database),
  };
}

class JournalWriter {
  readonly #knex: Knex;
  readonly #clock: Clock;
  readonly #logger: Logger;
  readonly #waitMs: number;
  readonly #queue: Waiting[] = [];
  #queuedEvents = 0;
  /** Where the chain stands as far as this process knows; null = ask. */
  #head: Head | null = null;
  #writing = false;

  constructor(options: JournalOptions) {
    this.#knex = options.database.knex;
    this.#clock = options.clock;
    this.#logger = options.logger;
    this.#waitMs = options.waitMs ?? JOURNAL_WAIT_MS;
  }

  append(events: readonly AuditEvent[], work: Statements | AttachedRows | null): Promise<void> {
    return new Promise((resolve, reject) => {
      if (this.#queuedEvents + events.length > MAX_QUEUED_EVENTS) {
        return reject(failure(`${this.#queuedEvents} events wait for the database already`));
      }
      const at = new Date(this.#clock.nowMs()).toISOString();
      const deadlineMs = performance.now() + this.#waitMs;
      this.#queue.push({ events, at, work, deadlineMs, resolve, reject });
      this.#queuedEvents += events.length;
      if (this.#writing) return;
      this.#writing = true;
      queueMicrotask(() => void this.#drain());
    });
  }

  async #drain(): Promise<void> {
    while (this.#queue.length > 0) await this.#commitGroup(this.#takeGroup());
    this.#writing = false;
  }

  #takeGroup(): readonly Waiting[] {
    let events = 0;
    let taken = 0;
    for (const waiting of this.#queue) {
      events += waiting.events.length;
      if (taken > 0 && events > MAX_GROUP_EVENTS) break;
      taken += 1;
    }
    const group = this.#queue.splice(0, taken);
    for (const waiting of group) this.#queuedEvents -= waiting.events.length;
    return group;
  }

  /** Settles every member of the group; never rejects. */
  async #commitGroup(group: readonly Waiting[]): Promise<void> {
    try {
      await this.#commitDurably(group);
      for (const one of group) one.resolve();
    } catch (error) {
      // One that can't be written must not take the others with it; but what may have been committed
      // is never written a second time.
      if (group.length === 1 || isFailure(error)) for (const one of group) one.reject(error);
      else for (const one of group) await this.#commitGroup([one]);
    }
  }

  /** Tries until the first of the group has waited long enough. */
  async #commitDurably(group: readonly Waiting[]): Promise<void> {
    const deadlineMs = Math.min(...group.map((one) => one.deadlineMs));
    const attempt: { last: Head | null } = { last: null };
    for (let failures = 1, conflicts = 0; ;) {
      try {
        if ((await this.#commit(group, attempt)) === 'committed') return;
        conflicts += 1;
        if (conflicts > MAX_CONFLICTS)
          throw failure('the head of the journal moves under its lock');
      } catch (error) {
        this.#head = null;
        if (!isOutage(error)) throw error;
        const waitMs = retryDelayMs(failures);
        if (performance.now() + waitMs > deadlineMs) {
          this.#logger.error('journal.failed', { why: messageOf(error) });
          throw failure(messageOf(error), error);
        }
        failures += 1;
        await sleep(waitMs);
      }
    }
  }

  async #commit(
    group: readonly Waiting[],
    attempt: { last: Head | null },
  ): Promise<'committed' | 'conflict'> {
    const known = this.#head;
    const attached = group.flatMap(({ work }) =>
      work === null || typeof work === 'function' ? [] : [work],
    );
    const run = async (db: Knex): Promise<Head | null> => {
      const head = known ?? (await lockHead(db));
      if (attempt.last !== null && (await isStored(db, attempt.last))) return attempt.last;
      for (const { work } of group) if (typeof work === 'function') await work(db);
      const entries = chain(group, head);
      const last = entries.at(-1) ?? head;
      attempt.last = last;
      return (await insert(db, entries, head, attached)) ? last : null;
    };
    const single = known !== null && group.every(({ work }) => typeof work !== 'function');
    try {
      const head = single ? await run(this.#knex) : await this.#knex.transaction(orRollback(run));
      this.#head = head;
    } catch (error) {
      if (!(error instanceof Conflict)) throw error;
      this.#head = null;
    }
    // A statement of its own that moved nothing needs no rollback.
    if (this.#head === null) attempt.last = null;
    return this.#head === null ? 'conflict' : 'committed';
  }
}

/** Rolls a transaction back; never leaves this file. */
class Conflict extends Error {}

function orRollback(run: (db: Knex) => Promise<Head | null>): (trx: Knex) => Promise<Head> {
  return async (trx) => {
    const head = await run(trx);
    if (head === null) throw new Conflict();
    return head;
  };
}

function chain(group: readonly Waiting[], head: Head): readonly JournalEntry[] {
  const entries: JournalEntry[] = [];
  let last: Head = head;
  for (const { events, at } of group) {
    for (const event of events) {
      const entry = chainEntry(event, { seq: last.seq + 1, at, prevHash: last.hash });
      entries.push(entry);
      last = entry;
    }
  }
  return entries;
}

/** The bytes that the entry's hash covers. */
function canonicalBody(entry: JournalEntry): string {
  const body: Record<string, JsonValue> = { ...entry };
  delete body['hash'];
  return canonicalJson(body);
}

async function lockHead(db: Knex): Promise<Head> {
  const [head] = await db<Head>('journal_head').select('seq', 'hash').forUpdate();
  if (head === undefined) throw failure('the head of the journal is gone');
  return head;
}

/** Whether an earlier attempt, whose answer was lost, took place after all. */
async function isStored(db: Knex, last: Head): Promise<boolean> {
  const [entry] = await db<Head>('journal').select('hash').where('seq', last.seq);
  return entry?.hash === last.hash;
}

/** False = somebody else moved the head. */
async function insert(
  db: Knex,
  entries: readonly JournalEntry[],
  head: Head,
  attached: readonly AttachedRows[],
): Promise<boolean> {
  const last = entries.at(-1);
  if (last === undefined) return true;
  const column = (of: (entry: JournalEntry) => string | number | null): unknown[] =>
    entries.map((entry) => {
      const value = of(entry);
      return typeof value === 'string' ? storable(value) : value;
    });
  const statements = attached.flatMap((one) => one.statements);
  const notices = attached.flatMap((one) => one.notices);
  const { rows } = await db.raw<{ rows: readonly unknown[] }>(
    `with moved as (
       update journal_head set seq = ?, hash = ? where seq = ? and hash = ? returning seq
     ), stored as (
       insert into journal (seq, at, type, principal, session, target, body, prev_hash, hash)
       select * from unnest(?::bigint[], ?::timestamptz[], ?::text[], ?::text[], ?::text[], ?::text[],
                            ?::text[], ?::text[], ?::text[])
       where exists (select 1 from moved)
     )${statements.map(({ sql }, index) => `, attached_${index} as (${sql})`).join('')}
     select pg_notify(?, seq::text)${notices.map(() => ', pg_notify(?, ?)').join('')} from moved`,
    [
      last.seq,
      last.hash,
      head.seq,
      head.hash,
      column((entry) => entry.seq),
      column((entry) => entry.at),
      column((entry) => entry.type),
      column((entry) => entry.principal),
      column((entry) => entry.session),
      column((entry) => entry.target),
      column(canonicalBody),
      column((entry) => entry.prevHash),
      column((entry) => entry.hash),
      ...statements.flatMap(({ bindings }) => bindings),
      JOURNAL_CHANNEL,
      ...notices.flatMap(({ channel, payload }) => [channel, payload]),
    ] as Knex.RawBinding[],
  );
  return rows.length > 0;
}

function isFailure(error: unknown): boolean {
  return error instanceof SallyportError && error.code === 'journal.failed';
}

function failure(why: string, cause?: unknown): SallyportError {
  return new SallyportError(
    'journal.failed',
    `the journal can't be written: ${why}`,
    'see to the database of the bastion, then try again',
    { cause },
  );
}
