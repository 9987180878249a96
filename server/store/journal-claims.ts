/**
 * What the journal says of recordings and the rows no longer say: sessions that were deleted as a whole,
 * and signed heads that were taken away. Not caught here: a journal that was cut together with its head;
 * only a copy of it elsewhere shows that.
 */
import type { Knex } from 'knex';
import type { JournalEntry } from '../journal/event.ts';
import type { Database } from './database.ts';
import type { StoredJournal } from './journal.ts';
import { isUuid } from './query-text.ts';

/** Claims that are looked up at once. */
const CLAIM_PAGE = 500;

export interface LostRecording {
  readonly session: string;
  readonly why: string;
}

/** That a session began, or that its recording had this head. */
interface Claim {
  readonly session: string;
  readonly seq: number;
  readonly head: { readonly chunks: number; readonly hash: string } | null;
}

/** In the order of the journal; a session may come more than once. */
export async function* lostRecordings(
  { knex }: Pick<Database, 'knex'>,
  journal: Pick<StoredJournal, 'entries'>,
): AsyncGenerator<LostRecording> {
  let claims: Claim[] = [];
  for await (const entry of journal.entries()) {
    claims.push(...claimsOf(entry));
    if (claims.length < CLAIM_PAGE) continue;
    yield* unmet(knex, claims);
    claims = [];
  }
  yield* unmet(knex, claims);
}

function claimsOf({ data, seq, session, type }: JournalEntry): Claim[] {
  if (type === 'session.started') {
    return session !== null && isUuid(session) ? [{ session, seq, head: null }] : [];
  }
  if (type === 'session.ended' || type === 'recording.sealed') {
    return headClaims({ sessionId: session, chunks: data['chunks'], hash: data['headHash'] }, seq);
  }
  if (type !== 'recording.checkpoint') return [];
  const { heads } = data;
  return Array.isArray(heads) ? heads.flatMap((head) => headClaims(head, seq)) : [];
}

function headClaims(head: unknown, seq: number): Claim[] {
  if (typeof head !== 'object' || head === null) return [];
  const { chunks, hash, sessionId } = head as Record<string, unknown>;
  const isWhole =
    typeof sessionId === 'string' &&
    isUuid(sessionId) &&
    typeof chunks === 'number' &&
    typeof hash === 'string';
  return isWhole ? [{ session: sessionId, seq, head: { chunks, hash } }] : [];
}

async function* unmet(knex: Knex, claims: readonly Claim[]): AsyncGenerator<LostRecording> {
  const ids = [...new Set(claims.map(({ session }) => session))];
  const sessions = new Set(await knex('sessions').whereIn('id', ids).pluck<string[]>('id'));
  const rows = await knex<{ session_id: string; chunks: number; hash: Buffer }>('heads')
    .select('session_id', 'chunks', 'hash')
    .whereIn('session_id', ids);
  const hashes = new Map(
    rows.map((row) => [`${row.session_id} ${row.chunks}`, row.hash.toString('hex')]),
  );
  for (const { head, seq, session } of claims) {
    if (!sessions.has(session)) {
      yield { session, why: `entry ${seq} of the journal names it, but it was deleted` };
    } else if (head !== null && hashes.get(`${session} ${head.chunks}`) !== head.hash) {
      const what = `its signed head of ${head.chunks} chunks`;
      yield { session, why: `${what}, which entry ${seq} of the journal names, is gone` };
    }
  }
}
