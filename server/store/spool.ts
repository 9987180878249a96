/**
 * The spool: the local write-ahead file of the recorder. What `append` has acknowledged survives
 * kill -9 and, but for the sessions that may be behind the disk, a power cut; what Postgres has taken is
 * let go. One per process and directory.
 *
 * Segments are preallocated, so that a full disk shows up between segments, where records can wait for
 * room, and never in the middle of a record.
 */
import { mkdir, readFile, rename, rm } from 'node:fs/promises';
import { basename, join } from 'node:path';
import type { SallyportError } from '../errors.ts';
import { Backlog, refusal, SPOOL_LIMITS, type SpoolLimits } from './spool-backlog.ts';
import { isSameBoot, markBoot, unmarkBoot } from './spool-boot.ts';
import { type Pending, type Segment, SpoolLane, type SpoolSession } from './spool-lane.ts';
import {
  findSegments,
  type FoundSegment,
  MAX_LINE_BYTES,
  RECORD_HEADER_BYTES,
  scanSegment,
  SEGMENT_HEADER_BYTES,
  type SpoolRecord,
  syncDirectory,
  uuidBytes,
} from './spool-segment.ts';
import { SegmentSupply } from './spool-supply.ts';

/** After a failure to make a segment, the disk is left alone for this long. */
export const SEGMENT_RETRY_MS = 1000;
export const SEGMENT_BYTES = 16 * 1024 * 1024;
/** Output that an operating system may take with it when it stops, for sessions that need not wait for the disk. */
export const SYNC_EVERY_MS = 100;
/** A new session wants this part of a segment: one of so many. */
const SHARE_FOR_NEW = 4;
/** Bounds the disk that the spool may take even when single records keep many segments alive. */
export const MAX_SEGMENTS = 64;

export interface SpoolOptions {
  /** Made when missing; nobody else may write here. */
  readonly directory: string;
  /** Told once per failed disk operation; the appends concerned are rejected as well. */
  readonly onFailure: (error: SallyportError) => void;
  readonly segmentBytes?: number;
  readonly maxSegments?: number;
  readonly segmentRetryMs?: number;
  readonly syncEveryMs?: number;
  readonly limits?: Partial<SpoolLimits>;
}

/** What of a session is in Postgres. */
export interface Shipped {
  readonly throughEvent: number;
  readonly events: number;
  /** Length of the lines. */
  readonly bytes: number;
}

/** Opens the spool. What an earlier process left is in `leftovers`. */
export async function openSpool(options: SpoolOptions): Promise<Spool> {
  await mkdir(options.directory, { recursive: true, mode: 0o700 });
  const leftovers = await findSegments(options.directory);
  return new Spool(options, leftovers, await isSameBoot(options.directory));
}

export class Spool {
  readonly #options: Required<Omit<SpoolOptions, 'limits'>>;
  readonly #leftovers: readonly FoundSegment[];
  readonly #backlog: Backlog;
  readonly #sessions = new Map<string, SpoolSession>();
  readonly #live = new Set<Segment>();
  readonly #supply: SegmentSupply;
  readonly #synced: SpoolLane;
  readonly #behind: SpoolLane;
  /** What earlier processes left is whole: the operating system has been running ever since. */
  readonly isSameBoot: boolean;
  #onPressure: () => void = () => {};
  #isMarked = false;
  #closed = false;

  /** Use `openSpool`. */
  constructor(options: SpoolOptions, leftovers: readonly FoundSegment[], isSameBoot: boolean) {
    const limits = { ...SPOOL_LIMITS, ...options.limits };
    this.#options = {
      segmentBytes: SEGMENT_BYTES,
      maxSegments: MAX_SEGMENTS,
      segmentRetryMs: SEGMENT_RETRY_MS,
      syncEveryMs: SYNC_EVERY_MS,
      ...options,
    };
    this.isSameBoot = isSameBoot;
    this.#backlog = new Backlog(limits);
    this.#leftovers = leftovers;
    this.#supply = new SegmentSupply({
      directory: options.directory,
      segmentBytes: this.#options.segmentBytes,
      retryMs: this.#options.segmentRetryMs,
      firstNumber: Math.max(0, ...leftovers.flatMap((one) => [one.number, one.nameNumber])) + 1,
      onFailure: options.onFailure,
      whyNoMore: () =>
        this.#live.size < this.#options.maxSegments
          ? null
          : `Postgres hasn't taken any of its ${this.#live.size} segments`,
    });
    this.#synced = this.#lane(limits.segmentWaitMs, null);
    this.#behind = this.#lane(limits.segmentWaitMs, this.#options.syncEveryMs);
  }

  /** Bytes that Postgres hasn't taken yet. */
  get backlogBytes(): number {
    return this.#backlog.totalBytes;
  }

  /** Segment files in use. */
  get segmentCount(): number {
    return this.#live.size;
  }

  /** Calls `seal` when no segment is free: what is shipped soon gives one back. */
  whenPressed(seal: () => void): void {
    this.#onPressure = seal;
  }

  /**
   * Resolves when a new session has somewhere to go; rejects with `recording.failed`.
   * @param isSynced as for `begin`
   */
  async ready(isSynced = true): Promise<void> {
    if (this.#closed) throw refusal('the bastion is stopping');
    if (this.#backlog.isFull) {
      throw refusal('the recorder holds all that it may until Postgres takes it');
    }
    const lane = isSynced ? this.#synced : this.#behind;
    await lane.roomFor(this.#options.segmentBytes / SHARE_FOR_NEW);
  }

  /**
   * Says how a session is kept, before its first append; without it, as it is by default.
   * @param isSynced acknowledged = on the disk; otherwise the disk is up to `syncEveryMs` behind
   * @param waitMs how long its appends wait at most
   */
  begin(sessionId: string, { isSynced = true, waitMs = Infinity } = {}): void {
    if (!isSynced) this.#session(sessionId, this.#behind);
    this.#backlog.hurry(sessionId, waitMs);
  }

  /**
   * Resolves when the line is durable. Waits while a bound is reached. Rejects with `recording.failed`,
   * and after that every further append of the session does.
   * @param eventNumber 1, 2, 3, … within the session
   * @param line with its line end, at most MAX_LINE_BYTES; not to be changed afterwards
   */
  append(sessionId: string, eventNumber: number, line: Buffer): Promise<void> {
    return new Promise((resolve, reject) => {
      if (this.#closed) return reject(refusal('the bastion is stopping'));
      if (line.length > Math.min(MAX_LINE_BYTES, this.#room)) {
        this.#backlog.fail(sessionId, refusal(`an event of ${line.length} bytes is too large`));
      }
      const start = (): void => {
        const session = this.#session(sessionId, this.#synced);
        session.lane.push({ session, eventNumber, line, resolve, reject });
      };
      this.#backlog.enter(sessionId, RECORD_HEADER_BYTES + line.length, start, reject);
    });
  }

  /** Lets go of what Postgres has taken. */
  shipped(sessionId: string, shipped: Shipped): void {
    this.#backlog.release(sessionId, shipped.bytes + shipped.events * RECORD_HEADER_BYTES);
    const session = this.#sessions.get(sessionId);
    if (session !== undefined) this.#dropSpans(session, shipped.throughEvent);
  }

  /** Refuses every further append of a session. */
  fail(sessionId: string, error: SallyportError): void {
    this.#backlog.fail(sessionId, error);
  }

  /**
   * Takes appends of a refused session again, from the event on that was refused first. False = not now,
   * or never, because what was refused may be on the disk.
   */
  reopen(sessionId: string): boolean {
    if (this.#closed || this.#sessions.get(sessionId)?.isTorn === true) return false;
    return this.#backlog.reopen(sessionId);
  }

  /** The session is over and everything of it is in Postgres. */
  forget(sessionId: string): void {
    this.#backlog.forget(sessionId);
    const session = this.#sessions.get(sessionId);
    if (session !== undefined) this.#dropSpans(session, Infinity);
    this.#sessions.delete(sessionId);
  }

  /** What earlier processes left, in the order in which it was written; at most one segment in memory. */
  async *leftovers(): AsyncGenerator<SpoolRecord> {
    for (const { path } of this.#leftovers) yield* scanSegment(await readFile(path));
  }

  /**
   * Removes what earlier processes left. Segments with records of an unclaimed session are set aside
   * in the directory as `unclaimed-…`: nothing else has those records.
   */
  async settleLeftovers(unclaimed: ReadonlySet<string>): Promise<void> {
    for (const { path } of this.#leftovers) {
      let keep = false;
      for (const record of scanSegment(await readFile(path))) {
        if (unclaimed.has(record.sessionId)) keep = true;
      }
      if (keep) await rename(path, join(this.#options.directory, `unclaimed-${basename(path)}`));
      else await rm(path, { force: true });
    }
    await syncDirectory(this.#options.directory);
    // Not before: a start that is cut short must find what this one found.
    await markBoot(this.#options.directory);
    this.#isMarked = true;
  }

  /** Writes what waits and removes every segment that Postgres has all of. */
  async close(): Promise<void> {
    this.#closed = true;
    this.#backlog.close();
    await this.#synced.close();
    await this.#behind.close();
    await this.#supply.close();
    if (this.#isMarked) await unmarkBoot(this.#options.directory);
  }

  get #room(): number {
    return this.#options.segmentBytes - SEGMENT_HEADER_BYTES - RECORD_HEADER_BYTES;
  }

  #lane(segmentWaitMs: number, syncEveryMs: number | null): SpoolLane {
    const lane: SpoolLane = new SpoolLane({
      segmentBytes: this.#options.segmentBytes,
      syncEveryMs,
      segmentWaitMs,
      retryMs: this.#options.segmentRetryMs,
      supply: this.#supply,
      onOpened: (segment) => void this.#live.add(segment),
      onRetired: (segment) => {
        if (segment.spans === 0) this.#remove(segment);
      },
      onWritten: (segment, one) => this.#written(segment, one),
      onRefused: (group, error) => this.#refuse(lane, group, error),
      onUnsynced: (sessions, error) => {
        for (const { id } of sessions) this.#backlog.fail(id, error);
        this.#refuse(lane, lane.withdraw(sessions), error);
      },
      onPressure: () => this.#onPressure(),
    });
    return lane;
  }

  #session(id: string, lane: SpoolLane): SpoolSession {
    let session = this.#sessions.get(id);
    if (session === undefined) {
      session = { id, idBytes: uuidBytes(id), lane, spans: [], isTorn: false };
      this.#sessions.set(id, session);
    }
    return session;
  }

  #written(segment: Segment, one: Pending): void {
    const span = one.session.spans.at(-1);
    if (span?.segment === segment) span.lastEvent = one.eventNumber;
    else {
      one.session.spans.push({ segment, lastEvent: one.eventNumber });
      segment.spans += 1;
    }
    one.resolve();
    this.#backlog.settled(RECORD_HEADER_BYTES + one.line.length);
  }

  #refuse(lane: SpoolLane, group: readonly Pending[], error: SallyportError): void {
    if (group.length === 0) return;
    for (const one of group) {
      const bytes = RECORD_HEADER_BYTES + one.line.length;
      one.reject(error);
      this.#backlog.fail(one.session.id, error);
      this.#backlog.settled(bytes);
      this.#backlog.release(one.session.id, bytes);
    }
    // What these sessions still have in the queue stands behind a gap.
    this.#refuse(lane, lane.withdraw(new Set(group.map((one) => one.session))), error);
  }

  #dropSpans(session: SpoolSession, throughEvent: number): void {
    for (let span = session.spans[0]; span !== undefined; span = session.spans[0]) {
      if (span.lastEvent > throughEvent) return;
      session.spans.shift();
      span.segment.spans -= 1;
      if (span.segment.spans === 0 && !session.lane.isActive(span.segment)) {
        this.#remove(span.segment);
      }
    }
  }

  #remove(segment: Segment): void {
    if (!this.#live.delete(segment)) return;
    this.#supply.giveBack(segment.path);
  }
}
