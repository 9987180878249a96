/**
 * How much one source, and all strangers together, may take of the front door. Pure but for the time that
 * is passed in. Not caught here: an attacker with many addresses; the total bound holds against it.
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
}

/** What counts as one source: an IPv4 address, or the /64 network of an IPv6 address. */
export function sourceOf(address: string): string {
  const mapped = /^::ffff:(\d+\.\d+\.\d+\.\d+)$/i.exec(address);
  if (mapped?.[1] !== undefined) return mapped[1];
  if (!address.includes(':')) return address;
  const [head = '', tail = ''] = address.split('%')[0]?.split('::', 2) ?? [];
  const front = head === '' ? [] : head.split(':');
  const back = tail === '' ? [] : tail.split(':');
  const zeros = Array.from({ length: Math.max(0, 8 - front.length - back.length) }, () => '0');
  const groups = address.includes('::') ? [...front, ...zeros, ...back] : front;
  return `${groups.slice(0, 4).join(':')}::/64`;
}

export class SourceLimiter {
  readonly #limits: GatewayLimits;
  readonly #nowUs: () => number;
  readonly #sources = new Map<string, Source>();
  #strangers = 0;
  #waiting = 0;

  constructor(limits: GatewayLimits, nowUs: () => number) {
    this.#limits = limits;
    this.#nowUs = nowUs;
  }

  /** A connection of this source comes in: null = it may. Then `leave` must follow once. */
  enter(key: string): Refusal | null {
    const source = this.#source(key);
    const why = this.#refusal(source);
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
  leave(key: string): void {
    this.#strangers -= 1;
    const source = this.#sources.get(key);
    if (source !== undefined) source.strangers -= 1;
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
    this.leave(key);
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

  #refusal(source: Source): string | null {
    const { maxUnauthenticated, maxUnauthenticatedPerSource } = this.#limits;
    if (source.tokens < 1) return 'too many connections a second from this source';
    if (source.strangers >= maxUnauthenticatedPerSource) {
      return 'too many unauthenticated connections from this source';
    }
    return this.#strangers >= maxUnauthenticated ? 'too many unauthenticated connections' : null;
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
      if (source.strangers + source.waiting === 0 && nowUs - source.atUs > refilledUs)
        this.#sources.delete(key);
    }
  }
}
