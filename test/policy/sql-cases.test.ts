/**
 * Our own cases of SQL given to clients, under the policy of the corpora. `opaque` lines must be held or
 * denied, for nobody can know what they run.
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
  'DROP DATABASE prod': ['no-drop', 'no-dropdb'],
  'rm -rf /data': ['no-wipe'],
  'cat /etc/shadow': ['shadow'],
  sysrq: ['sysrq'],
};

const decided = caseLines('sql/clients.jsonl').map((line): DecidedLine => [line, decide(line)]);

describe('SQL given to clients', () => {
  it('is there in every class', () => {
    const classes = [...new Set(decided.map(([line]) => line.class))].sort();
    deepEqual(classes, ['sql', 'sql-cli', 'sql-dynamic', 'sql-reach']);
    ok(decided.length > 250);
  });

  const OUTCOMES = {
    deny: 'is denied by the right rule where it can be read',
    opaque: 'is held where it can not be read',
    allow: 'is allowed where it is harmless',
  } as const;
  for (const [expect, title] of Object.entries(OUTCOMES)) {
    it(title, () => {
      const wrong = decided.filter(
        ([line, decision]) => line.expect === expect && !isRight(line, decision, RULES),
      );
      deepEqual(show(wrong), []);
    });
  }
});
