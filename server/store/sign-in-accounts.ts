/**
 * Accounts at an issuer that are principals here: when they are forgotten, and what ends with them. How they
 * come to be bound is told in sign-in-decision.ts.
 */
import { isDeepStrictEqual } from 'node:util';
import type { Knex } from 'knex';
import type { SignInSettings } from '../access/sign-in.ts';

/** Forgets the accounts of a principal that came by an entry which it no longer has. */
export async function settleAccounts(
  knex: Knex,
  principalId: string,
  identities: readonly unknown[],
): Promise<void> {
  const rows = await knex('principal_accounts')
    .where('principal_id', principalId)
    .select<{ issuer: string; subject: string; identity: unknown }[]>(
      'issuer',
      'subject',
      'identity',
    );
  for (const { identity, issuer, subject } of rows) {
    if (identities.some((one) => isDeepStrictEqual(one, identity))) continue;
    await knex('principal_accounts').where({ issuer, subject }).delete();
    await endWebSessions(knex, principalId);
  }
}

/**
 * Somebody whom a sign-in made becomes one of the configuration, who may be somebody else.
 * @returns whether there was somebody of this name
 */
export async function adoptPrincipal(knex: Knex, name: string): Promise<boolean> {
  const row = await knex('principals')
    .where({ name, origin: 'sign-in' })
    .first<{ readonly id: string } | undefined>('id');
  if (row === undefined) return false;
  const principalId = row.id;
  await knex('tokens').where('principal_id', principalId).delete();
  await knex('principal_accounts').where('principal_id', principalId).delete();
  await knex('principal_keys')
    .where('principal_id', principalId)
    .whereNull('revoked_at')
    .update({ revoked_at: knex.fn.now() });
  await knex('principals')
    .where('id', principalId)
    .update({ origin: 'configuration', issuer_roles: [], issuer_groups: [], issuer_until: null });
  return true;
}

/** Whom the rule of the document takes in, isn't named there and stays all the same. */
export function spareTakenIn(query: Knex.QueryBuilder, settings: SignInSettings | undefined): void {
  if (settings !== undefined && settings.create !== null)
    void query.where('origin', 'configuration');
}

/** Ends the web sessions that an issuer opened, and what its groups gave. */
export async function endWebSessions(knex: Knex, principalId: string | null): Promise<void> {
  const scope = (query: Knex.QueryBuilder, column: string): void => {
    if (principalId !== null) void query.where(column, principalId);
  };
  await knex('tokens')
    .whereIn('hash', knex('issuer_sessions').select('token_hash'))
    .modify(scope, 'principal_id')
    .delete();
  await knex('principals')
    .whereNotNull('issuer_until')
    .modify(scope, 'id')
    .update({ issuer_roles: [], issuer_groups: [], issuer_until: null });
}
