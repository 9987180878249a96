/**
 * Whether the database still says what its anchors said. Not caught here: sessions that are gone as a
 * whole, which the journal names, and what came after the last anchor.
 */
import type { Knex } from 'knex';
import { type AnchoredHead, type AnchorRecord, readAnchorLine } from '../journal/anchor.ts';
import { isAnchorSignedBy, type PublicKey } from '../journal/signature.ts';
import type { Database } from './database.ts';

export type AnchorCheck =
  /** @param upTo the newest entry of the journal that is anchored */
  | { readonly kind: 'kept'; readonly anchors: number; readonly upTo: number }
  | { readonly kind: 'differs'; readonly line: number; readonly why: string };

/**
 * @param lines of anchors, in any order
 * @param keyOf the public key of that id, from elsewhere than the record; null = unknown
 */
export async function checkAnchors(
  { knex }: Pick<Database, 'knex'>,
  lines: AsyncIterable<string> | Iterable<string>,
  keyOf: (keyId: string) => PublicKey | null,
): Promise<AnchorCheck> {
  let line = 0;
  let anchors = 0;
  let upTo = 0;
  for await (const text of lines) {
    line += 1;
    if (text.trim() === '') continue;
    const record = readAnchorLine(text);
    const why = record === null ? 'it is no anchor' : await faultOf(knex, record, keyOf);
    if (why !== null) return { kind: 'differs', line, why };
    anchors += 1;
    upTo = Math.max(upTo, record?.journal.seq ?? 0);
  }
  if (anchors === 0) return { kind: 'differs', line, why: 'there are no anchors' };
  return { kind: 'kept', anchors, upTo };
}

async function faultOf(
  knex: Knex,
  record: AnchorRecord,
  keyOf: (keyId: string) => PublicKey | null,
): Promise<string | null> {
  const key = keyOf(record.keyId);
  if (key === null) return `it is signed by another key: ${record.keyId.slice(0, 16)}`;
  if (!isAnchorSignedBy(record, key)) return 'its signature is not of what it says';
  return (await journalFault(knex, record.journal)) ?? headsFault(knex, record.heads);
}

async function journalFault(
  knex: Knex,
  { hash, seq }: AnchorRecord['journal'],
): Promise<string | null> {
  if (seq === 0) return null;
  const entry = await knex<{ seq: number; hash: string }>('journal').where('seq', seq).first();
  if (entry === undefined) return `entry ${seq} of the journal, which it names, is gone`;
  return entry.hash === hash ? null : `entry ${seq} of the journal is not the one it names`;
}

async function headsFault(knex: Knex, heads: readonly AnchoredHead[]): Promise<string | null> {
  const ids = [...new Set(heads.map(({ sessionId }) => sessionId))];
  const there = new Set(await knex('sessions').whereIn('id', ids).pluck<string[]>('id'));
  const rows = await knex<{ session_id: string; chunks: number; hash: Buffer }>('heads')
    .select('session_id', 'chunks', 'hash')
    .whereIn('session_id', ids);
  const known = new Map(
    rows.map((row) => [`${row.session_id} ${row.chunks}`, row.hash.toString('hex')]),
  );
  for (const { chunks, hash, sessionId } of heads) {
    const found = known.get(`${sessionId} ${chunks}`);
    if (!there.has(sessionId) || found === hash) continue;
    const what = `of ${chunks} chunks of session ${sessionId}, which it names,`;
    return `the head ${what} is ${found === undefined ? 'gone' : 'another one'}`;
  }
  return null;
}
