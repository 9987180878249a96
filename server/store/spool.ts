/**
 * The spool: the local write-ahead file of the recorder. What `append` has acknowledged survives
 * kill -9 and a power cut; what Postgres has taken is let go. One per process and directory.
 *
 * Everything that waits goes to disk in one write, and the next write starts as soon as the one before
 * is done: waiting on a timer would only add latency. Segments are preallocated, so that a full disk
 * shows up between segments as a clean refusal and never in the middle of a record.
 */
import { close, constants, open } from 'node:fs';
import { mkdir, readFile, rename, rm } from 'node:fs/promises';
import { basename, join } from 'node:path';
import { promisify } from 'node:util';
import type { SallyportError } from '../errors.ts';
import { SegmentSupply } from './spool-supply.ts';
import { Backlog, refusal, SPOOL_LIMITS, type SpoolLimits } from './spool-backlog.ts';
import {
  findSegments,
  type FoundSegment,
  MAX_LINE_BYTES,
  RECORD_HEADER_BYTES,
  recordHeader,
  scanSegment,
  SEGMENT_HEADER_BYTES,
  segmentHeader,
  type SpoolRecord,
  syncDirectory,
  uuidBytes,
  writeAll,
} from './spool-segment.ts';

/** Records and bytes of one write; records are two buffers each and the kernel takes 1,024. */
export const MAX_GROUP_RECORDS = 512;
export const MAX_GROUP_BYTES = 4 * 1024 * 1024;
/** After a failure to make a segment, the disk is left alone for this long. */
export const SEGMENT_RETRY_MS = 1000;
export const SEGMENT_BYTES = 16 * 1024 * 1024;
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
  readonly limits?: Partial<SpoolLimits>;
}

/** What of a session is in Postgres. */
export interface Shipped {
  readonly throughEvent: number;
  readonly events: number;
  /** Length of the lines. */
  readonly bytes: number;
}

interface Pending {
  readonly session: SpoolSession;
  readonly eventNumber: number;
  readonly line: Buffer;
  readonly resolve: () => void;
  readonly reject: (error: SallyportError) => void;
}

interface SpoolSession {
  readonly id: string;
  readonly idBytes: Buffer;
  /** Which segments hold records that Postgres hasn't, oldest first. */
  readonly spans: { readonly segment: Segment; lastEvent: number }[];
}

interface Segment {
  readonly path: string;
  readonly number: number;
  readonly fd: number;
  offset: number;
  spans: number;
}

const openFile = promisify(open);
const closeFile = promisify(close);

/** Opens the spool. What an earlier process left is in `leftovers`. */
export async function openSpool(options: SpoolOptions): Promise<Spool> {
  await mkdir(options.directory, { recursive: true, mode: 0o700 });
  return new Spool(options, await findSegments(options.directory));
}

export class Spool {
  readonly #options: Required<Omit<SpoolOptions, 'limits'>>;
  readonly #leftovers: readonly FoundSegment[];
  readonly #backlog: Backlog;
  readonly #sessions = new Map<string, SpoolSession>();
  readonly #queue: Pending[] = [];
  readonly #live = new Set<Segment>();
  readonly #supply: SegmentSupply;
  #active: Segment | null = null;
  #activating: Promise<void> | null = null;
  #pump: Promise<void> | null = null;
  #closed = false;

  /** Use `openSpool`. */
  constructor(options: SpoolOptions, leftovers: readonly FoundSegment[]) {
    this.#options = {
      segmentBytes: SEGMENT_BYTES,
      maxSegments: MAX_SEGMENTS,
      segmentRetryMs: SEGMENT_RETRY_MS,
      ...options,
    };
    this.#backlog = new Backlog({ ...SPOOL_LIMITS, ...options.limits });
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
  }

  /** Bytes that Postgres hasn't taken yet. */
  get backlogBytes(): number {
    return this.#backlog.totalBytes;
  }

  /** Segment files in use. */
  get segmentCount(): number {
    return this.#live.size;
  }

  /** Resolves when a new session has somewhere to go; rejects with `recording.failed`. */
  async ready(): Promise<void> {
    if (this.#closed) throw refusal('the bastion is stopping');
    if (this.#backlog.isFull) {
      throw refusal('the recorder holds all that it may until Postgres takes it');
    }
    // Without a spare the disk may be full: what runs goes on, what is new waits for room.
    if (this.#active === null) await this.#activate();
    else if (!this.#supply.hasSpare) await this.#supply.ready();
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
        const session = this.#session(sessionId);
        this.#queue.push({ session, eventNumber, line, resolve, reject });
        this.#pump ??= Promise.resolve().then(() => this.#drain());
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
  }

  /** Writes what waits and removes every segment that Postgres has all of. */
  async close(): Promise<void> {
    this.#closed = true;
    this.#backlog.close();
    while (this.#pump !== null) await this.#pump;
    await this.#supply.close();
    const active = this.#active;
    this.#active = null;
    if (active === null) return;
    await closeFile(active.fd);
    if (active.spans === 0) await rm(active.path, { force: true });
  }

  get #room(): number {
    return this.#options.segmentBytes - SEGMENT_HEADER_BYTES - RECORD_HEADER_BYTES;
  }

  #session(id: string): SpoolSession {
    let session = this.#sessions.get(id);
    if (session === undefined) {
      session = { id, idBytes: uuidBytes(id), spans: [] };
      this.#sessions.set(id, session);
    }
    return session;
  }

  async #drain(): Promise<void> {
    try {
      while (this.#queue.length > 0) await this.#writeGroup();
    } finally {
      this.#pump = null;
    }
  }

  async #writeGroup(): Promise<void> {
    const first = this.#queue[0];
    if (first === undefined) return;
    const segment = await this.#segmentFor(RECORD_HEADER_BYTES + first.line.length);
    if (segment === null) return this.#refuse(this.#queue.splice(0));
    const group = this.#takeGroup(segment);
    const buffers = group.flatMap((one) => [
      recordHeader(segment.number, one.session.idBytes, one.eventNumber, one.line),
      one.line,
    ]);
    try {
      segment.offset += await writeAll(segment.fd, buffers, segment.offset);
    } catch (error) {
      this.#supply.failed('the spool could not be written', error);
      this.#retire(segment);
      return this.#refuse(group);
    }
    for (const one of group) this.#written(segment, one);
  }

  /** As much of the queue as one write takes and the segment still holds. */
  #takeGroup(segment: Segment): readonly Pending[] {
    let bytes = 0;
    let records = 0;
    const room = Math.min(MAX_GROUP_BYTES, this.#options.segmentBytes - segment.offset);
    for (const { line } of this.#queue) {
      const more = RECORD_HEADER_BYTES + line.length;
      if (records > 0 && (records === MAX_GROUP_RECORDS || bytes + more > room)) break;
      bytes += more;
      records += 1;
    }
    return this.#queue.splice(0, records);
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

  #refuse(group: readonly Pending[]): void {
    const error = this.#supply.failure ?? refusal('the spool could not be written');
    for (const one of group) {
      const bytes = RECORD_HEADER_BYTES + one.line.length;
      one.reject(error);
      this.#backlog.fail(one.session.id, error);
      this.#backlog.settled(bytes);
      this.#backlog.release(one.session.id, bytes);
    }
    // What these sessions still have in the queue stands behind a gap.
    const gone = new Set(group.map((one) => one.session));
    const behind = this.#queue.filter((one) => gone.has(one.session));
    if (behind.length === 0) return;
    this.#queue.splice(0, Infinity, ...this.#queue.filter((one) => !gone.has(one.session)));
    this.#refuse(behind);
  }

  #dropSpans(session: SpoolSession, throughEvent: number): void {
    for (let span = session.spans[0]; span !== undefined; span = session.spans[0]) {
      if (span.lastEvent > throughEvent) return;
      session.spans.shift();
      span.segment.spans -= 1;
      if (span.segment.spans === 0 && span.segment !== this.#active) this.#remove(span.segment);
    }
  }

  /** The active segment, or the next one when it has no room; null = the disk gives none. */
  async #segmentFor(bytes: number): Promise<Segment | null> {
    const active = this.#active;
    if (active !== null && active.offset + bytes <= this.#options.segmentBytes) return active;
    if (active !== null) this.#retire(active);
    try {
      await this.#activate();
      return this.#active;
    } catch {
      return null;
    }
  }

  /** Nothing more is written into this segment. */
  #retire(segment: Segment): void {
    this.#active = null;
    close(segment.fd, () => {});
    if (segment.spans === 0) this.#remove(segment);
  }

  #remove(segment: Segment): void {
    this.#live.delete(segment);
    this.#supply.giveBack(segment.path);
  }

  /** Takes the next segment into use, once for everybody who asks meanwhile. */
  #activate(): Promise<void> {
    this.#activating ??= this.#activateAlone().finally(() => {
      this.#activating = null;
    });
    return this.#activating;
  }

  async #activateAlone(): Promise<void> {
    const { path, number } = await this.#supply.take();
    try {
      const fd = await openFile(path, constants.O_WRONLY | constants.O_DSYNC);
      const offset = await writeAll(fd, [segmentHeader(number)], 0);
      this.#active = { path, number, fd, offset, spans: 0 };
      this.#live.add(this.#active);
    } catch (error) {
      throw this.#supply.failed('the spool could not start a segment', error);
    }
    this.#supply.prepare();
  }
}
