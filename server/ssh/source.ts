/**
 * How much one source, and all strangers together, may take of the front door. Pure but for time and chance
 * that are passed in. Nobody is shut out by what others do: sources that somebody has signed in from keep
 * places of their own and are never slowed down. Not caught here: an attacker with many addresses, against
 * whom only the total bound holds.
 */
import type { GatewayLimits } from './limits.ts';

export interface Refusal {
  readonly why: string;
  /** True for the first refusal of a series, so that a flood is logged once. */
  readonly isFirst: boolean;
}

interface Source {
  tokens: number;
  atUs: number;
  strangers: number;
  waiting: number;
  isRefusing: boolean;
  /** What it owes is over then, microseconds. */
  owesUntilUs: number;
}

/** How a stranger's connection has ended; `late`: its time was over. */
export type Ending = 'authenticated' | 'refused' | 'silent' | 'late';

export class SourceLimiter {
  readonly #limits: GatewayLimits;
  readonly #nowUs: () => number;
  readonly #random: () => number;
  readonly #sources = new Map<string, Source>();
  /** Until when sources count that somebody has signed in from; the oldest first. */
  readonly #proven = new Map<string, number>();
  #strangers = 0;
  #waiting = 0;

  /** @param random evenly from 0 up to 1 */
  constructor(limits: GatewayLimits, nowUs: () => number, random: () => number) {
    this.#limits = limits;
    this.#nowUs = nowUs;
    this.#random = random;
  }

  /** A connection of this source comes in: null = it may. Then `leave` must follow once. */
  enter(key: string): Refusal | null {
    const source = this.#source(key);
    const why = this.#refusal(source, this.#isProven(key));
    if (why !== null) {
      const isFirst = !source.isRefusing;
      source.isRefusing = true;
      return { why, isFirst };
    }
    source.isRefusing = false;
    source.tokens -= 1;
    source.strangers += 1;
    this.#strangers += 1;
    return null;
  }

  /** The connection has authenticated or ended. */
  leave(key: string, ending: Ending): void {
    this.#gone(key);
    const source = this.#sources.get(key);
    if (ending === 'authenticated') return this.#prove(key, source);
    if (source === undefined) return;
    const { lateMs, maxMs, refusedMs, silentMs } = this.#limits.penalties;
    const costMs = { refused: refusedMs, silent: silentMs, late: lateMs }[ending];
    const nowUs = this.#nowUs();
    const owedUs = Math.max(source.owesUntilUs, nowUs) - nowUs + costMs * 1000;
    source.owesUntilUs = nowUs + Math.min(owedUs, maxMs * 1000);
  }

  /** How long a connection of this source waits before it is answered, milliseconds. */
  delayMs(key: string): number {
    const source = this.#sources.get(key);
    if (source === undefined || this.#isProven(key)) return 0;
    const { firstDelayMs, fromMs, maxDelayMs } = this.#limits.penalties;
    const over = this.#owedMs(source) / fromMs;
    return over < 1 ? 0 : Math.min(maxDelayMs, firstDelayMs * 2 ** Math.floor(over - 1));
  }

  #owedMs(source: Source): number {
    return Math.max(0, source.owesUntilUs - this.#nowUs()) / 1000;
  }

  #gone(key: string): void {
    this.#strangers -= 1;
    const source = this.#sources.get(key);
    if (source !== undefined) source.strangers -= 1;
  }

  #isProven(key: string): boolean {
    return (this.#proven.get(key) ?? 0) > this.#nowUs();
  }

  #prove(key: string, source: Source | undefined): void {
    if (source !== undefined) source.owesUntilUs = 0;
    this.#proven.delete(key);
    this.#proven.set(key, this.#nowUs() + this.#limits.provenMs * 1000);
    const oldest = this.#proven.keys().next();
    const isFull = this.#proven.size > this.#limits.maxSources;
    if (isFull && oldest.done !== true) this.#proven.delete(oldest.value);
  }

  /**
   * A stranger of this source waits for a person from now on, and counts as one that waits instead. False =
   * too many do. Otherwise `resume` must follow once.
   */
  wait(key: string): boolean {
    const { maxWaiting, maxWaitingPerSource } = this.#limits;
    const source = this.#sources.get(key);
    // A source that isn't remembered, because too many are, couldn't be counted.
    if (source === undefined || source.waiting >= maxWaitingPerSource) return false;
    if (this.#waiting >= maxWaiting) return false;
    this.#waiting += 1;
    source.waiting += 1;
    this.#gone(key);
    return true;
  }

  /** The wait is over: the connection is a stranger's again until it has authenticated. */
  resume(key: string): void {
    this.#waiting -= 1;
    this.#strangers += 1;
    const source = this.#sources.get(key);
    if (source === undefined) return;
    source.waiting -= 1;
    source.strangers += 1;
  }

  #refusal(source: Source, isProven: boolean): string | null {
    const { maxUnauthenticated, maxUnauthenticatedPerSource, penalties, provenPlaces } =
      this.#limits;
    if (source.tokens < 1) return 'too many connections a second from this source';
    if (source.strangers >= maxUnauthenticatedPerSource) {
      return 'too many unauthenticated connections from this source';
    }
    if (isProven) {
      const isFull = this.#strangers >= maxUnauthenticated + provenPlaces;
      return isFull ? 'too many unauthenticated connections' : null;
    }
    const isSlowed = this.#owedMs(source) >= penalties.fromMs;
    if (isSlowed && source.strangers >= penalties.maxOpen) {
      return 'too many connections of this source that ended without a sign-in';
    }
    return this.#isDropped() ? 'too many unauthenticated connections' : null;
  }

  /** By chance between the two bounds, so that a flood leaves places for others. */
  #isDropped(): boolean {
    const { earlyDropFrom, earlyDropShare, maxUnauthenticated } = this.#limits;
    if (this.#strangers >= maxUnauthenticated) return true;
    if (this.#strangers < earlyDropFrom) return false;
    const way = (this.#strangers - earlyDropFrom) / (maxUnauthenticated - earlyDropFrom);
    return this.#random() < earlyDropShare + (1 - earlyDropShare) * way;
  }

  #source(key: string): Source {
    const nowUs = this.#nowUs();
    const { connectionBurst, connectionsPerSecond, maxSources } = this.#limits;
    const known = this.#sources.get(key);
    if (known === undefined) {
      if (this.#sources.size >= maxSources) this.#forgetIdle(nowUs);
      const source = {
        tokens: connectionBurst,
        atUs: nowUs,
        strangers: 0,
        waiting: 0,
        isRefusing: false,
        owesUntilUs: 0,
      };
      // A table full of busy sources takes no more: such a source has no history, only this attempt.
      if (this.#sources.size < maxSources) this.#sources.set(key, source);
      return source;
    }
    const earned = ((nowUs - known.atUs) / 1e6) * connectionsPerSecond;
    known.tokens = Math.min(connectionBurst, known.tokens + earned);
    known.atUs = nowUs;
    return known;
  }

  #forgetIdle(nowUs: number): void {
    const refilledUs = (this.#limits.connectionBurst / this.#limits.connectionsPerSecond) * 1e6;
    for (const [key, source] of this.#sources) {
      const isIdle = source.strangers + source.waiting === 0 && source.owesUntilUs <= nowUs;
      if (isIdle && nowUs - source.atUs > refilledUs) this.#sources.delete(key);
    }
  }
}
