/** The two loads that recorders are measured with: keys at a steady rate, and output as fast as it goes. */
import { setTimeout as sleep } from 'node:timers/promises';
import { messageOf } from '../../server/errors.ts';
import type { Recording } from '../../server/session/ports.ts';
import { percentile } from './statistics.ts';

/** As the session's output pipe has it: so much may be on its way to the disk. */
const WINDOW_BYTES = 1024 * 1024;
const KEY = Buffer.from('x');

/** What is measured: the recorder's own recordings, or ones that record nothing. */
export type Appender = Pick<Recording, 'append'>;

export interface KeyFigure {
  readonly keys: number;
  /** From the call of `append` until it resolves. */
  readonly p50Ms: number;
  readonly p99Ms: number;
  /** The same from the moment at which the key was due: with the wait for its turn in this process. */
  readonly dueP50Ms: number;
  readonly dueP99Ms: number;
  readonly refused: number;
}

/** One key at a time, over all sessions in turn, evenly; a key never waits for the one before it. */
export async function measureKeys(
  sessions: readonly Appender[],
  { keysPerS, seconds }: { readonly keysPerS: number; readonly seconds: number },
): Promise<KeyFigure> {
  const total = Math.ceil(keysPerS * seconds);
  const took: number[] = [];
  const tookSinceDue: number[] = [];
  let refused = 0;
  const pending: Promise<void>[] = [];
  const startMs = performance.now();
  const press = async (session: Appender, dueMs: number): Promise<void> => {
    const fromMs = performance.now();
    const atUs = Math.round((fromMs - startMs) * 1000);
    try {
      await session.append({ atUs, code: 'utf8', bytes: KEY });
    } catch {
      refused += 1;
      return;
    }
    const nowMs = performance.now();
    took.push(nowMs - fromMs);
    tookSinceDue.push(nowMs - dueMs);
  };
  for (let n = 0; n < total; n += 1) {
    const session = sessions[n % sessions.length];
    if (session === undefined) break;
    const dueMs = startMs + (n * 1000) / keysPerS;
    while (performance.now() < dueMs) await sleep(dueMs - performance.now());
    pending.push(press(session, dueMs));
  }
  await Promise.all(pending);
  return {
    keys: total,
    p50Ms: percentile(took, 0.5),
    p99Ms: percentile(took, 0.99),
    dueP50Ms: percentile(tookSinceDue, 0.5),
    dueP99Ms: percentile(tookSinceDue, 0.99),
    refused,
  };
}

export interface BulkFigure {
  readonly bytes: number;
  /** Until the last piece that was begun in time might be delivered. */
  readonly seconds: number;
  /** Why sessions ended early; empty = none did. */
  readonly refusals: readonly string[];
}

/**
 * All sessions print for `seconds`, each from another place of the text.
 * @param sinceMs when the sessions began, on the clock of `performance.now`
 */
export async function measureBulk(
  sessions: readonly Appender[],
  pieces: readonly Buffer[],
  { seconds, sinceMs }: { readonly seconds: number; readonly sinceMs: number },
): Promise<BulkFigure> {
  const refusals: string[] = [];
  let bytes = 0;
  const startMs = performance.now();
  const untilMs = startMs + seconds * 1000;
  const print = async (session: Appender, first: number): Promise<void> => {
    const onTheirWay: { readonly bytes: number; readonly appended: Promise<unknown> }[] = [];
    let onTheirWayBytes = 0;
    const settle = async (leftBytes: number): Promise<void> => {
      while (onTheirWayBytes > leftBytes) {
        const oldest = onTheirWay.shift();
        if (oldest === undefined) return;
        await oldest.appended;
        onTheirWayBytes -= oldest.bytes;
        bytes += oldest.bytes;
      }
    };
    try {
      for (let n = first; performance.now() < untilMs; n += 1) {
        const piece = pieces[n % pieces.length];
        if (piece === undefined) break;
        const atUs = Math.round((performance.now() - sinceMs) * 1000);
        const appended = session.append({ atUs, code: 'utf8', bytes: piece });
        // Awaited in its turn; a failure must not go unhandled until then.
        appended.catch(() => {});
        onTheirWay.push({ bytes: piece.length, appended });
        onTheirWayBytes += piece.length;
        await settle(WINDOW_BYTES);
      }
      await settle(0);
    } catch (error) {
      refusals.push(messageOf(error));
    }
  };
  await Promise.all(
    sessions.map((session, index) => print(session, Math.floor((index * 7919) % pieces.length))),
  );
  return { bytes, seconds: (performance.now() - startMs) / 1000, refusals };
}
