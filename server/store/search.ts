/**
 * Search over commands and output of all sessions, newest first. Words that are everywhere are found in
 * the newest blocks; what isn't there is looked up in the index. Both give candidates, which are read and
 * compared. Every page reads a bounded number of blocks; one that reached its bound has fewer items than
 * it could and says where to go on.
 */
import type { Knex } from 'knex';
import { SallyportError } from '../errors.ts';
import type { Verdict } from '../policy/decision.ts';
import type { Database } from './database.ts';
import { storable } from './storable.ts';
import { isUuid, timeOf } from './query-text.ts';
import { entriesOf, MAX_BLOCK_SPAN_MS, type SearchEntry, type SearchKind } from './search-block.ts';
import { arrayLiteral, facet, folded, queryGrams } from './search-grams.ts';
import { type CommandHit, hydrate, type OutputHit } from './search-hits.ts';
import { SearchTurns } from './search-turns.ts';
import { OVERLAP_CHARACTERS } from './search-text.ts';
import { unindexedCommands } from './search-unindexed.ts';

/** Longest text that can be searched for: text is cut into pieces that overlap by as much. */
export const MAX_SEARCH_CHARACTERS = OVERLAP_CHARACTERS;
export const MAX_HIT_PAGE = 200;
/** Blocks that are looked at without the index. */
export const NEWEST_BLOCKS = 64;
/** Blocks that are read for one page. */
export const MAX_READ_BLOCKS = 512;
/** A page that took so long ends where it is. */
export const SEARCH_BUDGET_MS = 1000;
/** A page must get somewhere: where very many blocks overlap, it may read so much more. */
const MOST_READ_BLOCKS = 8 * MAX_READ_BLOCKS;
/** One statement of a search can't keep the database busy for longer. */
export const STATEMENT_TIMEOUT_MS = 5000;
/** Blocks that are fetched at once. */
const FETCHED_BLOCKS = 16;
const CANCELLED = '57014';
const LAST_SESSION = 'ffffffff-ffff-ffff-ffff-ffffffffffff';
const LAST_NUMBER = 2 ** 31 - 1;

/** What to search; times in ISO 8601. */
export interface StoredSearchQuery {
  readonly in: SearchKind;
  /** Upper and lower case alike; left out = everything. */
  readonly q?: string;
  readonly principal?: string;
  readonly target?: string;
  readonly run?: string;
  readonly decision?: Verdict;
  readonly from?: string;
  readonly to?: string;
  /** 1 to MAX_HIT_PAGE. */
  readonly limit: number;
  readonly cursor?: string;
}

export interface SearchPage {
  readonly items: readonly (CommandHit | OutputHit)[];
  /** Fewer items than asked for and a cursor: there is more to look through. */
  readonly next: string | null;
  /** What could not be looked through. */
  readonly missing: {
    /** Sessions that match and printed more than can be searched. */
    readonly cutSessions: number;
    /** Sessions that have ended and will be searched in a moment. */
    readonly waitingSessions: number;
  };
}

export interface StoredSearch {
  /** Rejects with `usage.invalid` for a malformed value and `limit.exceeded` when it takes too long. */
  search(query: StoredSearchQuery): Promise<SearchPage>;
}

/** Where a page ends; entries are ordered by time, session and number, the newest first. */
export interface HitPlace {
  readonly atMs: number;
  readonly session: string;
  readonly n: number;
}

/** What an entry must be like. */
export interface EntryFilter {
  readonly text: string;
  readonly principal: string | null;
  readonly target: string | null;
  readonly run: string | null;
  readonly decision: Verdict | null;
  readonly fromMs: number;
  readonly toMs: number;
  readonly before: HitPlace;
}

export function createSearch(database: Pick<Database, 'knex'>): StoredSearch {
  const turns = new SearchTurns();
  return {
    search: (query) =>
      turns.run(async () => {
        const filter = filterOf(query);
        try {
          return await database.knex.transaction((trx) => searchIn(trx, query, filter), {
            readOnly: true,
            isolationLevel: 'repeatable read',
          });
        } catch (error) {
          throw isCancelled(error) ? tookTooLong(error) : error;
        }
      }),
  };
}

function filterOf(query: StoredSearchQuery): EntryFilter {
  const { q = '', principal, target, run, decision, from, to, cursor } = query;
  if (q.length > MAX_SEARCH_CHARACTERS) {
    throw new SallyportError(
      'usage.invalid',
      `the text to search for is longer than ${MAX_SEARCH_CHARACTERS} characters`,
      'take a part of it',
    );
  }
  const text = (value: string | undefined): string | null =>
    value === undefined ? null : storable(value);
  return {
    text: folded(storable(q)),
    principal: text(principal),
    target: text(target),
    run: text(run),
    decision: decision ?? null,
    fromMs: from === undefined ? 0 : timeOf(from).getTime(),
    toMs: to === undefined ? Number.MAX_SAFE_INTEGER : timeOf(to).getTime(),
    before:
      cursor === undefined
        ? { atMs: Number.MAX_SAFE_INTEGER, session: LAST_SESSION, n: LAST_NUMBER }
        : placeOf(cursor),
  };
}

async function searchIn(
  trx: Knex.Transaction,
  query: StoredSearchQuery,
  filter: EntryFilter,
): Promise<SearchPage> {
  // Blocks are few and wide: what the planner thinks of reading all of them is wrong.
  await trx.raw(
    `set local statement_timeout = ${STATEMENT_TIMEOUT_MS};
     set local enable_seqscan = off;
     set local jit = off`,
  );
  const limit = Math.min(Math.max(query.limit, 1), MAX_HIT_PAGE);
  const found = new Hits(filter, limit);
  let waiting = 0;
  if (query.in === 'commands') {
    const unindexed = await unindexedCommands(trx, filter);
    found.add(unindexed.entries);
    waiting = unindexed.left;
  }
  const end = await collect(trx, query.in, filter, found);
  const { entries, next } = found.page(end);
  const items = await hydrate(trx, query.in, entries, filter.text);
  const missing = await missingFrom(trx, query.in, filter);
  return {
    items,
    next: next === null ? null : cursorOf(next),
    missing: { ...missing, waitingSessions: Math.max(waiting, missing.waitingSessions) },
  };
}

/** The hits of a page while blocks are read. */
class Hits {
  readonly #filter: EntryFilter;
  readonly #limit: number;
  #hits: SearchEntry[] = [];

  constructor(filter: EntryFilter, limit: number) {
    this.#filter = filter;
    this.#limit = limit;
  }

  add(entries: readonly SearchEntry[]): void {
    for (const entry of entries) if (fits(entry, this.#filter)) this.#hits.push(entry);
    this.#hits.sort(newestFirst);
    // One more says that there is a next page.
    this.#hits.length = Math.min(this.#hits.length, this.#limit + 1);
  }

  /** Whether a page is full of hits that are newer than everything up to `ms`. */
  isFull(ms: number): boolean {
    const last = this.#hits[this.#limit];
    return last !== undefined && last.atMs > ms;
  }

  /** @param endMs nothing up to here has been read; null = everything has */
  page(endMs: number | null): {
    readonly entries: readonly SearchEntry[];
    readonly next: HitPlace | null;
  } {
    const known = this.#hits.filter((entry) => endMs === null || entry.atMs > endMs);
    const entries = known.slice(0, this.#limit);
    const last = entries.at(-1);
    if (known.length > entries.length && last !== undefined) {
      return { entries, next: { atMs: last.atMs, session: last.session.id, n: last.n } };
    }
    if (endMs === null) return { entries, next: null };
    return { entries, next: { atMs: endMs, session: LAST_SESSION, n: LAST_NUMBER } };
  }
}

function fits(entry: SearchEntry, filter: EntryFilter): boolean {
  const { session } = entry;
  return (
    entry.atMs >= filter.fromMs &&
    entry.atMs <= filter.toMs &&
    (filter.principal === null || session.principal === filter.principal) &&
    (filter.target === null || session.target === filter.target) &&
    (filter.run === null || session.run === filter.run) &&
    (filter.decision === null || entry.decision === filter.decision) &&
    isBefore(entry, filter.before) &&
    (filter.text === '' || folded(entry.text).includes(filter.text))
  );
}

function newestFirst(a: SearchEntry, b: SearchEntry): number {
  if (a.atMs !== b.atMs) return b.atMs - a.atMs;
  if (a.session.id !== b.session.id) return a.session.id < b.session.id ? 1 : -1;
  return b.n - a.n;
}

function isBefore(entry: SearchEntry, place: HitPlace): boolean {
  if (entry.atMs !== place.atMs) return entry.atMs < place.atMs;
  if (entry.session.id !== place.session) return entry.session.id < place.session;
  return entry.n < place.n;
}

export interface Candidate {
  readonly id: number;
  readonly t1_ms: number;
  readonly fits: boolean;
}

/** Reads blocks, the newest first, until the page is full. @returns see `Hits.page` */
async function collect(
  trx: Knex,
  kind: SearchKind,
  filter: EntryFilter,
  found: Hits,
): Promise<number | null> {
  const deadlineMs = performance.now() + SEARCH_BUDGET_MS;
  let read = 0;
  /** @returns where it stopped, or null when it read them all */
  const readAll = async (candidates: readonly Candidate[]): Promise<number | null> => {
    for (let at = 0; at < candidates.length; at += FETCHED_BLOCKS) {
      const some = candidates.slice(at, at + FETCHED_BLOCKS);
      const endMs = some[0]?.t1_ms ?? 0;
      if (found.isFull(endMs)) return endMs;
      const isEnough = read >= MAX_READ_BLOCKS || performance.now() > deadlineMs;
      // A page that ends where it began would be asked for again and again.
      if (isEnough && (endMs < filter.before.atMs || read >= MOST_READ_BLOCKS)) return endMs;
      const wanted = some.filter((one) => one.fits).map((one) => one.id);
      read += wanted.length;
      for (const body of await bodies(trx, wanted)) found.add(entriesOf(body));
    }
    return null;
  };
  const newest = await newestBlocks(trx, kind, filter);
  const stopped = await readAll(newest);
  const last = newest.at(-1);
  if (stopped !== null || newest.length < NEWEST_BLOCKS || last === undefined) return stopped;
  if (found.isFull(last.t1_ms)) return last.t1_ms;
  const limit = MAX_READ_BLOCKS;
  for (let place: Candidate = last; ;) {
    const candidates = await indexedBlocks(trx, kind, filter, place, limit);
    const end = await readAll(candidates);
    const next = candidates.at(-1);
    if (end !== null || candidates.length < limit || next === undefined) return end;
    place = next;
  }
}

/** The newest blocks of the time that is asked for, and which of them may have what is searched. */
export async function newestBlocks(
  trx: Knex,
  kind: SearchKind,
  filter: EntryFilter,
): Promise<readonly Candidate[]> {
  const { sql, bindings } = newestBlocksQuery(kind, filter);
  const { rows } = await trx.raw<{ rows: readonly Candidate[] }>(sql, [...bindings]);
  return rows;
}

export interface Statement {
  readonly sql: string;
  readonly bindings: readonly (string | number)[];
}

export function newestBlocksQuery(kind: SearchKind, filter: EntryFilter): Statement {
  const { toMs, facets, grams } = lookupOf(kind, filter);
  return {
    sql: `select id, t1_ms, facets @> ?::int[] and grams @> ?::smallint[] as fits
      from search_blocks
      where kind = ? and t1_ms between ? and ? and t0_ms <= ?
      order by t1_ms desc, id desc limit ${NEWEST_BLOCKS}`,
    bindings: [facets, grams, kind, filter.fromMs, latest(toMs), toMs],
  };
}

/** Blocks older than `after` that may have what is searched, from the index. */
async function indexedBlocks(
  trx: Knex,
  kind: SearchKind,
  filter: EntryFilter,
  after: Pick<Candidate, 'id' | 't1_ms'>,
  limit: number,
): Promise<readonly Candidate[]> {
  const { sql, bindings } = indexedBlocksQuery(kind, filter, after, limit);
  const { rows } = await trx.raw<{ rows: readonly Candidate[] }>(sql, [...bindings]);
  return rows;
}

export function indexedBlocksQuery(
  kind: SearchKind,
  filter: EntryFilter,
  after: Pick<Candidate, 'id' | 't1_ms'>,
  limit: number,
): Statement {
  const { toMs, facets, grams } = lookupOf(kind, filter);
  // Materialized, so that the order by time can't tempt the planner to go through all blocks.
  return {
    sql: `with found as materialized (
        select id, t0_ms, t1_ms from search_blocks
        where facets @> ?::int[] and grams @> ?::smallint[]
      )
      select id, t1_ms, true as fits from found
      where (t1_ms, id) < (?, ?) and t1_ms >= ? and t0_ms <= ?
      order by t1_ms desc, id desc limit ?`,
    bindings: [facets, grams, after.t1_ms, after.id, filter.fromMs, toMs, limit],
  };
}

function lookupOf(
  kind: SearchKind,
  filter: EntryFilter,
): { readonly toMs: number; readonly facets: string; readonly grams: string } {
  const facets = [facet('kind', kind)];
  for (const name of ['principal', 'target', 'run', 'decision'] as const) {
    const value = filter[name];
    if (value !== null) facets.push(facet(name, value));
  }
  return {
    toMs: Math.min(filter.toMs, filter.before.atMs),
    facets: arrayLiteral(facets),
    grams: arrayLiteral(queryGrams(filter.text)),
  };
}

/** The last entry of a block that has entries up to `ms`. */
function latest(ms: number): number {
  return Math.min(Number.MAX_SAFE_INTEGER, ms + MAX_BLOCK_SPAN_MS);
}

async function bodies(trx: Knex, ids: readonly number[]): Promise<readonly Buffer[]> {
  if (ids.length === 0) return [];
  const { rows } = await trx.raw<{ rows: readonly { body: Buffer }[] }>(
    'select body from search_blocks where id = any(?::bigint[])',
    [arrayLiteral(ids)],
  );
  return rows.map(({ body }) => body);
}

async function missingFrom(
  trx: Knex,
  kind: SearchKind,
  filter: EntryFilter,
): Promise<SearchPage['missing']> {
  if (kind === 'commands') return { cutSessions: 0, waitingSessions: 0 };
  const MOST = 1000;
  const { rows } = await trx.raw<{ rows: readonly { cut: number; waiting: number }[] }>(
    `select
       (select count(*)::int from (
          select 1 from search_progress join sessions on id = session_id
          where cut_at_ms is not null and cut_at_ms >= ? and started_at <= to_timestamp(? / 1000.0)
            and (?::text is null or principal = ?) and (?::text is null or target = ?)
            and (?::text is null or run = ?)
          limit ${MOST}) as cut) as cut,
       (select count(*)::int from (
          select session_id from search_changes
          union select session_id from search_progress where is_open
          limit ${MOST}) as open
        join sessions on id = session_id and status <> 'active') as waiting`,
    [
      filter.fromMs,
      Math.min(filter.toMs, 32_503_680_000_000),
      ...[filter.principal, filter.target, filter.run].flatMap((value) => [value, value]),
    ] as unknown as Knex.RawBinding[],
  );
  return { cutSessions: rows[0]?.cut ?? 0, waitingSessions: rows[0]?.waiting ?? 0 };
}

function cursorOf({ atMs, session, n }: HitPlace): string {
  return Buffer.from(`${atMs} ${session} ${n}`).toString('base64url');
}

function placeOf(cursor: string): HitPlace {
  const text = Buffer.from(cursor, 'base64url').toString();
  const [, atMs, session, n] = /^(\d{1,14}) ([0-9a-f-]{36}) (\d{1,10})$/.exec(text) ?? [];
  if (session !== undefined && isUuid(session))
    return { atMs: Number(atMs), session, n: Number(n) };
  throw new SallyportError('usage.invalid', 'the cursor is unknown', 'start from the first page');
}

function isCancelled(error: unknown): boolean {
  return error instanceof Error && 'code' in error && error.code === CANCELLED;
}

function tookTooLong(cause: unknown): SallyportError {
  return new SallyportError(
    'limit.exceeded',
    `the search took longer than ${STATEMENT_TIMEOUT_MS} ms and was stopped`,
    'search for a longer text, or narrow it down by principal, target or time',
    { cause },
  );
}
