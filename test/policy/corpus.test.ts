/**
 * The corpora under their policy. What the floors promise is what the README may say. `invisible`: no
 * reader of commands can see what a program of the target does under a harmless name.
 */
import { equal, ok } from 'node:assert/strict';
import { readFileSync } from 'node:fs';

import type { Decision } from '../../server/policy/decision.ts';
import {
  caseLines,
  decide,
  isExpected,
  show,
  type CaseLine,
  type DecidedLine,
} from './case-lines.ts';

/** The rules that name each intent of the corpus. */
const RULES: readonly (readonly [intent: RegExp, rules: readonly string[]])[] = [
  [/rm -rf/, ['no-wipe', 'pods']],
  [/shadow/, ['shadow']],
  [/drop/i, ['no-drop', 'no-dropdb', 'pods']],
  [/kubectl/, ['pods']],
  [/shutdown/, ['power', 'sysrq']],
];

function rightRule(line: CaseLine, decision: Decision): boolean {
  const rules = RULES.find(([intent]) => intent.test(line.intent ?? ''))?.[1] ?? [];
  return decision.rule !== null && rules.includes(decision.rule);
}

const COLUMNS = ['lines', 'deny', 'hold', 'allow', 'expected', 'right rule'] as const;
type Counts = Record<(typeof COLUMNS)[number], number>;

function countsOf(all: readonly DecidedLine[]): Counts {
  const counts = { lines: 0, deny: 0, hold: 0, allow: 0, expected: 0, 'right rule': 0 };
  for (const [line, decision] of all) {
    counts.lines++;
    counts[decision.verdict]++;
    if (isExpected(line, decision)) counts.expected++;
    if (decision.verdict === 'deny' && rightRule(line, decision)) counts['right rule']++;
  }
  return counts;
}

function table(all: readonly DecidedLine[]): string {
  const classes = [...new Set(all.map(([line]) => line.class))];
  const rows = [
    ...classes.map(
      (name) => [name, countsOf(all.filter(([line]) => line.class === name))] as const,
    ),
    ['all', countsOf(all)] as const,
  ];
  const text = rows.map(([name, counts]) =>
    [
      `      ${name.padEnd(22)}`,
      ...COLUMNS.map((column) => String(counts[column]).padStart(column.length + 2)),
    ].join(''),
  );
  const head = COLUMNS.map((column) => `  ${column}`).join('');
  return [`      ${'class'.padEnd(22)}${head}`, ...text].join('\n');
}

/** What the README says about a corpus: `| NAME | lines | deny | hold | allow | expected | right rule |`. */
function readmeCounts(name: string): Counts {
  const text = readFileSync(new URL('../../README.md', import.meta.url), 'utf8');
  const row = text.split('\n').find((line) => line.startsWith(`| ${name} |`)) ?? '';
  const cells = row.split('|').slice(2).map(Number);
  return Object.fromEntries(
    COLUMNS.map((column, index) => [column, cells[index] ?? NaN]),
  ) as Counts;
}

describe('the corpus of bypass attempts', () => {
  const all = caseLines('policy/bypass.jsonl').map((line): DecidedLine => [line, decide(line)]);
  before(() => console.log(table(all)));

  it('is as large as the README says, and no worse', () => {
    const said = readmeCounts('bypass attempts');
    const found = countsOf(all);
    equal(found.lines, said.lines);
    ok(found.allow <= said.allow, table(all));
    ok(found.expected >= said.expected && found['right rule'] >= said['right rule'], table(all));
  });

  it('denies by the right rule at least 99 of 100 lines that are to be denied', () => {
    const expected = all.filter(([line]) => line.expect === 'deny');
    const missed = expected.filter(
      ([line, decision]) => decision.verdict !== 'deny' || !rightRule(line, decision),
    );
    ok(missed.length <= expected.length * 0.01, show(missed).join('\n'));
  });

  it('lets no line through that is to be denied', () => {
    const missed = all.filter(
      ([line, { verdict }]) => line.expect === 'deny' && verdict === 'allow',
    );
    ok(missed.length === 0, show(missed).join('\n'));
  });

  it('holds or denies every line that can only be seen to be opaque, but for the invisible', () => {
    const missed = all.filter(
      ([line, { verdict }]) =>
        line.expect === 'opaque' && line.class !== 'invisible' && verdict === 'allow',
    );
    ok(missed.length === 0, show(missed).join('\n'));
  });
});

describe('the corpus of harmless look-alikes', () => {
  const all = caseLines('policy/benign.jsonl').map((line): DecidedLine => [line, decide(line)]);
  before(() => console.log(table(all)));

  it('is as large as the README says, and no worse', () => {
    const said = readmeCounts('harmless look-alikes');
    const found = countsOf(all);
    equal(found.lines, said.lines);
    ok(found.deny <= said.deny && found.hold <= said.hold, table(all));
    ok(found.expected >= said.expected, table(all));
  });

  it('allows at least 99 of 100', () => {
    const expected = all.filter(([line]) => line.expect === 'allow');
    const missed = expected.filter(([, { verdict }]) => verdict !== 'allow');
    ok(missed.length <= expected.length * 0.01, show(missed).join('\n'));
  });

  it('denies none of those that may be held', () => {
    const missed = all.filter(
      ([line, { verdict }]) => line.expect === 'allow-or-opaque' && verdict === 'deny',
    );
    ok(missed.length === 0, show(missed).join('\n'));
  });

  it('prints how many decisions a second of processor time gives', () => {
    const before = process.cpuUsage();
    for (const [line] of all) decide(line);
    const { user, system } = process.cpuUsage(before);
    console.log(`      ${Math.round((all.length / (user + system)) * 1e6)} decisions per second`);
    ok(all.length > 100);
  });
});
