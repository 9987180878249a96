/** Policy documents by name. Every version stays, for sessions name the one that judged them. */
import { isDeepStrictEqual } from 'node:util';
import type { Knex } from 'knex';
import type { DirectoryChange, DirectoryDocument } from '../access/directory.ts';
import type { Database } from './database.ts';
import { askThrough } from './outage.ts';
import { storable, storableJson } from './storable.ts';

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

interface NewestPolicy {
  readonly name: string;
  readonly version: number;
  readonly document: unknown;
}

/** The newest version of every policy, removed ones (null) included. */
export async function newestPolicies(knex: Knex): Promise<ReadonlyMap<string, NewestPolicy>> {
  const rows: readonly NewestPolicy[] = await knex('policies')
    .distinctOn('name')
    .orderBy([{ column: 'name' }, { column: 'version', order: 'desc' }])
    .select('name', 'version', 'document');
  return new Map(rows.map((row) => [row.name, row]));
}

/** Those that aren't named stay. */
export async function applyPolicies(
  knex: Knex,
  policies: DirectoryDocument['policies'],
  changes: DirectoryChange[],
): Promise<void> {
  const newest = await newestPolicies(knex);
  for (const [written, value] of Object.entries(policies)) {
    const name = storable(written);
    const document = storableJson(value);
    const stored = newest.get(name);
    if (stored !== undefined && isDeepStrictEqual(stored.document, document)) continue;
    await addVersion(knex, name, (stored?.version ?? 0) + 1, document);
    const isNew = stored === undefined || stored.document === null;
    changes.push({ object: 'policy', name, change: isNew ? 'added' : 'changed' });
  }
}

/** @param document null = it is removed */
export async function addVersion(
  knex: Knex,
  name: string,
  version: number,
  document: unknown,
): Promise<void> {
  // pg would turn an array into a PostgreSQL array, and the JSON null isn't "removed".
  const json = document === null ? null : JSON.stringify(document);
  await knex('policies').insert({ name, version, document: json });
}
