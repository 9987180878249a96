/** Tombstones as the journal has them. Not caught here: whether their signatures hold. */
import type { Knex } from 'knex';
import { type SignedTombstone, tombstoneOf } from '../journal/tombstone.ts';
import type { AuditEvent } from '../journal/event.ts';

export interface StoredTombstone {
  /** Its entry in the journal. */
  readonly seq: number;
  /** null = the entry holds no whole tombstone. */
  readonly tombstone: SignedTombstone | null;
}

/** The oldest tombstone of each of these sessions that has one. */
export async function tombstonesFor(
  knex: Knex,
  sessionIds: readonly string[],
): Promise<ReadonlyMap<string, StoredTombstone>> {
  const rows = await knex<{ seq: number; session: string; type: string; body: string }>('journal')
    .select('seq', 'session', 'body')
    .whereIn('session', [...sessionIds])
    .andWhere('type', 'session.deleted')
    .orderBy('seq', 'desc');
  return new Map(rows.map(({ body, seq, session }) => [session, { seq, tombstone: read(body) }]));
}

function read(body: string): SignedTombstone | null {
  try {
    return tombstoneOf(JSON.parse(body) as AuditEvent);
  } catch {
    return null;
  }
}
