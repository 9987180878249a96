/** Reading sessions, commands and recordings, for routes, pages and the command line. */
import type { Knex } from 'knex';
import { decodeEventLine } from '../asciicast/event-line.ts';
import type { CastHeader, RecordedEvent } from '../asciicast/event.ts';
import { SallyportError } from '../errors.ts';
import type { ChunkHeader } from '../journal/chain.ts';
import type { RecordingSeal, SignedHead } from '../journal/seal.ts';
import { unpackLines } from './chunk.ts';
import { type StoredData, withData } from './cold-chunks.ts';
import type { Database } from './database.ts';
import {
  type EventPlace,
  keyframeAt,
  type KeyframePlace,
  keyframePlaces,
  newestKeyframe,
  type PlacedKeyframe,
} from './keyframes.ts';
import { containing, cursorOf, isUuid, placeOf, timeOf } from './query-text.ts';
import { SESSIONS_WITH_FIGURES, type SessionRow, sessionView } from './session-rows.ts';
import { LOOKED_UP_COMMANDS, sessionsWithCommand } from './search-sessions.ts';
import {
  type CommandObject,
  commandMarks,
  outputRange,
  type CommandRange,
  sessionCommands,
} from './session-commands.ts';
import { readBounded } from './statement-timeout.ts';
import { storable } from './storable.ts';

export const MAX_SESSION_PAGE = 200;
/** Chunks in memory at once while a recording is read. */
export const CHUNK_PAGE = 16;

/** Of a terminal whose client named no size, which RFC 4254 section 6.2 allows. */
const USUAL_SIZE = { cols: 80, rows: 24 };

export type SessionObject = ReturnType<typeof sessionView>;

/** What to list; times in ISO 8601. */
export interface SessionFilter {
  readonly principal?: string;
  readonly target?: string;
  readonly run?: string;
  readonly kind?: SessionObject['kind'];
  /** Sessions with a command that was decided so. */
  readonly decision?: 'deny' | 'hold';
  readonly reviewed?: 'yes' | 'no';
  readonly status?: SessionObject['status'];
  readonly since?: string;
  readonly until?: string;
  /** Text in a command, upper and lower case alike. */
  readonly q?: string;
  /** 1 to MAX_SESSION_PAGE. */
  readonly limit: number;
  readonly cursor?: string;
}

/** A chunk as it is stored. */
export interface StoredChunk {
  readonly header: ChunkHeader;
  readonly prevHash: string;
  readonly hash: string;
  readonly lines: Buffer;
}

/** An event of a recording and where it is. */
export interface PlacedEvent {
  /** From 1 over the whole recording. */
  readonly number: number;
  readonly chunk: number;
  readonly event: RecordedEvent;
}

export interface StoredRecordingReader {
  /** Newest first. Rejects with `usage.invalid` for a malformed time or cursor. */
  listSessions(
    filter: SessionFilter,
  ): Promise<{ readonly items: readonly SessionObject[]; readonly next: string | null }>;
  session(id: string): Promise<SessionObject | null>;
  /** In order; without a range the first MAX_COMMANDS. */
  commands(sessionId: string, range?: CommandRange): Promise<readonly CommandObject[]>;
  /** When each began and how it starts, in order; at most MAX_COMMANDS. */
  commandMarks(
    sessionId: string,
  ): Promise<readonly { readonly atMs: number; readonly text: string }[]>;
  /** Microseconds from the start; null = there is no output, or no such command. */
  outputRange(
    sessionId: string,
    seq: number,
  ): Promise<{ readonly fromUs: number; readonly toUs: number | null } | null>;
  /** For exports and replays; a client that named no size gets the usual one. */
  header(sessionId: string): Promise<CastHeader | null>;
  /** In order, as far as sealed. Throws `internal` at a chunk that can't be read. */
  events(sessionId: string): AsyncIterable<RecordedEvent>;
  /** The same from this event on, with the place of each. */
  eventsFrom(sessionId: string, from: EventPlace): AsyncIterable<PlacedEvent>;
  chain(sessionId: string): Promise<RecordingSeal | null>;
  /** The newest signed head; null = none yet, or no such session. */
  head(sessionId: string): Promise<SignedHead | null>;
  /** Where segments of the replay start, as far as keyframes have been made. */
  keyframePlaces(sessionId: string): Promise<readonly KeyframePlace[]>;
  keyframeAt(sessionId: string, n: number): Promise<PlacedKeyframe | null>;
  newestKeyframe(sessionId: string): Promise<PlacedKeyframe | null>;
  /** The last chunk that starts at or before this event; null = none is stored. */
  chunkOf(
    sessionId: string,
    event: number,
  ): Promise<{ readonly chunk: number; readonly lastEvent: number } | null>;
}

export function createRecordingReader(database: Database): StoredRecordingReader {
  const { knex } = database;
  return {
    listSessions: (filter) => listSessions(knex, filter),
    session: async (id) => {
      const row = isUuid(id) ? await sessionRow(knex, id) : undefined;
      return row === undefined ? null : sessionView(row);
    },
    commands: (id, range) => sessionCommands(knex, id, range),
    commandMarks: (id) => commandMarks(knex, id),
    outputRange: (id, seq) => outputRange(knex, id, seq),
    header: async (id) => (isUuid(id) ? header(knex, id) : null),
    events: (id) => events(knex, id),
    eventsFrom: (id, from) => eventsFrom(knex, id, from),
    chain: (id) => chain(knex, id),
    head: async (id) => (isUuid(id) ? signedHead(knex, id) : null),
    keyframePlaces: (id) => keyframePlaces(knex, id),
    keyframeAt: (id, n) => keyframeAt(knex, id, n),
    newestKeyframe: async (id) => (await newestKeyframe(knex, id))?.placed ?? null,
    chunkOf: (id, event) => chunkOf(knex, id, event),
  };
}

async function listSessions(
  knex: Knex,
  filter: SessionFilter,
): Promise<{ items: readonly SessionObject[]; next: string | null }> {
  const limit = Math.min(Math.max(filter.limit, 1), MAX_SESSION_PAGE);
  const { q = '' } = filter;
  const sessions = matching(knex, filter).limit(limit + 1);
  const rows = await readBounded(knex, async (trx) => {
    // First which ones, so that figures are computed for no others.
    const ids =
      q === ''
        ? await sessions.transacting(trx).pluck('id')
        : await withCommand(trx, sessions, { ...filter, q }, limit);
    return knex<SessionRow>(knex.raw(SESSIONS_WITH_FIGURES))
      .whereIn('sessions.id', ids)
      .orderBy(NEWEST_FIRST)
      .transacting(trx);
  });
  const items = rows.slice(0, limit);
  const last = items.at(-1);
  const isMore = rows.length > limit && last !== undefined;
  return {
    items: items.map(sessionView),
    next: isMore ? cursorOf({ atMs: last.started_at.getTime(), id: last.id }) : null,
  };
}

const NEWEST_FIRST: { column: string; order: 'desc' }[] = [
  { column: 'started_at', order: 'desc' },
  { column: 'id', order: 'desc' },
];

const REVIEWED = `select 1 from session_reviews as mark
  where session_id = sessions.id and kind = 'reviewed' and not exists (
    select 1 from session_reviews where session_id = mark.session_id and seq > mark.seq)`;

/** By everything but the text of commands. */
function matching(knex: Knex, filter: SessionFilter): SessionQuery {
  const found = knex<SessionRow>('sessions').select('id').orderBy(NEWEST_FIRST);
  for (const name of ['principal', 'target', 'run', 'kind', 'status'] as const) {
    const value = filter[name];
    if (value !== undefined) void found.where(name, storable(value));
  }
  if (filter.decision !== undefined) {
    void found.whereRaw(
      'exists (select 1 from commands where session_id = sessions.id and verdict = ?)',
      [filter.decision],
    );
  }
  if (filter.reviewed !== undefined) {
    void found.whereRaw(`${filter.reviewed === 'no' ? 'not ' : ''}exists (${REVIEWED})`);
  }
  if (filter.since !== undefined) void found.where('started_at', '>=', timeOf(filter.since));
  if (filter.until !== undefined) void found.where('started_at', '<', timeOf(filter.until));
  if (filter.cursor !== undefined) {
    const { atMs, id } = placeOf(filter.cursor);
    void found.whereRaw('(started_at, id) < (?, ?)', [new Date(atMs), id]);
  }
  return found;
}

type SessionQuery = Knex.QueryBuilder<SessionRow, { id: string }[]>;

/** Those of the sessions that ran a command with the text. */
async function withCommand(
  trx: Knex.Transaction,
  sessions: SessionQuery,
  filter: SessionFilter & { readonly q: string },
  limit: number,
): Promise<string[]> {
  for (const most of LOOKED_UP_COMMANDS) {
    const known = await sessionsWithCommand(trx, filter, most);
    if (known === null) break;
    const some = sessions.clone().whereIn('id', [...known.ids]);
    if (known.afterMs !== null) void some.where('started_at', '>', new Date(known.afterMs));
    const ids: string[] = await some.transacting(trx).pluck('id');
    if (known.afterMs === null || ids.length > limit) return ids;
  }
  await trx.raw(
    'set local enable_seqscan = on; set local enable_hashjoin = on; set local enable_mergejoin = on',
  );
  // Where it is in so many sessions, it is soon found without the index.
  return sessions
    .whereRaw('exists (select 1 from commands where session_id = sessions.id and text ilike ?)', [
      containing(filter.q),
    ])
    .transacting(trx)
    .pluck('id');
}

async function sessionRow(knex: Knex, id: string): Promise<SessionRow | undefined> {
  const rows = await knex<SessionRow>(knex.raw(SESSIONS_WITH_FIGURES)).where('sessions.id', id);
  return rows[0];
}

/** What exported files and replays say about a recording; null = no such session. */
export async function header(knex: Knex, id: string): Promise<CastHeader | null> {
  const row = await knex<SessionRow & Pick<CastHeader, 'term' | 'command'>>('sessions')
    .where('id', id)
    .first();
  if (row === undefined) return null;
  return {
    cols: row.width > 0 ? row.width : USUAL_SIZE.cols,
    rows: row.height > 0 ? row.height : USUAL_SIZE.rows,
    term: row.term,
    timestampS: Math.floor(row.started_at.getTime() / 1000),
    title: `${row.principal} on ${row.login}@${row.target}`,
    command: row.command,
  };
}

async function* events(knex: Knex, sessionId: string): AsyncGenerator<RecordedEvent> {
  for await (const chunk of storedChunks(knex, sessionId)) {
    for (const { event } of eventsIn(chunk)) yield event;
  }
}

async function* eventsFrom(
  knex: Knex,
  sessionId: string,
  from: EventPlace,
): AsyncGenerator<PlacedEvent> {
  for await (const chunk of storedChunks(knex, sessionId, from.chunk)) {
    for (const placed of eventsIn(chunk)) if (placed.number >= from.event) yield placed;
  }
}

async function chunkOf(
  knex: Knex,
  sessionId: string,
  event: number,
): Promise<{ readonly chunk: number; readonly lastEvent: number } | null> {
  if (!isUuid(sessionId)) return null;
  const row = await knex<Pick<ChunkRow, 'session_id' | 'seq' | 'first_event' | 'events'>>('chunks')
    .where('session_id', sessionId)
    .andWhere('first_event', '<=', event)
    .orderBy('seq', 'desc')
    .first('seq', 'first_event', 'events');
  if (row === undefined) return null;
  return { chunk: row.seq, lastEvent: row.first_event + row.events - 1 };
}

/** The events of a chunk, one at a time. Throws `internal` at one that can't be read. */
export function* eventsIn({ header, lines }: StoredChunk): Generator<PlacedEvent> {
  let number = header.firstEvent;
  for (const line of linesOf(lines)) {
    const decoded = decodeEventLine(line);
    if (decoded.kind !== 'event') {
      const message = `chunk ${header.seq} of the recording can't be read: ${decoded.why}`;
      throw new SallyportError('internal', message, 'run sallyport verify');
    }
    yield { number, chunk: header.seq, event: decoded.event };
    number += 1;
  }
}

/** One at a time, so that a chunk never exists twice as strings. */
function* linesOf(lines: Buffer): Generator<string> {
  for (let at = 0; at < lines.length;) {
    const found = lines.indexOf(0x0a, at);
    const end = found === -1 ? lines.length : found + 1;
    yield lines.toString('utf8', at, end);
    at = end;
  }
}

interface ChunkRow extends StoredData {
  readonly session_id: string;
  readonly seq: number;
  readonly t0_us: number;
  readonly t1_us: number;
  readonly first_event: number;
  readonly events: number;
  readonly raw_len: number;
  readonly prev_hash: Buffer;
  readonly hash: Buffer;
}

/**
 * The chunks of a session in order, a page at a time. Throws `internal` at one that can't be expanded.
 * @param from the first one that is wanted
 */
export async function* storedChunks(
  knex: Knex,
  sessionId: string,
  from = 1,
): AsyncGenerator<StoredChunk> {
  if (!isUuid(sessionId)) return;
  for (let after = from - 1; ;) {
    const rows = await knex<ChunkRow>('chunks')
      .where('session_id', sessionId)
      .andWhere('seq', '>', after)
      .orderBy('seq')
      .limit(CHUNK_PAGE);
    for (const row of await withData(knex, rows)) {
      const { hash, prevHash, ...header } = placedHeader(row);
      yield { header, prevHash, hash, lines: await unpackLines(row, row.raw_len) };
    }
    if (rows.length < CHUNK_PAGE) return;
    after = rows.at(-1)?.seq ?? after;
  }
}

function placedHeader(row: Omit<ChunkRow, keyof StoredData>) {
  return {
    sessionId: row.session_id,
    seq: row.seq,
    t0Us: row.t0_us,
    t1Us: row.t1_us,
    firstEvent: row.first_event,
    events: row.events,
    rawLength: row.raw_len,
    prevHash: row.prev_hash.toString('hex'),
    hash: row.hash.toString('hex'),
  };
}

async function chain(knex: Knex, sessionId: string): Promise<RecordingSeal | null> {
  if (!isUuid(sessionId)) return null;
  const session = await knex('sessions').where('id', sessionId).first('id');
  if (session === undefined) return null;
  // Before the chunks: one that is signed meanwhile covers more than was read.
  const head = await signedHead(knex, sessionId);
  const rows = await knex<Omit<ChunkRow, keyof StoredData>>('chunks')
    .select('session_id', 'seq', 't0_us', 't1_us', 'first_event', 'events', 'raw_len')
    .select('prev_hash', 'hash')
    .where('session_id', sessionId)
    .orderBy('seq');
  return { sessionId, chunks: rows.map(placedHeader), head };
}

/** The newest signed head of a session. */
export async function signedHead(knex: Knex, sessionId: string): Promise<SignedHead | null> {
  const row = await knex<{
    session_id: string;
    chunks: number;
    hash: Buffer;
    key_id: string;
    signature: string;
  }>('heads')
    .where('session_id', sessionId)
    .orderBy('chunks', 'desc')
    .first();
  if (row === undefined) return null;
  return {
    chunks: row.chunks,
    hash: row.hash.toString('hex'),
    keyId: row.key_id,
    signature: row.signature,
  };
}
