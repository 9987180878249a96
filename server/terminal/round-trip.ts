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
/** What comes later than this and two round trips after a key is no answer to it. */
const LATE_US = 150_000;
/** The same for keys that make the target look for something. */
const LATE_SEARCH_US = 1_000_000;
/** Completion, history and search. */
const SEARCHING: ReadonlySet<Key['kind']> = new Set<Key['kind']>(['tab', 'history', 'search']);
/** Longer pauses between a key and output have other reasons. */
export const MAX_ROUND_TRIP_US = 500_000;

export class RoundTrip {
  #smoothedUs = FIRST_GUESS_US;
  #deviationUs = 0;
  /** 0 = none was measured. */
  #leastUs = 0;
  #askedAtUs: number | null = null;
  #lastSentUs = Number.NEGATIVE_INFINITY;
  #lastKeyUs = Number.NEGATIVE_INFINITY;
  #isLastAsking = false;
  #lastReceivedUs = 0;
  #openSinceUs: number | null = null;
  /** So long after that key its answer comes at the soonest. */
  #soonestUs = 0;
  #lateUs = LATE_US;

  get smoothedUs(): number {
    return this.#smoothedUs;
  }

  /** An echo that takes longer than this is not to be expected. */
  get longUs(): number {
    return this.#smoothedUs + Math.max(this.#smoothedUs, 4 * this.#deviationUs);
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

  /** Output that comes now is no answer to a key. */
  isLate(nowUs: number): boolean {
    return nowUs - this.#lastSentUs > 2 * this.#smoothedUs + this.#lateUs;
  }

  /**
   * @param kind text is usually echoed at once
   * @param asks what the key does only the target knows
   */
  sent(nowUs: number, kind: Key['kind'], asks: boolean = SEARCHING.has(kind)): void {
    const isEchoed = kind === 'text';
    // Behind other keys, what comes next would be the echo of those; some of them have none.
    const restUs = Math.max(IDLE_US, this.#smoothedUs);
    const isBehind = this.#lastReceivedUs < this.#lastKeyUs;
    const isEcholess = this.#isLastAsking && nowUs - this.#lastKeyUs >= 2 * restUs;
    const isIdle = (!isBehind || isEcholess) && nowUs - this.#lastReceivedUs >= restUs;
    this.#lastSentUs = nowUs;
    // Nothing answers a part of a key.
    if (kind !== 'part') {
      this.#lastKeyUs = nowUs;
      this.#isLastAsking = asks;
    }
    this.#lateUs = SEARCHING.has(kind) ? LATE_SEARCH_US : LATE_US;
    if (asks) {
      this.#openSinceUs = nowUs;
      this.#soonestUs = isIdle ? 0 : this.#leastUs * SOONEST_ANSWER;
    }
    if (isEchoed && isIdle) this.#askedAtUs ??= nowUs;
  }

  /** @param isEcho it is no more than what was typed before a key whose effect only the target knows */
  received(nowUs: number, isEcho = false): void {
    this.#lastReceivedUs = nowUs;
    // What comes sooner is the echo of the keys before it.
    if (!isEcho && this.#openSinceUs !== null && nowUs - this.#openSinceUs >= this.#soonestUs) {
      this.#openSinceUs = null;
    }
    if (this.#askedAtUs === null) return;
    const sampleUs = nowUs - this.#askedAtUs;
    this.#askedAtUs = null;
    if (sampleUs > MAX_ROUND_TRIP_US) return;
    this.#leastUs = this.#leastUs === 0 ? sampleUs : Math.min(this.#leastUs, sampleUs);
    const off = Math.abs(sampleUs - this.#smoothedUs);
    this.#deviationUs = Math.round((3 * this.#deviationUs + off) / 4);
    this.#smoothedUs = Math.round((3 * this.#smoothedUs + sampleUs) / 4);
  }
}
