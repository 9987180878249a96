/**
 * Whole months of chunks, dropped at once instead of row by row: a partition is detached without stopping
 * readers, looked at once more when nothing can be added to it, and dropped. One that holds anything
 * unexpected is attached again and stays. What a crash left half-way is taken up by the next run.
 */
import type { Knex } from 'knex';
import type { Logger } from '../log.ts';
import { firstIdOfMonth } from './partitions.ts';
import type { IdRange } from './retention-rows.ts';

/** How long after its end a month is left alone, for clocks that differ. */
const MONTH_GRACE_MS = 86_400_000;
/** First server that detaches without stopping readers. */
const DETACHES_CONCURRENTLY = 140_000;
/** How long a statement may wait for others to let go of the table. */
const LOCK_WAIT_MS = 5000;
/** How long a detaching may wait for transactions that may still read the month. */
const DETACH_WAIT_MS = 60_000;

export interface Month {
  readonly partition: string;
  readonly range: IdRange;
}

/** Partitions of months that are over. */
export async function pastMonths(owner: Knex, nowMs: number): Promise<readonly Month[]> {
  const { rows } = await owner.raw<{ rows: readonly { name: string; db_ms: number }[] }>(
    `select c.relname as name, floor(extract(epoch from now()) * 1000)::bigint as db_ms
     from pg_inherits join pg_class c on c.oid = inhrelid
     where inhparent = 'chunks'::regclass order by c.relname`,
  );
  return rows.flatMap(({ db_ms: dbMs, name }) => {
    const month = monthOf(name);
    const isOver = month !== null && month.endMs + MONTH_GRACE_MS <= Math.min(nowMs, dbMs);
    return isOver ? [{ partition: name, range: month.range }] : [];
  });
}

function monthOf(partition: string): { readonly range: IdRange; readonly endMs: number } | null {
  const [, year, month] = /^chunks_(\d{4})_(\d{2})$/.exec(partition) ?? [];
  if (year === undefined || month === undefined) return null;
  const startMs = Date.UTC(Number(year), Number(month) - 1);
  const endMs = Date.UTC(Number(year), Number(month));
  return { range: [firstIdOfMonth(startMs), firstIdOfMonth(endMs)], endMs };
}

/** Drops the partition when all of its chunks belong to sessions that are being deleted. */
export async function dropMonth(owner: Knex, month: Month, logger: Logger): Promise<boolean> {
  const { partition } = month;
  if (await holdsMore(owner, partition)) return false;
  try {
    await detach(owner, partition);
  } catch (error) {
    // Somebody reads it all the time: the next run tries again. A detaching that began is finished then.
    logger.warn('retention.detach-waits', { partition, why: String(error).slice(0, 200) });
    return false;
  }
  return settleDetached(owner, partition, logger);
}

/** Finishes what an earlier run began: detachings that hang, and detached months that are still there. */
export async function settleMonths(owner: Knex, logger: Logger): Promise<number> {
  if ((await serverNumber(owner)) >= DETACHES_CONCURRENTLY) {
    const { rows } = await owner.raw<{ rows: readonly { name: string }[] }>(
      `select c.relname as name from pg_inherits join pg_class c on c.oid = inhrelid
       where inhparent = 'chunks'::regclass and inhdetachpending`,
    );
    for (const { name } of rows) {
      await bounded(owner, 'alter table chunks detach partition ?? finalize', name);
    }
  }
  const { rows } = await owner.raw<{ rows: readonly { name: string }[] }>(
    `select relname as name from pg_class
     where relnamespace = (select relnamespace from pg_class where oid = 'chunks'::regclass)
       and relkind = 'r' and not relispartition and relname ~ '^chunks_[0-9]{4}_[0-9]{2}$'`,
  );
  let dropped = 0;
  for (const { name } of rows) if (await settleDetached(owner, name, logger)) dropped += 1;
  return dropped;
}

async function detach(owner: Knex, partition: string): Promise<void> {
  if ((await serverNumber(owner)) >= DETACHES_CONCURRENTLY) {
    await bounded(owner, 'alter table chunks detach partition ?? concurrently', partition);
    return;
  }
  await owner.transaction(async (trx) => {
    await trx.raw(`set local lock_timeout = ${LOCK_WAIT_MS}`);
    await trx.raw('alter table chunks detach partition ??', [partition]);
  });
}

/** For what can't be in a transaction. Rejects when it takes too long; what was begun is finished later. */
async function bounded(owner: Knex, sql: string, partition: string): Promise<void> {
  const client = owner.client as {
    acquireConnection(): Promise<unknown>;
    releaseConnection(connection: unknown): Promise<void>;
  };
  const connection = await client.acquireConnection();
  try {
    await owner.raw(`set statement_timeout = ${DETACH_WAIT_MS}`).connection(connection);
    await owner.raw(sql, [partition]).connection(connection);
  } finally {
    await owner.raw('reset statement_timeout').connection(connection);
    await client.releaseConnection(connection);
  }
}

/** Nothing can be added to a detached table: what it holds now is all. */
async function settleDetached(owner: Knex, partition: string, logger: Logger): Promise<boolean> {
  if (!(await holdsMore(owner, partition))) {
    await owner.raw('drop table ??', [partition]);
    return true;
  }
  const range = monthOf(partition)?.range;
  logger.error('retention.month-kept', { partition });
  if (range !== undefined) {
    const [from, to] = range;
    const bounds = `for values from ('${from}') to ('${to}')`;
    await owner.raw(`alter table chunks attach partition ?? ${bounds}`, [partition]);
  }
  return false;
}

/** Whether it holds a chunk of a session that isn't being deleted, or that isn't known. */
async function holdsMore(owner: Knex, partition: string): Promise<boolean> {
  const { rows } = await owner.raw<{ rows: readonly unknown[] }>(
    `select 1 from (select distinct session_id from ??) as held
     where not exists (select 1 from sessions where id = session_id and deleting_at is not null)
     limit 1`,
    [partition],
  );
  return rows.length > 0;
}

async function serverNumber(owner: Knex): Promise<number> {
  const { rows } = await owner.raw<{ rows: readonly { number: number }[] }>(
    `select current_setting('server_version_num')::int as number`,
  );
  return rows[0]?.number ?? 0;
}
