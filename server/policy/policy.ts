/** A compiled policy: what `judge` needs, with every pattern parsed. */
import type { Verdict } from './decision.ts';

export interface Policy {
  readonly name: string;
  /** Verdict when no rule matches. */
  readonly default: Verdict;
  /** Verdict for what can't be read with certainty. */
  readonly uncertain: Verdict;
  readonly holdTimeoutMs: number;
}
