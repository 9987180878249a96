/**
 * Words in every spelling: programs that read, write or delete, paths, quotes, expansions, substitutions,
 * interpreters, and harmless lines that look alike, under the policy of the corpora.
 */
import { deepEqual, ok } from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { parse } from 'yaml';

import type { Decision, Facts } from '../../server/policy/decision.ts';
import { compilePolicy } from '../../server/policy/document.ts';
import { judge } from '../../server/policy/judge.ts';
import type { Policy } from '../../server/policy/policy.ts';

interface Line {
  readonly id: string;
  readonly class: string;
  readonly command: string;
  readonly intent?: string;
  readonly expect: 'deny' | 'opaque' | 'allow';
}

const CASES = new URL('../cases/policy/', import.meta.url);
const FACTS: Facts = {
  principal: { name: 'agent', groups: [] },
  target: { name: 'web1', labels: {} },
};
/** The rules that name each intent. */
const RULES: Readonly<Record<string, readonly string[]>> = {
  'rm -rf /data': ['no-wipe'],
  'cat /etc/shadow': ['shadow'],
  shutdown: ['power', 'sysrq'],
};

const WORDS = { deny: 'denied by its rule', opaque: 'held or denied', allow: 'allowed' } as const;

function corpusPolicy(): Policy {
  const file = parse(readFileSync(new URL('corpus.yaml', CASES), 'utf8')) as {
    policies: { corpus: unknown };
  };
  const compiled = compilePolicy('corpus', file.policies.corpus);
  if (compiled.kind === 'invalid') throw new Error(JSON.stringify(compiled.problems));
  return compiled.policy;
}

const policy = corpusPolicy();
const lines = readFileSync(new URL('words.jsonl', CASES), 'utf8')
  .trim()
  .split('\n')
  .map((line) => JSON.parse(line) as Line);
const decided = lines.map((line) => ({
  line,
  decision: judge(policy, FACTS, { text: line.command, language: 'shell' }),
}));

function isRight({ expect, intent }: Line, { verdict, rule }: Decision): boolean {
  if (expect === 'allow') return verdict === 'allow';
  if (expect === 'opaque') return verdict !== 'allow';
  return verdict === 'deny' && rule !== null && RULES[intent ?? '']?.includes(rule) === true;
}

function table(): string {
  const rows = new Map<string, Map<string, [right: number, all: number]>>();
  for (const { line, decision } of decided) {
    const row = rows.get(line.class) ?? new Map<string, [number, number]>();
    rows.set(line.class, row);
    const cell = row.get(line.expect) ?? [0, 0];
    row.set(line.expect, [cell[0] + (isRight(line, decision) ? 1 : 0), cell[1] + 1]);
  }
  const text = [...rows].map(([name, row]) => {
    const cells = ['deny', 'opaque', 'allow'].map((expect) => {
      const [right, all] = row.get(expect) ?? [0, 0];
      return `${right}/${all}`.padStart(10);
    });
    return `      ${name.padEnd(20)}${cells.join('')}`;
  });
  return [`      ${'class'.padEnd(20)}      deny    opaque     allow`, ...text].join('\n');
}

describe('words in every spelling', () => {
  before(() => console.log(table()));

  it('has lines of every class, each once', () => {
    ok(lines.length >= 350);
    deepEqual(new Set(lines.map(({ id }) => id)).size, lines.length);
    deepEqual(new Set(lines.map(({ command }) => command)).size, lines.length);
    ok(new Set(lines.map((line) => line.class)).size >= 16);
  });

  for (const expect of ['deny', 'opaque', 'allow'] as const) {
    it(`decides as expected what is to be ${WORDS[expect]}`, () => {
      const wrong = decided
        .filter(({ line, decision }) => line.expect === expect && !isRight(line, decision))
        .map(
          ({ line, decision }) =>
            `${line.id} ${decision.verdict} ${decision.rule}: ${line.command}`,
        );
      deepEqual(wrong, []);
    });
  }
});
