/**
 * Keeps the search up to date, behind everything that matters: takes what sessions have stored since it
 * last looked, in transactions of its own, and remembers in them how far it got. What another process
 * does at the same moment, it leaves alone.
 * Not caught here: when to run; `Indexer.step` does a bounded piece of work, for a thread of its own.
 */
import type { Knex } from 'knex';
import type { Verdict } from '../policy/decision.ts';
import {
  blocksOf,
  entriesOf,
  type EntrySession,
  insertBlocks,
  SEARCH_KINDS,
  type SearchEntry,
  type SearchKind,
} from './search-block.ts';
import { arrayLiteral, facet } from './search-grams.ts';
import { OUTPUT_LIMITS, type OutputLimits, OutputReader } from './search-output.ts';

/** Connections that it needs. */
export const INDEXER_POOL_SIZE = 2;
/** Sessions that are looked at in one step. */
export const STEP_SESSIONS = 2048;
/** Commands that are taken in one step. */
export const STEP_COMMANDS = 16_384;
/** Characters of output that are taken in one step, and of a recording that are read for them. */
export const STEP_CHARACTERS = 1024 * 1024;
/** Small blocks are merged when they hold so much, or when they are so many. */
export const MERGED_ENTRIES = STEP_COMMANDS / 2;
export const MERGED_CHARACTERS = STEP_CHARACTERS / 2;
export const MERGED_BLOCKS = 256;
/** Changes and removals of one step. */
const STEP_CHANGES = 8192;
/** So that two processes never index at once; any number that nobody else uses. */
const LOCK = 0x5a11_0007;

const FIRST_SESSION = '00000000-0000-0000-0000-000000000000';

interface OpenSession extends EntrySession {
  readonly exists: boolean;
  readonly ended: boolean;
  readonly startedMs: number;
  readonly cols: number;
  readonly commands: number;
  readonly chunks: number;
  readonly pieces: number;
  readonly characters: number;
  readonly cutAtMs: number | null;
  readonly wasEnded: boolean;
}

interface Progress {
  commands: number;
  chunks: number;
  pieces: number;
  characters: number;
  cutAtMs: number | null;
  isDone: boolean;
}

export class Indexer {
  readonly #knex: Knex;
  readonly #output: OutputReader;
  /** Sessions up to this id were looked at in this round. */
  #after = FIRST_SESSION;

  constructor(knex: Knex, limits: OutputLimits = OUTPUT_LIMITS) {
    this.#knex = knex;
    this.#output = new OutputReader(limits);
  }

  /** Resolves to whether there is more to do at once. Rejects with the database's error; call it again. */
  async step(): Promise<boolean> {
    const after = this.#after;
    try {
      return await this.#knex.transaction(async (trx) => {
        const { rows } = await trx.raw<{ rows: readonly { mine: boolean }[] }>(
          'select pg_try_advisory_xact_lock(?) as mine',
          [LOCK],
        );
        if (rows[0]?.mine !== true) return false;
        const changes = await takeChanges(trx);
        const page = await openSessions(trx, this.#after);
        const isFull = page.length === STEP_SESSIONS;
        this.#after = (isFull ? page.at(-1)?.id : null) ?? FIRST_SESSION;
        const gone = page.filter((one) => !one.exists);
        await forget(
          trx,
          gone.map((one) => one.id),
        );
        const more = await this.#index(
          trx,
          page.filter((one) => one.exists),
        );
        const merged = await merge(trx);
        return isFull || changes === STEP_CHANGES || more || merged;
      });
    } catch (error) {
      // What was remembered in memory may be ahead of what is stored.
      this.#output.clear();
      this.#after = after;
      throw error;
    }
  }

  async #index(trx: Knex.Transaction, page: readonly OpenSession[]): Promise<boolean> {
    if (page.length === 0) return false;
    const commands = await newCommands(trx, page);
    const isCut = commands.length === STEP_COMMANDS;
    // What the last one of a full step has left is for the next step.
    const last = page.findIndex((one) => one.id === commands.at(-1)?.session_id);
    const open = isCut ? page.slice(0, last + 1) : page;
    if (isCut) this.#after = page[last - 1]?.id ?? FIRST_SESSION;
    const sessions = new Map(open.map((one) => [one.id, one]));
    const progress = new Map<string, Progress>(
      open.map(({ id, commands: taken, chunks, pieces, characters, cutAtMs }, at) => [
        id,
        { commands: taken, chunks, pieces, characters, cutAtMs, isDone: !isCut || at < last },
      ]),
    );
    const entries: SearchEntry[] = [];
    for (const row of commands) {
      const session = sessions.get(row.session_id);
      const known = progress.get(row.session_id);
      if (session === undefined || known === undefined) continue;
      known.commands = row.seq;
      entries.push({
        session,
        n: row.seq,
        seq: row.seq,
        atMs: session.startedMs + Math.floor(row.at_us / 1000),
        decision: row.verdict,
        text: row.text,
      });
    }
    await insertBlocks(trx, blocksOf('commands', levelOf(entries), entries));

    const output: SearchEntry[] = [];
    let left = STEP_CHARACTERS;
    let isMore = isCut;
    for (const { id, chunks } of await withOutput(trx, open)) {
      const session = sessions.get(id);
      const known = progress.get(id);
      if (session === undefined || known === undefined) continue;
      if (left <= 0) {
        known.isDone = false;
        isMore = true;
        continue;
      }
      const place = session.wasEnded ? await againFromStart(trx, session) : session;
      // Not in the transaction, which doesn't know where old recordings are.
      const read = await this.#output.read(this.#knex, place, chunks, left);
      left -= read.cost;
      known.chunks = read.chunks;
      known.pieces = read.pieces;
      known.characters = read.characters;
      known.cutAtMs = read.cutAtMs;
      if (read.hasMore) {
        known.isDone = false;
        isMore = true;
      }
      for (const piece of read.entries) output.push(piece);
    }
    await insertBlocks(trx, blocksOf('output', levelOf(output), output));
    await storeProgress(trx, open, progress);
    for (const one of open)
      if (one.ended && progress.get(one.id)?.isDone) this.#output.forget(one.id);
    return isMore;
  }
}

function levelOf(entries: readonly SearchEntry[]): 0 | 1 {
  if (entries.length >= MERGED_ENTRIES) return 1;
  return entries.reduce((sum, one) => sum + one.text.length, 0) >= MERGED_CHARACTERS ? 1 : 0;
}

/** Sessions that changed are looked at again. @returns how many changes there were, at most STEP_CHANGES */
async function takeChanges(trx: Knex): Promise<number> {
  const { rows } = await trx.raw<{ rows: readonly { changes: number }[] }>(
    `with taken as (
       delete from search_changes
       where id = any(array(select id from search_changes order by id limit ${STEP_CHANGES}))
       returning session_id
     ), opened as (
       insert into search_progress (session_id)
       select distinct session_id from taken order by session_id
       on conflict (session_id) do update set is_open = true
     )
     select count(*)::int as changes from taken`,
  );
  return rows[0]?.changes ?? 0;
}

async function openSessions(trx: Knex, after: string): Promise<readonly OpenSession[]> {
  const { rows } = await trx.raw<{
    rows: readonly {
      session_id: string;
      commands: number;
      chunks: number;
      pieces: number;
      characters: number;
      cut_at_ms: number | null;
      was_ended: boolean;
      principal: string | null;
      target: string | null;
      run: string | null;
      started_at: Date | null;
      status: string | null;
      width: number | null;
    }[];
  }>(
    `select open.*, principal, target, run, started_at, status, width
     from (
       select session_id, commands, chunks, pieces, characters, cut_at_ms, was_ended
       from search_progress where is_open and session_id > ? order by session_id limit ?
     ) as open
     left join sessions on sessions.id = open.session_id
     order by session_id`,
    [after, STEP_SESSIONS],
  );
  return rows.map((row) => ({
    id: row.session_id,
    principal: row.principal ?? '',
    target: row.target ?? '',
    run: row.run,
    exists: row.status !== null,
    ended: row.status !== 'active',
    startedMs: row.started_at?.getTime() ?? 0,
    cols: row.width === null || row.width === 0 ? 80 : row.width,
    commands: row.commands,
    chunks: row.chunks,
    pieces: row.pieces,
    characters: row.characters,
    cutAtMs: row.cut_at_ms,
    wasEnded: row.was_ended,
  }));
}

interface CommandRow {
  readonly session_id: string;
  readonly seq: number;
  readonly at_us: number;
  readonly verdict: Verdict;
  readonly text: string;
}

async function newCommands(
  trx: Knex,
  open: readonly OpenSession[],
): Promise<readonly CommandRow[]> {
  const { rows } = await trx.raw<{ rows: readonly CommandRow[] }>(
    `select found.* from unnest(?::uuid[], ?::int[]) as open (id, done)
     cross join lateral (
       select session_id, seq, at_us, verdict, text from commands
       where session_id = open.id and seq > open.done order by seq limit ${STEP_COMMANDS}
     ) as found
     limit ${STEP_COMMANDS}`,
    [open.map((one) => one.id), arrayLiteral(open.map((one) => one.commands))],
  );
  return rows;
}

/** Sessions whose recording got longer or came to its end, and up to which chunk. */
async function withOutput(
  trx: Knex,
  open: readonly OpenSession[],
): Promise<readonly { readonly id: string; readonly chunks: number }[]> {
  const some = open.filter((one) => one.cutAtMs === null);
  const { rows } = await trx.raw<{ rows: readonly { id: string; chunks: number }[] }>(
    `select open.id, newest.seq as chunks
     from unnest(?::uuid[], ?::int[], ?::boolean[]) as open (id, done, ends)
     cross join lateral (
       select seq from chunks where session_id = open.id order by seq desc limit 1
     ) as newest
     where newest.seq > open.done or open.ends`,
    [
      some.map((one) => one.id),
      arrayLiteral(some.map((one) => one.chunks)),
      some.map((one) => one.ended && !one.wasEnded),
    ] as unknown as Knex.RawBinding[],
  );
  return rows;
}

async function storeProgress(
  trx: Knex,
  open: readonly OpenSession[],
  progress: ReadonlyMap<string, Progress>,
): Promise<void> {
  const changed = open.flatMap((one) => {
    const now = progress.get(one.id);
    if (now === undefined) return [];
    const isOpen = !one.ended || !now.isDone;
    const hasMoved =
      now.commands !== one.commands || now.chunks !== one.chunks || now.cutAtMs !== one.cutAtMs;
    return isOpen && !hasMoved ? [] : [{ id: one.id, isOpen, ...now }];
  });
  if (changed.length === 0) return;
  await trx.raw(
    `update search_progress set
       is_open = new.is_open, commands = new.commands, chunks = new.chunks, pieces = new.pieces,
       characters = new.characters, cut_at_ms = new.cut_at_ms, was_ended = not new.is_open
     from unnest(?::uuid[], ?::boolean[], ?::int[], ?::int[], ?::int[], ?::int[], ?::bigint[])
       as new (id, is_open, commands, chunks, pieces, characters, cut_at_ms)
     where session_id = new.id`,
    [
      changed.map((one) => one.id),
      changed.map((one) => one.isOpen),
      changed.map((one) => one.commands),
      changed.map((one) => one.chunks),
      changed.map((one) => one.pieces),
      changed.map((one) => one.characters),
      changed.map((one) => one.cutAtMs),
    ] as unknown as Knex.RawBinding[],
  );
}

/** What was taken for the end of its output was not: all of it is taken in again. */
async function againFromStart(trx: Knex, session: OpenSession): Promise<OpenSession> {
  const facets = arrayLiteral([facet('session', session.id)]);
  const isOther = (entry: SearchEntry): boolean => entry.session.id !== session.id;
  await rewrite(trx, 'output', 'facets && ?::int[]', [facets], isOther);
  return { ...session, chunks: 0, pieces: 0, characters: 0 };
}

/** Small blocks of the same kind become large ones. @returns whether there were some */
async function merge(trx: Knex): Promise<boolean> {
  let merged = false;
  for (const kind of SEARCH_KINDS) {
    const { rows } = await trx.raw<{
      rows: readonly { blocks: number; entries: number; characters: number }[];
    }>(
      `select count(*)::int as blocks, coalesce(sum(entries), 0)::int as entries,
         coalesce(sum(characters), 0)::int as characters
       from search_blocks where level = 0 and kind = ?`,
      [kind],
    );
    const [small] = rows;
    if (small === undefined) continue;
    const isDue =
      small.blocks >= MERGED_BLOCKS ||
      small.entries >= MERGED_ENTRIES ||
      small.characters >= MERGED_CHARACTERS;
    if (!isDue) continue;
    await rewrite(trx, kind, 'level = 0', [], () => true);
    merged = true;
  }
  return merged;
}

/** Takes everything of these sessions out of the search, also out of blocks that they share with others. */
async function forget(trx: Knex, ids: readonly string[]): Promise<void> {
  if (ids.length === 0) return;
  const gone = new Set(ids);
  const facets = arrayLiteral(ids.map((id) => facet('session', id)));
  for (const kind of SEARCH_KINDS) {
    await rewrite(
      trx,
      kind,
      'facets && ?::int[]',
      [facets],
      (entry) => !gone.has(entry.session.id),
    );
  }
  await trx.raw('delete from search_progress where session_id = any(?::uuid[])', [
    ids as unknown as Knex.RawBinding,
  ]);
}

async function rewrite(
  trx: Knex,
  kind: SearchKind,
  where: string,
  bindings: readonly Knex.RawBinding[],
  keeps: (entry: SearchEntry) => boolean,
): Promise<void> {
  const { rows } = await trx.raw<{ rows: readonly { body: Buffer }[] }>(
    `delete from search_blocks where kind = ? and ${where} returning body`,
    [kind, ...bindings],
  );
  const entries = rows.flatMap(({ body }) => entriesOf(body)).filter(keeps);
  await insertBlocks(trx, blocksOf(kind, 1, entries));
}

/** Throws everything away and begins again; what was indexed is found again as far as that got. */
export async function rebuildSearch(knex: Knex): Promise<void> {
  await knex.transaction(async (trx) => {
    await trx.raw('select pg_advisory_xact_lock(?)', [LOCK]);
    await trx.raw('delete from search_blocks');
    await trx.raw('delete from search_progress');
    await trx.raw('delete from search_changes');
    await trx.raw('insert into search_changes (session_id) select id from sessions order by id');
  });
}
