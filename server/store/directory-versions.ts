/** Versions of the directory: who changed what, when and from where, and what it said afterwards. */
import type { Knex } from 'knex';
import type { DirectoryChange } from '../access/directory.ts';
import { entryDiff } from '../access/directory-diff.ts';
import type { Database } from './database.ts';
import { shownWritten, type WrittenDirectory, type WrittenEntry } from './directory-written.ts';
import { askThrough } from './outage.ts';
import { storable, storableJson } from './storable.ts';

/** Whoever makes a version, and how. */
export interface VersionOrigin {
  /** `apply` at the command line, `start` of a bastion with a configuration, `api`, or the `scan` of a host key. */
  readonly via: 'apply' | 'start' | 'api' | 'scan';
  readonly principal: string | null;
  /** `cli:USER` or `http:ADDRESS`; null = the bastion itself. */
  readonly source: string | null;
  /** The file, or the request. */
  readonly from: string;
}

export interface VersionView extends VersionOrigin {
  /** 1, 2, 3, … */
  readonly version: number;
  /** ISO 8601. */
  readonly at: string;
  readonly changes: readonly DirectoryChange[];
}

export interface VersionPage {
  readonly items: readonly VersionView[];
  /** Number before which the next page ends; null on the last. */
  readonly next: string | null;
}

export interface DirectoryVersions {
  /** 0 = there is none yet. */
  current(): Promise<number>;
  /** Newest first. */
  list(query: { readonly limit: number; readonly before: number | null }): Promise<VersionPage>;
  /** With the whole directory as it was then. */
  one(version: number): Promise<(VersionView & { readonly document: WrittenDirectory }) | null>;
  /** The directory as it is now. */
  written(): Promise<WrittenDirectory>;
  /** The version that changed this last, among the newest ones. */
  lastOf(change: Pick<DirectoryChange, 'object' | 'name'>): Promise<VersionView | null>;
}

/** Versions that are looked through for who changed something last. */
const MAX_LOOKED_BACK = 500;
const COLUMNS = ['number', 'at', 'via', 'principal', 'source', 'origin', 'changes'];

interface Row {
  readonly number: number;
  readonly at: Date;
  readonly via: VersionOrigin['via'];
  readonly principal: string | null;
  readonly source: string | null;
  readonly origin: string;
  readonly changes: readonly DirectoryChange[];
}

export function createDirectoryVersions(
  { knex }: Pick<Database, 'knex'>,
  readWritten: (knex: Knex) => Promise<WrittenDirectory>,
): DirectoryVersions {
  return {
    current: () => askThrough(() => currentVersion(knex)),
    list: ({ before, limit }) =>
      askThrough(async () => {
        const rows = await knex('directory_versions')
          .modify((query) => before !== null && void query.where('number', '<', before))
          .orderBy('number', 'desc')
          .limit(limit + 1)
          .select<Row[]>(COLUMNS);
        const items = rows.slice(0, limit).map(viewOf);
        const last = items.at(-1);
        return {
          items,
          next: rows.length > limit && last !== undefined ? String(last.version) : null,
        };
      }),
    one: (version) =>
      askThrough(async () => {
        const row = await knex('directory_versions')
          .where('number', version)
          .first<(Row & { readonly document: string }) | undefined>();
        if (row === undefined) return null;
        return { ...viewOf(row), document: JSON.parse(row.document) as WrittenDirectory };
      }),
    written: () =>
      askThrough(() => knex.transaction(readWritten, { isolationLevel: 'repeatable read' })),
    lastOf: ({ name, object }) =>
      askThrough(async () => {
        const row = await knex('directory_versions')
          .whereRaw('number > (select max(number) from directory_versions) - ?', [MAX_LOOKED_BACK])
          .whereRaw('changes @> ?::jsonb', [JSON.stringify([{ object, name }])])
          .orderBy('number', 'desc')
          .first<Row | undefined>(COLUMNS);
        return row === undefined ? null : viewOf(row);
      }),
  };
}

export async function currentVersion(knex: Knex): Promise<number> {
  const row = await knex('directory_versions')
    .max('number as number')
    .first<{ readonly number: number | null } | undefined>();
  return row?.number ?? 0;
}

/** Keeps the next version, under the lock of changes. @returns its number */
export async function keepVersion(
  trx: Knex,
  origin: VersionOrigin,
  changes: readonly DirectoryChange[],
  written: WrittenDirectory,
): Promise<number> {
  const version = (await currentVersion(trx)) + 1;
  await trx('directory_versions').insert({
    number: version,
    via: origin.via,
    principal: origin.principal === null ? null : storable(origin.principal),
    source: origin.source === null ? null : storable(origin.source),
    origin: storable(origin.from),
    changes: JSON.stringify(storableJson(changes)),
    document: storable(JSON.stringify(written)),
  });
  return version;
}

/** The changes with what each of them is about, as far as the directory shows it. */
export function withLines(
  changes: readonly DirectoryChange[],
  before: WrittenDirectory,
  after: WrittenDirectory,
): readonly DirectoryChange[] {
  const [was, is] = [shownWritten(before), shownWritten(after)];
  const sets = {
    grant: setChanges(was.grants, is.grants),
    request: setChanges(was.requests, is.requests),
  };
  return changes.map((change) => {
    if (change.lines !== undefined) return change;
    if (change.object === 'grant' || change.object === 'request') {
      const lists = sets[change.object];
      const entry = change.change === 'added' ? lists.added.shift() : lists.removed.shift();
      return { ...change, lines: entryDiff(undefined, entry) };
    }
    const [old, now] = [entryOf(was, change), entryOf(is, change)];
    return {
      ...change,
      lines: now === undefined ? entryDiff(undefined, old) : entryDiff(old, now),
    };
  });
}

/** Entries without a name, in their order. */
function setChanges(
  before: readonly WrittenEntry[],
  after: readonly WrittenEntry[],
): { readonly added: WrittenEntry[]; readonly removed: WrittenEntry[] } {
  const left = before.map((one) => JSON.stringify(one));
  const added = after.filter((one) => {
    const at = left.indexOf(JSON.stringify(one));
    if (at !== -1) left.splice(at, 1);
    return at === -1;
  });
  return { added, removed: left.map((text) => JSON.parse(text) as WrittenEntry) };
}

const SECTIONS = {
  authority: 'authorities',
  principal: 'principals',
  credential: 'credentials',
  target: 'targets',
  webhook: 'webhooks',
} as const;

function entryOf(written: WrittenDirectory, { name, object }: DirectoryChange): unknown {
  if (object === 'policy') return written.policies[name];
  if (object === 'sign-in') return written.signIn;
  if (object === 'grant' || object === 'request') return undefined;
  return written[SECTIONS[object]].find((entry) => entry['name'] === name);
}

function viewOf(row: Row): VersionView {
  const { at, changes, number: version, origin: from, principal, source, via } = row;
  return { version, at: at.toISOString(), via, principal, source, from, changes };
}
