/**
 * Search over commands and output of all sessions, newest first. Words that are everywhere are found in
 * the newest blocks; what isn't there is looked up in the index. Both give candidates, which are read and
 * compared. Every page reads a bounded number of blocks; one that reached its bound has fewer items than
 * it could and says where to go on.
 */
import type { Knex } from 'knex';
import type { Database } from './database.ts';
import type { SearchKind } from './search-block.ts';
import { cursorOf, type EntryFilter, filterOf, type StoredSearchQuery } from './search-filter.ts';
import { type CommandHit, hydrate, type OutputHit } from './search-hits.ts';
import { SearchTurns } from './search-turns.ts';
import { walk } from './search-walk.ts';
import { readBounded } from './statement-timeout.ts';

export const MAX_HIT_PAGE = 200;
/** Sessions are counted up to so many. */
const MOST_COUNTED = 1000;
/** Later times mean no end; PostgreSQL can't read them all. */
const END_OF_TIME_MS = Date.UTC(3000, 0);

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

export function createSearch(database: Pick<Database, 'knex'>): StoredSearch {
  const turns = new SearchTurns();
  return {
    search: (query) =>
      turns.run(async () => {
        const filter = filterOf(query);
        return readBounded(database.knex, (trx) => searchIn(trx, query, filter));
      }),
  };
}

async function searchIn(
  trx: Knex.Transaction,
  query: StoredSearchQuery,
  filter: EntryFilter,
): Promise<SearchPage> {
  const limit = Math.min(Math.max(query.limit, 1), MAX_HIT_PAGE);
  const { entries, next, left } = await walk(trx, query.in, filter, limit);
  const items = await hydrate(trx, query.in, entries, filter.text);
  const missing = await missingFrom(trx, query.in, filter);
  return {
    items,
    next: next === null ? null : cursorOf(next),
    missing: { ...missing, waitingSessions: Math.max(left, missing.waitingSessions) },
  };
}

async function missingFrom(
  trx: Knex,
  kind: SearchKind,
  filter: EntryFilter,
): Promise<SearchPage['missing']> {
  if (kind === 'commands') return { cutSessions: 0, waitingSessions: 0 };
  const { rows } = await trx.raw<{ rows: readonly { cut: number; waiting: number }[] }>(
    `select
       (select count(*)::int from (
          select 1 from search_progress join sessions on id = session_id
          where cut_at_ms is not null and cut_at_ms >= ? and started_at <= to_timestamp(? / 1000.0)
            and (?::text is null or principal = ?) and (?::text is null or target = ?)
            and (?::text is null or run = ?)
          limit ${MOST_COUNTED}) as cut) as cut,
       (select count(*)::int from (
          select session_id from search_changes
          union select session_id from search_progress where is_open
          limit ${MOST_COUNTED}) as open
        join sessions on id = session_id and status <> 'active') as waiting`,
    [
      filter.fromMs,
      Math.min(filter.toMs, END_OF_TIME_MS),
      ...[filter.principal, filter.target, filter.run].flatMap((value) => [value, value]),
    ] as unknown as Knex.RawBinding[],
  );
  return { cutSessions: rows[0]?.cut ?? 0, waitingSessions: rows[0]?.waiting ?? 0 };
}
