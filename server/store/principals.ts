/** Shutting principals out and letting them in again, at once and for every process. */
import type { Knex } from 'knex';
import type { Database } from './database.ts';
import { tellDirectoryChange } from './directory-change.ts';
import type { StoredJournal } from './journal.ts';
import { endWebSessions } from './sign-in-accounts.ts';
import { storable } from './storable.ts';

/** Who asks for it, and why. */
export interface DisablingBy {
  readonly source: string | null;
  readonly reason: string | null;
}

/**
 * A disabled principal opens nothing, and what it runs ends. It stays disabled until this enables it; no
 * configuration does. One that only the configuration has dropped is enabled by naming it there.
 */
export async function setDisabled(
  stores: {
    readonly database: Pick<Database, 'knex'>;
    readonly journal: Pick<StoredJournal, 'appendWith'>;
  },
  name: string,
  isDisabled: boolean,
  by: DisablingBy,
): Promise<'changed' | 'same' | 'unknown'> {
  const { database, journal } = stores;
  const row = await database
    .knex('principals')
    .where('name', storable(name))
    .first<{ readonly locked_at: Date | null } | undefined>('locked_at');
  if (row === undefined) return 'unknown';
  if ((row.locked_at !== null) === isDisabled) return 'same';
  const event = {
    type: isDisabled ? 'principal.disabled' : 'principal.enabled',
    principal: name,
    source: by.source,
    session: null,
    target: null,
    data: { reason: by.reason },
  } as const;
  await journal.appendWith([event], async (trx) => {
    await trx('principals')
      .where('name', storable(name))
      .update(
        isDisabled
          ? { disabled_at: trx.raw('coalesce(disabled_at, now())'), locked_at: trx.fn.now() }
          : { disabled_at: null, locked_at: null },
      );
    // Who is enabled again signs in again.
    if (isDisabled) await endWebTokens(trx, storable(name));
    await tellDirectoryChange(trx);
  });
  return 'changed';
}

/**
 * Forgets which account at an issuer this principal is: the next one that its `oidc` names becomes it. What
 * the issuer had opened ends.
 */
export async function unbindPrincipal(
  stores: {
    readonly database: Pick<Database, 'knex'>;
    readonly journal: Pick<StoredJournal, 'appendWith'>;
  },
  name: string,
  by: DisablingBy,
): Promise<'changed' | 'same' | 'unknown'> {
  const { database, journal } = stores;
  const { knex } = database;
  const row = await knex('principals')
    .where('name', storable(name))
    .first<{ readonly id: string } | undefined>('id');
  if (row === undefined) return 'unknown';
  const accounts = await knex('principal_accounts')
    .where('principal_id', row.id)
    .select<{ issuer: string; subject: string }[]>('issuer', 'subject');
  if (accounts.length === 0) return 'same';
  const event = {
    type: 'principal.unbound',
    principal: name,
    source: by.source,
    session: null,
    target: null,
    data: {
      reason: by.reason,
      accounts: accounts.map(({ issuer, subject }) => ({ issuer, sub: subject })),
    },
  } as const;
  await journal.appendWith([event], async (trx) => {
    await trx('principal_accounts').where('principal_id', row.id).delete();
    await endWebSessions(trx, row.id);
    await tellDirectoryChange(trx);
  });
  return 'changed';
}

async function endWebTokens(trx: Knex, name: string): Promise<void> {
  await trx('tokens')
    .whereIn('kind', ['web', 'setup'])
    .whereIn('principal_id', trx('principals').where({ name }).select('id'))
    .delete();
}
