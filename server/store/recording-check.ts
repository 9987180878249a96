/**
 * Recomputes a recording's chain and checks the signature of its head.
 * Not caught here: a session that was deleted with all of its rows; the journal names it.
 */
import type { KeyObject } from 'node:crypto';
import { messageOf } from '../errors.ts';
import { CHAIN_START, chunkHash } from '../journal/chain.ts';
import { isSignedBy, keyIdOf } from '../journal/signature.ts';
import type { Database } from './database.ts';
import { isUuid } from './query-text.ts';
import { signedHead, type StoredChunk, storedChunks } from './recording-reader.ts';

export type RecordingCheck =
  | { readonly kind: 'intact'; readonly chunks: number; readonly signedBy: string }
  /** The session still runs: its chunks are intact so far, nothing is signed yet. */
  | { readonly kind: 'open'; readonly chunks: number }
  /** Signed by a key that is not the one given; the chain itself is intact. */
  | { readonly kind: 'foreign-key'; readonly chunks: number; readonly signedBy: string }
  /** @param chunk the first that isn't what was recorded */
  | { readonly kind: 'broken'; readonly chunk: number; readonly why: string }
  | { readonly kind: 'unknown' };

/** Ids that are read at once. */
const ID_PAGE = 1000;

/** @param publicKey of the bastion that recorded, kept outside of the database */
export async function checkRecording(
  database: Pick<Database, 'knex'>,
  sessionId: string,
  publicKey: KeyObject,
): Promise<RecordingCheck> {
  const { knex } = database;
  if (!isUuid(sessionId)) return { kind: 'unknown' };
  const session = await knex<{ id: string; status: string }>('sessions')
    .where('id', sessionId)
    .first();
  if (session === undefined) return { kind: 'unknown' };
  let chunks = 0;
  let events = 0;
  let hash = CHAIN_START;
  const broken = (chunk: number, why: string): RecordingCheck => ({ kind: 'broken', chunk, why });
  try {
    for await (const chunk of storedChunks(knex, sessionId)) {
      const why = faultOf(chunk, { seq: chunks + 1, firstEvent: events + 1, prevHash: hash });
      if (why !== null) return broken(chunks + 1, why);
      chunks += 1;
      events += chunk.header.events;
      hash = chunk.hash;
    }
  } catch (error) {
    return broken(chunks + 1, messageOf(error));
  }
  const head = await signedHead(knex, sessionId);
  if (head === null) {
    if (session.status === 'active') return { kind: 'open', chunks };
    return broken(chunks, 'the session has ended but its head is not signed');
  }
  if (head.chunks > chunks) {
    return broken(chunks + 1, `${head.chunks - chunks} chunks are missing at the end`);
  }
  if (head.hash !== hash) return broken(chunks, 'it is not the head that was signed');
  const signedBy = head.keyId;
  if (signedBy !== keyIdOf(publicKey)) return { kind: 'foreign-key', chunks, signedBy };
  return isSignedBy({ sessionId, chunks, events, hash }, head.signature, publicKey)
    ? { kind: 'intact', chunks, signedBy }
    : broken(chunks, 'the signature is not of these chunks');
}

function faultOf(
  { header, prevHash, hash, lines }: StoredChunk,
  expected: { readonly seq: number; readonly firstEvent: number; readonly prevHash: string },
): string | null {
  if (header.seq !== expected.seq) return 'it is missing';
  if (prevHash !== expected.prevHash) return 'it does not follow the one before';
  if (header.firstEvent !== expected.firstEvent) return 'its events do not follow those before';
  const recomputed = chunkHash(prevHash, header, lines);
  return recomputed === hash ? null : 'its content is not what was recorded';
}

/** Ids of all sessions, oldest first. */
export async function* sessionIds(database: Pick<Database, 'knex'>): AsyncGenerator<string> {
  for (let after = '00000000-0000-0000-0000-000000000000'; ;) {
    const ids = await database
      .knex('sessions')
      .where('id', '>', after)
      .orderBy('id')
      .limit(ID_PAGE)
      .pluck<string[]>('id');
    yield* ids;
    if (ids.length < ID_PAGE) return;
    after = ids.at(-1) ?? after;
  }
}
