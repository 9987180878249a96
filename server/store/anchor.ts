/**
 * Copies the head of the journal and the signed heads of recordings to a place outside, once a minute
 * when there is news. Not caught here: what happens between two anchors; and a place that is away only
 * shows in the log, since sessions don't wait for it.
 */
import { setTimeout as sleep } from 'node:timers/promises';
import { messageOf } from '../errors.ts';
import {
  type AnchoredHead,
  type AnchorRecord,
  anchorLine,
  MAX_ANCHOR_HEADS,
} from '../journal/anchor.ts';
import type { HeadSigner } from '../journal/signature.ts';
import type { Clock } from '../clock.ts';
import type { Logger } from '../log.ts';
import type { AnchorSink } from './anchor-sinks.ts';
import type { Database } from './database.ts';

export const ANCHOR_EVERY_MS = 60_000;
/** Anchors of one round; what is more waits for the next round. */
export const MAX_ROUND_ANCHORS = 20;

export interface AnchoringOptions {
  readonly database: Pick<Database, 'knex'>;
  readonly signer: HeadSigner;
  readonly sink: AnchorSink;
  readonly clock: Clock;
  readonly logger: Logger;
}

/** Where the last anchor stood. */
export interface AnchorPlaceInTime {
  readonly journalSeq: number;
  /** Heads up to here are anchored: when they were signed, and which. */
  readonly signedAt: Date;
  readonly after: string;
}

interface HeadRow {
  readonly session_id: string;
  readonly chunks: number;
  readonly events: number;
  readonly hash: Buffer;
  readonly signed_at: Date;
}

/** Starts at once; `close` makes a last anchor, so that a stopped bastion leaves nothing unsaid. */
export function startAnchoring(options: AnchoringOptions): { close(): Promise<void> } {
  const { clock, logger, sink } = options;
  const stop = new AbortController();
  let place: AnchorPlaceInTime = {
    journalSeq: -1,
    signedAt: new Date(clock.nowMs()),
    after: '',
  };
  let failures = 0;
  const round = async (): Promise<void> => {
    try {
      place = await anchorOnce(options, place);
      if (failures > 0) logger.info('anchor.resumed', { place: sink.place, failures });
      failures = 0;
    } catch (error) {
      if (failures === 0) logger.error('anchor.failed', { why: messageOf(error) });
      failures += 1;
    }
  };
  const run = async (): Promise<void> => {
    while (!stop.signal.aborted) {
      await round();
      await sleep(ANCHOR_EVERY_MS, null, { signal: stop.signal }).catch(() => {});
    }
    await round();
  };
  const running = run();
  return {
    close: async () => {
      stop.abort();
      await running;
    },
  };
}

/**
 * Anchors what is new since `place`. Rejects with `storage.unreachable` when the place doesn't take it;
 * the same is tried again next time then.
 * @returns where it stands now
 */
export async function anchorOnce(
  { clock, database: { knex }, signer, sink }: Omit<AnchoringOptions, 'logger'>,
  place: AnchorPlaceInTime,
): Promise<AnchorPlaceInTime> {
  let at = place;
  for (let anchors = 0; anchors < MAX_ROUND_ANCHORS; anchors += 1) {
    // Before the heads: every head that is read was journalled before or will be in the next anchor.
    const [head] = await knex<{ seq: number; hash: string }>('journal_head').select('seq', 'hash');
    const rows = await knex<HeadRow>('heads')
      .select('session_id', 'chunks', 'events', 'hash', 'signed_at')
      .whereRaw('(signed_at, session_id::text) > (?, ?)', [at.signedAt, at.after])
      .orderByRaw('signed_at, session_id::text, chunks')
      .limit(MAX_ANCHOR_HEADS);
    if (head === undefined || (rows.length === 0 && head.seq === at.journalSeq)) return at;
    await sink.put(signed(signer, new Date(clock.nowMs()), head, rows.map(statementOf)));
    const last = rows.at(-1);
    at = {
      journalSeq: head.seq,
      signedAt: last?.signed_at ?? at.signedAt,
      after: last?.session_id ?? at.after,
    };
    if (rows.length < MAX_ANCHOR_HEADS) return at;
  }
  return at;
}

function signed(
  signer: HeadSigner,
  at: Date,
  { hash, seq }: { readonly seq: number; readonly hash: string },
  heads: readonly AnchoredHead[],
): { readonly name: string; readonly line: string } {
  const statement = { at: at.toISOString(), keyId: signer.keyId, journal: { seq, hash }, heads };
  const record: AnchorRecord = { ...statement, signature: signer.signAnchor(statement) };
  return { name: `${statement.at.replaceAll(':', '')}-${seq}.json`, line: anchorLine(record) };
}

function statementOf({ chunks, events, hash, session_id: sessionId }: HeadRow): AnchoredHead {
  return { sessionId, chunks, events, hash: hash.toString('hex') };
}
