import assert from 'node:assert/strict';

import { judgeForward } from '../../server/policy/forward-place.ts';
import { FACTS, policyOf } from './support.ts';

describe('policy/forward-place', () => {
  const rules = [
    { name: 'db', action: 'hold', match: { command: 'forward db1:5432' } },
    { name: 'metadata', action: 'deny', match: { command: 'forward 169.254.169.254:*' } },
    { name: 'own', action: 'deny', match: { command: 'forward localhost:*' } },
    { name: 'v6', action: 'deny', match: { regex: '^forward \\[2001:db8:' } },
    { name: 'sockets', action: 'deny', match: { command: 'forward unix:/run/docker**' } },
    { name: 'carry', action: 'hold', match: { command: ['forward agent', 'forward x11'] } },
    { name: 'public', action: 'deny', match: { command: 'forward listen:\\*:*' } },
    { name: 'paths', action: 'deny', match: { path: ['/**', '**/db9:1'] } },
    { name: 'sql', action: 'deny', match: { sql: '*' } },
  ];
  const policy = policyOf({ default: 'allow', rules });
  const cases: readonly [
    place: string,
    others: readonly string[],
    verdict: string,
    rule: string | null,
  ][] = [
    ['db1:5432', [], 'hold', 'db'],
    ['db1:5433', [], 'allow', null],
    ['db10:5432', [], 'allow', null],
    ['169.254.169.254:80', [], 'deny', 'metadata'],
    ['localhost:80', [], 'deny', 'own'],
    ['127.0.0.1:80', ['localhost:80', '[::1]:80'], 'deny', 'own'],
    ['[2001:db8::1]:22', [], 'deny', 'v6'],
    ['unix:/run/docker.sock', [], 'deny', 'sockets'],
    ['unix:/run/docker/x.sock', [], 'deny', 'sockets'],
    ['unix:/run/app.sock', [], 'allow', null],
    ['agent', [], 'hold', 'carry'],
    ['x11', [], 'hold', 'carry'],
    ['listen:*:8080', [], 'deny', 'public'],
    ['listen:localhost:8080', [], 'allow', null],
    ['db9:1', [], 'allow', null],
  ];
  for (const [place, others, verdict, rule] of cases) {
    it(`${verdict}s forward ${place}${rule === null ? '' : ` by ${rule}`}`, () => {
      const decision = judgeForward(policy, FACTS, { place, others });
      assert.deepEqual(
        [decision.verdict, decision.rule, decision.certainty],
        [verdict, rule, 'exact'],
      );
      assert.deepEqual(decision.commands[0]?.argv, ['forward', place]);
      assert.equal(decision.commands[0]?.language, 'forward');
    });
  }

  it('follows the default of the policy, and exceptions to it', () => {
    const strict = policyOf({
      default: 'deny',
      rules: [{ name: 'db', action: 'allow', match: { command: 'forward localhost:5432' } }],
    });
    const verdict = (place: string, others: string[] = []) =>
      judgeForward(strict, FACTS, { place, others }).verdict;
    assert.equal(verdict('db1:5432'), 'deny');
    assert.equal(verdict('localhost:5432', ['127.0.0.1:5432', '[::1]:5432']), 'allow');
  });

  it('counts what a rule says to some people only for them', () => {
    const some = policyOf({
      rules: [
        {
          name: 'agents',
          action: 'hold',
          match: { command: 'forward' },
          for: { principals: ['group:people'] },
        },
      ],
    });
    assert.equal(judgeForward(some, FACTS, { place: 'db1:1', others: [] }).verdict, 'allow');
  });
});
