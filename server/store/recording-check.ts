/**
 * Recomputes a recording's chain and checks the signature of its head.
 * Not caught here: a session that was deleted with all of its rows; the journal names it.
 */
import type { KeyObject } from 'node:crypto';
import { messageOf } from '../errors.ts';
import { chunkHash } from '../journal/chain.ts';
import { broken, ChainWalk, type RecordingCheck } from '../journal/seal.ts';
import type { Database } from './database.ts';
import { isUuid } from './query-text.ts';
import { signedHead, storedChunks } from './recording-reader.ts';

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
  // Before the chunks: one that is signed meanwhile covers more than are read.
  const walk = new ChainWalk(sessionId, await signedHead(knex, sessionId));
  try {
    for await (const { header, prevHash, hash, lines } of storedChunks(knex, sessionId)) {
      const recomputed = chunkHash(prevHash, header, lines);
      const why = walk.follow({ ...header, prevHash, hash }, recomputed);
      if (why !== null) return broken(walk.next, why);
    }
  } catch (error) {
    return broken(walk.next, messageOf(error));
  }
  return walk.end(session.status === 'active', publicKey);
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
