/**
 * Makes the directory say what a configuration document says, in one transaction. Objects that the
 * document doesn't name stay unless it prunes; grants are always replaced as a set.
 */
import { isDeepStrictEqual } from 'node:util';
import type { Knex } from 'knex';
import { v7 as uuidv7 } from 'uuid';
import type {
  DirectoryChange,
  DirectoryDocument,
  GrantEntry,
  KeyEntry,
  PrincipalEntry,
  TargetEntry,
} from '../access/directory.ts';
import { USUAL_DEMANDS } from '../access/token-demands.ts';
import { SallyportError } from '../errors.ts';
import { applyAuthorities, applyCertificateNames, pruneAuthorities } from './authorities.ts';
import type { Database } from './database.ts';
import { tellDirectoryChange } from './directory-change.ts';
import { readGrants, readTargets } from './directory.ts';
import { applyIdentities } from './identities.ts';
import { applyRequests, applyWebhooks, pruneWebhooks } from './request-rules.ts';
import { adoptPrincipal, spareTakenIn } from './sign-in-accounts.ts';
import { applySignIn } from './sign-in-settings.ts';
import { storable, storableJson } from './storable.ts';

/** Any number that no other advisory lock of ours uses. */
const APPLY_LOCK = 0x53_41_01;

export interface ApplyOptions {
  /** Disable principals and remove what else the document doesn't name. */
  readonly prune: boolean;
  /** Only say what would change. */
  readonly dryRun: boolean;
}

/** What a step found out, in order. */
type Changes = DirectoryChange[];

/**
 * Applies `document`; with nothing to change it writes nothing. Rejects with `config.invalid` when one
 * key stands for two principals.
 */
export async function applyDirectory(
  database: Pick<Database, 'knex'>,
  document: DirectoryDocument,
  options: ApplyOptions,
): Promise<readonly DirectoryChange[]> {
  refuseSharedKeys(document.principals);
  const changes: Changes = [];
  const transaction = await database.knex.transaction();
  try {
    await transaction.raw('select pg_advisory_xact_lock(?)', [APPLY_LOCK]);
    await applyAuthorities(transaction, document.authorities ?? [], changes);
    await applyPrincipals(transaction, document.principals, changes);
    await applyCredentials(transaction, document, changes);
    await applyTargets(transaction, document.targets, changes);
    await applyGrants(transaction, document.grants, changes);
    await applyRequests(transaction, document.requests ?? [], changes);
    await applyWebhooks(transaction, document.webhooks ?? [], changes);
    await applyPolicies(transaction, document.policies, changes);
    await applySignIn(transaction, document.signIn, options.prune, changes);
    if (options.prune) await prune(transaction, document, changes);
    if (changes.length > 0) await tellDirectoryChange(transaction);
    if (options.dryRun) await transaction.rollback();
    else await transaction.commit();
    return changes;
  } catch (error) {
    if (!transaction.isCompleted()) await transaction.rollback();
    throw error;
  }
}

function refuseSharedKeys(principals: readonly PrincipalEntry[]): void {
  const owners = new Map<string, string>();
  for (const { name, keys } of principals) {
    for (const { blob, fingerprint } of keys) {
      const other = owners.get(blob.toString('base64'));
      if (other !== undefined && other !== name) {
        throw new SallyportError(
          'config.invalid',
          `the key ${fingerprint} is listed for both ${other} and ${name}`,
          'give each principal a key of its own: a key says who somebody is',
        );
      }
      owners.set(blob.toString('base64'), name);
    }
  }
}

// --- principals -------------------------------------------------------------------------------

interface StoredPrincipal {
  readonly id: string;
  readonly kind: string;
  readonly roles: readonly string[];
  readonly groups: readonly string[];
  readonly owner: string | null;
  readonly disabled_at: Date | null;
  readonly locked_at: Date | null;
}

async function applyPrincipals(
  knex: Knex,
  entries: readonly PrincipalEntry[],
  changes: Changes,
): Promise<void> {
  for (const entry of entries) {
    const name = storable(entry.name);
    const wanted = {
      kind: entry.kind,
      roles: [...entry.roles],
      groups: entry.groups.map(storable),
      owner: entry.owner === null ? null : storable(entry.owner),
    };
    const isAdopted = await adoptPrincipal(knex, name);
    const stored = await knex('principals').where({ name }).first<StoredPrincipal | undefined>();
    const id = stored?.id ?? uuidv7();
    const isLocked = stored !== undefined && stored.locked_at !== null;
    const isNew = stored === undefined || (stored.disabled_at !== null && !isLocked);
    const differs = isNew || isAdopted || !isDeepStrictEqual(pick(stored), wanted);
    if (differs) {
      await knex('principals')
        .insert({ id, name, ...wanted })
        .onConflict('name')
        .merge(isLocked ? wanted : { ...wanted, disabled_at: null });
    }
    const keysDiffer = await applyKeys(knex, id, entry.keys);
    const identitiesDiffer = await applyIdentities(knex, id, entry.oidc);
    const namesDiffer = await applyCertificateNames(knex, id, entry.certificates ?? []);
    if (!differs && !keysDiffer && !identitiesDiffer && !namesDiffer) continue;
    changes.push({ object: 'principal', name, change: isNew ? 'added' : 'changed' });
  }
}

function pick({ kind, roles, groups, owner }: StoredPrincipal): object {
  return { kind, roles, groups, owner };
}

interface StoredKey {
  readonly id: string;
  readonly blob: Buffer;
  readonly comment: string;
  readonly touch_required: boolean;
  readonly verify_required: boolean;
}

/**
 * Short-lived keys (with an expiry) aren't the configuration's and stay.
 * @returns whether anything changed
 */
async function applyKeys(knex: Knex, owner: string, keys: readonly KeyEntry[]): Promise<boolean> {
  const live: readonly StoredKey[] = await knex('principal_keys')
    .where('principal_id', owner)
    .whereNull('revoked_at')
    .whereNull('expires_at')
    .select('id', 'blob', 'comment', 'touch_required', 'verify_required');
  const dropped = live.filter((row) => !keys.some((key) => key.blob.equals(row.blob)));
  await knex('principal_keys')
    .whereIn(
      'id',
      dropped.map((row) => row.id),
    )
    .update({ revoked_at: knex.fn.now() });
  let changed = dropped.length > 0;
  for (const { blob, algorithm, fingerprint, comment, demands = USUAL_DEMANDS } of keys) {
    const wanted = {
      principal_id: owner,
      algorithm,
      fingerprint,
      comment: storable(comment),
      touch_required: demands.isTouchRequired,
      verify_required: demands.isVerifyRequired,
    };
    const same = live.find((row) => row.blob.equals(blob));
    const isSame =
      same?.comment === wanted.comment &&
      same.touch_required === wanted.touch_required &&
      same.verify_required === wanted.verify_required;
    if (isSame) continue;
    changed = true;
    await knex('principal_keys')
      .insert({ id: uuidv7(), blob, ...wanted })
      .onConflict('blob')
      .merge({
        ...wanted,
        revoked_at: null,
        expires_at: null,
        run: null,
        task: null,
        attribution: null,
      });
  }
  return changed;
}

// --- credentials, targets, grants, policies ---------------------------------------------------

async function applyCredentials(
  knex: Knex,
  document: DirectoryDocument,
  changes: Changes,
): Promise<void> {
  for (const entry of document.credentials) {
    const name = storable(entry.name);
    const added: readonly unknown[] = await knex('credentials')
      .insert({ name })
      .onConflict('name')
      .ignore()
      .returning('name');
    if (added.length > 0) changes.push({ object: 'credential', name, change: 'added' });
  }
}

async function applyTargets(
  knex: Knex,
  entries: readonly TargetEntry[],
  changes: Changes,
): Promise<void> {
  for (const entry of entries) {
    const name = storable(entry.name);
    const [stored] = await readTargets(knex, name);
    const wanted = {
      name,
      host: storable(entry.host),
      port: entry.port,
      // A key that was pinned by a scan stays until the document names one.
      hostKey: entry.hostKey === null ? (stored?.hostKey ?? null) : storable(entry.hostKey),
      labels: storableJson(entry.labels) as Record<string, string>,
      shellIntegration: entry.shellIntegration,
      logins: entry.logins.map((login) => ({
        name: storable(login.name),
        credential: storable(login.credential),
      })),
    };
    if (stored !== undefined && isDeepStrictEqual(stored, wanted)) continue;
    const { host, port, hostKey, labels, shellIntegration } = wanted;
    const columns = {
      host,
      port,
      host_key: hostKey,
      labels,
      shell_integration: shellIntegration,
    };
    const [row] = await knex('targets')
      .insert({ id: uuidv7(), name, ...columns })
      .onConflict('name')
      .merge(columns)
      .returning<{ id: string }[]>('id');
    await knex('target_logins').where('target_id', row?.id).delete();
    const logins = wanted.logins.map((login, place) => ({ target_id: row?.id, ...login, place }));
    if (logins.length > 0) await knex('target_logins').insert(logins);
    changes.push({ object: 'target', name, change: stored === undefined ? 'added' : 'changed' });
  }
}

async function applyGrants(
  knex: Knex,
  entries: readonly GrantEntry[],
  changes: Changes,
): Promise<void> {
  const left = [...(await readGrants(knex))];
  for (const [place, entry] of entries.entries()) {
    const wanted = {
      principals: entry.principals.map(storable),
      targets: entry.targets.map(storable),
      logins: entry.logins.map(storable),
      channels: [...entry.channels],
      policy: storable(entry.policy),
      keepDays: entry.keepDays,
      recording: entry.recording,
      files: entry.files,
      keepFiles: entry.keepFiles,
      forward: entry.forward.map(storable),
    };
    const index = left.findIndex((rule) => isDeepStrictEqual(rule, { id: rule.id, ...wanted }));
    const [same] = index === -1 ? [] : left.splice(index, 1);
    if (same !== undefined) {
      await knex('grants').where('id', same.id).whereNot('place', place).update({ place });
      continue;
    }
    const { keepDays, keepFiles, ...columns } = wanted;
    const renamed = { keep_days: keepDays, keep_files: keepFiles };
    await knex('grants').insert({ id: uuidv7(), place, ...columns, ...renamed });
    changes.push({ object: 'grant', name: grantName(wanted), change: 'added' });
  }
  await knex('grants')
    .whereIn(
      'id',
      left.map((rule) => rule.id),
    )
    .delete();
  for (const rule of left) {
    changes.push({ object: 'grant', name: grantName(rule), change: 'removed' });
  }
}

function grantName(grant: Omit<GrantEntry, 'channels' | 'logins' | 'policy'>): string {
  const { files, forward, keepDays, keepFiles, principals, recording, targets } = grant;
  const said = [
    ...(recording === 'strict' ? [] : [`recording: ${recording}`]),
    ...(keepDays === null ? [] : [`keepDays: ${keepDays}`]),
    ...(files === 'full' ? [] : [`files: ${files}`]),
    ...(keepFiles ? ['keepFiles'] : []),
    ...(forward.length === 0 ? [] : [`forward: ${forward.join(', ')}`]),
  ];
  const kept = said.length === 0 ? '' : ` (${said.join(', ')})`;
  return `${principals.join(', ')} → ${targets.join(', ')}${kept}`;
}

interface StoredPolicy {
  readonly name: string;
  readonly version: number;
  readonly document: unknown;
}

/** The newest version of every policy, removed ones (null) included. */
async function newestPolicies(knex: Knex): Promise<ReadonlyMap<string, StoredPolicy>> {
  const rows: readonly StoredPolicy[] = await knex('policies')
    .distinctOn('name')
    .orderBy([{ column: 'name' }, { column: 'version', order: 'desc' }])
    .select('name', 'version', 'document');
  return new Map(rows.map((row) => [row.name, row]));
}

async function applyPolicies(
  knex: Knex,
  policies: DirectoryDocument['policies'],
  changes: Changes,
): Promise<void> {
  const newest = await newestPolicies(knex);
  for (const [written, value] of Object.entries(policies)) {
    const name = storable(written);
    const document = storableJson(value);
    const stored = newest.get(name);
    if (stored !== undefined && isDeepStrictEqual(stored.document, document)) continue;
    await addVersion(knex, name, (stored?.version ?? 0) + 1, document);
    const isNew = stored === undefined || stored.document === null;
    changes.push({ object: 'policy', name, change: isNew ? 'added' : 'changed' });
  }
}

async function addVersion(
  knex: Knex,
  name: string,
  version: number,
  document: unknown,
): Promise<void> {
  // pg would turn an array into a PostgreSQL array, and the JSON null isn't "removed".
  const json = document === null ? null : JSON.stringify(document);
  await knex('policies').insert({ name, version, document: json });
}

// --- pruning ----------------------------------------------------------------------------------

async function prune(knex: Knex, document: DirectoryDocument, changes: Changes): Promise<void> {
  const removed = (object: DirectoryChange['object'], rows: readonly { name: string }[]): void => {
    for (const { name } of rows) changes.push({ object, name, change: 'removed' });
  };
  const names = (entries: readonly { readonly name: string }[]): readonly string[] =>
    entries.map((entry) => storable(entry.name));
  // Principals are named by what they did, so they stay as rows.
  const disabled = await knex('principals')
    .whereNotIn('name', names(document.principals))
    .modify(spareTakenIn, document.signIn)
    .whereNull('disabled_at')
    .update({ disabled_at: knex.fn.now() })
    .returning<{ id: string; name: string }[]>(['id', 'name']);
  const ids = disabled.map((row) => row.id);
  await knex('principal_keys')
    .whereIn('principal_id', ids)
    .whereNull('revoked_at')
    .update({ revoked_at: knex.fn.now() });
  await knex('tokens').whereIn('principal_id', ids).delete();
  await knex('principal_certificates').whereIn('principal_id', ids).delete();
  removed('principal', disabled);
  removed('authority', await pruneAuthorities(knex, document.authorities ?? []));
  removed('webhook', await pruneWebhooks(knex, document.webhooks ?? []));
  for (const [table, object] of [
    ['targets', 'target'],
    ['credentials', 'credential'],
  ] as const) {
    const rows = await knex(table)
      .whereNotIn('name', names(document[table]))
      .delete()
      .returning<{ name: string }[]>('name');
    removed(object, rows);
  }
  const kept = new Set(Object.keys(document.policies).map(storable));
  for (const { name, version, document } of (await newestPolicies(knex)).values()) {
    if (kept.has(name) || document === null) continue;
    await addVersion(knex, name, version + 1, null);
    removed('policy', [{ name }]);
  }
}
