/** Keys that are valid for minutes, registered by whoever proved who they are in another way. */
import type { Knex } from 'knex';
import { v7 as uuidv7 } from 'uuid';
import type { Attribution } from '../access/attribution.ts';
import type { KeyEntry } from '../access/directory.ts';
import type { NamedIdentity } from '../access/identity.ts';
import { SallyportError } from '../errors.ts';
import type { AuditEvent } from '../journal/event.ts';
import type { Database } from './database.ts';
import { enabledPrincipal } from './directory.ts';
import { readIdentities } from './identities.ts';
import type { StoredJournal } from './journal.ts';
import { askThrough } from './outage.ts';
import { storable } from './storable.ts';

/** Live ones of one principal. */
export const MAX_LIVE_KEYS = 1_000;
/** Expired ones are forgotten after this long; the journal keeps what they were. */
const FORGET_AFTER = '1 day';

export interface ShortKey {
  readonly principal: string;
  readonly key: Omit<KeyEntry, 'comment'>;
  readonly lifeMs: number;
  /** Who vouches for run and task: an issuer, or the principal itself; null = there are none. */
  readonly attribution: 'verified' | 'declared' | null;
  readonly run: string | null;
  readonly task: string | null;
}

export interface ShortKeys {
  /** How issuers name the principals that are enabled. */
  identities(): Promise<readonly NamedIdentity[]>;
  /**
   * Registers a key that isn't registered, and journals `event` with it. Rejects with `object.conflict`
   * for one that is known, with `object.unknown` for a principal that isn't enabled, with `limit.exceeded`.
   * @returns when it ends, ISO 8601
   */
  register(key: ShortKey, event: AuditEvent): Promise<string>;
  /** null = the key says nothing of a run, or isn't known. */
  attributionOfKey(blob: Buffer): Promise<Attribution | null>;
}

export function createShortKeys({
  database,
  journal,
}: {
  readonly database: Pick<Database, 'knex'>;
  readonly journal: Pick<StoredJournal, 'appendWith'>;
}): ShortKeys {
  return {
    identities: () => readIdentities(database.knex),
    register: async (wish, event) => {
      let expiresAt = '';
      await journal.appendWith([event], async (trx) => {
        expiresAt = await insertKey(trx, wish);
      });
      return expiresAt;
    },
    attributionOfKey: async (blob) => {
      const row = await askThrough(() =>
        database
          .knex('principal_keys')
          .where('blob', blob)
          .whereNotNull('attribution')
          .first<Attribution | undefined>('attribution as trust', 'run', 'task'),
      );
      return row ?? null;
    },
  };
}

async function insertKey(trx: Knex, wish: ShortKey): Promise<string> {
  const principal = await enabledPrincipal(trx, wish.principal);
  if (principal === null) {
    const message = `there is no enabled principal named ${wish.principal}`;
    throw new SallyportError('object.unknown', message, 'ask an admin to enable it');
  }
  // Two registrations of one principal are counted one after the other.
  await trx('principals').where('id', principal.id).forUpdate().select('id');
  const keys = () => trx('principal_keys').where('principal_id', principal.id);
  await keys().whereRaw(`expires_at < now() - interval '${FORGET_AFTER}'`).delete();
  const [live] = await keys()
    .whereRaw('expires_at > now()')
    .count<{ readonly count: string }[]>('id as count');
  if (Number(live?.count) >= MAX_LIVE_KEYS) {
    throw new SallyportError(
      'limit.exceeded',
      `${principal.name} has ${MAX_LIVE_KEYS} short-lived keys already`,
      'wait for some to expire, or use one key for all connections of a run',
    );
  }
  const { algorithm, blob, fingerprint } = wish.key;
  const [row] = await trx('principal_keys')
    .insert({
      id: uuidv7(),
      principal_id: principal.id,
      algorithm,
      blob,
      fingerprint,
      run: wish.run === null ? null : storable(wish.run),
      task: wish.task === null ? null : storable(wish.task),
      attribution: wish.attribution,
      expires_at: trx.raw(`now() + ? * interval '1 millisecond'`, [wish.lifeMs]),
    })
    .onConflict('blob')
    .ignore()
    .returning<{ readonly expires_at: Date }[]>('expires_at');
  if (row !== undefined) return row.expires_at.toISOString();
  throw new SallyportError(
    'object.conflict',
    `the key ${fingerprint} is registered already`,
    'make a fresh key pair for every registration: ssh-keygen -t ed25519 -f FILE',
  );
}
