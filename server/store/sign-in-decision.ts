/**
 * Which principal an account at an issuer signs in as. An account is bound at its first sign-in and found by the
 * issuer's `sub` from then on: addresses and names may change there. A binding lasts as long as the entry of
 * the configuration by which it came.
 */
import { isDeepStrictEqual } from 'node:util';
import type { Knex } from 'knex';
import { principalOfClaims, type Claims, type OidcIdentity } from '../access/identity.ts';
import type { PrincipalKind } from '../access/principal.ts';
import { createFault, groupsIn, nameIn, type SignInSettings } from '../access/sign-in.ts';
import { printable } from '../printable.ts';
import { readIdentities } from './identities.ts';
import { storable } from './storable.ts';

/** What a sign-in comes to. */
export type AccountOutcome =
  | { readonly kind: 'refused'; readonly why: string; readonly hint: string }
  | {
      readonly kind: 'known';
      readonly principalId: string;
      readonly name: string;
      /** The entry to bind it by; undefined = it is bound already. */
      readonly bindBy?: OidcIdentity;
      readonly isCreated: boolean;
    }
  | { readonly kind: 'new'; readonly name: string };

interface AccountRow {
  readonly id: string;
  readonly name: string;
  readonly kind: PrincipalKind;
  readonly origin: 'configuration' | 'sign-in';
  readonly disabled_at: Date | null;
}

const ASK = 'ask an admin of the bastion';

/** Who signs in with these claims of a verified token. */
export async function accountOf(
  knex: Knex,
  settings: SignInSettings,
  claims: Claims,
): Promise<AccountOutcome> {
  const { issuer } = settings;
  const subject = storable(String(claims['sub']));
  const bound = await knex('principal_accounts')
    .join('principals', 'principals.id', 'principal_accounts.principal_id')
    .where({ issuer, subject })
    .first<AccountRow | undefined>(
      'principals.id',
      'principals.name',
      'principals.kind',
      'principals.origin',
      'principals.disabled_at',
    );
  const named = await namedBy(knex, settings, claims);
  if (named.kind === 'refused') return named;
  if (bound === undefined) {
    return named.kind === 'named'
      ? named.outcome
      : ((await unnamed(knex, settings, claims)) ?? {
          kind: 'new',
          name: newName(settings, claims),
        });
  }
  if (bound.disabled_at !== null) return refused(`${bound.name} is disabled`, ASK);
  if (bound.kind === 'agent') return isAgent(bound.name);
  const isCreated = bound.origin === 'sign-in';
  if (isCreated) {
    if (named.kind === 'named' && named.outcome.name !== bound.name) {
      const why = `this account is ${bound.name} already, and the configuration names it ${named.outcome.name}`;
      const hint = `an admin can free it: npx sallyport principal unbind ${bound.name}`;
      return refused(why, hint);
    }
    const fault = ruleFault(settings, claims);
    if (fault !== null) return refused(`${bound.name} is no longer taken in: ${fault}`, ASK);
  }
  return { kind: 'known', principalId: bound.id, name: bound.name, isCreated };
}

type Named =
  | { readonly kind: 'nobody' }
  | Extract<AccountOutcome, { kind: 'refused' }>
  | { readonly kind: 'named'; readonly outcome: Extract<AccountOutcome, { kind: 'known' }> };

/** Whom `oidc:` of the configuration names. */
async function namedBy(knex: Knex, settings: SignInSettings, claims: Claims): Promise<Named> {
  const { clientId, issuer } = settings;
  const usable = (await readIdentities(knex)).filter(
    ({ identity }) =>
      (identity.issuer === null || identity.issuer === issuer) &&
      (identity.audience === null || identity.audience === clientId),
  );
  const found = principalOfClaims(usable, claims);
  if (found.kind === 'unknown') return { kind: 'nobody' };
  if (found.kind === 'ambiguous') {
    const why = `the account names more than one principal: ${found.principals.join(', ')}`;
    return refused(why, 'an admin can give each `oidc` of the configuration to one of them only');
  }
  const { identity, principal: name } = found.named;
  const row = await knex('principals')
    .where({ name })
    .first<AccountRow | undefined>('id', 'name', 'kind', 'origin', 'disabled_at');
  if (row === undefined) return { kind: 'nobody' };
  if (row.kind === 'agent') return isAgent(name);
  const others = await knex('principal_accounts')
    .where({ principal_id: row.id, issuer })
    .select<{ subject: string; identity: unknown }[]>('subject', 'identity');
  const subject = storable(String(claims['sub']));
  const isTaken = others.some(
    (one) => one.subject !== subject && isDeepStrictEqual(one.identity, identity),
  );
  if (isTaken) {
    const why = `${name} is another account at the issuer already`;
    const hint = `an admin can free the name: npx sallyport principal unbind ${name}`;
    return refused(why, hint);
  }
  const outcome = {
    kind: 'known',
    principalId: row.id,
    name,
    bindBy: identity,
    isCreated: false,
  } as const;
  return { kind: 'named', outcome };
}

/** Why nobody is made of an account that the configuration doesn't name; null = somebody is. */
async function unnamed(
  knex: Knex,
  settings: SignInSettings,
  claims: Claims,
): Promise<AccountOutcome | null> {
  const subject = printable(String(claims['sub']), 200);
  if (settings.create === null) {
    return refused(`nobody here is named by the account ${subject}`, `${ASK} to name it`);
  }
  const fault = ruleFault(settings, claims);
  if (fault !== null) {
    return refused(`nobody here is named by the account ${subject}, and ${fault}`, ASK);
  }
  const name = nameIn(settings.create, claims);
  if (name === null) {
    const why = `the claim ${settings.create.name} of the account ${subject} gives no name that can be used`;
    return refused(why, `${ASK} to name the account in the configuration`);
  }
  const same = await knex('principals')
    .whereRaw('lower(name) = ?', [name])
    .first<{ name: string } | undefined>('name');
  if (same === undefined) return null;
  const why = `the account ${subject} would be called ${name}, and somebody else is`;
  return refused(why, `${ASK} to name the account in the configuration`);
}

function newName({ create }: SignInSettings, claims: Claims): string {
  // `unnamed` has found it usable.
  return (create === null ? null : nameIn(create, claims)) ?? '';
}

function ruleFault(settings: SignInSettings, claims: Claims): string | null {
  return settings.create === null
    ? 'nobody is taken in who is not named'
    : createFault(settings.create, claims, groupsIn(settings, claims));
}

function isAgent(name: string): Extract<AccountOutcome, { kind: 'refused' }> {
  const why = `${name} is an agent, and agents don't sign in`;
  return refused(why, 'an agent takes a key: POST /api/v1/ssh-keys with a token of its issuer');
}

function refused(why: string, hint: string): Extract<AccountOutcome, { kind: 'refused' }> {
  return { kind: 'refused', why, hint };
}
