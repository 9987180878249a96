/**
 * Whether a tombstone speaks for the session that it names: signed by a key that is known, and not before
 * the time that the journal promised. Not caught here: who could use the key.
 */
import type { Knex } from 'knex';
import { type KeyOf, isTombstoneSignedBy } from '../journal/signature.ts';
import type { SignedTombstone } from '../journal/tombstone.ts';
import type { StoredTombstone } from './tombstones.ts';

/** Clocks of a session's end and of its journal entry may differ by this. */
const SLACK_MS = 60_000;
const DAY_MS = 86_400_000;

export interface Buried {
  readonly seq: number;
  readonly tombstone: SignedTombstone | null;
  /** What is wrong with the tombstone; null = nothing. */
  readonly why: string | null;
}

export async function judgeTombstone(
  knex: Knex,
  keyOf: KeyOf,
  sessionId: string,
  { seq, tombstone }: StoredTombstone,
): Promise<Buried> {
  const fault = (why: string): Buried => ({
    seq,
    tombstone,
    why: `entry ${seq} of the journal ${why}`,
  });
  if (tombstone === null) return fault('says that it was deleted, but is no tombstone');
  const key = keyOf(tombstone.keyId);
  if (key === null) {
    return fault(`is a tombstone signed by another key: ${tombstone.keyId.slice(0, 16)}`);
  }
  if (!isTombstoneSignedBy(tombstone, key)) {
    return fault('is a tombstone, but its signature is not of what it says');
  }
  const early = await promiseBroken(knex, sessionId, tombstone);
  return early === null ? { seq, tombstone, why: null } : fault(`is a tombstone, but ${early}`);
}

async function promiseBroken(
  knex: Knex,
  sessionId: string,
  { deletedAt, endedAt, keepDays }: SignedTombstone,
): Promise<string | null> {
  const rows = await knex<{ seq: number; at: Date; type: string; session: string; body: string }>(
    'journal',
  )
    .where('session', sessionId)
    .whereIn('type', ['session.started', 'session.ended'])
    .orderBy('seq');
  const started = rows.find(({ type }) => type === 'session.started');
  const ended = rows.find(({ type }) => type === 'session.ended');
  const promised = started === undefined ? undefined : promisedDays(started.body);
  if (promised !== undefined && promised !== keepDays) {
    return `the session was to be kept ${promised === null ? 'for ever' : `${promised} days`}, not ${keepDays}`;
  }
  const endedMs = Math.max(Date.parse(endedAt), (ended?.at.getTime() ?? 0) - SLACK_MS);
  if (endedMs + keepDays * DAY_MS <= Date.parse(deletedAt)) return null;
  return `it came before its ${keepDays} days were over`;
}

/** undefined = the entry doesn't say. */
function promisedDays(body: string): number | null | undefined {
  try {
    const { data } = JSON.parse(body) as { data?: { keepDays?: number | null } };
    return data?.keepDays;
  } catch {
    return undefined;
  }
}
