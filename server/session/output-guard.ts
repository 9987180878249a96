/**
 * Stops a session in which something came out as often as a rule allows: for a person's decision, or for
 * good. What crossed the line is delivered only if the session goes on. Not caught here: what came out of
 * other sessions of the same principal.
 */
import { concerns } from '../policy/judge.ts';
import type { Decision, Facts } from '../policy/decision.ts';
import type { OutputRule, Policy } from '../policy/policy.ts';
import type { GateOutcome } from './gate.ts';
import type { OutputMasking } from './masking.ts';
import type { ChannelEnd, InputUnit, OutputUnit, UpstreamEnd } from './ports.ts';

/** The rules of a policy that are about what comes out of this session. */
export function outputRulesFor(policy: Policy, facts: Facts): readonly OutputRule[] {
  return policy.outputRules.filter((rule) => concerns(rule, facts));
}

export interface OutputGuardOptions {
  readonly rules: readonly OutputRule[];
  /** Records the decision and, if it is to hold, waits for a person's. */
  readonly decide: (text: string, decision: Decision) => Promise<GateOutcome>;
  /** The session ends. */
  readonly onRefused: (notice: string) => void;
}

export class OutputGuard {
  readonly #options: OutputGuardOptions;
  /** Rules that a person has let go on. */
  readonly #passed = new Set<OutputRule>();
  #open: Promise<void> = Promise.resolve();

  constructor(options: OutputGuardOptions) {
    this.#options = options;
  }

  /**
   * Looks at what has come out so far. Resolves when it may be delivered, also if that is never.
   * null = nothing is in the way.
   */
  watch(masking: OutputMasking): Promise<void> | null {
    const rule = this.#options.rules.find((one) => {
      if (this.#passed.has(one)) return false;
      return one.wanted.reduce((sum, wanted) => sum + masking.count(wanted), 0) >= one.count;
    });
    if (rule === undefined) return null;
    this.#passed.add(rule);
    masking.pause();
    this.#open = this.#stop(rule, masking);
    return this.#open;
  }

  async #stop(rule: OutputRule, masking: OutputMasking): Promise<void> {
    const times = rule.count.toLocaleString('en');
    const text = `(output: ${times} × ${rule.what})`;
    const outcome = await this.#options.decide(text, {
      verdict: rule.action,
      certainty: 'exact',
      rule: rule.name,
      reason: rule.reason ?? `${rule.what} came out ${times} times in this session`,
      deciding: null,
      commands: [],
      approvers: rule.approvers,
    });
    if (outcome.kind === 'refused') {
      this.#options.onRefused(outcome.notice);
      // Nothing more is delivered; the session ends.
      return new Promise(() => {});
    }
    masking.resume();
    // Another rule may have been crossed meanwhile.
    return this.watch(masking) ?? undefined;
  }

  /** The target's end, to which nothing goes while the session is stopped. */
  guarded(upstream: UpstreamEnd): ChannelEnd<OutputUnit, InputUnit> {
    return {
      read: () => upstream.read(),
      write: async (unit) => {
        if (unit.kind !== 'close') await this.#open;
        await upstream.write(unit);
      },
    };
  }
}
