/**
 * What a hold asks for before it is released: who may approve, how many must, and who is asked later. Pure.
 * Not caught here: whether the named people exist and have the role; see the configuration's references.
 */
import { z } from 'zod';
import type { Decision } from './decision.ts';
import { durationSchema, milliseconds } from './duration.ts';
import type { HoldTerms, Policy } from './policy.ts';
import type { PolicyNote } from './rule-warnings.ts';

/** People that one hold may ask for. */
export const MAX_APPROVALS = 10;
/** Principals and groups of one list. */
const MAX_NAMED = 500;
const NAME = '[A-Za-z0-9_][A-Za-z0-9._-]{0,127}';

/** Principals and `group:NAME`. */
export const principalSelectors = z
  .array(
    z.string().regex(new RegExp(`^(group:)?${NAME}$`), 'is neither a principal nor group:NAME'),
  )
  .min(1)
  .max(MAX_NAMED);

/** Keys of a rule that holds; the same keys of the policy count for rules without them. */
export const holdKeys = {
  approvers: principalSelectors.optional(),
  approvals: z.int().min(1).max(MAX_APPROVALS).optional(),
  fourEyes: z.boolean().optional(),
  escalate: z
    .strictObject({
      after: durationSchema({
        leastMs: 100,
        mostMs: 30 * 86_400_000,
        message: 'a hold escalates after at least 100ms and at most 30d',
      }),
      to: principalSelectors,
    })
    .optional(),
} as const;

interface HoldEntry {
  readonly approvers?: readonly string[] | undefined;
  readonly approvals?: number | undefined;
  readonly fourEyes?: boolean | undefined;
  readonly escalate?: { readonly after: string; readonly to: readonly string[] } | undefined;
}

/** What is asked for where nothing is written. */
export const USUAL_TERMS: HoldTerms = {
  approvers: [],
  minimum: 1,
  fourEyes: false,
  escalation: null,
};

/**
 * @param usual for the keys that are left out
 * @param path of the entry
 * @param holdTimeoutMs a hold that escalates later than it ends, never does: that is a problem
 */
export function compileTerms(
  entry: HoldEntry,
  usual: HoldTerms,
  path: readonly (string | number)[],
  holdTimeoutMs: number,
  problems: PolicyNote[],
): HoldTerms {
  const { approvals, approvers, escalate, fourEyes } = entry;
  const escalation =
    escalate === undefined ? null : { afterMs: milliseconds(escalate.after), to: escalate.to };
  if (escalation !== null && escalation.afterMs >= holdTimeoutMs) {
    problems.push({
      path: [...path, 'escalate', 'after'],
      message: `${escalate?.after ?? ''} is not before the end of the hold, so nobody is ever added`,
      hint: 'write a shorter time, or a longer holdTimeout',
    });
  }
  const terms = {
    approvers: approvers ?? usual.approvers,
    minimum: approvals ?? usual.minimum,
    fourEyes: fourEyes ?? usual.fourEyes,
    escalation: escalation ?? usual.escalation,
  };
  if (escalate !== undefined && terms.approvers.length === 0) {
    problems.push({
      path: [...path, 'escalate'],
      message: 'every approver may decide from the start, so there is nobody to add',
      hint: 'name approvers, or leave escalate out',
    });
  }
  return terms;
}

/** Why a line is held, by one rule or by none. */
export interface HoldGround {
  readonly rule: string | null;
  /** The rule may or may not be about it; or it can't be read with certainty. */
  readonly isDoubt: boolean;
  readonly why: string;
}

/** Every reason for which a decision holds. */
export function groundsOf(decision: Decision): readonly HoldGround[] {
  if (decision.grounds !== undefined && decision.grounds.length > 0) return decision.grounds;
  const { certainty, reason, rule } = decision;
  return [{ rule, isDoubt: rule === null && certainty === 'uncertain', why: reason ?? '' }];
}

/** What each rule that holds asks for; all of it must be met. */
export function termsOf(
  policy: Policy,
  grounds: readonly HoldGround[],
): readonly (HoldTerms & { readonly rule: string | null })[] {
  const names = [...new Set(grounds.map(({ rule }) => rule))];
  const found = names.map((name) => {
    const rule = [...policy.rules, ...policy.outputRules].find((one) => one.name === name);
    return rule === undefined ? { rule: null, ...policy.terms } : { rule: name, ...rule.terms };
  });
  const seen = new Set<string>();
  return found.filter((terms) => {
    const key = JSON.stringify(terms);
    return !seen.has(key) && seen.add(key);
  });
}
