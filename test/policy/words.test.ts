/**
 * Words in every spelling: programs that read, write or delete, paths, quotes, expansions, substitutions,
 * interpreters, and harmless lines that look alike, under the policy of the corpora.
 */
import { deepEqual, ok } from 'node:assert/strict';
import {
  caseLines,
  decide,
  isRight,
  show,
  type DecidedLine,
  type RulesByIntent,
} from './case-lines.ts';

/** The rules that name each intent. */
const RULES: RulesByIntent = {
  'rm -rf /data': ['no-wipe'],
  'cat /etc/shadow': ['shadow'],
  shutdown: ['power', 'sysrq'],
};

const WORDS = { deny: 'denied by its rule', opaque: 'held or denied', allow: 'allowed' } as const;

const lines = caseLines('policy/words.jsonl');
const decided = lines.map((line): DecidedLine => [line, decide(line)]);

function table(): string {
  const rows = new Map<string, Map<string, [right: number, all: number]>>();
  for (const [line, decision] of decided) {
    const row = rows.get(line.class) ?? new Map<string, [number, number]>();
    rows.set(line.class, row);
    const cell = row.get(line.expect) ?? [0, 0];
    row.set(line.expect, [cell[0] + (isRight(line, decision, RULES) ? 1 : 0), cell[1] + 1]);
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
      const wrong = decided.filter(
        ([line, decision]) => line.expect === expect && !isRight(line, decision, RULES),
      );
      deepEqual(show(wrong), []);
    });
  }
});
