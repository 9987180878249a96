/** Lines of the case files, each with what is to become of it under the policy of the corpora. */
import { readFileSync } from 'node:fs';
import { parse } from 'yaml';

import type { Decision, Facts } from '../../server/policy/decision.ts';
import { judge } from '../../server/policy/judge.ts';
import type { Policy } from '../../server/policy/policy.ts';
import { readShell } from '../../server/shell/read.ts';
import { initialState } from '../../server/shell/state.ts';
import { policyOf } from './support.ts';

export interface CaseLine {
  readonly id: string;
  readonly class: string;
  readonly command: string;
  readonly intent?: string;
  /** `opaque`: held or denied, for nobody can know what it runs. */
  readonly expect: 'deny' | 'opaque' | 'allow' | 'allow-or-opaque';
  readonly mode?: 'exec' | 'interactive';
}

/** The rules that may deny what has this intent. */
export type RulesByIntent = Readonly<Record<string, readonly string[]>>;

const CASES = new URL('../cases/', import.meta.url);
const FACTS: Facts = {
  principal: { name: 'agent', groups: [] },
  target: { name: 'web1', labels: {} },
};
const STRICTNESS = { allow: 0, hold: 1, deny: 2 } as const;

/** @param path below `test/cases/` */
export function caseLines(path: string): readonly CaseLine[] {
  const text = readFileSync(new URL(path, CASES), 'utf8').trim();
  return text.split('\n').map((line) => JSON.parse(line) as CaseLine);
}

function readCorpusPolicy(): Policy {
  const text = readFileSync(new URL('policy/corpus.yaml', CASES), 'utf8');
  const { policies } = parse(text) as { policies: { corpus: object } };
  return policyOf(policies.corpus);
}

export const CORPUS_POLICY = readCorpusPolicy();

/** An interactive entry is fed line by line to one session; its strictest line decides. */
export function decide({ command, mode }: CaseLine, policy: Policy = CORPUS_POLICY): Decision {
  if (mode !== 'interactive') return judge(policy, FACTS, { text: command, language: 'shell' });
  let state = initialState(true);
  const decisions = command.split('\n').map((text) => {
    const decision = judge(policy, FACTS, { text, language: 'shell', state });
    ({ after: state } = readShell(text, state));
    return decision;
  });
  return decisions.reduce((strictest, one) =>
    STRICTNESS[one.verdict] > STRICTNESS[strictest.verdict] ? one : strictest,
  );
}

/** Whether the verdict is the one that the line is to have. */
export function isExpected({ expect }: CaseLine, { verdict }: Decision): boolean {
  switch (expect) {
    case 'deny':
      return verdict === 'deny';
    case 'opaque':
      return verdict !== 'allow';
    case 'allow':
      return verdict === 'allow';
    case 'allow-or-opaque':
      return verdict !== 'deny';
  }
}

/** As expected, and where it is to be denied, by a rule about its intent. */
export function isRight(line: CaseLine, decision: Decision, rules: RulesByIntent): boolean {
  if (!isExpected(line, decision)) return false;
  if (line.expect !== 'deny') return true;
  return decision.rule !== null && rules[line.intent ?? '']?.includes(decision.rule) === true;
}

export type DecidedLine = readonly [line: CaseLine, decision: Decision];

/** For messages of failures, a line each. */
export function show(list: readonly DecidedLine[]): readonly string[] {
  return list.map(
    ([{ id, expect, command }, { verdict, rule, reason }]) =>
      `${id} wants ${expect}, is ${verdict} (${rule}: ${reason}): ${command}`,
  );
}
