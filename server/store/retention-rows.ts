/**
 * Which sessions are due, and how they go: decided under a lock of their row, told to the journal, then
 * deleted in small pieces. The database refuses each of these steps for a session that must be kept.
 */
import type { Knex } from 'knex';
import { SallyportError } from '../errors.ts';
import { type Tombstone, tombstoneEvent } from '../journal/tombstone.ts';
import type { HeadSigner } from '../journal/signature.ts';
import { CHAIN_START } from '../journal/chain.ts';
import type { StoredJournal } from './journal.ts';
import type { ObjectStore } from './object-store.ts';
import { storable } from './storable.ts';
import { tombstonesFor } from './tombstones.ts';

/** Sessions that are decided on, and told to the journal, at once. */
export const CLAIM_SESSIONS = 100;
/** Rows of one statement. Chunks are larger. */
export const DELETE_ROWS = 2000;
export const DELETE_CHUNKS = 200;
export const DAY_MS = 86_400_000;

/** Rows that belong to a session and go before it; heads go with it. What else refers to sessions has triggers. */
const BELONGING: readonly string[] = [
  'keyframes',
  'kept_files',
  'command_ends',
  'commands',
  'approvals',
  'session_controls',
  'session_notes',
  'session_reviews',
];

/** A range of session ids, from the first to before the second. */
export type IdRange = readonly [from: string, to: string];

/**
 * Of `sessions`: kept for its days after it ended, and after its last seal; not held, nor is the journal's
 * last word that it is, whoever took the row of the hold away. Binding: the time.
 */
const IS_DUE = `
  deleting_at is null and status <> 'active' and keep_days is not null
  and greatest(started_at, ended_at,
        (select max(signed_at) from heads where session_id = sessions.id))
      + keep_days * interval '24 hours' <= least(?::timestamptz, now())
  and not exists (
    select 1 from session_holds where session_id = sessions.id and released_at is null)
  and coalesce((
    select type from journal
    where session = sessions.id::text and type in ('session.held', 'session.released')
    order by seq desc limit 1), '') <> 'session.held'`;

export interface DueSession {
  readonly id: string;
  readonly principal: string;
  readonly target: string;
  readonly startedAt: string;
  readonly endedAt: string;
  readonly keepDays: number;
}

interface SessionRow {
  readonly id: string;
  readonly principal: string;
  readonly target: string;
  readonly started_at: Date;
  readonly ended_at: Date;
  readonly keep_days: number;
  readonly bytes_out: number | null;
  readonly deleting_at: Date;
}

/** Of the newest head, null where there is none. */
interface Figures {
  readonly chunks: number | null;
  readonly events: number | null;
  readonly hash: Buffer | null;
  readonly commands: number;
}

/** Sessions that would go, in the order of their ids, after `after`. */
export async function dueSessions(
  knex: Knex,
  nowMs: number,
  after: string | null,
  limit: number,
): Promise<readonly DueSession[]> {
  const rows: readonly SessionRow[] = await knex('sessions')
    .whereRaw(IS_DUE, [new Date(nowMs)])
    .modify((query) => after !== null && void query.where('id', '>', after))
    .orderBy('id')
    .limit(limit);
  return rows.map((row) => ({
    id: row.id,
    principal: row.principal,
    target: row.target,
    startedAt: row.started_at.toISOString(),
    endedAt: row.ended_at.toISOString(),
    keepDays: row.keep_days,
  }));
}

/** Whether something in the range must be kept. */
export async function mustKeepAny(owner: Knex, nowMs: number, range: IdRange): Promise<boolean> {
  const { rows } = await owner.raw<{ rows: readonly unknown[] }>(
    `select 1 from sessions where id >= ? and id < ? and deleting_at is null and (${IS_DUE}) is not true
     limit 1`,
    [range[0], range[1], new Date(nowMs)],
  );
  return rows.length > 0;
}

/**
 * Decides on some sessions that are due. From here on they can't be held, and will go.
 * @returns how many
 */
export async function claimDue(owner: Knex, nowMs: number, range: IdRange | null): Promise<number> {
  const now = new Date(nowMs);
  return owner.transaction<number>(async (trx): Promise<number> => {
    const due = trx('sessions')
      .whereRaw(IS_DUE, [now])
      .modify(
        (query) =>
          range !== null && void query.where('id', '>=', range[0]).where('id', '<', range[1]),
      )
      .orderBy('ended_at')
      .limit(CLAIM_SESSIONS)
      .forUpdate()
      .skipLocked();
    const ids = await due.pluck<string[]>('id');
    // A second statement sees the holds that were committed before the rows were locked.
    const claimed: number = await trx('sessions')
      .whereIn('id', ids)
      .whereRaw(IS_DUE, [now])
      .update({ deleting_at: now });
    return claimed;
  });
}

/** Sessions that were decided on and are still there. */
export function claimedIds(owner: Knex, range: IdRange | null, limit: number): Promise<string[]> {
  return owner('sessions')
    .whereNotNull('deleting_at')
    .modify(
      (query) =>
        range !== null && void query.where('id', '>=', range[0]).where('id', '<', range[1]),
    )
    .orderBy('id')
    .limit(limit)
    .pluck<string[]>('id');
}

export interface Undertaker {
  readonly owner: Knex;
  readonly journal: Pick<StoredJournal, 'appendWith'>;
  readonly signer: HeadSigner;
  readonly by: string;
  readonly source: string | null;
  /** Where data of old chunks may lie; null = nowhere. */
  readonly objects: Pick<ObjectStore, 'remove'> | null;
}

/** Tells the journal of those of the sessions that it hasn't been told of. Rejects as `appendWith` does. */
export async function writeTombstones(
  { by, journal, owner, signer, source }: Undertaker,
  ids: readonly string[],
): Promise<void> {
  const told = await tombstonesFor(owner, ids);
  const untold = ids.filter((one) => !told.has(one));
  const events = (await tombstones(owner, untold, by)).map((tombstone) => {
    const signature = signer.signTombstone(tombstone);
    return tombstoneEvent({ ...tombstone, keyId: signer.keyId, signature }, source);
  });
  if (events.length > 0) await journal.appendWith(events, { statements: [], notices: [] });
}

async function tombstones(
  owner: Knex,
  ids: readonly string[],
  by: string,
): Promise<readonly Tombstone[]> {
  const { rows } = await owner.raw<{ rows: readonly (SessionRow & Figures)[] }>(
    `select sessions.*, chunks, events, hash,
       (select count(*) from commands where session_id = sessions.id) as commands
     from sessions left join lateral (
       select chunks, events, hash from heads where session_id = sessions.id
       order by chunks desc limit 1
     ) as head on true
     where id = any(?::uuid[]) and deleting_at is not null order by id`,
    [ids as unknown as Knex.RawBinding],
  );
  return rows.map((row) => ({
    sessionId: row.id,
    principal: row.principal,
    target: row.target,
    startedAt: row.started_at.toISOString(),
    endedAt: row.ended_at.toISOString(),
    keepDays: row.keep_days,
    deletedAt: row.deleting_at.toISOString(),
    by: storable(by),
    chunks: row.chunks ?? 0,
    events: row.events ?? 0,
    headHash: row.hash?.toString('hex') ?? CHAIN_START,
    commands: row.commands,
    bytesOut: row.bytes_out ?? 0,
  }));
}

/** Deletes what belongs to the sessions but not their chunks. */
export async function deleteBelongings(owner: Knex, ids: readonly string[]): Promise<void> {
  for (const table of BELONGING) {
    const { rows } = await owner.raw<{ rows: readonly { there: boolean }[] }>(
      'select to_regclass(?) is not null as there',
      [table],
    );
    if (rows[0]?.there !== true) continue;
    for (;;) {
      const some = owner(table)
        .select(owner.raw('ctid'))
        .whereIn('session_id', [...ids])
        .limit(DELETE_ROWS);
      const deleted = await owner(table).whereRaw('ctid = any(array(?))', [some]).delete();
      if (deleted < DELETE_ROWS) break;
    }
  }
}

export async function deleteChunks(owner: Knex, ids: readonly string[]): Promise<void> {
  for (;;) {
    const some = owner('chunks')
      .select('session_id', 'seq')
      .whereIn('session_id', [...ids])
      .limit(DELETE_CHUNKS);
    const deleted = await owner('chunks')
      // Twice, so that only their partitions are looked at.
      .whereIn('session_id', [...ids])
      .whereIn(['session_id', 'seq'], some)
      .delete();
    if (deleted < DELETE_CHUNKS) return;
  }
}

/** Deletes what lies outside of the database for these sessions. */
export async function deleteOutside(
  { objects, owner }: Undertaker,
  ids: readonly string[],
): Promise<void> {
  const { rows } = await owner.raw<{ rows: readonly { there: boolean }[] }>(
    `select exists (select 1 from pg_attribute
       where attrelid = 'chunks'::regclass and attname = 'cold_key' and not attisdropped) as there`,
  );
  if (rows[0]?.there !== true) return;
  const keys = await owner('chunks')
    .distinct('cold_key')
    .whereIn('session_id', [...ids])
    .whereNotNull('cold_key')
    .pluck<string[]>('cold_key');
  if (keys.length === 0) return;
  if (objects === null) {
    throw new SallyportError(
      'storage.unreachable',
      'recordings that are due lie in an object store, and none is configured',
      'set SALLYPORT_COLD_STORE as it was when they were moved; nothing of them is deleted before',
    );
  }
  for (const key of keys) await objects.remove(key);
}

/** The last step: heads and rows of sessions go together, so that nothing is seen half-way. */
export async function deleteSessions(owner: Knex, ids: readonly string[]): Promise<number> {
  return owner.transaction<number>(async (trx): Promise<number> => {
    await trx('heads')
      .whereIn('session_id', [...ids])
      .delete();
    return trx('sessions')
      .whereIn('id', [...ids])
      .delete();
  });
}
