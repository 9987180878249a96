/**
 * Blocks of the search: entries of many sessions together, sorted so that what is asked for together (one
 * principal, one target, what was denied) lies together, compressed, with what the index needs to know.
 */
import { brotliCompressSync, brotliDecompressSync, constants } from 'node:zlib';
import type { Knex } from 'knex';
import type { Verdict } from '../policy/decision.ts';
import {
  arrayLiteral,
  entryFacets,
  facet,
  folded,
  GramSet,
  sessionFacets,
} from './search-grams.ts';

/** What a block holds at most; with more text the index would find too much in vain. */
export const MAX_BLOCK_ENTRIES = 256;
export const MAX_BLOCK_CHARACTERS = 8192;
/** A block that has so many entries ends where another principal or decision begins. */
export const MIN_BLOCK_ENTRIES = 64;
/** First and last entry of a block lie no further apart, so that a time selects few blocks. */
export const MAX_BLOCK_SPAN_MS = 7 * 24 * 60 * 60_000;
/** Blocks of one statement. */
const INSERTED_AT_ONCE = 32;
const QUALITY = 4;

export const SEARCH_KINDS = ['commands', 'output'] as const;
export type SearchKind = (typeof SEARCH_KINDS)[number];

/** What is known of a session that can be searched for. */
export interface EntrySession {
  readonly id: string;
  readonly principal: string;
  readonly target: string;
  readonly run: string | null;
}

/** A command, or a piece of output. */
export interface SearchEntry {
  readonly session: EntrySession;
  /** Number of the command, or of the piece: unique for its kind in its session. */
  readonly n: number;
  /** The command that it belongs to; 0 = before the first. */
  readonly seq: number;
  /** Milliseconds since 1970. */
  readonly atMs: number;
  readonly decision: Verdict | null;
  readonly text: string;
}

interface Body {
  readonly s: readonly (readonly [
    id: string,
    principal: string,
    target: string,
    run: string | null,
  ])[];
  readonly e: readonly (readonly [
    session: number,
    n: number,
    seq: number,
    atMs: number,
    decision: Verdict | null,
    text: string,
  ])[];
}

export interface BlockRow {
  readonly kind: SearchKind;
  readonly level: 0 | 1;
  readonly t0_ms: number;
  readonly t1_ms: number;
  readonly entries: number;
  readonly characters: number;
  readonly grams: string;
  readonly facets: string;
  /** All texts as they are compared. */
  readonly folded: string;
  readonly body: Buffer;
}

/** Entries as blocks, in no particular order of time. */
export function* blocksOf(
  kind: SearchKind,
  level: 0 | 1,
  entries: readonly SearchEntry[],
): Generator<BlockRow> {
  const grams = new GramSet();
  let block: SearchEntry[] = [];
  let characters = 0;
  for (const entry of entries.toSorted(together)) {
    const length = characters + entry.text.length;
    const firstMs = block[0]?.atMs ?? entry.atMs;
    const isOther =
      block.length >= MIN_BLOCK_ENTRIES &&
      block.at(-1)?.session.principal !== entry.session.principal;
    const isFull =
      isOther ||
      block.length === MAX_BLOCK_ENTRIES ||
      length > MAX_BLOCK_CHARACTERS ||
      Math.abs(entry.atMs - firstMs) > MAX_BLOCK_SPAN_MS / 2;
    if (isFull && block.length > 0) {
      yield blockRow(kind, level, block, grams);
      block = [];
      characters = 0;
    }
    block.push(entry);
    characters += entry.text.length;
  }
  if (block.length > 0) yield blockRow(kind, level, block, grams);
}

const RANK: Readonly<Record<Verdict, number>> = { deny: 0, hold: 1, allow: 2 };

function together(a: SearchEntry, b: SearchEntry): number {
  const rank = (entry: SearchEntry): number => (entry.decision === null ? 2 : RANK[entry.decision]);
  return (
    rank(a) - rank(b) ||
    ordered(a.session.principal, b.session.principal) ||
    ordered(a.session.target, b.session.target) ||
    a.atMs - b.atMs ||
    ordered(a.session.id, b.session.id) ||
    a.n - b.n
  );
}

function ordered(a: string, b: string): number {
  if (a === b) return 0;
  return a < b ? -1 : 1;
}

function blockRow(
  kind: SearchKind,
  level: 0 | 1,
  block: readonly SearchEntry[],
  grams: GramSet,
): BlockRow {
  const sessions = new Map<string, readonly [number, Body['s'][number]]>();
  const facets = new Set([facet('kind', kind)]);
  const texts: string[] = [];
  let t0 = Number.POSITIVE_INFINITY;
  let t1 = 0;
  let characters = 0;
  const entries = block.map((entry) => {
    const { id, principal, target, run } = entry.session;
    let known = sessions.get(id);
    if (known === undefined) {
      known = [sessions.size, [id, principal, target, run]];
      sessions.set(id, known);
      for (const one of sessionFacets(entry.session)) facets.add(one);
    }
    for (const one of entryFacets(entry.session, entry.decision)) facets.add(one);
    const text = folded(entry.text);
    texts.push(text);
    grams.add(text);
    characters += entry.text.length;
    t0 = Math.min(t0, entry.atMs);
    t1 = Math.max(t1, entry.atMs);
    return [known[0], entry.n, entry.seq, entry.atMs, entry.decision, entry.text] as const;
  });
  const body: Body = { s: [...sessions.values()].map(([, session]) => session), e: entries };
  return {
    kind,
    level,
    t0_ms: t0,
    t1_ms: t1,
    entries: block.length,
    characters,
    grams: arrayLiteral(grams.take()),
    facets: arrayLiteral(facets),
    folded: texts.join('\n'),
    body: brotliCompressSync(JSON.stringify(body), {
      params: {
        [constants.BROTLI_PARAM_QUALITY]: QUALITY,
        [constants.BROTLI_PARAM_MODE]: constants.BROTLI_MODE_TEXT,
      },
    }),
  };
}

/** What a block holds. Throws at one that somebody edited. */
export function entriesOf(body: Buffer): SearchEntry[] {
  const { s, e } = JSON.parse(brotliDecompressSync(body).toString()) as Body;
  const sessions = s.map(([id, principal, target, run]) => ({ id, principal, target, run }));
  return e.flatMap(([index, n, seq, atMs, decision, text]) => {
    const session = sessions[index];
    return session === undefined ? [] : [{ session, n, seq, atMs, decision, text }];
  });
}

export async function insertBlocks(knex: Knex, blocks: Iterable<BlockRow>): Promise<void> {
  let waiting: BlockRow[] = [];
  const insert = async (): Promise<void> => {
    if (waiting.length === 0) return;
    const values = waiting
      .map(() => '(?, ?, ?, ?, ?, ?, ?::smallint[], ?::int[], ?, ?)')
      .join(', ');
    const bindings = waiting.flatMap((row) => [
      row.kind,
      row.level,
      row.t0_ms,
      row.t1_ms,
      row.entries,
      row.characters,
      row.grams,
      row.facets,
      row.folded,
      row.body,
    ]);
    await knex.raw(
      `insert into search_blocks
         (kind, level, t0_ms, t1_ms, entries, characters, grams, facets, folded, body)
       values ${values}`,
      bindings,
    );
    waiting = [];
  };
  for (const block of blocks) {
    waiting.push(block);
    if (waiting.length === INSERTED_AT_ONCE) await insert();
  }
  await insert();
}
