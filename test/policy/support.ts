/** What the policy tests share: a compiled policy from rules, and a plain decision. */
import type { Decision, Facts } from '../../server/policy/decision.ts';
import { compilePolicy, type RuleDocument } from '../../server/policy/document.ts';
import { judge } from '../../server/policy/judge.ts';
import type { Policy } from '../../server/policy/policy.ts';

export const FACTS: Facts = {
  principal: { name: 'deploy-bot', groups: ['agents'] },
  target: { name: 'web1', labels: { env: 'prod' } },
};

/** Compiles or throws. */
export function policyOf(document: object): Policy {
  const compiled = compilePolicy('test', document);
  if (compiled.kind === 'invalid') throw new Error(JSON.stringify(compiled.problems));
  return compiled.policy;
}

/** Judges a shell line under rules; names and the action `deny` are added where a rule has none. */
export function judged(
  rules: readonly Partial<RuleDocument>[],
  text: string,
  rest: object = {},
  facts: Facts = FACTS,
): Decision {
  const named = rules.map((rule, index) => ({ name: `r${index}`, action: 'deny', ...rule }));
  return judge(policyOf({ ...rest, rules: named }), facts, { text, language: 'shell' });
}
