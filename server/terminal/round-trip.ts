/**
 * How long the target takes to echo a key. Not caught here: why; a slow program and a slow network look
 * alike.
 */

/** Assumed until an echo was measured. */
const FIRST_GUESS_US = 20_000;
/** A key that comes so long after everything has settled is answered by the output that comes next. */
const IDLE_US = 30_000;
/** Longer pauses between a key and output have other reasons. */
export const MAX_ROUND_TRIP_US = 500_000;

export class RoundTrip {
  #smoothedUs = FIRST_GUESS_US;
  #askedAtUs: number | null = null;
  #lastSentUs = Number.NEGATIVE_INFINITY;
  #lastReceivedUs = 0;

  get smoothedUs(): number {
    return this.#smoothedUs;
  }

  get lastSentUs(): number {
    return this.#lastSentUs;
  }

  get lastReceivedUs(): number {
    return this.#lastReceivedUs;
  }

  /** @param isEchoed the key is usually echoed at once */
  sent(nowUs: number, isEchoed: boolean): void {
    // Behind other keys, what comes next would be the echo of those.
    const isIdle =
      this.#lastReceivedUs >= this.#lastSentUs &&
      nowUs - this.#lastReceivedUs >= Math.max(IDLE_US, this.#smoothedUs);
    this.#lastSentUs = nowUs;
    if (isEchoed && isIdle) this.#askedAtUs ??= nowUs;
  }

  received(nowUs: number): void {
    this.#lastReceivedUs = nowUs;
    if (this.#askedAtUs === null) return;
    const sampleUs = nowUs - this.#askedAtUs;
    this.#askedAtUs = null;
    if (sampleUs > MAX_ROUND_TRIP_US) return;
    this.#smoothedUs = Math.round((3 * this.#smoothedUs + sampleUs) / 4);
  }
}
