/**
 * Who has to wait after too many failed sign-ins, for all processes and over restarts. Only waits that hold
 * somebody up are written, so that a flood of failures is no flood of rows.
 */
import type { Lock } from '../access/lockout.ts';
import type { Database } from './database.ts';
import { storable } from './storable.ts';

export const LOCKOUTS_CHANNEL = 'sallyport_lockouts';
/** Rows that are kept; the waits that end first go first. */
export const MAX_LOCKOUT_ROWS = 10_000;
/** Failures are forgotten so long after the wait. */
const KEPT_AFTER = '1 hour';

export interface StoredLock {
  readonly key: string;
  readonly lock: Lock;
}

export interface Lockouts {
  /** All that somebody may still have to wait for. */
  all(): Promise<readonly StoredLock[]>;
  put(key: string, lock: Lock): Promise<void>;
  /** Tells what any process writes. */
  watch(onLock: (stored: StoredLock) => void): Promise<void>;
}

interface Row {
  readonly key: string;
  readonly failures: number;
  readonly last_at: Date;
  readonly until_at: Date;
}

export function createLockouts(database: Pick<Database, 'knex' | 'listen'>): Lockouts {
  const { knex } = database;
  return {
    all: async () => {
      const rows = await knex<Row>('lockouts').orderBy('until_at', 'desc').limit(MAX_LOCKOUT_ROWS);
      return rows.map(lockOf);
    },
    put: async (key, lock) => {
      await knex.transaction(async (trx) => {
        await trx('lockouts')
          .insert({
            key: storable(key),
            failures: lock.failures,
            last_at: new Date(lock.lastMs),
            until_at: new Date(lock.untilMs),
          })
          .onConflict('key')
          .merge();
        await trx('lockouts').whereRaw(`until_at < now() - interval '${KEPT_AFTER}'`).delete();
        await trx.raw(
          `delete from lockouts where key in
             (select key from lockouts order by until_at desc offset ${MAX_LOCKOUT_ROWS})`,
        );
        await trx.raw('select pg_notify(?, ?)', [LOCKOUTS_CHANNEL, storable(key)]);
      });
    },
    watch: async (onLock) => {
      await database.listen(LOCKOUTS_CHANNEL, (key) => {
        void knex<Row>('lockouts')
          .where('key', key)
          .first()
          // Whoever can't read it knows less of others' failures, and counts their own.
          .then(
            (row) => (row === undefined ? undefined : onLock(lockOf(row))),
            () => undefined,
          );
      });
    },
  };
}

function lockOf({ failures, key, last_at, until_at }: Row): StoredLock {
  return { key, lock: { failures, lastMs: last_at.getTime(), untilMs: until_at.getTime() } };
}
