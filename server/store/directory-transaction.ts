/**
 * One change of the directory: under a lock, from what it says to what it says then, kept as a version and
 * told to every process. Not caught here: two changes that are each right and together not what was meant.
 */
import type { Knex } from 'knex';
import type { DirectoryChange } from '../access/directory.ts';
import type { Database } from './database.ts';
import { tellDirectoryChange } from './directory-change.ts';
import {
  currentVersion,
  keepVersion,
  type VersionOrigin,
  withLines,
} from './directory-versions.ts';
import { readWritten, type WrittenDirectory } from './directory-written.ts';

/** Held while the directory changes. Any number that no other advisory lock of ours uses. */
export const APPLY_LOCK = 0x53_41_01;

export interface AppliedChange {
  readonly changes: readonly DirectoryChange[];
  /** Of the directory now. */
  readonly version: number;
}

/** What a change sees of the directory before it. */
export interface ChangeScope {
  readonly trx: Knex.Transaction;
  readonly before: WrittenDirectory;
  /** 0 = none is kept yet. */
  readonly version: number;
  /** What it finds out, in order. */
  readonly changes: DirectoryChange[];
}

/** Runs `work`; with nothing to change it writes nothing. What it throws undoes everything. */
export async function changeDirectory(
  { knex }: Pick<Database, 'knex'>,
  options: { readonly dryRun: boolean; readonly origin: VersionOrigin },
  work: (scope: ChangeScope) => Promise<void>,
): Promise<AppliedChange> {
  const trx = await knex.transaction();
  try {
    await trx.raw('select pg_advisory_xact_lock(?)', [APPLY_LOCK]);
    const before = await readWritten(trx);
    const version = await currentVersion(trx);
    const found: DirectoryChange[] = [];
    await work({ trx, before, version, changes: found });
    if (found.length === 0) {
      await trx.rollback();
      return { changes: found, version };
    }
    const after = await readWritten(trx);
    const changes = withLines(found, before, after);
    if (options.dryRun) {
      await trx.rollback();
      return { changes, version };
    }
    const kept = await keepVersion(trx, options.origin, changes, after);
    await tellDirectoryChange(trx);
    await trx.commit();
    return { changes, version: kept };
  } catch (error) {
    if (!trx.isCompleted()) await trx.rollback();
    throw error;
  }
}
