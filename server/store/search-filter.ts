/** What is searched for, and in which order it is found. */
import { SallyportError } from '../errors.ts';
import type { Verdict } from '../policy/decision.ts';
import { isUuid, timeOf } from './query-text.ts';
import type { SearchEntry, SearchKind } from './search-block.ts';
import { folded } from './search-grams.ts';
import { OVERLAP_CHARACTERS } from './search-text.ts';
import { storable } from './storable.ts';

/** Longest text that can be searched for: text is cut into pieces that overlap by as much. */
export const MAX_SEARCH_CHARACTERS = OVERLAP_CHARACTERS;
const LAST_SESSION = 'ffffffff-ffff-ffff-ffff-ffffffffffff';
const LAST_NUMBER = 2 ** 31 - 1;

/** What to search; times in ISO 8601. */
export interface StoredSearchQuery {
  readonly in: SearchKind;
  /** Upper and lower case alike; left out = everything. */
  readonly q?: string;
  /** Found soon with what else is known of it: whose it is, where, and when. */
  readonly session?: string;
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

/** Where a page ends; entries are ordered by time, session and number, the newest first. */
export interface HitPlace {
  readonly atMs: number;
  readonly session: string;
  readonly n: number;
}

/** What an entry must be like. */
export interface EntryFilter {
  readonly text: string;
  readonly session: string | null;
  readonly principal: string | null;
  readonly target: string | null;
  readonly run: string | null;
  readonly decision: Verdict | null;
  readonly fromMs: number;
  readonly toMs: number;
  readonly before: HitPlace;
}

/** Behind everything that is older than this moment, and before what happened in it. */
export function placeBefore(atMs: number): HitPlace {
  return { atMs, session: LAST_SESSION, n: LAST_NUMBER };
}

/** Throws `usage.invalid` for a value that can't be read. */
export function filterOf(query: StoredSearchQuery): EntryFilter {
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
    session: query.session ?? null,
    principal: text(principal),
    target: text(target),
    run: text(run),
    decision: decision ?? null,
    fromMs: from === undefined ? 0 : timeOf(from).getTime(),
    toMs: to === undefined ? Number.MAX_SAFE_INTEGER : timeOf(to).getTime(),
    before: cursor === undefined ? placeBefore(Number.MAX_SAFE_INTEGER) : placeOf(cursor),
  };
}

/** Whether it is what is searched for. */
export function fits(entry: SearchEntry, filter: EntryFilter): boolean {
  const { session } = entry;
  return (
    entry.atMs >= filter.fromMs &&
    entry.atMs <= filter.toMs &&
    (filter.session === null || session.id === filter.session) &&
    (filter.principal === null || session.principal === filter.principal) &&
    (filter.target === null || session.target === filter.target) &&
    (filter.run === null || session.run === filter.run) &&
    (filter.decision === null || entry.decision === filter.decision) &&
    isBefore(entry, filter.before) &&
    (filter.text === '' || folded(entry.text).includes(filter.text))
  );
}

export function newestFirst(a: SearchEntry, b: SearchEntry): number {
  if (a.atMs !== b.atMs) return b.atMs - a.atMs;
  if (a.session.id !== b.session.id) return a.session.id < b.session.id ? 1 : -1;
  return b.n - a.n;
}

function isBefore(entry: SearchEntry, place: HitPlace): boolean {
  if (entry.atMs !== place.atMs) return entry.atMs < place.atMs;
  if (entry.session.id !== place.session) return entry.session.id < place.session;
  return entry.n < place.n;
}

export function cursorOf({ atMs, session, n }: HitPlace): string {
  return Buffer.from(`${atMs} ${session} ${n}`).toString('base64url');
}

function placeOf(cursor: string): HitPlace {
  const text = Buffer.from(cursor, 'base64url').toString();
  const [, atMs, session, n] = /^(\d{1,14}) ([0-9a-f-]{36}) (\d{1,10})$/.exec(text) ?? [];
  if (session !== undefined && isUuid(session))
    return { atMs: Number(atMs), session, n: Number(n) };
  throw new SallyportError('usage.invalid', 'the cursor is unknown', 'start from the first page');
}
