/** Policy documents by name. Every version stays, for sessions name the one that judged them. */
import type { Database } from './database.ts';
import { askThrough } from './outage.ts';
import { storable } from './storable.ts';

export interface StoredPolicy {
  /** 1, 2, 3, … */
  readonly version: number;
  /** As written in the configuration; compiled by policy/. */
  readonly document: unknown;
  /** Of the directory at that moment; 0 = none was kept yet. */
  readonly directoryVersion: number;
}

/** The version in force, or null when there is none of that name. */
export async function currentPolicy(
  database: Pick<Database, 'knex'>,
  name: string,
): Promise<StoredPolicy | null> {
  const row = await askThrough(() =>
    database
      .knex('policies')
      .where('name', storable(name))
      .orderBy('version', 'desc')
      .first<StoredPolicy | undefined>(
        'version',
        'document',
        // In the same statement, for both have to be of one moment.
        database.knex.raw(
          '(select coalesce(max(number), 0) from directory_versions) as "directoryVersion"',
        ),
      ),
  );
  return row === undefined || row.document === null ? null : row;
}

/** Names of all policies in force. */
export async function policyNames(database: Pick<Database, 'knex'>): Promise<readonly string[]> {
  const rows: readonly { name: string; document: unknown }[] = await database
    .knex('policies')
    .distinctOn('name')
    .orderBy([{ column: 'name' }, { column: 'version', order: 'desc' }])
    .select('name', 'document');
  return rows.filter((row) => row.document !== null).map((row) => row.name);
}
