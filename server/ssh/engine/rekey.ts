/**
 * When keys are exchanged again after authentication, RFC 4253 section 9, and what a peer may cost us with
 * it: a flood of key exchanges, one that it never answers, answers that pile up meanwhile. Pure.
 * Not caught here: key exchanges before authentication, which are refused.
 */
import {
  MAX_ANSWERS_IN_EXCHANGE_BYTES,
  MAX_LATE_BYTES,
  REKEY_AFTER_BYTES,
  REKEY_AFTER_MS,
  REKEY_BURST,
  REKEYS_PER_SECOND,
} from './limits.ts';

/** Bounds of what one set of keys is used for, both directions together. */
export interface RekeyLimits {
  readonly afterBytes: number;
  readonly afterMs: number;
}

export const REKEY_LIMITS: RekeyLimits = {
  afterBytes: REKEY_AFTER_BYTES,
  afterMs: REKEY_AFTER_MS,
};

/** What holds the keys of one transport to their bounds. */
export class Rekeying {
  readonly #limits: RekeyLimits;
  readonly #nowMs: () => number;
  #bytes = 0;
  #sinceMs: number;
  #lateBytes = 0;
  #answerBytes = 0;
  #allowance = REKEY_BURST;
  #allowanceAtMs: number;

  /** @param nowMs a clock that never goes back */
  constructor(limits: RekeyLimits, nowMs: () => number) {
    this.#limits = limits;
    this.#nowMs = nowMs;
    this.#sinceMs = nowMs();
    this.#allowanceAtMs = this.#sinceMs;
  }

  /** Bytes of the wire, in either direction. */
  moved(bytes: number): void {
    this.#bytes += bytes;
  }

  /** Whether the keys have served long enough. */
  get isDue(): boolean {
    const { afterBytes, afterMs } = this.#limits;
    return this.#bytes >= afterBytes || this.#nowMs() - this.#sinceMs >= afterMs;
  }

  /** New keys are in force. */
  exchanged(): void {
    this.#bytes = 0;
    this.#sinceMs = this.#nowMs();
    this.#lateBytes = 0;
    this.#answerBytes = 0;
  }

  /** The peer sent this after we began an exchange. False = it ignores that we did. */
  isInTime(bytes: number): boolean {
    this.#lateBytes += bytes;
    return this.#lateBytes <= MAX_LATE_BYTES;
  }

  /** An answer waits for the end of an exchange. False = the peer makes too many wait. */
  mayWait(bytes: number): boolean {
    this.#answerBytes += bytes;
    return this.#answerBytes <= MAX_ANSWERS_IN_EXCHANGE_BYTES;
  }

  /** The peer began an exchange. @returns milliseconds for which it isn't read after that */
  pauseAfterRequestMs(): number {
    const nowMs = this.#nowMs();
    const gained = ((nowMs - this.#allowanceAtMs) / 1000) * REKEYS_PER_SECOND;
    this.#allowanceAtMs = nowMs;
    this.#allowance = Math.min(this.#allowance + gained, REKEY_BURST) - 1;
    return this.#allowance >= 0 ? 0 : Math.ceil((-this.#allowance / REKEYS_PER_SECOND) * 1000);
  }
}
