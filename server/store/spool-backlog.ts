/**
 * How much the spool may hold: admits appends in order, makes them wait when a bound is reached, and
 * refuses them when waiting brought nothing. Waiting is the back-pressure: a session that waits here
 * doesn't read its target.
 */
import { SallyportError } from '../errors.ts';

export interface SpoolLimits {
  /** Bytes of one session that aren't in Postgres yet. */
  readonly sessionBacklogBytes: number;
  /** The same over all sessions. */
  readonly totalBacklogBytes: number;
  /** Bytes handed to the spool and not durable yet, over all sessions. */
  readonly undurableBytes: number;
  /** Appends of one session that may wait at once. */
  readonly waitingAppends: number;
  /** A session whose appends waited this long without one being admitted is refused. */
  readonly waitMs: number;
  /** How long records wait for a segment to write into; the chunks that free one are sealed meanwhile. */
  readonly segmentWaitMs: number;
}

export const SPOOL_LIMITS: SpoolLimits = {
  sessionBacklogBytes: 8 * 1024 * 1024,
  totalBacklogBytes: 256 * 1024 * 1024,
  undurableBytes: 64 * 1024 * 1024,
  waitingAppends: 1024,
  waitMs: 30_000,
  segmentWaitMs: 10_000,
};

interface Waiter {
  readonly bytes: number;
  readonly start: () => void;
  readonly refuse: (error: SallyportError) => void;
}

interface Account {
  bytes: number;
  failed: SallyportError | null;
  readonly waiters: Waiter[];
  waitMs: number;
  timer: NodeJS.Timeout | null;
}

export class Backlog {
  readonly #limits: SpoolLimits;
  readonly #accounts = new Map<string, Account>();
  /** Accounts with waiters, in the order in which they are served. */
  readonly #waiting = new Set<Account>();
  #totalBytes = 0;
  #undurableBytes = 0;

  constructor(limits: SpoolLimits) {
    this.#limits = limits;
  }

  /** Bytes that aren't in Postgres yet, over all sessions. */
  get totalBytes(): number {
    return this.#totalBytes;
  }

  get isFull(): boolean {
    return this.#totalBytes >= this.#limits.totalBacklogBytes;
  }

  /**
   * Calls `start` now or when there is room, or `refuse`; per session in the order of calls. Both are
   * called synchronously, so that nothing can overtake an append that waited.
   */
  enter(
    sessionId: string,
    bytes: number,
    start: () => void,
    refuse: (error: SallyportError) => void,
  ): void {
    const account = this.#account(sessionId);
    if (account.failed !== null) return refuse(account.failed);
    if (account.waiters.length === 0 && this.#hasRoom(account, bytes)) {
      this.#admit(account, bytes);
      return start();
    }
    account.waiters.push({ bytes, start, refuse });
    if (account.waiters.length > this.#limits.waitingAppends) {
      return this.fail(sessionId, refusal('too many appends wait for the spool'));
    }
    this.#waiting.add(account);
    account.timer ??= this.#timer(sessionId, account.waitMs);
  }

  /** These bytes reached the disk, or never will. */
  settled(bytes: number): void {
    this.#undurableBytes -= bytes;
    this.#serve();
  }

  /** These bytes of a session are in Postgres, or given up. */
  release(sessionId: string, bytes: number): void {
    const account = this.#accounts.get(sessionId);
    if (account === undefined) return;
    const released = Math.min(bytes, account.bytes);
    account.bytes -= released;
    this.#totalBytes -= released;
    this.#serve();
  }

  /** Refuses what waits and everything that comes: after a gap a recording can't go on. */
  fail(sessionId: string, error: SallyportError): void {
    const account = this.#account(sessionId);
    account.failed ??= error;
    this.#stopWaiting(account);
    for (const waiter of account.waiters.splice(0)) waiter.refuse(account.failed);
  }

  /** Lets a session wait less long than others. */
  hurry(sessionId: string, waitMs: number): void {
    const account = this.#account(sessionId);
    account.waitMs = Math.min(waitMs, this.#limits.waitMs);
  }

  /** Admits a session again that was refused, once half of its room is free. @returns whether it is */
  reopen(sessionId: string): boolean {
    const account = this.#account(sessionId);
    const { sessionBacklogBytes } = this.#limits;
    if (account.bytes > sessionBacklogBytes / 2 || this.isFull) return false;
    account.failed = null;
    return true;
  }

  /** Forgets a session; what it still held is released. */
  forget(sessionId: string): void {
    const account = this.#accounts.get(sessionId);
    if (account === undefined) return;
    this.fail(sessionId, refusal('the recording has ended'));
    this.#accounts.delete(sessionId);
    this.#totalBytes -= account.bytes;
    account.bytes = 0;
    this.#serve();
  }

  /** Refuses everything that waits; the spool takes nothing more. */
  close(): void {
    for (const sessionId of this.#accounts.keys()) {
      this.fail(sessionId, refusal('the bastion is stopping'));
    }
  }

  #account(sessionId: string): Account {
    let account = this.#accounts.get(sessionId);
    if (account === undefined) {
      account = { bytes: 0, failed: null, waiters: [], waitMs: this.#limits.waitMs, timer: null };
      this.#accounts.set(sessionId, account);
    }
    return account;
  }

  /** A line larger than a bound passes alone. */
  #hasRoom(account: Account, bytes: number): boolean {
    const fits = (held: number, bound: number): boolean => held === 0 || held + bytes <= bound;
    return (
      fits(account.bytes, this.#limits.sessionBacklogBytes) &&
      fits(this.#totalBytes, this.#limits.totalBacklogBytes) &&
      fits(this.#undurableBytes, this.#limits.undurableBytes)
    );
  }

  #admit(account: Account, bytes: number): void {
    account.bytes += bytes;
    this.#totalBytes += bytes;
    this.#undurableBytes += bytes;
  }

  /** One append per waiting session and round, so that no session starves another. */
  #serve(): void {
    for (let progress = true; progress;) {
      progress = false;
      for (const account of this.#waiting) {
        const waiter = account.waiters[0];
        if (waiter === undefined || !this.#hasRoom(account, waiter.bytes)) continue;
        account.waiters.shift();
        if (account.waiters.length === 0) this.#stopWaiting(account);
        else account.timer?.refresh();
        this.#admit(account, waiter.bytes);
        waiter.start();
        progress = true;
      }
    }
  }

  #stopWaiting(account: Account): void {
    this.#waiting.delete(account);
    if (account.timer !== null) clearTimeout(account.timer);
    account.timer = null;
  }

  #timer(sessionId: string, waitMs: number): NodeJS.Timeout {
    const why = `the recorder's spool had no room for ${waitMs} ms, because Postgres or the disk doesn't keep up`;
    return setTimeout(() => this.fail(sessionId, refusal(why)), waitMs);
  }
}

/** Why a line can't be recorded. */
export function refusal(why: string, cause?: unknown): SallyportError {
  return new SallyportError(
    'recording.failed',
    why,
    'look at the log of the bastion and at its disk and database, then connect again',
    { cause },
  );
}
