/** How issuers of tokens name principals: kept, compared and read. */
import { isDeepStrictEqual } from 'node:util';
import type { Knex } from 'knex';
import type { NamedIdentity, OidcIdentity } from '../access/identity.ts';
import { askThrough } from './outage.ts';
import { settleAccounts } from './sign-in-accounts.ts';
import { storableJson } from './storable.ts';

/** Makes them the identities of a principal. @returns whether anything changed */
export async function applyIdentities(
  knex: Knex,
  principalId: string,
  identities: readonly OidcIdentity[],
): Promise<boolean> {
  const rows: readonly { readonly identity: unknown }[] = await knex('principal_identities')
    .where('principal_id', principalId)
    .orderBy('place')
    .select('identity');
  const wanted = identities.map(storableJson);
  const stored = rows.map(({ identity }) => identity);
  await settleAccounts(knex, principalId, wanted);
  if (isDeepStrictEqual(stored, wanted)) return false;
  await knex('principal_identities').where('principal_id', principalId).delete();
  const fresh = wanted.map((identity, place) => ({
    principal_id: principalId,
    place,
    identity: JSON.stringify(identity),
  }));
  if (fresh.length > 0) await knex('principal_identities').insert(fresh);
  return true;
}

/** The identities of all enabled principals. */
export async function readIdentities(knex: Knex): Promise<readonly NamedIdentity[]> {
  return askThrough(() =>
    knex('principal_identities')
      .join('principals', 'principals.id', 'principal_identities.principal_id')
      .whereNull('principals.disabled_at')
      .orderBy(['principals.name', 'principal_identities.place'])
      .select<NamedIdentity[]>('principals.name as principal', 'principal_identities.identity'),
  );
}
