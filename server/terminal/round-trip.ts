/**
 * How long the target takes to echo a key. Not caught here: why; a slow program and a slow network look
 * alike.
 */

import type { Key } from './keys.ts';

/** Assumed until an echo was measured. */
const FIRST_GUESS_US = 20_000;
/** A key that comes so long after everything has settled is answered by the output that comes next. */
const IDLE_US = 30_000;
/** The answer to a key comes after this part of the shortest round trip at the soonest. */
const SOONEST_ANSWER = 0.7;
/** Completion, history and search. */
const ASKING: ReadonlySet<Key['kind']> = new Set<Key['kind']>(['tab', 'history', 'search']);
/** Longer pauses between a key and output have other reasons. */
export const MAX_ROUND_TRIP_US = 500_000;

export class RoundTrip {
  #smoothedUs = FIRST_GUESS_US;
  /** 0 = none was measured. */
  #leastUs = 0;
  #askedAtUs: number | null = null;
  #lastSentUs = Number.NEGATIVE_INFINITY;
  #lastReceivedUs = 0;
  #openSinceUs: number | null = null;
  /** So long after that key its answer comes at the soonest. */
  #soonestUs = 0;

  get smoothedUs(): number {
    return this.#smoothedUs;
  }

  get lastSentUs(): number {
    return this.#lastSentUs;
  }

  get lastReceivedUs(): number {
    return this.#lastReceivedUs;
  }

  /** Nothing has come since a key whose effect only the target knows. */
  get isUnanswered(): boolean {
    return this.#openSinceUs !== null;
  }

  /** @param kind text is usually echoed at once; what others do only the target knows */
  sent(nowUs: number, kind: Key['kind']): void {
    const isEchoed = kind === 'text';
    // Behind other keys, what comes next would be the echo of those.
    const isIdle =
      this.#lastReceivedUs >= this.#lastSentUs &&
      nowUs - this.#lastReceivedUs >= Math.max(IDLE_US, this.#smoothedUs);
    this.#lastSentUs = nowUs;
    if (ASKING.has(kind)) {
      this.#openSinceUs = nowUs;
      this.#soonestUs = isIdle ? 0 : this.#leastUs * SOONEST_ANSWER;
    }
    if (isEchoed && isIdle) this.#askedAtUs ??= nowUs;
  }

  received(nowUs: number): void {
    this.#lastReceivedUs = nowUs;
    // What comes sooner is the echo of the keys before it.
    if (this.#openSinceUs !== null && nowUs - this.#openSinceUs >= this.#soonestUs) {
      this.#openSinceUs = null;
    }
    if (this.#askedAtUs === null) return;
    const sampleUs = nowUs - this.#askedAtUs;
    this.#askedAtUs = null;
    if (sampleUs > MAX_ROUND_TRIP_US) return;
    this.#leastUs = this.#leastUs === 0 ? sampleUs : Math.min(this.#leastUs, sampleUs);
    this.#smoothedUs = Math.round((3 * this.#smoothedUs + sampleUs) / 4);
  }
}
