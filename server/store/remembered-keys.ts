/**
 * Keys of people that count for a time because they signed in: registered, listed and revoked. Those of the
 * configuration are listed beside them, and only the configuration drops them.
 */
import type { Knex } from 'knex';
import { v7 as uuidv7 } from 'uuid';
import { SallyportError } from '../errors.ts';
import type { AuditEvent } from '../journal/event.ts';
import type { RememberedKey } from '../session/ports.ts';
import type { Database } from './database.ts';
import { tellDirectoryChange } from './directory-change.ts';
import type { StoredJournal } from './journal.ts';
import { isUuid } from './query-text.ts';
import { storable } from './storable.ts';

/** Live ones of one person; more are refused. */
export const MAX_REMEMBERED_KEYS = 50;
const MAX_LISTED_KEYS = 500;

export type KeyOrigin = 'link' | 'device';

/** A key that opens the bastion for somebody now. */
export interface OwnKey {
  readonly id: string;
  readonly principal: string;
  readonly algorithm: string;
  readonly fingerprint: string;
  readonly comment: string;
  /** `token`: of a program that proved itself by a token. */
  readonly origin: 'configuration' | 'link' | 'device' | 'token';
  /** `address:port` where it was proven first; null = not known. */
  readonly registeredFrom: string | null;
  /** ISO 8601. */
  readonly createdAt: string;
  readonly expiresAt: string | null;
}

export type RevokeOutcome =
  | { readonly kind: 'revoked'; readonly key: OwnKey }
  | { readonly kind: 'unknown' }
  /** It stands in the configuration. */
  | { readonly kind: 'configured' };

export interface RememberedKeys {
  /** Those that count now; null = everybody's. */
  list(principal: string | null): Promise<readonly OwnKey[]>;
  /**
   * Ends a key, and what was opened with it.
   * @param id or fingerprint
   * @param owner whose it must be; null = anybody's
   */
  revoke(
    id: string,
    owner: string | null,
    by: { readonly principal: string | null; readonly source: string },
  ): Promise<RevokeOutcome>;
}

/** Somebody else's, revoked, or one too many; never leaves this file. */
class NotRemembered extends Error {}

/** See `Links.remember`. */
export async function rememberKey(
  journal: Pick<StoredJournal, 'appendWith'>,
  wish: RememberedKey,
  event: AuditEvent,
  origin: KeyOrigin,
): Promise<string | null> {
  let until = '';
  try {
    await journal.appendWith([event], async (trx) => {
      until = await insertRemembered(trx, wish, origin);
    });
  } catch (error) {
    if (error instanceof NotRemembered) return null;
    throw error;
  }
  return until;
}

/** Throws what `rememberKey` takes for null. */
async function insertRemembered(
  trx: Knex,
  wish: RememberedKey,
  origin: KeyOrigin,
): Promise<string> {
  const { principalId, key, lifeMs, from } = wish;
  // Two registrations of one person are counted one after the other.
  const owner: readonly unknown[] = await trx('principals')
    .where({ id: principalId, kind: 'human' })
    .whereNull('disabled_at')
    .forUpdate()
    .select('id');
  const [live] = await trx('principal_keys')
    .where('principal_id', principalId)
    .whereNotNull('origin')
    .whereNull('revoked_at')
    .whereRaw('expires_at > now()')
    .count<{ readonly count: string }[]>('id as count');
  if (owner.length === 0 || Number(live?.count) >= MAX_REMEMBERED_KEYS) throw new NotRemembered();
  const { algorithm, blob, fingerprint } = key;
  const { rows } = await trx.raw<{ rows: readonly { readonly expires_at: Date }[] }>(
    `insert into principal_keys
       (id, principal_id, algorithm, blob, fingerprint, comment, origin, registered_from, expires_at)
     values (?, ?, ?, ?, ?, '', ?, ?, now() + ? * interval '1 millisecond')
     on conflict (blob) do update set
       expires_at = excluded.expires_at, origin = excluded.origin,
       registered_from = excluded.registered_from, run = null, task = null, attribution = null
     where principal_keys.principal_id = excluded.principal_id
       and principal_keys.revoked_at is null and principal_keys.expires_at is not null
     returning expires_at`,
    [uuidv7(), principalId, algorithm, blob, fingerprint, origin, storable(from), lifeMs],
  );
  const [row] = rows;
  if (row === undefined) throw new NotRemembered();
  return row.expires_at.toISOString();
}

interface KeyRow {
  readonly id: string;
  readonly principal: string;
  readonly algorithm: string;
  readonly fingerprint: string;
  readonly comment: string;
  readonly origin: KeyOrigin | null;
  readonly registered_from: string | null;
  readonly created_at: Date;
  readonly expires_at: Date | null;
}

export function createRememberedKeys({
  database: { knex },
  journal,
}: {
  readonly database: Pick<Database, 'knex'>;
  readonly journal: Pick<StoredJournal, 'appendWith'>;
}): RememberedKeys {
  const live = () =>
    knex('principal_keys')
      .join('principals', 'principals.id', 'principal_keys.principal_id')
      .whereNull('principal_keys.revoked_at')
      .whereRaw('(principal_keys.expires_at is null or principal_keys.expires_at > now())')
      .orderBy([{ column: 'principals.name' }, { column: 'principal_keys.created_at' }])
      .limit(MAX_LISTED_KEYS)
      .select<KeyRow[]>(
        'principal_keys.id',
        'principals.name as principal',
        'principal_keys.algorithm',
        'principal_keys.fingerprint',
        'principal_keys.comment',
        'principal_keys.origin',
        'principal_keys.registered_from',
        'principal_keys.created_at',
        'principal_keys.expires_at',
      );
  return {
    list: async (principal) => {
      const found = live();
      if (principal !== null) void found.where('principals.name', storable(principal));
      return (await found).map(ownKey);
    },
    revoke: async (id, owner, by) => {
      const found = live();
      if (isUuid(id)) void found.where('principal_keys.id', id);
      else void found.where('principal_keys.fingerprint', storable(id));
      if (owner !== null) void found.where('principals.name', storable(owner));
      const [row] = await found;
      if (row === undefined) return { kind: 'unknown' };
      const key = ownKey(row);
      if (key.origin === 'configuration') return { kind: 'configured' };
      const { principal, fingerprint } = key;
      const event: AuditEvent = {
        type: 'key.revoked',
        principal: by.principal,
        source: by.source,
        session: null,
        target: null,
        data: { key: fingerprint, owner: principal, origin: key.origin },
      };
      await journal.appendWith([event], async (trx) => {
        const changed = await trx('principal_keys')
          .where('id', key.id)
          .whereNull('revoked_at')
          .update({ revoked_at: trx.fn.now() });
        if (changed === 0) {
          const hint = 'list the keys again';
          throw new SallyportError('object.conflict', 'somebody else has just revoked it', hint);
        }
        await tellDirectoryChange(trx);
      });
      return { kind: 'revoked', key };
    },
  };
}

function ownKey(row: KeyRow): OwnKey {
  return {
    id: row.id,
    principal: row.principal,
    algorithm: row.algorithm,
    fingerprint: row.fingerprint,
    comment: row.comment,
    origin: row.expires_at === null ? 'configuration' : (row.origin ?? 'token'),
    registeredFrom: row.registered_from,
    createdAt: row.created_at.toISOString(),
    expiresAt: row.expires_at?.toISOString() ?? null,
  };
}
