/**
 * Who has failed so often that they have to wait, and how long: free tries first, then a wait that doubles up
 * to a bound and is forgotten after a while of quiet. Pure but for the time that is passed in. A key is a
 * source, or a source and a principal together; never a principal alone, for anybody could lock others out
 * by that. Not caught here: an attacker with many sources; see the total rate of whoever uses this.
 */

export interface LockoutBounds {
  /** Failures that cost nothing. */
  readonly free: number;
  readonly firstWaitMs: number;
  readonly maxWaitMs: number;
  /** Failures are forgotten after so much time without another one. */
  readonly forgetMs: number;
  /** Keys that are remembered. */
  readonly maxKeys: number;
}

export interface Lock {
  readonly failures: number;
  readonly lastMs: number;
  /** 0 = nobody has to wait. */
  readonly untilMs: number;
}

/** Keys that are looked at to find one that is worth less than the new one. */
const MAX_LOOKED_AT = 32;

export class Lockout {
  readonly #bounds: LockoutBounds;
  readonly #locks = new Map<string, Lock>();

  constructor(bounds: LockoutBounds) {
    this.#bounds = bounds;
  }

  get size(): number {
    return this.#locks.size;
  }

  /** What the key has to wait for; null = it may try. */
  lockOf(key: string, nowMs: number): Lock | null {
    const lock = this.#live(key, nowMs);
    return lock !== null && nowMs < lock.untilMs ? lock : null;
  }

  /** Counts a failure. @returns the wait that it begins; null = none */
  failed(key: string, nowMs: number): Lock | null {
    const failures = (this.#live(key, nowMs)?.failures ?? 0) + 1;
    const { firstWaitMs, free, maxWaitMs } = this.#bounds;
    const over = failures - free;
    const waitMs = over < 0 ? 0 : Math.min(maxWaitMs, firstWaitMs * 2 ** Math.min(over, 30));
    const lock = { failures, lastMs: nowMs, untilMs: waitMs === 0 ? 0 : nowMs + waitMs };
    this.#keep(key, lock, nowMs);
    return waitMs === 0 ? null : lock;
  }

  /** The last failure was none after all. */
  takeBack(key: string): void {
    const lock = this.#locks.get(key);
    if (lock === undefined) return;
    if (lock.failures <= 1) this.#locks.delete(key);
    else this.#locks.set(key, { ...lock, failures: lock.failures - 1, untilMs: 0 });
  }

  /** Forgets all failures of the key. */
  forgive(key: string): void {
    this.#locks.delete(key);
  }

  /** What another process, or this one before its restart, has counted; whichever is stricter stays. */
  restore(key: string, lock: Lock, nowMs: number): void {
    if (nowMs - lock.lastMs >= this.#bounds.forgetMs) return;
    const known = this.#live(key, nowMs);
    if (known !== null && known.untilMs >= lock.untilMs) return;
    this.#keep(key, lock, nowMs);
  }

  #live(key: string, nowMs: number): Lock | null {
    const lock = this.#locks.get(key);
    if (lock === undefined) return null;
    if (nowMs < lock.untilMs || nowMs - lock.lastMs < this.#bounds.forgetMs) return lock;
    this.#locks.delete(key);
    return null;
  }

  #keep(key: string, lock: Lock, nowMs: number): void {
    this.#locks.delete(key);
    if (this.#locks.size >= this.#bounds.maxKeys) this.#forgetOne(nowMs);
    this.#locks.set(key, lock);
  }

  /** The oldest that nobody waits for, else the oldest: a flood of new keys frees nobody who waits. */
  #forgetOne(nowMs: number): void {
    let looked = 0;
    for (const [key, lock] of this.#locks) {
      if (lock.untilMs <= nowMs) return void this.#locks.delete(key);
      looked += 1;
      if (looked === MAX_LOOKED_AT) break;
    }
    const oldest = this.#locks.keys().next();
    if (oldest.done !== true) this.#locks.delete(oldest.value);
  }
}
