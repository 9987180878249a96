/** The directory as the session pipeline reads it: principals by key, targets, grants. */
import type { Knex } from 'knex';
import type { ChannelKind, FileAccess, GrantRule, RecordingMode } from '../access/grant.ts';
import { ROLES, type Principal, type PrincipalKind, type Role } from '../access/principal.ts';
import type { ShellIntegration, Target } from '../access/target.ts';
import { USUAL_DEMANDS } from '../access/token-demands.ts';
import type { Directory } from '../session/ports.ts';
import type { Database } from './database.ts';
import { askThrough } from './outage.ts';
import { storable } from './storable.ts';

export interface PrincipalRow {
  readonly id: string;
  readonly name: string;
  readonly kind: PrincipalKind;
  readonly roles: readonly string[];
  readonly groups: readonly string[];
  /** What the issuer's groups gave at the last sign-in, and until when that counts. */
  readonly issuer_roles: readonly string[];
  readonly issuer_groups: readonly string[];
  readonly issuer_until: Date | null;
}

/** Columns of a principal, for `select`. */
export const PRINCIPAL_COLUMNS = [
  'id',
  'name',
  'kind',
  'roles',
  'groups',
  'issuer_roles',
  'issuer_groups',
  'issuer_until',
].map((column) => `principals.${column}`);

/** Roles that this build doesn't know are left out: they give nothing. */
export function principalOf(row: PrincipalRow): Principal {
  const { id, name, kind } = row;
  const isSignedIn = row.issuer_until !== null && row.issuer_until.getTime() > Date.now();
  const said = isSignedIn ? [...row.roles, ...row.issuer_roles] : row.roles;
  const roles = ROLES.filter((role: Role) => said.includes(role));
  const groups = isSignedIn ? [...new Set([...row.groups, ...row.issuer_groups])] : row.groups;
  return { id, name, kind, roles, groups };
}

export interface StoredDirectory extends Directory {
  /** True while nobody and nothing is registered: a first start. */
  isEmpty(): Promise<boolean>;
  /** An enabled principal. */
  principalByName(name: string): Promise<Principal | null>;
}

interface StoredDemands {
  readonly touch_required: boolean;
  readonly verify_required: boolean;
}

export function createDirectory(database: Pick<Database, 'knex'>): StoredDirectory {
  const { knex } = database;
  return {
    principalByKey: async (blob) => {
      const row = await askThrough(() =>
        knex('principals')
          .join('principal_keys', 'principal_keys.principal_id', 'principals.id')
          .where('principal_keys.blob', blob)
          .whereNull('principals.disabled_at')
          .whereNull('principal_keys.revoked_at')
          .whereRaw('(principal_keys.expires_at is null or principal_keys.expires_at > now())')
          .first<PrincipalRow | undefined>(PRINCIPAL_COLUMNS),
      );
      return row === undefined ? null : principalOf(row);
    },
    demandsOfKey: async (blob) => {
      const row = await askThrough(() =>
        knex('principal_keys')
          .where({ blob })
          .first<StoredDemands | undefined>('touch_required', 'verify_required'),
      );
      return row === undefined
        ? USUAL_DEMANDS
        : { isTouchRequired: row.touch_required, isVerifyRequired: row.verify_required };
    },
    principalByName: (name) => enabledPrincipal(knex, name),
    targetByName: async (name) => (await askThrough(() => readTargets(knex, name)))[0] ?? null,
    allTargets: () => askThrough(() => readTargets(knex, null)),
    grantRules: () => askThrough(() => readGrants(knex)),
    isEmpty: async () => {
      const found = await knex('principals')
        .union([knex('targets').select('id')])
        .select('id');
      return found.length === 0;
    },
  };
}

/** An enabled principal by name. */
export async function enabledPrincipal(knex: Knex, name: string): Promise<Principal | null> {
  const row = await knex('principals')
    .where('name', storable(name))
    .whereNull('disabled_at')
    .first<PrincipalRow | undefined>(PRINCIPAL_COLUMNS);
  return row === undefined ? null : principalOf(row);
}

/** All enabled principals. */
export async function readPrincipals(knex: Knex): Promise<readonly Principal[]> {
  const rows = await knex('principals')
    .whereNull('disabled_at')
    .select<PrincipalRow[]>(PRINCIPAL_COLUMNS);
  return rows.map(principalOf);
}

interface TargetRow {
  readonly id: string;
  readonly name: string;
  readonly host: string;
  readonly port: number;
  readonly host_key: string | null;
  readonly labels: Readonly<Record<string, string>>;
  readonly shell_integration: ShellIntegration;
  readonly logins: Target['logins'];
}

/** One target or all, by name; logins in the order of the configuration. */
export async function readTargets(knex: Knex, name: string | null): Promise<readonly Target[]> {
  const rows: readonly TargetRow[] = await knex('targets')
    .modify((query) => name !== null && void query.where('name', storable(name)))
    .orderBy('name')
    .select('id', 'name', 'host', 'port', 'host_key', 'labels', 'shell_integration')
    .select(
      knex.raw(`(select coalesce(json_agg(json_build_object('name', name, 'credential', credential)
                                          order by place), '[]')
                 from target_logins where target_id = targets.id) as logins`),
    );
  return rows.map((row) => ({
    name: row.name,
    host: row.host,
    port: row.port,
    hostKey: row.host_key,
    labels: row.labels,
    shellIntegration: row.shell_integration,
    logins: row.logins,
  }));
}

/** What `grants` and `request_rules` have in common. */
export interface GrantRow {
  readonly id: string;
  readonly principals: readonly string[];
  readonly targets: readonly string[];
  readonly logins: readonly string[];
  readonly channels: readonly ChannelKind[];
  readonly policy: string;
  readonly keep_days: number | null;
  readonly recording: RecordingMode;
  readonly files: FileAccess;
  readonly keep_files: boolean;
  readonly forward: readonly string[];
}

/** All grants in the order of the configuration. */
export async function readGrants(knex: Knex): Promise<readonly GrantRule[]> {
  const rows: readonly GrantRow[] = await knex('grants').orderBy('place').select('*');
  return rows.map(grantOf);
}

export function grantOf(row: GrantRow): GrantRule {
  return {
    id: row.id,
    principals: row.principals,
    targets: row.targets,
    logins: row.logins,
    channels: row.channels,
    policy: row.policy,
    keepDays: row.keep_days,
    recording: row.recording,
    files: row.files,
    keepFiles: row.keep_files,
    forward: row.forward,
  };
}
