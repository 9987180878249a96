/** Reading the journal: pages for people, and the check of the whole chain. */
import type { Knex } from 'knex';
import { SallyportError } from '../errors.ts';
import { CHAIN_START, isIntact } from '../journal/chain.ts';
import type { EventType, JournalEntry } from '../journal/event.ts';
import type { Database } from './database.ts';
import { timeOf } from './query-text.ts';
import { storable } from './storable.ts';

export const MAX_JOURNAL_PAGE = 500;
/** Entries in memory at once while the chain is checked. */
export const VERIFY_PAGE = 1000;

export interface JournalQuery {
  readonly types?: readonly EventType[];
  readonly session?: string;
  readonly principal?: string;
  readonly target?: string;
  /** ISO 8601. */
  readonly since?: string;
  readonly until?: string;
  /** 1 to MAX_JOURNAL_PAGE. */
  readonly limit: number;
  readonly cursor?: string;
}

export type JournalCheck =
  | { readonly kind: 'intact'; readonly entries: number }
  /** @param seq the first entry that isn't what was written */
  | { readonly kind: 'broken'; readonly seq: number; readonly why: string };

export interface JournalReader {
  /** Newest first. Rejects with `usage.invalid` for a malformed time or cursor. */
  list(
    query: JournalQuery,
  ): Promise<{ readonly items: readonly JournalEntry[]; readonly next: string | null }>;
  /** Every entry in order, up to the newest when it starts. Throws `internal` at one that can't be read. */
  entries(): AsyncIterable<JournalEntry>;
  /**
   * Recomputes the chain from its first entry to the head that stands when it starts. A tail cut off
   * together with the head row is not seen; only a copy of the head outside shows that.
   */
  verify(): Promise<JournalCheck>;
}

interface Row {
  readonly seq: number;
  readonly at: Date;
  readonly type: string;
  readonly principal: string | null;
  readonly session: string | null;
  readonly target: string | null;
  readonly body: string;
  readonly prev_hash: string;
  readonly hash: string;
}

export function createJournalReader(database: Database): JournalReader {
  const { knex } = database;
  return {
    list: (query) => list(knex, query),
    entries: () => entries(knex),
    verify: () => verify(knex),
  };
}

async function list(
  knex: Knex,
  query: JournalQuery,
): Promise<{ items: readonly JournalEntry[]; next: string | null }> {
  const limit = Math.min(Math.max(query.limit, 1), MAX_JOURNAL_PAGE);
  const found = knex<Row>('journal')
    .orderBy('seq', 'desc')
    .limit(limit + 1);
  if (query.types !== undefined) void found.whereIn('type', [...query.types]);
  if (query.session !== undefined) void found.where('session', storable(query.session));
  if (query.principal !== undefined) void found.where('principal', storable(query.principal));
  if (query.target !== undefined) void found.where('target', storable(query.target));
  if (query.since !== undefined) void found.where('at', '>=', timeOf(query.since));
  if (query.until !== undefined) void found.where('at', '<', timeOf(query.until));
  if (query.cursor !== undefined) void found.where('seq', '<', seqOf(query.cursor));
  const rows = await found;
  const items = rows.slice(0, limit).map(readEntry);
  return { items, next: rows.length > limit ? String(items.at(-1)?.seq) : null };
}

async function* entries(knex: Knex): AsyncGenerator<JournalEntry> {
  const [head] = await knex<{ seq: number }>('journal_head');
  const newest = head?.seq ?? 0;
  for (let seq = 1; seq <= newest;) {
    const rows = await pageFrom(knex, seq, newest);
    for (const row of rows) yield readEntry(row);
    seq = (rows.at(-1)?.seq ?? newest) + 1;
  }
}

function pageFrom(knex: Knex, first: number, last: number): Promise<readonly Row[]> {
  return knex<Row>('journal')
    .where('seq', '>=', first)
    .andWhere('seq', '<=', last)
    .orderBy('seq')
    .limit(VERIFY_PAGE);
}

async function verify(knex: Knex): Promise<JournalCheck> {
  const [head] = await knex<{ seq: number; hash: string }>('journal_head');
  if (head === undefined) return { kind: 'broken', seq: 1, why: 'the head of the journal is gone' };
  let prevHash = CHAIN_START;
  for (let seq = 1; seq <= head.seq;) {
    const rows = await pageFrom(knex, seq, head.seq);
    if (rows.length === 0) return { kind: 'broken', seq, why: 'the entry is missing' };
    for (const row of rows) {
      const why = faultOf(row, seq, prevHash);
      if (why !== null) return { kind: 'broken', seq, why };
      prevHash = row.hash;
      seq += 1;
    }
  }
  if (prevHash === head.hash) return { kind: 'intact', entries: head.seq };
  return { kind: 'broken', seq: head.seq, why: 'the entry is not the head that was recorded' };
}

/** What is wrong with the row that should be entry `seq`; null = nothing. */
function faultOf(row: Row, seq: number, prevHash: string): string | null {
  if (row.seq !== seq) return 'the entry is missing';
  const entry = entryOf(row);
  if (entry === null || !isIntact(entry)) return "the entry's hash is not that of its content";
  if (entry.prevHash !== prevHash || row.prev_hash !== prevHash) {
    return 'the entry does not follow the one before';
  }
  const text = (value: string | null): string | null => (value === null ? null : storable(value));
  const same =
    entry.seq === row.seq &&
    entry.at === row.at.toISOString() &&
    entry.type === row.type &&
    text(entry.principal) === row.principal &&
    text(entry.session) === row.session &&
    text(entry.target) === row.target;
  return same ? null : "the entry's search columns differ from its content";
}

function readEntry(row: Row): JournalEntry {
  const entry = entryOf(row);
  if (entry !== null) return entry;
  const message = `entry ${row.seq} of the journal is not what was written`;
  throw new SallyportError('internal', message, 'run sallyport verify --all');
}

function entryOf(row: Row): JournalEntry | null {
  try {
    const body = JSON.parse(row.body) as Omit<JournalEntry, 'hash'>;
    return { ...body, hash: row.hash };
  } catch {
    return null;
  }
}

function seqOf(cursor: string): number {
  if (/^\d{1,15}$/.test(cursor)) return Number(cursor);
  throw new SallyportError('usage.invalid', 'the cursor is unknown', 'start from the first page');
}
