/**
 * Goes through the entries of a search, the newest first: those that the index doesn't have yet, then
 * blocks, until a page is full or enough was read.
 */
import type { Knex } from 'knex';
import { entriesOf, type SearchEntry, type SearchKind } from './search-block.ts';
import {
  bodies,
  type Candidate,
  indexedBlocks,
  NEWEST_BLOCKS,
  newestBlocks,
} from './search-candidates.ts';
import {
  type EntryFilter,
  fits,
  type HitPlace,
  newestFirst,
  placeBefore,
} from './search-filter.ts';
import { unindexedCommands } from './search-unindexed.ts';

/** Blocks that are read for one page, and those that are looked at whether they have the text at all. */
export const MAX_READ_BLOCKS = 512;
export const MAX_CHECKED_BLOCKS = 4096;
/** A page that took so long ends where it is. */
export const SEARCH_BUDGET_MS = 1000;
/** A page must get somewhere: where very many blocks overlap, it may read so much more. */
const MOST_READ_BLOCKS = 8 * MAX_READ_BLOCKS;
/** Blocks that are checked at once, at first and later. */
const FIRST_BLOCKS = 16;
const MOST_BLOCKS_AT_ONCE = 128;

export interface Walked {
  /** The newest first, at most as many as were asked for. */
  readonly entries: readonly SearchEntry[];
  /** Where to go on; null = this was everything. */
  readonly next: HitPlace | null;
  /** Sessions that had to be left out, because too many are new. */
  readonly left: number;
}

/** The newest entries that fit. Settings of the transaction are changed. */
export async function walk(
  trx: Knex.Transaction,
  kind: SearchKind,
  filter: EntryFilter,
  limit: number,
): Promise<Walked> {
  // Blocks are few and wide, and few rows are wanted: what the planner thinks of whole tables is wrong.
  await trx.raw(
    'set local enable_seqscan = off; set local enable_hashjoin = off; set local enable_mergejoin = off; set local jit = off',
  );
  const found = new Hits(filter, limit);
  let left = 0;
  if (kind === 'commands') {
    const unindexed = await unindexedCommands(trx, filter);
    found.add(unindexed.entries);
    left = unindexed.left;
  }
  return { ...found.page(await collect(trx, kind, filter, found)), left };
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
    return { entries, next: placeBefore(endMs) };
  }
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
  let checked = 0;
  /** @returns where it stopped, or null when it read them all */
  const readAll = async (candidates: readonly Candidate[]): Promise<number | null> => {
    for (let at = 0, size = FIRST_BLOCKS; at < candidates.length;) {
      const some = candidates.slice(at, at + size);
      const endMs = some[0]?.t1_ms ?? 0;
      if (found.isFull(endMs)) return endMs;
      const isEnough =
        read >= MAX_READ_BLOCKS || checked >= MAX_CHECKED_BLOCKS || performance.now() > deadlineMs;
      // A page that ends where it began would be asked for again and again.
      if (isEnough && (endMs < filter.before.atMs || read >= MOST_READ_BLOCKS)) return endMs;
      const wanted = some.filter((one) => one.fits).map((one) => one.id);
      const held = await bodies(trx, wanted, filter.text);
      checked += wanted.length;
      read += held.length;
      for (const body of held) found.add(entriesOf(body));
      at += size;
      size = Math.min(MOST_BLOCKS_AT_ONCE, 2 * size);
    }
    return null;
  };
  const newest = await newestBlocks(trx, kind, filter);
  const stopped = await readAll(newest);
  const last = newest.at(-1);
  if (stopped !== null || newest.length < NEWEST_BLOCKS || last === undefined) return stopped;
  if (found.isFull(last.t1_ms)) return last.t1_ms;
  const limit = MAX_CHECKED_BLOCKS;
  for (let place: Candidate = last; ;) {
    const candidates = await indexedBlocks(trx, kind, filter, place, limit);
    const end = await readAll(candidates);
    const next = candidates.at(-1);
    if (end !== null || candidates.length < limit || next === undefined) return end;
    place = next;
  }
}
