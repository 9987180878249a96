/**
 * Moves the data of old chunks to an object store, a month at a time: objects are written and read back,
 * a partition without the data is made beside the old one, and takes its place in one transaction. What
 * stops half-way is done again. Small sessions stay: an object for each would cost more than it saves.
 * Not caught here: objects that somebody deletes in the store; `verify` names what is missing.
 */
import type { Knex } from 'knex';
import type { Clock } from '../clock.ts';
import { SallyportError } from '../errors.ts';
import { codeOf } from './connect.ts';
import { MAX_OBJECT_BYTES, type ObjectStore } from './object-store.ts';
import { HOUSEKEEPING_LOCK } from './partitions.ts';
import { uuidText } from './spool-segment.ts';

/** Sessions with less data than this stay in the database, bytes. */
export const MIN_COLD_BYTES = 64 * 1024;
/** How long the new partition may wait for readers of the old one, milliseconds. */
export const SWAP_WAIT_MS = 2000;
/** Chunks that are read at once. */
const READ_PAGE = 64;
const DAY_MS = 86_400_000;
const LOCK_NOT_AVAILABLE = '55P03';

export interface ColdMoveOptions {
  /** As the owner of the tables. */
  readonly owner: Knex;
  readonly objects: ObjectStore;
  readonly clock: Pick<Clock, 'nowMs'>;
  /** What a month must be past by, counted from its end. */
  readonly afterDays: number;
}

export type MonthMove =
  | {
      readonly kind: 'moved';
      readonly month: string;
      readonly sessions: number;
      readonly chunks: number;
      readonly bytes: number;
    }
  /** Somebody read or wrote it all the time; the next run tries again. */
  | { readonly kind: 'busy'; readonly month: string };

/** A month that is due, as its partition is called. */
interface DueMonth {
  readonly partition: string;
  readonly month: string;
  /** Session ids from here on, and before. */
  readonly firstId: string;
  readonly endId: string;
}

interface ChunkRow {
  readonly seq: number;
  readonly data: Buffer;
}

interface Place {
  readonly sessionId: string;
  readonly seq: number;
  readonly key: string;
  readonly at: number;
  readonly length: number;
}

/**
 * Moves every month that is due. Rejects with `storage.unreachable`; months that were done stay moved.
 * Gives nothing while another process moves or deletes.
 */
export async function* moveCold(options: ColdMoveOptions): AsyncGenerator<MonthMove> {
  const { owner } = options;
  for (const due of await dueMonths(options)) {
    // The lock lives in a transaction, so that it can't outlive the connection.
    const moved = await owner.transaction(async (lock) => {
      const { rows } = await lock.raw<{ rows: readonly { got: boolean }[] }>(
        'select pg_try_advisory_xact_lock(?) as got',
        [HOUSEKEEPING_LOCK],
      );
      return rows[0]?.got === true ? moveMonth(options, due) : null;
    });
    if (moved !== null) yield moved;
  }
}

/** Months that are over for long enough, have no running session, and have data to move. */
export async function dueMonths({
  afterDays,
  clock,
  owner,
}: Omit<ColdMoveOptions, 'objects'>): Promise<readonly DueMonth[]> {
  const { rows } = await owner.raw<{ rows: readonly { name: string }[] }>(
    `select c.relname as name from pg_inherits join pg_class c on c.oid = inhrelid
     where inhparent = 'chunks'::regclass order by c.relname`,
  );
  const due: DueMonth[] = [];
  for (const { name } of rows) {
    const month = /^chunks_(\d{4}_\d{2})$/.exec(name)?.[1];
    if (month === undefined) continue;
    const [year = 0, number = 0] = month.split('_').map(Number);
    const endMs = Date.UTC(year, number);
    if (endMs + afterDays * DAY_MS > clock.nowMs()) continue;
    const firstId = idAt(Date.UTC(year, number - 1));
    const endId = idAt(endMs);
    const running = await owner('sessions')
      .where('status', 'active')
      .andWhere('id', '>=', firstId)
      .andWhere('id', '<', endId)
      .first('id');
    if (running !== undefined) continue;
    const large = await largeSessions(owner, name, 1);
    if (large.length > 0) due.push({ partition: name, month, firstId, endId });
  }
  return due;
}

function idAt(timeMs: number): string {
  const bytes = Buffer.alloc(16);
  bytes.writeUIntBE(timeMs, 0, 6);
  return uuidText(bytes);
}

async function largeSessions(
  owner: Knex,
  partition: string,
  limit: number | null,
): Promise<readonly string[]> {
  const found = owner(partition)
    .whereNotNull('data')
    .groupBy('session_id')
    .havingRaw('sum(octet_length(data)) >= ?', [MIN_COLD_BYTES])
    .orderBy('session_id')
    .pluck<string[]>('session_id');
  return limit === null ? found : found.limit(limit);
}

async function moveMonth(options: ColdMoveOptions, due: DueMonth): Promise<MonthMove> {
  const { owner } = options;
  const sessions = await largeSessions(owner, due.partition, null);
  const places: Place[] = [];
  for (const sessionId of sessions) {
    for await (const place of putSession(options, due, sessionId)) places.push(place);
  }
  const swapped = await swap(owner, due, places);
  if (!swapped) return { kind: 'busy', month: due.month };
  const bytes = places.reduce((sum, { length }) => sum + length, 0);
  return {
    kind: 'moved',
    month: due.month,
    sessions: sessions.length,
    chunks: places.length,
    bytes,
  };
}

/** Writes the objects of a session and reads them back. */
async function* putSession(
  { objects, owner }: ColdMoveOptions,
  { month, partition }: DueMonth,
  sessionId: string,
): AsyncGenerator<Place> {
  let parts: Buffer[] = [];
  let places: Place[] = [];
  let size = 0;
  const flush = async (): Promise<readonly Place[]> => {
    const [first] = places;
    if (first === undefined) return [];
    const bytes = Buffer.concat(parts, size);
    await objects.put(first.key, bytes, null);
    // The only copy is deleted afterwards: a store that lies must be found out now.
    if (!(await objects.readAll(first.key)).equals(bytes)) {
      throw new SallyportError(
        'storage.unreachable',
        `${objects.place} gives back something else than it was given`,
        'check the store; nothing was deleted from the database',
      );
    }
    const done = places;
    parts = [];
    places = [];
    size = 0;
    return done;
  };
  for await (const { data, seq } of chunksOf(owner, partition, sessionId)) {
    if (size + data.length > MAX_OBJECT_BYTES) yield* await flush();
    const key = places[0]?.key ?? `chunks/${month}/${sessionId}/${seq}`;
    places.push({ sessionId, seq, key, at: size, length: data.length });
    parts.push(data);
    size += data.length;
  }
  yield* await flush();
}

async function* chunksOf(
  owner: Knex,
  partition: string,
  sessionId: string,
): AsyncGenerator<ChunkRow> {
  for (let after = 0; ;) {
    const rows = await owner<ChunkRow>(partition)
      .select('seq', 'data')
      .where('session_id', sessionId)
      .whereNotNull('data')
      .andWhere('seq', '>', after)
      .orderBy('seq')
      .limit(READ_PAGE);
    yield* rows;
    if (rows.length < READ_PAGE) return;
    after = rows.at(-1)?.seq ?? after;
  }
}

/**
 * Makes a partition without the moved data beside the old one, then puts it in its place: only that
 * needs the old one to itself.
 * @returns false when readers didn't let go of the old one in time
 */
async function swap(owner: Knex, due: DueMonth, places: readonly Place[]): Promise<boolean> {
  const { endId, firstId, partition } = due;
  const cold = `${partition}_cold`;
  const copy = `insert into ?? (session_id, seq, t0_us, t1_us, first_event, events, raw_len,
      output_bytes, codec, prev_hash, hash, data, cold_key, cold_at, cold_len)
    select session_id, seq, t0_us, t1_us, first_event, events, raw_len, output_bytes, codec, prev_hash,
      hash, case when key is null then data end, coalesce(key, cold_key), coalesce(at, cold_at),
      coalesce(length, cold_len)
    from ?? as old left join ?? using (session_id, seq)`;
  const moved = `${partition}_moved`;
  const clear = async (db: Knex): Promise<void> => {
    await db.raw('drop table if exists ??', [cold]);
    await db.raw('drop table if exists ??', [moved]);
  };
  await owner.transaction(async (trx) => {
    await clear(trx);
    await trx.raw(
      'create table ?? (session_id uuid, seq int, key text, at int, length int, primary key (session_id, seq))',
      [moved],
    );
    await insertPlaces(trx, moved, places);
    await trx.raw('create table ?? (like chunks including all)', [cold]);
    await trx.raw(copy, [cold, partition, moved]);
    // With it the new partition needn't be read again when it is attached.
    await trx.raw(
      `alter table ?? add constraint ?? check (session_id >= '${firstId}' and session_id < '${endId}')`,
      [cold, `${partition}_month`],
    );
  });
  try {
    await owner.transaction(async (trx) => {
      await trx.raw(`set local lock_timeout = ${SWAP_WAIT_MS}`);
      await trx.raw('alter table chunks detach partition ??', [partition]);
      // What was written or deleted since the copy.
      const other = 'where not exists (select 1 from ?? as other where other.session_id = ';
      await trx.raw(`${copy} ${other}old.session_id and other.seq = old.seq)`, [
        cold,
        partition,
        moved,
        cold,
      ]);
      await trx.raw(`delete from ?? as new ${other}new.session_id and other.seq = new.seq)`, [
        cold,
        partition,
      ]);
      await trx.raw('drop table ??', [partition]);
      await trx.raw('alter table ?? rename to ??', [cold, partition]);
      await trx.raw(
        `alter table chunks attach partition ?? for values from ('${firstId}') to ('${endId}')`,
        [partition],
      );
      await trx.raw('alter table ?? drop constraint ??', [partition, `${partition}_month`]);
      await trx.raw('drop table ??', [moved]);
    });
    return true;
  } catch (error) {
    await clear(owner);
    if (codeOf(error) === LOCK_NOT_AVAILABLE) return false;
    throw error;
  }
}

/** Rows of one statement. */
const PLACE_PAGE = 1000;

async function insertPlaces(trx: Knex, table: string, places: readonly Place[]): Promise<void> {
  for (let at = 0; at < places.length; at += PLACE_PAGE) {
    const rows = places.slice(at, at + PLACE_PAGE);
    await trx(table).insert(
      rows.map(({ at: from, key, length, seq, sessionId }) => ({
        session_id: sessionId,
        seq,
        key,
        at: from,
        length,
      })),
    );
  }
}
