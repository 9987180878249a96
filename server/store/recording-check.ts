/**
 * Recomputes a recording's chain, checks the signature of its head, and asks the journal whether that is
 * all of it. Not caught here: a journal that was changed as well; its own chain shows that.
 */
import type { Knex } from 'knex';
import { messageOf } from '../errors.ts';
import { chunkHash } from '../journal/chain.ts';
import type { JournalEntry } from '../journal/event.ts';
import { broken, ChainWalk, type RecordingCheck } from '../journal/seal.ts';
import { type KeyOf, keyring, type PublicKey } from '../journal/signature.ts';
import { judgeTombstone } from './claim-graves.ts';
import type { Database } from './database.ts';
import { claimFault } from './journal-claims.ts';
import { isUuid } from './query-text.ts';
import { signedHead, storedChunks } from './recording-reader.ts';
import { tombstonesFor } from './tombstones.ts';

/** Ids that are read at once. */
const ID_PAGE = 1000;
/** Entries of one session that are read at once. */
const ENTRY_PAGE = 500;

/**
 * @param keys public keys of the bastion that recorded, kept outside of the database
 * @param more `alone`: the journal isn't checked as a whole, so ask it about this session
 */
export async function checkRecording(
  database: Pick<Database, 'knex'>,
  sessionId: string,
  keys: PublicKey | KeyOf,
  { alone }: { readonly alone: boolean } = { alone: false },
): Promise<RecordingCheck> {
  const { knex } = database;
  if (!isUuid(sessionId)) return { kind: 'unknown' };
  const keyOf = typeof keys === 'function' ? keys : keyring([keys]);
  const session = await knex<{ id: string; status: string; deleting_at: Date | null }>('sessions')
    .where('id', sessionId)
    .first();
  if (session === undefined || session.deleting_at !== null) {
    const grave = await graveOf(knex, keyOf, sessionId);
    // A session that only seems to be going is checked like any other.
    if (session === undefined || grave.kind === 'deleted') return grave;
  }
  const check = await checkChain(knex, sessionId, session.status === 'active', keyOf);
  const isIntact = check.kind === 'intact' || check.kind === 'open';
  if (isIntact && !alone) return check;
  const why = isIntact ? await claimFault(knex, keyOf, entriesOf(knex, sessionId)) : null;
  if (isIntact && why === null) return check;
  // Retention may have begun to delete it while it was read.
  const grave = await graveOf(knex, keyOf, sessionId);
  if (grave.kind === 'deleted') return grave;
  return why === null ? check : { kind: 'contradicted', why };
}

async function checkChain(
  knex: Knex,
  sessionId: string,
  isRunning: boolean,
  keyOf: KeyOf,
): Promise<RecordingCheck> {
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
  return walk.end(isRunning, keyOf);
}

/** What the journal says of a session that has no row. */
async function graveOf(knex: Knex, keyOf: KeyOf, sessionId: string): Promise<RecordingCheck> {
  const stored = (await tombstonesFor(knex, [sessionId])).get(sessionId);
  if (stored !== undefined) {
    const { seq, tombstone, why } = await judgeTombstone(knex, keyOf, sessionId, stored);
    if (why !== null || tombstone === null) return { kind: 'lost', why: why ?? 'it was deleted' };
    return { kind: 'deleted', entry: seq, at: tombstone.deletedAt, by: tombstone.by };
  }
  const named = await knex<{ seq: number; session: string }>('journal')
    .where('session', sessionId)
    .orderBy('seq')
    .first('seq');
  if (named === undefined) return { kind: 'unknown' };
  const why = `entry ${named.seq} of the journal names it, but it was deleted, and no tombstone says why`;
  return { kind: 'lost', why };
}

async function* entriesOf(knex: Knex, sessionId: string): AsyncGenerator<readonly JournalEntry[]> {
  for (let after = 0; ;) {
    const rows = await knex<{ seq: number; session: string; body: string; hash: string }>('journal')
      .select('seq', 'body', 'hash')
      .where('session', sessionId)
      .andWhere('seq', '>', after)
      .orderBy('seq')
      .limit(ENTRY_PAGE);
    yield rows.flatMap(({ body, hash }) => {
      try {
        return [{ ...(JSON.parse(body) as Omit<JournalEntry, 'hash'>), hash }];
      } catch {
        return [];
      }
    });
    if (rows.length < ENTRY_PAGE) return;
    after = rows.at(-1)?.seq ?? after;
  }
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
