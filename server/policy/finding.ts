/**
 * What is found while a line is judged: which rule fits what, and what can't be known. Pure. Not caught
 * here: whether a rule fits; see rule-index.ts.
 */
import type { ReadCommand } from '../shell/command.ts';
import type { Verdict } from './decision.ts';
import { explain } from './explain.ts';
import type { HoldGround } from './hold-terms.ts';
import type { Fit, Policy, Rule } from './policy.ts';
import type { Subject } from './rule-index.ts';

/** A subject of rules with what is reported of it. */
export interface Judged extends Subject {
  readonly command: ReadCommand;
}

const STRICTNESS: Readonly<Record<Verdict, number>> = { allow: 0, hold: 1, deny: 2 };

export interface Finding {
  readonly verdict: Verdict;
  readonly rule: Rule | null;
  readonly fit: Fit;
  /** Position of the command; null = the input as a whole. */
  readonly index: number | null;
  /** Why it isn't certain, where no rule is in question. */
  readonly why: string | null;
}

/** Stricter first; at equal strictness a rule that fits says more than what is uncertain or default. */
export function weight({ verdict, rule, fit }: Finding): number {
  return (
    STRICTNESS[verdict] * 10 + (rule !== null && fit === 'yes' ? 2 : 0) + (fit === 'maybe' ? 1 : 0)
  );
}

export function explained(finding: Finding, subjects: readonly Judged[], policy: Policy): string {
  const subject = finding.index === null ? null : (subjects[finding.index] ?? null);
  return explain(
    { rule: finding.rule, why: finding.why, isDoubt: finding.fit === 'maybe' },
    subject?.resolved ?? subject?.command ?? null,
    subjects.length > 1,
    policy,
  );
}

/** Why a line is held: every rule once, and every doubt. */
export function groundsFor(
  findings: readonly Finding[],
  subjects: readonly Judged[],
  policy: Policy,
): readonly HoldGround[] {
  const grounds = new Map<string, HoldGround>();
  let doubts = 0;
  for (const finding of findings.toSorted((one, other) => weight(other) - weight(one))) {
    if (finding.verdict !== 'hold') continue;
    const rule = finding.rule?.name ?? null;
    const isDoubt = finding.fit === 'maybe';
    const key = rule === null ? `\0${finding.why ?? ''}` : `${rule} ${String(isDoubt)}`;
    if (grounds.has(key) || (rule === null && (doubts += 1) > MAX_DOUBTS)) continue;
    grounds.set(key, { rule, isDoubt, why: explained(finding, subjects, policy) });
  }
  return [...grounds.values()];
}

/** Reasons without a rule that an approver is told. */
const MAX_DOUBTS = 20;
