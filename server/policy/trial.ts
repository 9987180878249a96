/**
 * What a changed policy would have said. Each command is judged by itself, by both policies alike, so that
 * only the change shows. Not caught here: what the session knew when it was decided – earlier lines, a
 * working directory – and rules on files, forwards and output.
 */
import type { Decision, Facts, Verdict } from './decision.ts';
import { judge } from './judge.ts';
import type { Policy } from './policy.ts';

export interface Sample {
  readonly text: string;
  readonly language: 'shell' | 'sql';
  readonly facts: Facts;
}

export interface TriedDecision {
  readonly decision: Verdict;
  readonly rule: string | null;
  readonly reason: string | null;
}

export type Trial =
  | { readonly kind: 'same' }
  | {
      readonly kind: 'looser' | 'stricter' | 'other-rule';
      readonly before: TriedDecision;
      readonly after: TriedDecision;
    };

const STRICTNESS: Readonly<Record<Verdict, number>> = { allow: 0, hold: 1, deny: 2 };

export function tryOut(before: Policy, after: Policy, { facts, language, text }: Sample): Trial {
  const one = judge(before, facts, { text, language });
  const other = judge(after, facts, { text, language });
  const difference = STRICTNESS[other.verdict] - STRICTNESS[one.verdict];
  if (difference === 0 && one.rule === other.rule) return { kind: 'same' };
  const both = { before: shown(one), after: shown(other) };
  if (difference === 0) return { kind: 'other-rule', ...both };
  return { kind: difference < 0 ? 'looser' : 'stricter', ...both };
}

function shown({ reason, rule, verdict }: Decision): TriedDecision {
  return { decision: verdict, rule, reason };
}
