/**
 * Recomputes a recording's chain and checks the signature of its head.
 * Not caught here: a session that was deleted with all of its rows; the journal names it.
 */
import type { KeyObject } from 'node:crypto';
import { CHAIN_START, chunkHash } from '../journal/chain.ts';
import { isSignedBy, keyIdOf } from '../journal/signature.ts';
import { messageOf } from '../errors.ts';
import { unpackLines } from './chunk.ts';
import type { Database } from './database.ts';

/** Chunks in memory at once. */
const PAGE = 64;

export type RecordingCheck =
  | { readonly kind: 'intact'; readonly chunks: number; readonly signedBy: string }
  /** The session still runs: its chunks are intact so far, nothing is signed yet. */
  | { readonly kind: 'open'; readonly chunks: number }
  /** Signed by a key that is not the one given; the chain itself is intact. */
  | { readonly kind: 'foreign-key'; readonly chunks: number; readonly signedBy: string }
  | { readonly kind: 'broken'; readonly chunk: number; readonly why: string }
  | { readonly kind: 'unknown' };

interface ChunkRow {
  readonly seq: number;
  readonly t0_us: number;
  readonly t1_us: number;
  readonly first_event: number;
  readonly events: number;
  readonly raw_len: number;
  readonly codec: number;
  readonly prev_hash: Buffer;
  readonly hash: Buffer;
  readonly data: Buffer;
}

/** @param publicKey of the bastion that recorded */
export async function checkRecording(
  database: Pick<Database, 'knex'>,
  sessionId: string,
  publicKey: KeyObject,
): Promise<RecordingCheck> {
  const { knex } = database;
  const session = await knex('sessions')
    .where('id', sessionId)
    .first<{ status: string } | undefined>('status');
  if (session === undefined) return { kind: 'unknown' };

  let hash = CHAIN_START;
  let seq = 0;
  let events = 0;
  for (;;) {
    const rows: readonly ChunkRow[] = await knex('chunks')
      .where('session_id', sessionId)
      .andWhere('seq', '>', seq)
      .orderBy('seq')
      .limit(PAGE);
    for (const row of rows) {
      const why = await whyBroken(sessionId, row, { seq: seq + 1, event: events + 1, hash });
      if (why !== null) return { kind: 'broken', chunk: seq + 1, why };
      hash = row.hash.toString('hex');
      seq = row.seq;
      events += row.events;
    }
    if (rows.length < PAGE) break;
  }

  const head = await knex('heads')
    .where('session_id', sessionId)
    .orderBy('chunks', 'desc')
    .first<
      | { chunks: number; events: number; hash: Buffer; key_id: string; signature: string }
      | undefined
    >();
  if (head === undefined) {
    return session.status === 'active'
      ? { kind: 'open', chunks: seq }
      : { kind: 'broken', chunk: seq, why: 'the session has ended but its head is not signed' };
  }
  if (head.chunks > seq) {
    return {
      kind: 'broken',
      chunk: seq + 1,
      why: `${head.chunks - seq} chunks are missing at the end`,
    };
  }
  const statement = { sessionId, chunks: seq, events, hash };
  if (head.key_id !== keyIdOf(publicKey)) {
    return { kind: 'foreign-key', chunks: seq, signedBy: head.key_id };
  }
  return isSignedBy(statement, head.signature, publicKey)
    ? { kind: 'intact', chunks: seq, signedBy: head.key_id }
    : { kind: 'broken', chunk: seq, why: 'the signature is not of these chunks' };
}

async function whyBroken(
  sessionId: string,
  row: ChunkRow,
  expected: { readonly seq: number; readonly event: number; readonly hash: string },
): Promise<string | null> {
  if (row.seq !== expected.seq) return 'it is missing';
  if (row.prev_hash.toString('hex') !== expected.hash) return 'it does not follow the one before';
  if (row.first_event !== expected.event) return 'its events do not follow those before';
  let lines: Buffer;
  try {
    lines = await unpackLines({ codec: row.codec, data: row.data }, row.raw_len);
  } catch (error) {
    return messageOf(error);
  }
  const header = {
    sessionId,
    seq: row.seq,
    t0Us: row.t0_us,
    t1Us: row.t1_us,
    firstEvent: row.first_event,
    events: row.events,
    rawLength: row.raw_len,
  };
  return chunkHash(expected.hash, header, lines) === row.hash.toString('hex')
    ? null
    : 'its content is not what was recorded';
}

/** Ids of all sessions, oldest first. */
export async function* sessionIds(database: Pick<Database, 'knex'>): AsyncIterable<string> {
  let after = '00000000-0000-0000-0000-000000000000';
  for (;;) {
    const rows: readonly { id: string }[] = await database
      .knex('sessions')
      .where('id', '>', after)
      .orderBy('id')
      .limit(1000)
      .select('id');
    for (const { id } of rows) yield id;
    const last = rows.at(-1);
    if (last === undefined) return;
    after = last.id;
  }
}
