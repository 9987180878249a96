/**
 * How long an Enter waits for the echo of the keys before it. Not caught here: what the echo says; a
 * target that never answers only makes the wait as long as its limit.
 */

/** The echo has settled when nothing came for so long. */
export const SETTLE_QUIET_US = 12_000;
/** Enter is never held longer than this and two round trips to let the echo settle. */
export const SETTLE_LIMIT_US = 200_000;
/** How long an echo that contradicts the keys may take to come right, beside two round trips. */
const ECHO_LIMIT_US = 100_000;
/**
 * The same for keys that came before the answer to the Enter before them: their echo comes with the next
 * prompt, and until then nobody reads the Enter either.
 */
export const AHEAD_LIMIT_US = 1_200_000;
/** What agrees with the keys needs no longer quiet than this. */
const AGREED_QUIET_US = 2000;

export interface Waiting {
  readonly nowUs: number;
  /** When the Enter that waits came, and when the one before it went up. */
  readonly submitAtUs: number;
  readonly enteredAtUs: number;
  readonly smoothedUs: number;
  /** An echo takes no longer than this, as far as can be known. */
  readonly longUs: number;
  readonly lastReceivedUs: number;
  readonly lastSentUs: number;
  /** The line was begun before the answer to the Enter before it. */
  readonly isAhead: boolean;
  /** Keys and screen say the same. */
  readonly isAgreed: boolean;
  /** Something of what was typed is not on the screen: a secret, or a slow target. */
  readonly isUnechoed: boolean;
  /** The keys say something, and the screen something else. */
  readonly isContradicted: boolean;
}

/** How long to wait on; 0 or less = not at all. */
export function settlingUs(waiting: Waiting): number {
  const { nowUs, smoothedUs, longUs, lastReceivedUs, lastSentUs, enteredAtUs } = waiting;
  const quietUs = nowUs - lastReceivedUs;
  const sinceSubmit = nowUs - waiting.submitAtUs - 2 * smoothedUs;
  const left = (waiting.isAhead ? AHEAD_LIMIT_US : SETTLE_LIMIT_US) - sinceSubmit;
  if (left <= 0 || (waiting.isAgreed && quietUs >= AGREED_QUIET_US)) return 0;
  // What came may be the echo of an earlier key, and no key is like the other.
  const echo = lastSentUs + longUs + SETTLE_QUIET_US - nowUs;
  const isPatient = waiting.isAhead || waiting.isUnechoed;
  const patience = isPatient ? left : waiting.isContradicted ? ECHO_LIMIT_US - sinceSubmit : 0;
  const answer =
    lastReceivedUs < enteredAtUs ? enteredAtUs + 2 * smoothedUs + SETTLE_QUIET_US - nowUs : 0;
  return Math.min(left, Math.max(SETTLE_QUIET_US - quietUs, echo, patience, answer, 0));
}
