/** How people sign in with an issuer, as the configuration says it: one value for all processes. */
import { isDeepStrictEqual } from 'node:util';
import type { Knex } from 'knex';
import type { DirectoryChange } from '../access/directory.ts';
import type { SignInSettings } from '../access/sign-in.ts';
import { endWebSessions } from './sign-in-accounts.ts';
import { storableJson } from './storable.ts';

const SETTING = 'sign-in';

/** null = people sign in by one-time links only. */
export async function readSignInSettings(knex: Knex): Promise<SignInSettings | null> {
  const row = await knex('settings')
    .where('key', SETTING)
    .first<{ readonly value: SignInSettings } | undefined>('value');
  return row?.value ?? null;
}

/**
 * Makes them those of the document. One without any leaves them, unless it prunes. Whom another rule or
 * another mapping of groups would let in otherwise, signs in again.
 */
export async function applySignIn(
  knex: Knex,
  wanted: SignInSettings | undefined,
  prunes: boolean,
  changes: DirectoryChange[],
): Promise<void> {
  if (wanted === undefined && !prunes) return;
  const stored = await readSignInSettings(knex);
  const value = wanted === undefined ? null : (storableJson(wanted) as SignInSettings);
  if (isDeepStrictEqual(stored, value)) return;
  if (value === null) await knex('settings').where('key', SETTING).delete();
  else {
    await knex('settings')
      .insert({ key: SETTING, value: JSON.stringify(value) })
      .onConflict('key')
      .merge();
  }
  if (!isDeepStrictEqual(decisive(stored), decisive(value))) await endWebSessions(knex, null);
  const change = stored === null ? 'added' : value === null ? 'removed' : 'changed';
  const name = (value ?? stored)?.issuer ?? '';
  changes.push({ object: 'sign-in', name, change });
}

/** What decides who comes in and what they may. */
function decisive(settings: SignInSettings | null): unknown {
  if (settings === null) return null;
  const { clientId, create, groupsClaim, issuer, roles } = settings;
  return { clientId, create, groupsClaim, issuer, roles };
}
