import { deepEqual, match, ok } from 'node:assert/strict';
import { describe, it } from 'mocha';
import { compilePolicy, type PolicyProblem } from '../../server/policy/document.ts';

const RULE = { name: 'r', action: 'deny', match: { command: 'rm' } };

function problemsOf(document: unknown): readonly PolicyProblem[] {
  const compiled = compilePolicy('p', document);
  return compiled.kind === 'invalid' ? compiled.problems : [];
}

describe('masks of a policy', () => {
  const BAD: readonly [string, unknown, readonly (string | number)[], RegExp][] = [
    [
      'a detector that nobody knows',
      { masks: [{ name: 'cards', detector: ['aws-key', 'creditcards'] }] },
      ['masks', 0, 'detector', 1],
      /no detector named creditcards/,
    ],
    [
      'a mask with detector and pattern',
      { masks: [{ name: 'a', detector: 'jwt', pattern: 'x' }] },
      ['masks', 0],
      /either a detector or a pattern/,
    ],
    ['a mask without either', { masks: [{ name: 'a' }] }, ['masks', 0], /either a detector/],
    [
      'a key that no mask has',
      { masks: [{ name: 'a', regex: 'x' }] },
      ['masks', 0, 'regex'],
      /not known here/,
    ],
    [
      'two masks of one name',
      {
        masks: [
          { name: 'a', detector: 'jwt' },
          { name: 'a', pattern: 'xyz' },
        ],
      },
      ['masks', 1, 'name'],
      /another mask is named a/,
    ],
    [
      'a pattern of a mask that RE2 does not read',
      { masks: [{ name: 'a', pattern: '(?<=x)y' }] },
      ['masks', 0, 'pattern'],
      /can't be read/,
    ],
    [
      'a pattern of a mask that is everywhere',
      { masks: [{ name: 'a', pattern: 'x*' }] },
      ['masks', 0, 'pattern'],
      /empty text/,
    ],
    [
      'a rule on output without a count',
      { rules: [{ ...RULE, match: { output: 'jwt' } }] },
      ['rules', 0, 'match'],
      /belong together/,
    ],
    [
      'a rule on output and commands',
      { rules: [{ ...RULE, match: { output: 'jwt', count: 2, command: 'ls' } }] },
      ['rules', 0, 'match'],
      /stands without command/,
    ],
    [
      'a rule on output that allows',
      { rules: [{ ...RULE, action: 'allow', match: { output: 'jwt', count: 2 } }] },
      ['rules', 0, 'action'],
      /nothing to allow/,
    ],
    [
      'a rule on output that names nothing known',
      { rules: [{ ...RULE, match: { output: 'jwts', count: 2 } }] },
      ['rules', 0, 'match', 'output'],
      /no detector named jwts/,
    ],
  ];
  for (const [behaviour, document, path, message] of BAD) {
    it(`refuses ${behaviour} and says where`, () => {
      const [problem] = problemsOf(document);
      ok(problem !== undefined);
      deepEqual(problem.path, path);
      match(problem.message, message);
      ok(problem.hint.length > 5);
    });
  }

  it('compiles masks by detector, by several and by pattern', () => {
    const compiled = compilePolicy('p', {
      masks: [
        { name: 'cards', detector: 'credit-card' },
        { name: 'keys', detector: ['aws-key', 'private-key'] },
        { name: 'ticket', pattern: 'TICKET-[0-9]{6}' },
      ],
    });
    ok(compiled.kind === 'ok');
    deepEqual(
      compiled.policy.masks.map(({ name, wanted }) => [
        name,
        wanted.map((one) => (typeof one === 'string' ? one : one.source)),
      ]),
      [
        ['cards', ['credit-card']],
        ['keys', ['aws-key', 'private-key']],
        ['ticket', ['TICKET-[0-9]{6}']],
      ],
    );
  });

  it('keeps rules on output apart from rules on commands', () => {
    const compiled = compilePolicy('p', {
      masks: [{ name: 'ticket', pattern: 'TICKET-[0-9]{6}' }],
      rules: [
        RULE,
        { name: 'bulk', action: 'hold', match: { output: ['jwt', 'ticket'], count: 9 } },
      ],
    });
    ok(compiled.kind === 'ok');
    const { outputRules, rules } = compiled.policy;
    deepEqual(
      [rules.length, outputRules.map(({ name, count, what }) => [name, count, what])],
      [1, [['bulk', 9, 'jwt, ticket']]],
    );
  });

  it('suggests the detector that was meant', () => {
    const [problem] = problemsOf({ masks: [{ name: 'a', detector: 'github-tokens' }] });
    match(problem?.hint ?? '', /did you mean github-token\?/);
  });
});
