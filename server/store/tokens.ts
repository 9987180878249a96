/**
 * Tokens of the web and the API. Only the SHA-256 of a token is stored: a dump of the database signs
 * nobody in. They carry 256 random bits, so a slow hash would add nothing.
 */
import { createHash, randomBytes } from 'node:crypto';
import type { Knex } from 'knex';
import type { Principal } from '../access/principal.ts';
import { isTokenScope } from '../access/token-scope.ts';
import { SallyportError } from '../errors.ts';
import type { Database } from './database.ts';
import {
  enabledPrincipal,
  PRINCIPAL_COLUMNS,
  principalOf,
  type PrincipalRow,
} from './directory.ts';
import { storable } from './storable.ts';

export type TokenKind = 'setup' | 'web' | 'api';

/** Life of a token when nothing else is asked for, milliseconds. */
export const TOKEN_LIFE_MS = {
  setup: 15 * 60_000,
  web: 12 * 3_600_000,
  api: 3_600_000,
} as const;
/** Longest life of a token, milliseconds. */
export const MAX_TOKEN_LIFE_MS = 366 * 24 * 3_600_000;
const TOKEN = /^[A-Za-z0-9_-]{43}$/;

export interface Tokens {
  /**
   * A new token for an enabled principal. Rejects with `object.unknown`, or `usage.invalid` for a life
   * that isn't between 1 ms and MAX_TOKEN_LIFE_MS.
   */
  createToken(wish: {
    readonly kind: TokenKind;
    readonly principalName: string;
    readonly ttlMs?: number;
  }): Promise<string>;
  /** Exchanges a set-up token for a web session, once; null = unknown, used or expired. */
  redeemSetup(
    token: string,
  ): Promise<{ readonly token: string; readonly principal: Principal } | null>;
  /**
   * The enabled principal of a live web or API token, with the token's scopes. `source` is noted as where
   * it was used last, rarely enough that the noting costs nothing. By a cookie only web sessions come.
   */
  principalByToken(
    token: string,
    source?: string,
    by?: 'cookie' | 'bearer',
  ): Promise<Principal | null>;
  /** Ends a token; nothing happens when it is none. */
  revoke(token: string): Promise<void>;
}

export function createTokens(database: Pick<Database, 'knex'>): Tokens {
  const { knex } = database;
  return {
    createToken: async ({ kind, principalName, ttlMs = TOKEN_LIFE_MS[kind] }) => {
      if (!(ttlMs >= 1 && ttlMs <= MAX_TOKEN_LIFE_MS)) {
        throw new SallyportError(
          'usage.invalid',
          'a token can live from a moment to 366 days',
          'ask for a life such as 1h or 30d',
        );
      }
      const principal = await enabledPrincipal(knex, principalName);
      if (principal === null) {
        throw new SallyportError(
          'object.unknown',
          `there is no enabled principal named ${principalName}`,
          'add it to the configuration and apply that first',
        );
      }
      await knex('tokens').where('expires_at', '<', knex.fn.now()).delete();
      return insertToken(knex, kind, principal.id, ttlMs);
    },
    redeemSetup: async (token) => {
      if (!TOKEN.test(token)) return null;
      return knex.transaction(async (transaction) => {
        const redeemed = await transaction('tokens')
          .where({ hash: hashOf(token), kind: 'setup', used_at: null })
          .where('expires_at', '>', transaction.fn.now())
          .update({ used_at: transaction.fn.now() })
          .returning<{ principal_id: string }[]>('principal_id');
        const row = await transaction('principals')
          .where('id', redeemed[0]?.principal_id ?? null)
          .whereNull('disabled_at')
          .first<PrincipalRow | undefined>(PRINCIPAL_COLUMNS);
        if (row === undefined) return null;
        const web = await insertToken(transaction, 'web', row.id, TOKEN_LIFE_MS.web);
        return { token: web, principal: principalOf(row) };
      });
    },
    principalByToken: async (token, source, by = 'bearer') => {
      if (!TOKEN.test(token)) return null;
      const hash = hashOf(token);
      const row = await knex('tokens')
        .join('principals', 'principals.id', 'tokens.principal_id')
        .where('tokens.hash', hash)
        .whereIn('tokens.kind', by === 'cookie' ? ['web'] : ['web', 'api'])
        .where('tokens.expires_at', '>', knex.fn.now())
        .whereNull('principals.disabled_at')
        .first<TokenRow | undefined>(
          ...PRINCIPAL_COLUMNS,
          'tokens.scopes',
          knex.raw(USE_IS_NEWS, [source ?? null]),
        );
      if (row === undefined) return null;
      if (source !== undefined && row.is_news) await noteUse(knex, hash, source);
      const principal = principalOf(row);
      // What a later version calls a scope gives nothing here.
      return row.scopes === null
        ? principal
        : { ...principal, scopes: row.scopes.filter(isTokenScope) };
    },
    revoke: async (token) => {
      if (TOKEN.test(token)) await knex('tokens').where('hash', hashOf(token)).delete();
    },
  };
}

interface TokenRow extends PrincipalRow {
  readonly scopes: readonly string[] | null;
  readonly is_news: boolean;
}

/** At most one write a minute, and one a second while sources take turns. */
const USE_IS_NEWS = `(tokens.last_used_at is null or tokens.last_used_at < now() - interval '1 minute'
  or tokens.last_used_source is distinct from ? and tokens.last_used_at < now() - interval '1 second')
  as is_news`;

async function noteUse(knex: Knex, hash: Buffer, source: string): Promise<void> {
  await knex('tokens')
    .where({ hash })
    .update({ last_used_at: knex.fn.now(), last_used_source: storable(source) });
}

/** A new token for a principal who may have it. */
export async function insertToken(
  knex: Knex,
  kind: TokenKind,
  principalId: string,
  ttlMs: number,
): Promise<string> {
  const token = randomBytes(32).toString('base64url');
  await knex('tokens').insert({
    hash: hashOf(token),
    kind,
    principal_id: principalId,
    // The database's clock judges the end, so it also says the beginning.
    expires_at: knex.raw(`now() + ? * interval '1 millisecond'`, [ttlMs]),
  });
  return token;
}

/** What is stored of a token. */
export function hashOf(token: string): Buffer {
  return createHash('sha256').update(token).digest();
}
