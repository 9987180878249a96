/**
 * Changes of the directory over the API: one entry at a time, under the lock of `apply`, by the rules of a
 * configuration file, and kept as a version. What isn't named stays as it is.
 */
import type { GrantRule } from '../access/grant.ts';
import { journalChanges } from '../cli/journal.ts';
import { SallyportError } from '../errors.ts';
import type { DirectoryEditDesk, EditActor, EditOutcome } from '../http/directory-ports.ts';
import { formatPublicLine, generateKeyPair, parsePrivateKey } from '../ssh/key.ts';
import type { Credentials } from '../store/credentials.ts';
import type { Database } from '../store/database.ts';
import {
  applyCredentials,
  applyGrants,
  applyPrincipals,
  applyTargets,
} from '../store/directory-apply.ts';
import { removeEntry } from '../store/directory-prune.ts';
import {
  changeDirectory,
  type AppliedChange,
  type ChangeScope,
} from '../store/directory-transaction.ts';
import type { DirectoryVersions, VersionOrigin } from '../store/directory-versions.ts';
import type { WrittenEntry } from '../store/directory-written.ts';
import { readGrants } from '../store/directory.ts';
import type { StoredJournal } from '../store/journal.ts';
import { applyPolicies } from '../store/policies.ts';
import type { SealingVault } from '../vault/vault.ts';
import { CHECKS } from './checks.ts';
import {
  namersOf,
  putEntry,
  type EditedDirectory,
  type EditedSection,
  type EntryProblem,
} from './directory-edit.ts';

export interface DirectoryDeskParts {
  readonly database: Database;
  readonly journal: StoredJournal;
  readonly credentials: Credentials;
  readonly versions: DirectoryVersions;
  readonly vault: () => Promise<SealingVault>;
}

const OBJECTS = {
  principals: 'principal',
  targets: 'target',
  policies: 'policy',
  credentials: 'credential',
} as const;

/** What ends a change without one; it undoes the transaction. */
class Unchanged extends Error {
  readonly outcome: EditOutcome;

  constructor(outcome: EditOutcome) {
    super(outcome.kind);
    this.outcome = outcome;
  }
}

export function createDirectoryDesk(parts: DirectoryDeskParts): DirectoryEditDesk {
  const { credentials, database, journal, vault, versions } = parts;
  const changed = async (
    by: EditActor,
    ifVersion: number | null,
    work: (scope: ChangeScope, directory: EditedDirectory) => Promise<void>,
  ): Promise<AppliedChange | Unchanged> => {
    const { principal, request: from, source } = by;
    const origin: VersionOrigin = { via: 'api', principal, source, from };
    try {
      const applied = await changeDirectory(database, { dryRun: false, origin }, async (scope) => {
        if (ifVersion !== null && ifVersion !== scope.version) {
          throw new Unchanged({ kind: 'stale', version: scope.version });
        }
        const grants = await readGrants(scope.trx);
        await work(scope, { written: scope.before, grantIds: grants.map(({ id }) => id) });
      });
      await journalChanges(journal, applied, origin);
      return applied;
    } catch (error) {
      if (error instanceof Unchanged) return error;
      throw error;
    }
  };

  return {
    put: async (kind, entry, { grantId, ifVersion }, by) => {
      let name: string | null = null;
      let isNew = false;
      let warnings: readonly EntryProblem[] = [];
      const applied = await changed(by, ifVersion, async (scope, directory) => {
        const place = grantId === null ? null : directory.grantIds.indexOf(grantId);
        if (place === -1) throw new Unchanged({ kind: 'unknown' });
        const edit = putEntry(directory, kind, entry, place, CHECKS);
        if (edit.kind === 'invalid') throw new Unchanged(edit);
        ({ name, warnings } = edit);
        isNew = await applyEdit(scope, kind, edit);
        if (kind === 'grants') {
          name = (await readGrants(scope.trx))[edit.at]?.id ?? null;
        }
      });
      if (applied instanceof Unchanged) return applied.outcome;
      return { kind: 'done', name, isNew, warnings, ...applied };
    },
    remove: async (kind, name, { ifVersion }, by) => {
      const applied = await changed(by, ifVersion, async (scope, directory) => {
        if (kind === 'grants') return removeGrant(scope, directory, name);
        if (!isThere(directory, kind, name)) throw new Unchanged({ kind: 'unknown' });
        const by = namersOf(directory, kind, name, CHECKS);
        if (by.length > 0) throw new Unchanged({ kind: 'named', by });
        await removeEntry(scope.trx, OBJECTS[kind], name, scope.changes);
        if (scope.changes.length === 0) throw new Unchanged({ kind: 'shut-out' });
      });
      if (applied instanceof Unchanged) return applied.outcome;
      return { kind: 'done', name: null, isNew: false, warnings: [], ...applied };
    },
    seal: async (name, { bytes, kind }, by) => {
      const made = bytes === null ? generateKeyPair(name) : null;
      const material = made?.privateKeyPem ?? bytes ?? Buffer.alloc(0);
      try {
        const publicKey = made?.publicLine ?? publicLineOf(kind, name, material);
        const sealed = await (await vault()).seal(name, kind, material);
        await credentials.put(sealed, publicKey);
        const { version } = sealed;
        await journal.append({
          type: 'credential.created',
          principal: by.principal,
          source: by.source,
          session: null,
          target: null,
          data: { name, kind, version, publicKey },
        });
        return { version, publicKey };
      } finally {
        material.fill(0);
      }
    },
    entry: async (kind, name) => {
      const written = await versions.written();
      if (kind === 'policies') {
        const policy = Object.hasOwn(written.policies, name) ? written.policies[name] : undefined;
        return policy === undefined ? null : { name, policy };
      }
      if (kind !== 'grants') return written[kind].find((one) => one['name'] === name) ?? null;
      const at = (await readGrants(database.knex)).findIndex(({ id }) => id === name);
      return written.grants[at] ?? null;
    },
    currentVersion: () => versions.current(),
    versions: (query) => versions.list(query),
    version: (number) => versions.one(number),
  };
}

/** @returns whether there was none of that name */
async function applyEdit(
  { before, changes, trx }: ChangeScope,
  kind: EditedSection,
  edit: Extract<ReturnType<typeof putEntry>, { kind: 'ok' }>,
): Promise<boolean> {
  const { at, document, name } = edit;
  const pick = <T>(list: readonly T[]): readonly T[] => list.slice(at, at + 1);
  switch (kind) {
    case 'principals':
      await applyPrincipals(trx, pick(document.principals), changes);
      break;
    case 'targets':
      await applyTargets(trx, pick(document.targets), changes);
      break;
    case 'credentials':
      await applyCredentials(trx, pick(document.credentials), changes);
      break;
    case 'grants':
      await applyGrants(trx, document.grants, changes);
      return at >= before.grants.length;
    case 'policies':
      await applyPolicies(trx, { [name ?? '']: document.policies[name ?? ''] }, changes);
      return !Object.hasOwn(before.policies, name ?? '');
  }
  return at >= before[kind].length;
}

function isThere(
  { written }: EditedDirectory,
  kind: Exclude<EditedSection, 'grants'>,
  name: string,
): boolean {
  if (kind === 'policies') return Object.hasOwn(written.policies, name);
  const there: readonly WrittenEntry[] = written[kind];
  return there.some((one) => one['name'] === name);
}

async function removeGrant(
  { changes, trx }: ChangeScope,
  { grantIds }: EditedDirectory,
  id: string,
): Promise<void> {
  if (!grantIds.includes(id)) throw new Unchanged({ kind: 'unknown' });
  const left = (await readGrants(trx)).filter((rule) => rule.id !== id);
  await applyGrants(
    trx,
    left.map(({ id: _id, ...grant }: GrantRule) => grant),
    changes,
  );
}

/** @throws SallyportError `usage.invalid`, which never repeats the material */
function publicLineOf(
  kind: 'private-key' | 'password' | 'authority',
  name: string,
  material: Buffer,
): string | null {
  if (kind === 'password') return null;
  const parsed = parsePrivateKey(material);
  if (parsed.kind === 'key') return formatPublicLine(parsed.blob, name);
  throw new SallyportError(
    'usage.invalid',
    `privateKey can't be used: ${parsed.why}`,
    'nothing was stored; send a private key without a pass phrase, in PEM or in OpenSSH form',
  );
}
