/** Sealed rows of credentials, read in pages and replaced together with the journal row that says so. */
import type { Knex } from 'knex';
import { SallyportError } from '../errors.ts';
import type { AuditEvent } from '../journal/event.ts';
import type { CredentialKind, SealedCredential } from './credentials.ts';
import type { Database } from './database.ts';
import type { StoredJournal } from './journal.ts';

export interface SealedCredentialRows {
  /** In the order of their names, byte by byte. @param after the last name of the page before */
  sealedPage(after: string | null, limit: number): Promise<readonly SealedCredential[]>;
  /** All of them and the event, or nothing. @returns false: somebody changed one meanwhile */
  replace(
    replacements: readonly {
      readonly before: SealedCredential;
      readonly after: SealedCredential;
    }[],
    event: AuditEvent,
  ): Promise<boolean>;
  /** Runs alone among all processes on this database; the others wait. */
  alone<T>(work: () => Promise<T>): Promise<T>;
}

interface SealedRow {
  readonly name: string;
  readonly kind: CredentialKind;
  readonly version: number;
  readonly key_id: string;
  readonly sealed: Buffer;
}

/** Somebody else was faster; never leaves this file. */
class Outrun extends SallyportError {
  constructor() {
    super('object.conflict', 'a credential was changed meanwhile', 'run it again');
  }
}

export function createSealedCredentials(
  database: Pick<Database, 'knex'>,
  journal: Pick<StoredJournal, 'appendWith'>,
): SealedCredentialRows {
  const { knex } = database;
  return {
    sealedPage: async (after, limit) => {
      const rows = await knex('credentials')
        .whereNotNull('sealed')
        .modify((query) => {
          if (after !== null) void query.whereRaw('name collate "C" > ?', [after]);
        })
        .orderByRaw('name collate "C"')
        .limit(limit)
        .select<SealedRow[]>('name', 'kind', 'version', 'key_id', 'sealed');
      return rows.map(({ key_id: keyId, ...row }) => ({ ...row, keyId }));
    },
    replace: async (replacements, event) => {
      try {
        await journal.appendWith([event], async (trx: Knex) => {
          for (const { after, before } of replacements) {
            const changed = await trx('credentials')
              .where({ name: before.name, version: before.version, sealed: before.sealed })
              .update({ sealed: after.sealed, key_id: after.keyId });
            if (changed !== 1) throw new Outrun();
          }
        });
        return true;
      } catch (error) {
        if (error instanceof Outrun) return false;
        throw error;
      }
    },
    alone: (work) =>
      knex.transaction(async (trx) => {
        await trx.raw(`select pg_advisory_xact_lock(hashtextextended('sallyport master keys', 0))`);
        return work();
      }),
  };
}
