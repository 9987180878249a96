/**
 * Tokens of the web and the API. Only the SHA-256 of a token is stored: a dump of the database signs
 * nobody in. They carry 256 random bits, so a slow hash would add nothing.
 */
import { createHash, randomBytes } from 'node:crypto';
import type { Knex } from 'knex';
import type { Principal } from '../access/principal.ts';
import { SallyportError } from '../errors.ts';
import type { Database } from './database.ts';
import {
  enabledPrincipal,
  PRINCIPAL_COLUMNS,
  principalOf,
  type PrincipalRow,
} from './directory.ts';

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
  /** The enabled principal of a live web or API token. */
  principalByToken(token: string): Promise<Principal | null>;
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
    principalByToken: async (token) => {
      if (!TOKEN.test(token)) return null;
      const row = await knex('tokens')
        .join('principals', 'principals.id', 'tokens.principal_id')
        .where('tokens.hash', hashOf(token))
        .whereIn('tokens.kind', ['web', 'api'])
        .where('tokens.expires_at', '>', knex.fn.now())
        .whereNull('principals.disabled_at')
        .first<PrincipalRow | undefined>(PRINCIPAL_COLUMNS);
      return row === undefined ? null : principalOf(row);
    },
    revoke: async (token) => {
      if (TOKEN.test(token)) await knex('tokens').where('hash', hashOf(token)).delete();
    },
  };
}

async function insertToken(
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

function hashOf(token: string): Buffer {
  return createHash('sha256').update(token).digest();
}
