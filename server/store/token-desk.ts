/**
 * API tokens as people manage them: made for a purpose, listed, revoked, and journalled with that. What a
 * token gives is decided at each use, by the roles that its principal has then; see access/permission.ts.
 */
import { randomBytes } from 'node:crypto';
import type { Knex } from 'knex';
import type { TokenScope } from '../access/token-scope.ts';
import { SallyportError } from '../errors.ts';
import type { AuditEvent } from '../journal/event.ts';
import type { Database } from './database.ts';
import { enabledPrincipal } from './directory.ts';
import type { StoredJournal } from './journal.ts';
import { askThrough } from './outage.ts';
import { isUuid } from './query-text.ts';
import { storable } from './storable.ts';
import { hashOf, MAX_TOKEN_LIFE_MS } from './tokens.ts';

/** Live API tokens of one principal. */
export const MAX_LIVE_TOKENS = 200;
/** Longest name of a token. */
export const MAX_TOKEN_NAME = 100;

/** What may be shown of a token; times in ISO 8601. */
export interface TokenObject {
  readonly id: string;
  readonly name: string;
  readonly principal: string;
  /** null = everything that its principal may do. */
  readonly scopes: readonly string[] | null;
  readonly createdAt: string;
  /** Whoever made it: a principal, or `cli:USER`. */
  readonly createdBy: string | null;
  readonly expiresAt: string;
  readonly lastUsedAt: string | null;
  /** Where it was used last. */
  readonly lastUsedFrom: string | null;
}

export interface TokenWish {
  readonly principal: string;
  readonly name: string;
  readonly scopes: readonly TokenScope[] | null;
  readonly ttlMs: number;
  /** The new one ends with this one at the latest; null = it was asked for in another way. */
  readonly madeWith: string | null;
}

/** Who asks. */
export interface TokenActor {
  /** null = somebody on the machine itself. */
  readonly principal: string | null;
  readonly source: string;
}

export interface TokenDesk {
  /**
   * Rejects with `object.unknown` for a principal that isn't enabled, with `usage.invalid` for a life or a
   * name that can't be, and with `limit.exceeded`.
   */
  create(
    wish: TokenWish,
    by: TokenActor,
  ): Promise<{ readonly token: string; readonly object: TokenObject }>;
  /** Live ones, newest first. @param principal null = of everybody */
  list(principal: string | null): Promise<readonly TokenObject[]>;
  /** A live one. */
  one(id: string): Promise<TokenObject | null>;
  /** @returns whether there was such a live one */
  revoke(id: string, by: TokenActor): Promise<boolean>;
}

interface Row {
  readonly id: string;
  readonly name: string;
  readonly principal: string;
  readonly scopes: readonly string[] | null;
  readonly created_at: Date;
  readonly created_by: string | null;
  readonly expires_at: Date;
  readonly last_used_at: Date | null;
  readonly last_used_source: string | null;
}

/** More are not listed. */
const MAX_LISTED = 5_000;

export function createTokenDesk({
  database,
  journal,
}: {
  readonly database: Pick<Database, 'knex'>;
  readonly journal: Pick<StoredJournal, 'appendWith'>;
}): TokenDesk {
  const { knex } = database;
  return {
    create: async (wish, by) => {
      refuseOdd(wish);
      const token = randomBytes(32).toString('base64url');
      const principal = await enabledPrincipal(knex, wish.principal);
      if (principal === null) {
        throw new SallyportError(
          'object.unknown',
          `there is no enabled principal named ${storable(wish.principal)}`,
          'add it to the configuration and apply that first',
        );
      }
      const { scopes } = wish;
      const data = { kind: 'api', name: storable(wish.name), scopes, owner: principal.name };
      const event = tokenEvent('token.created', by, { ...data, lifeMs: wish.ttlMs });
      await journal.appendWith([event], (trx) =>
        insertApiToken(trx, principal.id, wish, by, token),
      );
      const [row] = await tokenRows(knex).where('tokens.hash', hashOf(token));
      if (row === undefined) throw gone();
      return { token, object: objectOf(row) };
    },
    list: (principal) =>
      askThrough(async () => {
        const rows = await tokenRows(knex)
          .modify((query) => principal !== null && void query.where('principals.name', principal))
          .limit(MAX_LISTED);
        return rows.map(objectOf);
      }),
    one: async (id) => {
      if (!isUuid(id)) return null;
      const [row] = await askThrough(() => tokenRows(knex).where('tokens.id', id));
      return row === undefined ? null : objectOf(row);
    },
    revoke: async (id, by) => {
      if (!isUuid(id)) return false;
      const [row] = await askThrough(() => tokenRows(knex).where('tokens.id', id));
      if (row === undefined) return false;
      const data = { kind: 'api', id, name: row.name, owner: row.principal };
      await journal.appendWith([tokenEvent('token.revoked', by, data)], async (trx) => {
        await trx('tokens').where({ id, kind: 'api' }).delete();
      });
      return true;
    },
  };
}

function refuseOdd({ name, ttlMs }: TokenWish): void {
  if (!(ttlMs >= 1 && ttlMs <= MAX_TOKEN_LIFE_MS)) {
    throw new SallyportError(
      'usage.invalid',
      'a token can live from a moment to 366 days',
      'ask for a life such as 1h or 30d',
    );
  }
  if (name.length <= MAX_TOKEN_NAME) return;
  throw new SallyportError(
    'usage.invalid',
    `the name of the token has ${name.length} characters`,
    `use at most ${MAX_TOKEN_NAME}`,
  );
}

/** One of a principal who may have it, in the transaction of its events. */
export async function insertApiToken(
  trx: Knex,
  principalId: string,
  wish: TokenWish,
  by: TokenActor,
  token: string,
): Promise<void> {
  // Two that are made at once are counted one after the other.
  await trx('principals').where('id', principalId).forUpdate().select('id');
  await trx('tokens').where('expires_at', '<', trx.fn.now()).delete();
  const [live] = await trx('tokens')
    .where({ principal_id: principalId, kind: 'api' })
    .count<{ readonly count: string }[]>('id as count');
  if (Number(live?.count) >= MAX_LIVE_TOKENS) {
    throw new SallyportError(
      'limit.exceeded',
      `${wish.principal} has ${MAX_LIVE_TOKENS} API tokens already`,
      'revoke some that are not used any more: sallyport token list',
    );
  }
  await trx('tokens').insert({
    hash: hashOf(token),
    kind: 'api',
    principal_id: principalId,
    name: storable(wish.name),
    scopes: wish.scopes === null ? null : [...wish.scopes],
    created_by: storable(by.principal ?? by.source),
    expires_at: trx.raw(
      `least(now() + ? * interval '1 millisecond',
        (select expires_at from tokens where hash = ? and kind = 'api'))`,
      [wish.ttlMs, wish.madeWith === null ? null : hashOf(wish.madeWith)],
    ),
  });
}

function tokenRows(knex: Knex) {
  return knex('tokens')
    .join('principals', 'principals.id', 'tokens.principal_id')
    .where('tokens.kind', 'api')
    .where('tokens.expires_at', '>', knex.fn.now())
    .orderBy(['tokens.created_at', 'tokens.id'].map((column) => ({ column, order: 'desc' })))
    .select<Row[]>(
      'tokens.id',
      'tokens.name',
      'principals.name as principal',
      'tokens.scopes',
      'tokens.created_at',
      'tokens.created_by',
      'tokens.expires_at',
      'tokens.last_used_at',
      'tokens.last_used_source',
    );
}

function objectOf(row: Row): TokenObject {
  return {
    id: row.id,
    name: row.name,
    principal: row.principal,
    scopes: row.scopes,
    createdAt: row.created_at.toISOString(),
    createdBy: row.created_by,
    expiresAt: row.expires_at.toISOString(),
    lastUsedAt: row.last_used_at?.toISOString() ?? null,
    lastUsedFrom: row.last_used_source,
  };
}

function tokenEvent(
  type: 'token.created' | 'token.revoked',
  by: TokenActor,
  data: AuditEvent['data'] & { readonly owner: string },
): AuditEvent {
  const { source } = by;
  const principal = by.principal ?? data.owner;
  return { type, principal, source, session: null, target: null, data };
}

function gone(): SallyportError {
  return new SallyportError(
    'object.conflict',
    'the token was revoked before it could be shown',
    'make another one',
  );
}
