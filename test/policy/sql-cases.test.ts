/**
 * Our own cases of SQL given to clients, under the policy of the corpora. `opaque` lines must be held or
 * denied, for nobody can know what they run.
 */
import { deepEqual, ok } from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { parse } from 'yaml';

import { compilePolicy } from '../../server/policy/document.ts';
import { judge } from '../../server/policy/judge.ts';
import type { Policy } from '../../server/policy/policy.ts';
import { FACTS } from './support.ts';

interface Case {
  readonly id: string;
  readonly class: string;
  readonly command: string;
  readonly intent?: string;
  readonly expect: 'deny' | 'opaque' | 'allow';
}

const CASES = new URL('../cases/', import.meta.url);

function cases(): Case[] {
  const text = readFileSync(new URL('sql/clients.jsonl', CASES), 'utf8').trim();
  return text.split('\n').map((line) => JSON.parse(line) as Case);
}

function corpusPolicy(): Policy {
  const file = parse(readFileSync(new URL('policy/corpus.yaml', CASES), 'utf8')) as {
    policies: { corpus: unknown };
  };
  const compiled = compilePolicy('corpus', file.policies.corpus);
  if (compiled.kind === 'invalid') throw new Error(JSON.stringify(compiled.problems));
  return compiled.policy;
}

/** The rules that name each intent. */
const RULES: Readonly<Record<string, readonly string[]>> = {
  'DROP DATABASE prod': ['no-drop', 'no-dropdb'],
  'rm -rf /data': ['no-wipe'],
  'cat /etc/shadow': ['shadow'],
  sysrq: ['sysrq'],
};

const policy = corpusPolicy();
const decided = cases().map((one) => ({
  one,
  decision: judge(policy, FACTS, { text: one.command, language: 'shell' }),
}));

/** What a case should have been, for the message of a failure. */
function show(failed: typeof decided): string[] {
  return failed.map(
    ({ one, decision }) => `${one.id} ${decision.verdict} ${decision.rule}: ${one.command}`,
  );
}

describe('SQL given to clients', () => {
  it('is there in every class', () => {
    const classes = [...new Set(decided.map(({ one }) => one.class))].sort();
    deepEqual(classes, ['sql', 'sql-cli', 'sql-dynamic', 'sql-reach']);
    ok(decided.length > 250);
  });

  it('is denied by the right rule where it can be read', () => {
    const missed = decided.filter(
      ({ one, decision }) =>
        one.expect === 'deny' &&
        !(
          decision.verdict === 'deny' &&
          RULES[one.intent ?? '']?.includes(decision.rule ?? '') === true
        ),
    );
    deepEqual(show(missed), []);
  });

  it('is held where it can not be read', () => {
    const missed = decided.filter(
      ({ one, decision }) => one.expect === 'opaque' && decision.verdict === 'allow',
    );
    deepEqual(show(missed), []);
  });

  it('is allowed where it is harmless', () => {
    const missed = decided.filter(
      ({ one, decision }) => one.expect === 'allow' && decision.verdict !== 'allow',
    );
    deepEqual(show(missed), []);
  });
});
