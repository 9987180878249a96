import assert from 'node:assert/strict';
import { compilePolicy } from '../../server/policy/document.ts';
import { groundsOf, termsOf } from '../../server/policy/hold-terms.ts';
import { judged, policyOf } from './support.ts';

const hold = (name: string, command: string, more: object = {}) =>
  ({ name, action: 'hold', match: { command }, ...more }) as const;

describe('what a hold asks for', () => {
  it('is one approver where nothing is written', () => {
    const policy = policyOf({ rules: [hold('a', 'x')] });
    assert.deepEqual(policy.rules[0]?.terms, {
      approvers: [],
      minimum: 1,
      fourEyes: false,
      escalation: null,
    });
  });

  it('is what the rule says, and for the rest what the policy says', () => {
    const policy = policyOf({
      approvers: ['group:sre'],
      approvals: 2,
      escalate: { after: '5m', to: ['lea'] },
      rules: [
        hold('a', 'x', { approvals: 3, fourEyes: true }),
        hold('b', 'y', { approvers: ['ann'] }),
      ],
    });
    const escalation = { afterMs: 300_000, to: ['lea'] };
    assert.deepEqual(
      policy.rules.map(({ terms }) => terms),
      [
        { approvers: ['group:sre'], minimum: 3, fourEyes: true, escalation },
        { approvers: ['ann'], minimum: 2, fourEyes: false, escalation },
      ],
    );
    assert.deepEqual(policy.terms, { ...policy.rules[1]?.terms, approvers: ['group:sre'] });
  });

  it('is what every rule asks for that holds the line', () => {
    const rules = [hold('a', 'x', { approvers: ['ann'] }), hold('b', 'y', { approvals: 2 })];
    const grounds = groundsOf(judged(rules, 'x; y; z'));
    assert.deepEqual(
      grounds.map(({ rule }) => rule),
      ['a', 'b'],
    );
    const terms = termsOf(policyOf({ rules }), grounds);
    assert.deepEqual(
      terms.map(({ approvers, minimum, rule }) => [rule, approvers, minimum]),
      [
        ['a', ['ann'], 1],
        ['b', [], 2],
      ],
    );
  });

  it('is no less for a line that hides which rule it is about', () => {
    const rules = [hold('a', 'x', { approvals: 2 })];
    const grounds = groundsOf(judged(rules, '$P y'));
    assert.ok(grounds.some(({ isDoubt, rule }) => rule === 'a' && isDoubt));
    const terms = termsOf(policyOf({ rules }), grounds);
    assert.equal(Math.max(...terms.map(({ minimum }) => minimum)), 2);
  });

  it('is what the policy says for what no rule names', () => {
    const document = { default: 'hold', approvals: 2, rules: [] };
    const grounds = groundsOf(judged([], 'x', { default: 'hold' }));
    assert.deepEqual(
      termsOf(policyOf(document), grounds).map(({ minimum, rule }) => [rule, minimum]),
      [[null, 2]],
    );
  });

  const FAULTS: [document: object, path: (string | number)[], message: RegExp][] = [
    [{ approvals: 0 }, ['approvals'], /approvals must be a whole number from 1 to 10/],
    [
      { approvals: 'two' },
      ['approvals'],
      /approvals must be a whole number from 1 to 10, not "two"/,
    ],
    [{ fourEyes: 'yes' }, ['fourEyes'], /fourEyes must be true or false/],
    [
      { rules: [hold('a', 'x', { aprovals: 2 })] },
      ['rules', 0, 'aprovals'],
      /aprovals is not known/,
    ],
    [
      { rules: [hold('a', 'x', { approvers: ['b'], escalate: { after: '5m' } })] },
      ['rules', 0, 'escalate', 'to'],
      /to is missing/,
    ],
    [
      { rules: [hold('a', 'x', { approvers: ['b'], escalate: { after: 'soon', to: ['c'] } })] },
      ['rules', 0, 'escalate', 'after'],
      /"soon" is no time like 30s/,
    ],
    [
      { rules: [hold('a', 'x', { approvers: ['b'], escalate: { after: '10m', to: ['c'] } })] },
      ['rules', 0, 'escalate', 'after'],
      /not before the end of the hold/,
    ],
    [
      { rules: [hold('a', 'x', { escalate: { after: '5m', to: ['c'] } })] },
      ['rules', 0, 'escalate'],
      /nobody to add/,
    ],
  ];
  for (const [document, path, message] of FAULTS) {
    it(`is refused with its place: ${message.source}`, () => {
      const compiled = compilePolicy('p', document);
      assert.ok(compiled.kind === 'invalid');
      assert.deepEqual(compiled.problems[0]?.path, path);
      assert.match(compiled.problems[0]?.message ?? '', message);
    });
  }
});
