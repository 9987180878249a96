/** Sealed credential material by name. What opens it is in the vault, never here. */
import { SallyportError } from '../errors.ts';
import type { Database } from './database.ts';
import { tellDirectoryChange } from './directory-change.ts';
import { storable } from './storable.ts';

/** An `authority` is the private key of a CA that signs certificates. */
export type CredentialKind = 'private-key' | 'password' | 'authority';

export interface SealedCredential {
  readonly name: string;
  readonly kind: CredentialKind;
  /** 1, 2, 3, …: raised by every change of the material. */
  readonly version: number;
  /** Which master key sealed it. */
  readonly keyId: string;
  readonly sealed: Buffer;
}

/** What may be shown of a credential. */
export interface CredentialView {
  readonly name: string;
  /** Null while it is only declared: no material was put in yet. */
  readonly kind: CredentialKind | null;
  readonly publicKey: string | null;
  readonly keyId: string | null;
  readonly version: number;
  readonly updatedAt: Date;
}

export interface Credentials {
  /** Null when there is none of that name, or it holds no material yet. */
  byName(name: string): Promise<SealedCredential | null>;
  list(): Promise<readonly CredentialView[]>;
  /**
   * Declares the credential if need be and stores its material. Rejects with `object.conflict` when
   * somebody else has stored that version meanwhile.
   * @param publicKey `ssh-ed25519 AAAA…` of a private key or a CA, null for a password
   */
  put(credential: SealedCredential, publicKey: string | null): Promise<void>;
}

interface CredentialRow {
  readonly name: string;
  readonly kind: CredentialKind | null;
  readonly version: number;
  readonly public_key: string | null;
  readonly sealed: Buffer | null;
  readonly key_id: string | null;
  readonly updated_at: Date;
}

export function createCredentials(database: Pick<Database, 'knex'>): Credentials {
  const { knex } = database;
  return {
    byName: async (name) => {
      const row = await knex('credentials')
        .where('name', storable(name))
        .first<CredentialRow | undefined>();
      if (row === undefined) return null;
      const { kind, version, key_id: keyId, sealed } = row;
      if (kind === null || keyId === null || sealed === null) return null;
      return { name: row.name, kind, version, keyId, sealed };
    },
    list: async () => {
      const rows: readonly Omit<CredentialRow, 'sealed'>[] = await knex('credentials')
        .orderBy('name')
        .select('name', 'kind', 'version', 'public_key', 'key_id', 'updated_at');
      return rows.map((row) => ({
        name: row.name,
        kind: row.kind,
        publicKey: row.public_key,
        keyId: row.key_id,
        version: row.version,
        updatedAt: row.updated_at,
      }));
    },
    put: async ({ name, kind, version, keyId, sealed }, publicKey) => {
      const columns = { kind, version, key_id: keyId, sealed, public_key: publicKey };
      const stored: readonly unknown[] = await knex('credentials')
        .insert({ name: storable(name), ...columns })
        .onConflict('name')
        .merge({ ...columns, updated_at: knex.fn.now() })
        .where('credentials.version', '<', version)
        .returning('name');
      if (stored.length > 0) return tellDirectoryChange(knex);
      throw new SallyportError(
        'object.conflict',
        `the credential ${storable(name)} was changed by somebody else meanwhile`,
        'look at it again and repeat the command if it is still wanted',
      );
    },
  };
}
