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
import { applyAuthorities, applyCertificateNames } from './authorities.ts';
import type { Database } from './database.ts';
import { pruneOthers, pruneUsers } from './directory-prune.ts';
import { type AppliedChange, changeDirectory } from './directory-transaction.ts';
import type { VersionOrigin } from './directory-versions.ts';
import { readGrants, readTargets } from './directory.ts';
import { applyIdentities } from './identities.ts';
import { applyPolicies } from './policies.ts';
import { applyRequests, applyWebhooks } from './request-rules.ts';
import { adoptPrincipal } from './sign-in-accounts.ts';
import { applySignIn } from './sign-in-settings.ts';
import { storable, storableJson } from './storable.ts';

export interface ApplyOptions {
  /** Disable principals and remove what else the document doesn't name. */
  readonly prune: boolean;
  /** Only say what would change. */
  readonly dryRun: boolean;
}

/** What a step found out, in order. */
type Changes = DirectoryChange[];

/** As `applyDocument`, without who asked for it. */
export async function applyDirectory(
  database: Pick<Database, 'knex'>,
  document: DirectoryDocument,
  options: ApplyOptions,
): Promise<readonly DirectoryChange[]> {
  const origin = { via: 'apply', principal: null, source: null, from: '' } as const;
  return (await applyDocument(database, document, { ...options, origin })).changes;
}

/**
 * Applies `document`; with nothing to change it writes nothing. Rejects with `config.invalid` when one
 * key stands for two principals.
 */
export async function applyDocument(
  database: Pick<Database, 'knex'>,
  document: DirectoryDocument,
  options: ApplyOptions & { readonly origin: VersionOrigin },
): Promise<AppliedChange> {
  refuseSharedKeys(document.principals);
  return changeDirectory(database, options, async ({ changes, trx }) => {
    await applyAuthorities(trx, document.authorities ?? [], changes);
    if (options.prune) await pruneUsers(trx, document, changes);
    await applyPrincipals(trx, document.principals, changes);
    await applyCredentials(trx, document.credentials, changes);
    await applyTargets(trx, document.targets, changes);
    await applyGrants(trx, document.grants, changes);
    await applyRequests(trx, document.requests ?? [], changes);
    await applyWebhooks(trx, document.webhooks ?? [], changes);
    await applyPolicies(trx, document.policies, changes);
    await applySignIn(trx, document.signIn, options.prune, changes);
    if (options.prune) await pruneOthers(trx, document, changes);
  });
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

/** A key changes hands only if both its owners are named: nobody loses one by an entry of somebody else. */
async function refuseOthersKeys(knex: Knex, entries: readonly PrincipalEntry[]): Promise<void> {
  const named = new Set(entries.map(({ name }) => storable(name)));
  const owners = new Map(
    entries.flatMap(({ keys, name }) => keys.map((key) => [key.blob.toString('hex'), name])),
  );
  const live = await knex('principal_keys')
    .join('principals', 'principals.id', 'principal_keys.principal_id')
    .whereIn(
      'blob',
      entries.flatMap(({ keys }) => keys.map(({ blob }) => blob)),
    )
    .whereNull('principal_keys.revoked_at')
    .whereRaw('(principal_keys.expires_at is null or principal_keys.expires_at > now())')
    .select<{ blob: Buffer; fingerprint: string; name: string; expires_at: Date | null }[]>(
      'blob',
      'fingerprint',
      'principals.name',
      'expires_at',
    );
  for (const { blob, expires_at: end, fingerprint, name } of live) {
    const wanted = owners.get(blob.toString('hex')) ?? '';
    if (storable(wanted) === name || (end === null && named.has(name))) continue;
    const how = end === null ? 'already' : `until ${end.toISOString()}, as a short-lived key`;
    throw new SallyportError(
      'config.invalid',
      `the key ${fingerprint}, listed for ${wanted}, belongs to ${name} ${how}`,
      `a key names exactly one principal: take it from ${name} first, or use another one`,
    );
  }
}

interface StoredPrincipal {
  readonly id: string;
  readonly kind: string;
  readonly roles: readonly string[];
  readonly groups: readonly string[];
  readonly owner: string | null;
  readonly disabled_at: Date | null;
  readonly locked_at: Date | null;
}

/** Those that aren't named stay. */
export async function applyPrincipals(
  knex: Knex,
  entries: readonly PrincipalEntry[],
  changes: Changes,
): Promise<void> {
  await refuseOthersKeys(knex, entries);
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

/** Those that aren't named stay. */
export async function applyCredentials(
  knex: Knex,
  entries: DirectoryDocument['credentials'],
  changes: Changes,
): Promise<void> {
  for (const entry of entries) {
    const name = storable(entry.name);
    const added: readonly unknown[] = await knex('credentials')
      .insert({ name })
      .onConflict('name')
      .ignore()
      .returning('name');
    if (added.length > 0) changes.push({ object: 'credential', name, change: 'added' });
  }
}

/** Those that aren't named stay. */
export async function applyTargets(
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

/** Makes them all that there are, in this order. */
export async function applyGrants(
  knex: Knex,
  entries: readonly GrantEntry[],
  changes: Changes,
): Promise<void> {
  const stored = await readGrants(knex);
  const left = [...stored];
  const kept: string[] = [];
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
      kept.push(same.id);
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
  // The first that fits counts, so their order says something.
  const before = stored.filter(({ id }) => kept.includes(id));
  if (before.every(({ id }, at) => id === kept[at])) return;
  const order = kept
    .map((id) => before.find((rule) => rule.id === id))
    .filter((rule) => rule !== undefined);
  const lines = order.map((rule, at) => `${at + 1}. ${grantName(rule)}`);
  changes.push({ object: 'grant', name: 'order', change: 'changed', lines });
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
