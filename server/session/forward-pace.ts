/**
 * How fast new forwards may come: each is a session with rows of its own, and a program that scans a network
 * through one must not fill the journal. One bucket per principal. Pure; the clock is the caller's.
 */

/** What a principal may open at once after a pause, and how many more each second. */
export interface ForwardPaceLimits {
  readonly forwardBurst: number;
  readonly forwardsPerSecond: number;
}

interface Bucket {
  tokens: number;
  atUs: number;
}

/** Buckets that are kept; those that were not used for longest go first. */
const MAX_BUCKETS = 4096;

export class ForwardPace {
  readonly #limits: ForwardPaceLimits;
  readonly #buckets = new Map<string, Bucket>();

  constructor(limits: ForwardPaceLimits) {
    this.#limits = limits;
  }

  /** Whether `principal` may have another one now. */
  enter(principal: string, nowUs: number): boolean {
    const { forwardBurst, forwardsPerSecond } = this.#limits;
    const known = this.#buckets.get(principal) ?? { tokens: forwardBurst, atUs: nowUs };
    const gained = ((nowUs - known.atUs) / 1_000_000) * forwardsPerSecond;
    const tokens = Math.min(forwardBurst, known.tokens + gained);
    const isAllowed = tokens >= 1;
    this.#buckets.delete(principal);
    this.#buckets.set(principal, { tokens: isAllowed ? tokens - 1 : tokens, atUs: nowUs });
    const [oldest] = this.#buckets.keys();
    if (this.#buckets.size > MAX_BUCKETS && oldest !== undefined) this.#buckets.delete(oldest);
    return isAllowed;
  }
}
