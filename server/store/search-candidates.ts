/**
 * Which blocks may have what is searched, by two statements that read a bounded number of rows however
 * often the text occurs. Not caught here: whether they have it; they are read and compared.
 */
import type { Knex } from 'knex';
import { MAX_BLOCK_SPAN_MS, type SearchKind } from './search-block.ts';
import type { EntryFilter } from './search-filter.ts';
import { arrayLiteral, facet, factFacets, queryGrams } from './search-grams.ts';

/** Blocks that are looked at without the index. */
export const NEWEST_BLOCKS = 64;

export interface Candidate {
  readonly id: number;
  readonly t1_ms: number;
  readonly fits: boolean;
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
    bindings: [facets, grams ?? '{}', kind, filter.fromMs, latest(toMs), toMs],
  };
}

/** Blocks older than `after` that may have what is searched, from the index. */
export async function indexedBlocks(
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
        where facets @> ?::int[] ${grams === null ? '' : 'and grams @> ?::smallint[]'}
      )
      select id, t1_ms, true as fits from found
      where (t1_ms, id) < (?, ?) and t1_ms >= ? and t0_ms <= ?
      order by t1_ms desc, id desc limit ?`,
    bindings: [
      facets,
      ...(grams === null ? [] : [grams]),
      after.t1_ms,
      after.id,
      filter.fromMs,
      toMs,
      limit,
    ],
  };
}

function lookupOf(
  kind: SearchKind,
  filter: EntryFilter,
): { readonly toMs: number; readonly facets: string; readonly grams: string | null } {
  const facets = [facet('kind', kind), ...factFacets(filter)];
  return {
    toMs: Math.min(filter.toMs, filter.before.atMs),
    facets: arrayLiteral(facets),
    // An empty condition would be looked up in the whole index.
    grams: filter.text === '' ? null : arrayLiteral(queryGrams(filter.text)),
  };
}

/** The last entry of a block that has entries up to `ms`. */
function latest(ms: number): number {
  return Math.min(Number.MAX_SAFE_INTEGER, ms + MAX_BLOCK_SPAN_MS);
}

/** What those of the blocks hold that have the text somewhere. @param text folded */
export async function bodies(
  trx: Knex,
  ids: readonly number[],
  text: string,
): Promise<readonly Buffer[]> {
  if (ids.length === 0) return [];
  const { rows } = await trx.raw<{ rows: readonly { body: Buffer }[] }>(
    `select body from search_blocks
     where id = any(?::bigint[]) ${text === '' ? '' : 'and strpos(folded, ?) > 0'}`,
    [arrayLiteral(ids), ...(text === '' ? [] : [text])],
  );
  return rows.map(({ body }) => body);
}
