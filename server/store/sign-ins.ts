/**
 * People who sign in with an issuer: sign-ins under way, and the web sessions that come of them. Tokens,
 * states and browsers are stored as hashes only.
 */
import { readFile } from 'node:fs/promises';
import { setTimeout as sleep } from 'node:timers/promises';
import { isDeepStrictEqual } from 'node:util';
import type { Knex } from 'knex';
import { v7 as uuidv7 } from 'uuid';
import type { Claims } from '../access/identity.ts';
import type { Principal } from '../access/principal.ts';
import { groupNames, groupsIn, rolesOf, type SignInSettings } from '../access/sign-in.ts';
import { messageOf, SallyportError } from '../errors.ts';
import type { AuditEvent } from '../journal/event.ts';
import { printable } from '../printable.ts';
import type { Database } from './database.ts';
import { DIRECTORY_CHANNEL, tellDirectoryChange } from './directory-change.ts';
import { APPLY_LOCK } from './directory-transaction.ts';
import { PRINCIPAL_COLUMNS, principalOf, type PrincipalRow } from './directory.ts';
import type { StoredJournal } from './journal.ts';
import { askThrough } from './outage.ts';
import { accountOf, type AccountOutcome } from './sign-in-decision.ts';
import { readSignInSettings } from './sign-in-settings.ts';
import { storable, storableJson } from './storable.ts';
import { hashOf, insertToken, TOKEN_LIFE_MS } from './tokens.ts';

/** How long somebody may take at the issuer. */
export const SIGN_IN_LIFE_MS = 10 * 60_000;
/** Sign-ins under way from one address; the oldest is forgotten first. */
export const MAX_PENDING_PER_SOURCE = 500;
/** Sign-ins under way in all. */
export const MAX_PENDING = 20_000;
/** Attempts to write what others change at the same moment, and the pause before the second. */
const MAX_TRIES = 8;
const FIRST_PAUSE_MS = 20;

export interface PendingRow {
  readonly issuer: string;
  readonly clientId: string;
  readonly nonce: string;
  readonly codeVerifier: string;
  readonly returnPath: string;
  readonly source: string;
}

export interface SignInWish {
  readonly settings: SignInSettings;
  readonly claims: Claims;
  readonly idToken: string | null;
  readonly replaces: string | null;
  readonly source: string;
}

export interface StoredSignIns {
  settings(): Promise<SignInSettings | null>;
  /** The settings now, and whenever they may have changed; see the port. */
  follow(
    learn: (settings: SignInSettings | null) => void | Promise<void>,
    onFailure: (error: unknown) => void,
  ): Promise<void>;
  clientSecret(): Promise<string | null>;
  begin(state: string, browser: string, pending: PendingRow): Promise<void>;
  take(state: string, browser: string): Promise<PendingRow | null>;
  /** Rejects with `object.conflict` when others change the same again and again. */
  signIn(
    wish: SignInWish,
  ): Promise<
    | { readonly kind: 'signed-in'; readonly token: string; readonly principal: Principal }
    | { readonly kind: 'refused'; readonly why: string; readonly hint: string }
  >;
  issuerOf(
    token: string,
  ): Promise<{ readonly issuer: string; readonly idToken: string | null } | null>;
}

export interface SignInsOptions {
  readonly database: Pick<Database, 'knex' | 'listen'>;
  readonly journal: Pick<StoredJournal, 'appendWith'>;
  /** Given as it is, or in a file that is read whenever it is needed; null = neither. */
  readonly secret: { readonly value: string | null; readonly file: string | null };
}

export function createSignIns({ database, journal, secret }: SignInsOptions): StoredSignIns {
  const { knex } = database;
  const settings = (): Promise<SignInSettings | null> => askThrough(() => readSignInSettings(knex));
  return {
    settings,
    follow: async (learn, onFailure) => {
      const ask = async (): Promise<void> => learn(await settings());
      await database.listen(DIRECTORY_CHANNEL, () => {
        ask().catch(onFailure);
      });
      await ask();
    },
    clientSecret: () => readSecret(secret),
    begin: async (state, browser, pending) => {
      await askThrough(() => insertPending(knex, state, browser, pending));
    },
    take: async (state, browser) => {
      const [row] = await knex('pending_sign_ins')
        .where({ state_hash: hashOf(state), browser_hash: hashOf(browser) })
        .where('expires_at', '>', knex.fn.now())
        .delete()
        .returning<PendingRow[]>([
          'issuer',
          'client_id as clientId',
          'nonce',
          'code_verifier as codeVerifier',
          'return_path as returnPath',
          'source',
        ]);
      return row ?? null;
    },
    signIn: async (wish) => {
      for (let tries = 0; tries < MAX_TRIES; tries += 1) {
        if (!isDeepStrictEqual(await readSignInSettings(knex), wish.settings)) {
          const why = 'the configuration of signing in has just changed';
          return { kind: 'refused', why, hint: 'go to the sign-in page and begin anew' };
        }
        // In one view of the directory: between two statements somebody else may sign in first.
        const account = await knex.transaction(
          (trx) => accountOf(trx, wish.settings, wish.claims),
          { readOnly: true, isolationLevel: 'repeatable read' },
        );
        if (account.kind === 'refused') return account;
        try {
          return await open(journal, wish, account);
        } catch (error) {
          if (!(error instanceof Overtaken)) throw error;
          await sleep(FIRST_PAUSE_MS * 2 ** tries);
        }
      }
      throw new SallyportError(
        'object.conflict',
        'the directory changes faster than you can be signed in',
        'try again in a moment',
      );
    },
    issuerOf: async (token) => {
      const row = await knex('issuer_sessions')
        .where('token_hash', hashOf(token))
        .first<{ readonly issuer: string; readonly idToken: string | null } | undefined>(
          'issuer',
          'id_token as idToken',
        );
      return row ?? null;
    },
  };
}

/** Somebody else has changed what the decision was based on. */
class Overtaken extends Error {}

async function open(
  journal: SignInsOptions['journal'],
  wish: SignInWish,
  account: Exclude<AccountOutcome, { kind: 'refused' }>,
): Promise<{ kind: 'signed-in'; token: string; principal: Principal }> {
  const { claims, settings, source } = wish;
  const said = groupsIn(settings, claims);
  const isOwnGroups = account.kind === 'new' || account.isCreated;
  const given = {
    issuer_roles: rolesOf(settings, said),
    // Those of the configuration have the groups that the configuration gives them.
    issuer_groups: isOwnGroups ? groupNames(said) : [],
  };
  const event: AuditEvent = {
    type: 'web.signed-in',
    principal: account.name,
    source,
    session: null,
    target: null,
    data: {
      by: 'oidc',
      issuer: settings.issuer,
      sub: printable(String(claims['sub']), 255),
      roles: [...given.issuer_roles],
      groups: [...given.issuer_groups],
      ...(account.kind === 'new' && { created: true }),
      ...(account.kind === 'known' && account.bindBy !== undefined && { bound: true }),
    },
  };
  let opened: { token: string; principal: Principal } | null = null;
  await journal.appendWith([event], async (trx) => {
    opened = await carryOut(trx, wish, account, given);
  });
  if (opened === null) throw new Error('a sign-in was journalled and not carried out');
  return { kind: 'signed-in', ...(opened as { token: string; principal: Principal }) };
}

interface Given {
  readonly issuer_roles: readonly string[];
  readonly issuer_groups: readonly string[];
}

async function carryOut(
  trx: Knex,
  wish: SignInWish,
  account: Exclude<AccountOutcome, { kind: 'refused' }>,
  given: Given,
): Promise<{ token: string; principal: Principal }> {
  const { claims, idToken, replaces, settings } = wish;
  await refuseOvertaken(trx, wish, account);
  const { issuer } = settings;
  const subject = storable(String(claims['sub']));
  const id = account.kind === 'new' ? await makePrincipal(trx, account.name) : account.principalId;
  const bindBy = account.kind === 'new' ? null : account.bindBy;
  if (bindBy === undefined) {
    const bound = await trx('principal_accounts')
      .where({ issuer, subject, principal_id: id })
      .forShare()
      .first<{ subject: string } | undefined>('subject');
    if (bound === undefined) throw new Overtaken();
  } else {
    const identity = bindBy === null ? null : JSON.stringify(storableJson(bindBy));
    const bound = await trx('principal_accounts')
      .insert({ issuer, subject, principal_id: id, identity })
      .onConflict()
      .ignore()
      .returning<unknown[]>('subject');
    if (bound.length === 0) throw new Overtaken();
  }
  const before = await trx('principals')
    .where({ id, kind: 'human' })
    .whereNull('disabled_at')
    .forUpdate()
    .first<PrincipalRow | undefined>(PRINCIPAL_COLUMNS);
  if (before === undefined) throw new Overtaken();
  await trx('principals')
    .where({ id })
    .update({
      issuer_roles: [...given.issuer_roles],
      issuer_groups: given.issuer_groups.map(storable),
      issuer_until: trx.raw(`now() + ? * interval '1 millisecond'`, [TOKEN_LIFE_MS.web]),
    });
  const after = await trx('principals').where({ id }).first<PrincipalRow>(PRINCIPAL_COLUMNS);
  const principal = principalOf(after);
  if (replaces !== null) await trx('tokens').where('hash', hashOf(replaces)).delete();
  await trx('tokens').where('expires_at', '<', trx.fn.now()).delete();
  const token = await insertToken(trx, 'web', id, TOKEN_LIFE_MS.web);
  await trx('issuer_sessions').insert({ token_hash: hashOf(token), issuer, id_token: idToken });
  const isSame = JSON.stringify(principalOf(before)) === JSON.stringify(principal);
  if (!isSame || account.kind === 'new') await tellDirectoryChange(trx);
  return { token, principal };
}

/**
 * Whether everything is still as it was when it was decided. While the directory changes, nobody waits here:
 * that would hold the whole journal up.
 */
async function refuseOvertaken(
  trx: Knex,
  { claims, settings }: SignInWish,
  account: AccountOutcome,
): Promise<void> {
  const { rows } = await trx.raw<{ rows: readonly { got: boolean }[] }>(
    'select pg_try_advisory_xact_lock_shared(?) as got',
    [APPLY_LOCK],
  );
  if (rows[0]?.got !== true) throw new Overtaken();
  if (!isDeepStrictEqual(await readSignInSettings(trx), settings)) throw new Overtaken();
  if (!isDeepStrictEqual(await accountOf(trx, settings, claims), account)) throw new Overtaken();
}

async function makePrincipal(trx: Knex, name: string): Promise<string> {
  const id = uuidv7();
  const made = await trx('principals')
    .insert({ id, name: storable(name), kind: 'human', origin: 'sign-in' })
    .onConflict('name')
    .ignore()
    .returning<unknown[]>('id');
  if (made.length === 0) throw new Overtaken();
  return id;
}

async function insertPending(
  knex: Knex,
  state: string,
  browser: string,
  pending: PendingRow,
): Promise<void> {
  const { source } = pending;
  await knex('pending_sign_ins').where('expires_at', '<', knex.fn.now()).delete();
  const kept = knex('pending_sign_ins')
    .where({ source })
    .orderBy('created_at', 'desc')
    .limit(MAX_PENDING_PER_SOURCE - 1)
    .select('state_hash');
  await knex('pending_sign_ins').where({ source }).whereNotIn('state_hash', kept).delete();
  const oldest = knex('pending_sign_ins')
    .orderBy('expires_at', 'desc')
    .offset(MAX_PENDING - 1)
    .select('state_hash');
  await knex('pending_sign_ins').whereIn('state_hash', oldest).delete();
  await knex('pending_sign_ins').insert({
    state_hash: hashOf(state),
    browser_hash: hashOf(browser),
    issuer: pending.issuer,
    client_id: pending.clientId,
    nonce: pending.nonce,
    code_verifier: pending.codeVerifier,
    return_path: pending.returnPath,
    source,
    expires_at: knex.raw(`now() + ? * interval '1 millisecond'`, [SIGN_IN_LIFE_MS]),
  });
}

async function readSecret({ file, value }: SignInsOptions['secret']): Promise<string | null> {
  if (file === null) return value;
  try {
    const text = (await readFile(file, 'utf8')).trim();
    if (text !== '') return text;
  } catch (thrown) {
    throw unreadable(file, messageOf(thrown));
  }
  throw unreadable(file, 'it is empty');
}

function unreadable(file: string, why: string): SallyportError {
  return new SallyportError(
    'config.invalid',
    `the client secret of the issuer can't be read: ${printable(why, 200)}`,
    `put it into ${printable(file, 200)}, or correct SALLYPORT_OIDC_CLIENT_SECRET_FILE`,
  );
}
