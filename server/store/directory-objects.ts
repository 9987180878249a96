/** The directory as people look at it: whole objects by name, never a secret. */
import type { Knex } from 'knex';
import type { GrantRule } from '../access/grant.ts';
import type { OidcIdentity } from '../access/identity.ts';
import type { PrincipalKind } from '../access/principal.ts';
import type { Target } from '../access/target.ts';
import type { CredentialView } from './credentials.ts';
import { createCredentials } from './credentials.ts';
import type { Database } from './database.ts';
import { readGrants, readTargets } from './directory.ts';
import { askThrough } from './outage.ts';

export interface KeyObject {
  readonly algorithm: string;
  readonly fingerprint: string;
  readonly comment: string;
  /** ISO 8601; null = until the configuration drops it. */
  readonly expiresAt: string | null;
}

export interface PrincipalObject {
  readonly name: string;
  readonly kind: PrincipalKind;
  readonly roles: readonly string[];
  readonly groups: readonly string[];
  /** Name of the human who answers for an agent. */
  readonly owner: string | null;
  readonly disabled: boolean;
  /** Neither revoked nor expired. */
  readonly keys: readonly KeyObject[];
  readonly oidc: readonly OidcIdentity[];
}

export interface TargetObject extends Omit<Target, 'host' | 'port'> {
  /** `HOST:PORT` */
  readonly address: string;
}

export interface PolicyObject {
  readonly name: string;
  readonly version: number;
  /** As written. */
  readonly policy: unknown;
}

export interface CredentialObject extends Omit<CredentialView, 'keyId' | 'updatedAt'> {
  /** ISO 8601. */
  readonly updatedAt: string;
}

/** By the name of the kind. */
export interface ObjectsByKind {
  readonly principals: PrincipalObject;
  readonly targets: TargetObject;
  readonly grants: GrantRule;
  readonly policies: PolicyObject;
  readonly credentials: CredentialObject;
}

export interface DirectoryObjects {
  /** All of a kind, by name; grants in the order in which they are asked. */
  list<Kind extends keyof ObjectsByKind>(kind: Kind): Promise<readonly ObjectsByKind[Kind][]>;
}

export function createDirectoryObjects(database: Pick<Database, 'knex'>): DirectoryObjects {
  const { knex } = database;
  const readers: {
    readonly [Kind in keyof ObjectsByKind]: () => Promise<readonly ObjectsByKind[Kind][]>;
  } = {
    principals: () => askThrough(() => readPrincipalObjects(knex)),
    targets: async () => {
      const targets = await askThrough(() => readTargets(knex, null));
      return targets.map(({ host, port, ...rest }) => ({
        ...rest,
        address: `${host.includes(':') ? `[${host}]` : host}:${port}`,
      }));
    },
    grants: () => askThrough(() => readGrants(knex)),
    policies: async () => {
      const rows: readonly { name: string; version: number; document: unknown }[] =
        await askThrough(() =>
          knex('policies')
            .distinctOn('name')
            .orderBy([{ column: 'name' }, { column: 'version', order: 'desc' }])
            .select('name', 'version', 'document'),
        );
      return rows
        .filter(({ document }) => document !== null)
        .map(({ document, name, version }) => ({ name, version, policy: document }));
    },
    credentials: async () => {
      const views = await askThrough(() => createCredentials(database).list());
      return views.map(({ kind, name, publicKey, updatedAt, version }) => ({
        name,
        kind,
        version,
        publicKey,
        updatedAt: updatedAt.toISOString(),
      }));
    },
  };
  return { list: (kind) => readers[kind]() };
}

interface PrincipalObjectRow extends Omit<PrincipalObject, 'disabled'> {
  readonly disabled_at: Date | null;
}

async function readPrincipalObjects(knex: Knex): Promise<readonly PrincipalObject[]> {
  const rows: readonly PrincipalObjectRow[] = await knex('principals')
    .orderBy('name')
    .select('name', 'kind', 'roles', 'groups', 'owner', 'disabled_at')
    .select(
      knex.raw(`(
        select coalesce(json_agg(json_build_object(
            'algorithm', algorithm, 'fingerprint', fingerprint, 'comment', comment,
            'expiresAt', to_char(expires_at at time zone 'UTC', 'YYYY-MM-DD"T"HH24:MI:SS.MS"Z"'))
          order by created_at, id), '[]')
        from principal_keys
        where principal_id = principals.id and revoked_at is null
          and (expires_at is null or expires_at > now())) as keys`),
      knex.raw(`(
        select coalesce(json_agg(identity order by place), '[]')
        from principal_identities where principal_id = principals.id) as oidc`),
    );
  return rows.map(({ disabled_at: disabledAt, ...row }) => ({
    ...row,
    disabled: disabledAt !== null,
  }));
}
