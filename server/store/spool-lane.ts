/**
 * One stream of records into segments. Everything that waits goes to disk in one write, and the next
 * write starts as soon as the one before is done: waiting on a timer would only add latency.
 *
 * A synchronous lane acknowledges what is on the disk. The other one acknowledges what the operating
 * system has, and keeps the disk at most `syncEveryMs` behind: while it is further behind, it waits.
 */
import { close, constants, fdatasync, open } from 'node:fs';
import { promisify } from 'node:util';
import type { SallyportError } from '../errors.ts';
import { refusal } from './spool-backlog.ts';
import { RECORD_HEADER_BYTES, recordHeader, segmentHeader, writeAll } from './spool-segment.ts';
import type { SegmentSupply } from './spool-supply.ts';

/** Records and bytes of one write; records are two buffers each and the kernel takes 1,024. */
export const MAX_GROUP_RECORDS = 512;
export const MAX_GROUP_BYTES = 4 * 1024 * 1024;

export interface Segment {
  readonly path: string;
  readonly number: number;
  readonly fd: number;
  offset: number;
  /** Sessions with records in it that Postgres hasn't. */
  spans: number;
}

export interface SpoolSession {
  readonly id: string;
  readonly idBytes: Buffer;
  readonly lane: SpoolLane;
  /** Which segments hold records that Postgres hasn't, oldest first. */
  readonly spans: { readonly segment: Segment; lastEvent: number }[];
  /** A write failed: what was refused may be on the disk all the same. */
  isTorn: boolean;
}

export interface Pending {
  readonly session: SpoolSession;
  readonly eventNumber: number;
  readonly line: Buffer;
  readonly resolve: () => void;
  readonly reject: (error: SallyportError) => void;
}

export interface LaneOptions {
  readonly segmentBytes: number;
  /** null = synchronous. */
  readonly syncEveryMs: number | null;
  /** How long records wait for a segment to write into. */
  readonly segmentWaitMs: number;
  readonly retryMs: number;
  readonly supply: SegmentSupply;
  /** A segment is in use from now on. */
  readonly onOpened: (segment: Segment) => void;
  /** Nothing more is written into it. */
  readonly onRetired: (segment: Segment) => void;
  readonly onWritten: (segment: Segment, one: Pending) => void;
  readonly onRefused: (group: readonly Pending[], error: SallyportError) => void;
  /** These sessions may lose acknowledged records if the operating system stops now. */
  readonly onUnsynced: (sessions: ReadonlySet<SpoolSession>, error: SallyportError) => void;
  /** No segment is free: what can be shipped should be. */
  readonly onPressure: () => void;
  readonly syncData?: (fd: number) => Promise<void>;
}

/** Records that no finished sync covers. */
interface Dirty {
  readonly sinceMs: number;
  readonly sessions: Set<SpoolSession>;
}

const openFile = promisify(open);
const closeFile = promisify(close);

export class SpoolLane {
  readonly #options: Required<LaneOptions>;
  #queue: Pending[] = [];
  #active: Segment | null = null;
  #activating: Promise<Segment> | null = null;
  #pump: Promise<void> | null = null;
  #closed = false;
  #dirty: Dirty | null = null;
  #syncing: (Dirty & { readonly done: Promise<void> }) | null = null;
  #syncTimer: NodeJS.Timeout | null = null;

  constructor(options: LaneOptions) {
    this.#options = { syncData: promisify(fdatasync), ...options };
  }

  isActive(segment: Segment): boolean {
    return this.#active === segment;
  }

  /** Writes the record after those that wait already. */
  push(pending: Pending): void {
    this.#queue.push(pending);
    this.#pump ??= Promise.resolve().then(() => this.#drain());
  }

  /** Takes what these sessions still have in the queue out of it. */
  withdraw(sessions: ReadonlySet<SpoolSession>): readonly Pending[] {
    const withdrawn = this.#queue.filter(({ session }) => sessions.has(session));
    if (withdrawn.length > 0) {
      this.#queue = this.#queue.filter(({ session }) => !sessions.has(session));
    }
    return withdrawn;
  }

  /**
   * Resolves when at least `bytes` can be written without a further segment. Waits up to `segmentWaitMs`
   * for one to become free; rejects with `recording.failed`.
   */
  async roomFor(bytes: number): Promise<void> {
    const { segmentBytes, supply } = this.#options;
    if (this.#active === null) return void (await this.#activatePatiently());
    if (supply.hasSpare) return;
    // Without a spare the disk may be full.
    if (this.#active.offset + bytes <= segmentBytes) return supply.prepare();
    await this.#patiently(async () => {
      // Nobody needs what is in it: it can be used again from its beginning.
      const active = this.#active;
      if (active?.spans === 0 && this.#pump === null) {
        // What is pushed meanwhile waits for the next segment.
        this.#pump = this.#retire(active).then(() => this.#drain());
        await this.#pump;
      }
      if (this.#active === null) await this.#activate();
      else await supply.ready();
    });
  }

  /** Writes what waits and brings it to the disk; nothing may be pushed afterwards. */
  async close(): Promise<void> {
    this.#closed = true;
    while (this.#pump !== null) await this.#pump;
    if (this.#active !== null) await this.#retire(this.#active);
  }

  async #drain(): Promise<void> {
    try {
      while (this.#queue.length > 0) await this.#writeGroup();
    } finally {
      this.#pump = null;
    }
  }

  async #writeGroup(): Promise<void> {
    const segment = await this.#segmentForNext();
    if (segment === null) return this.#refuseAll();
    await this.#notTooFarBehind();
    const group = this.#takeGroup(segment);
    if (group.length === 0) return;
    const buffers = group.flatMap((one) => [
      recordHeader(segment.number, one.session.idBytes, one.eventNumber, one.line),
      one.line,
    ]);
    try {
      segment.offset += await writeAll(segment.fd, buffers, segment.offset);
    } catch (cause) {
      for (const { session } of group) session.isTorn = true;
      const error = this.#options.supply.failed('the spool could not be written', cause);
      // First the refusals: until then the records count as if they were there.
      this.#options.onRefused(group, error);
      return this.#retire(segment);
    }
    if (this.#options.syncEveryMs !== null) this.#soil(group);
    for (const one of group) this.#options.onWritten(segment, one);
  }

  #refuseAll(): void {
    const group = this.#queue;
    this.#queue = [];
    if (group.length === 0) return;
    const { supply, onRefused } = this.#options;
    onRefused(group, supply.failure ?? refusal('the spool could not be written'));
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

  // --- segments ---------------------------------------------------------------------------------

  /** The active segment, or the next one when it has no room; null = the disk gives none. */
  async #segmentForNext(): Promise<Segment | null> {
    const bytes = RECORD_HEADER_BYTES + (this.#queue[0]?.line.length ?? 0);
    const active = this.#active;
    if (active !== null && active.offset + bytes <= this.#options.segmentBytes) return active;
    if (active !== null) await this.#retire(active);
    try {
      return await this.#activatePatiently();
    } catch {
      return null;
    }
  }

  #activatePatiently(): Promise<Segment> {
    return this.#patiently(() => this.#activate());
  }

  /** Tries until it works or records have waited long enough; then rejects as `attempt` did. */
  async #patiently<T>(attempt: () => Promise<T>): Promise<T> {
    const { segmentWaitMs, retryMs, supply, onPressure } = this.#options;
    const deadlineMs = performance.now() + segmentWaitMs;
    for (;;) {
      try {
        return await attempt();
      } catch (error) {
        if (this.#closed || performance.now() >= deadlineMs) throw error;
        onPressure();
        await supply.changed(Math.min(retryMs, Math.max(deadlineMs - performance.now(), 1)));
      }
    }
  }

  /** Takes the next segment into use, once for everybody who asks meanwhile. */
  #activate(): Promise<Segment> {
    if (this.#active !== null) return Promise.resolve(this.#active);
    this.#activating ??= this.#activateAlone().finally(() => {
      this.#activating = null;
    });
    return this.#activating;
  }

  async #activateAlone(): Promise<Segment> {
    const { supply, syncEveryMs, onOpened } = this.#options;
    const { path, number } = await supply.take();
    try {
      const sync = syncEveryMs === null ? constants.O_DSYNC : 0;
      const fd = await openFile(path, constants.O_WRONLY | sync);
      const offset = await writeAll(fd, [segmentHeader(number)], 0);
      // Without its header nothing in a segment can be found again.
      if (sync === 0) await this.#options.syncData(fd);
      this.#active = { path, number, fd, offset, spans: 0 };
      onOpened(this.#active);
    } catch (error) {
      throw supply.failed('the spool could not start a segment', error);
    }
    supply.prepare();
    return this.#active;
  }

  async #retire(segment: Segment): Promise<void> {
    this.#active = null;
    if (this.#syncTimer !== null) clearTimeout(this.#syncTimer);
    this.#syncTimer = null;
    await this.#sync(segment);
    await closeFile(segment.fd).catch(() => {});
    this.#options.onRetired(segment);
  }

  // --- the disk behind --------------------------------------------------------------------------

  #soil(group: readonly Pending[]): void {
    this.#dirty ??= { sinceMs: performance.now(), sessions: new Set() };
    for (const { session } of group) this.#dirty.sessions.add(session);
    // Half of the time is for the sync itself.
    this.#syncTimer ??= setTimeout(
      () => {
        this.#syncTimer = null;
        if (this.#active !== null) void this.#sync(this.#active);
      },
      (this.#options.syncEveryMs ?? 0) / 2,
    );
  }

  async #notTooFarBehind(): Promise<void> {
    const { syncEveryMs } = this.#options;
    if (syncEveryMs === null) return;
    for (;;) {
      const oldest = this.#syncing ?? this.#dirty;
      if (oldest === null || performance.now() - oldest.sinceMs <= syncEveryMs) return;
      if (this.#active === null) return;
      await this.#sync(this.#active);
    }
  }

  /** Brings what was written so far to the disk; never rejects. */
  async #sync(segment: Segment): Promise<void> {
    while (this.#syncing !== null) await this.#syncing.done;
    const dirty = this.#dirty;
    if (dirty === null) return;
    this.#dirty = null;
    const done = this.#syncAlone(segment, dirty.sessions);
    this.#syncing = { ...dirty, done };
    await done;
  }

  async #syncAlone(segment: Segment, sessions: ReadonlySet<SpoolSession>): Promise<void> {
    try {
      await this.#options.syncData(segment.fd);
    } catch (cause) {
      for (const session of sessions) session.isTorn = true;
      const error = this.#options.supply.failed('the spool could not be synced', cause);
      this.#options.onUnsynced(sessions, error);
    } finally {
      this.#syncing = null;
    }
  }
}
