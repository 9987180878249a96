/** Removes what a configuration doesn't name, or one thing by its name. */
import type { Knex } from 'knex';
import type { DirectoryChange, DirectoryDocument } from '../access/directory.ts';
import { pruneAuthorities } from './authorities.ts';
import { addVersion, newestPolicies } from './policies.ts';
import { pruneWebhooks } from './request-rules.ts';
import { spareTakenIn } from './sign-in-accounts.ts';
import { storable } from './storable.ts';

/** Principals are named by what they did, so they stay as rows. Before others take their keys over. */
export async function pruneUsers(
  trx: Knex,
  document: DirectoryDocument,
  changes: DirectoryChange[],
): Promise<void> {
  await removeUsers(
    trx,
    (query) =>
      void query
        .whereNotIn('name', namesOf(document.principals))
        .modify(spareTakenIn, document.signIn),
    changes,
  );
}

async function removeUsers(
  trx: Knex,
  which: (query: Knex.QueryBuilder) => void,
  changes: DirectoryChange[],
): Promise<void> {
  const disabled = await trx('principals')
    .modify(which)
    .whereNull('disabled_at')
    .update({ disabled_at: trx.fn.now() })
    .returning<{ id: string; name: string }[]>(['id', 'name']);
  const ids = disabled.map((row) => row.id);
  await trx('principal_keys')
    .whereIn('principal_id', ids)
    .whereNull('revoked_at')
    .update({ revoked_at: trx.fn.now() });
  await trx('tokens').whereIn('principal_id', ids).delete();
  await trx('principal_certificates').whereIn('principal_id', ids).delete();
  for (const { name } of disabled) changes.push({ object: 'principal', name, change: 'removed' });
}

/** All but principals. */
export async function pruneOthers(
  trx: Knex,
  document: DirectoryDocument,
  changes: DirectoryChange[],
): Promise<void> {
  const removed = (object: DirectoryChange['object'], rows: readonly { name: string }[]): void => {
    for (const { name } of rows) changes.push({ object, name, change: 'removed' });
  };
  removed('authority', await pruneAuthorities(trx, document.authorities ?? []));
  removed('webhook', await pruneWebhooks(trx, document.webhooks ?? []));
  for (const [table, object] of [
    ['targets', 'target'],
    ['credentials', 'credential'],
  ] as const) {
    const rows = await trx(table)
      .whereNotIn('name', namesOf(document[table]))
      .delete()
      .returning<{ name: string }[]>('name');
    removed(object, rows);
  }
  const kept = new Set(Object.keys(document.policies).map(storable));
  for (const { name, version, document } of (await newestPolicies(trx)).values()) {
    if (kept.has(name) || document === null) continue;
    await addVersion(trx, name, version + 1, null);
    removed('policy', [{ name }]);
  }
}

/** Removes one thing; nothing happens when there is none of that name. */
export async function removeEntry(
  trx: Knex,
  object: 'principal' | 'target' | 'credential' | 'policy',
  name: string,
  changes: DirectoryChange[],
): Promise<void> {
  if (object === 'principal') {
    return removeUsers(trx, (query) => void query.where('name', storable(name)), changes);
  }
  if (object === 'policy') {
    const newest = (await newestPolicies(trx)).get(storable(name));
    if (newest === undefined || newest.document === null) return;
    await addVersion(trx, newest.name, newest.version + 1, null);
  } else {
    const table = object === 'target' ? 'targets' : 'credentials';
    const count = await trx(table).where('name', storable(name)).delete();
    if (count === 0) return;
  }
  changes.push({ object, name, change: 'removed' });
}

function namesOf(entries: readonly { readonly name: string }[]): readonly string[] {
  return entries.map((entry) => storable(entry.name));
}
