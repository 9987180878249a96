import { deepEqual, equal, match, ok } from 'node:assert/strict';
import * as fc from 'fast-check';

import { compilePolicy, type PolicyProblem } from '../../server/policy/document.ts';

function problemsOf(document: unknown): readonly PolicyProblem[] {
  const compiled = compilePolicy('p', document);
  return compiled.kind === 'invalid' ? compiled.problems : [];
}

const RULE = { name: 'r', action: 'deny', match: { command: 'rm' } };

describe('compilePolicy', () => {
  it('fills in what is left out', () => {
    const compiled = compilePolicy('p', {});
    ok(compiled.kind === 'ok');
    const { name, default: byDefault, uncertain, holdTimeoutMs, rules } = compiled.policy;
    deepEqual(
      [name, byDefault, uncertain, holdTimeoutMs, rules.length],
      ['p', 'allow', 'hold', 600_000, 0],
    );
  });

  it('reads times', () => {
    for (const [text, ms] of [
      ['500ms', 500],
      ['30s', 30_000],
      ['2h', 7_200_000],
      ['1d', 86_400_000],
    ] as const) {
      const compiled = compilePolicy('p', { holdTimeout: text });
      equal(compiled.kind === 'ok' && compiled.policy.holdTimeoutMs, ms);
    }
  });

  const BAD: readonly (readonly [
    behaviour: string,
    document: unknown,
    path: readonly (string | number)[],
    message: RegExp,
  ])[] = [
    ['a text instead of a map', 'deny', [], /expected object/],
    ['an unknown key', { defualt: 'deny' }, ['defualt'], /not known/],
    [
      'an unknown key of a rule',
      { rules: [{ ...RULE, matches: 1 }] },
      ['rules', 0, 'matches'],
      /not known/,
    ],
    [
      'an unknown key of a match',
      { rules: [{ ...RULE, match: { comand: 'rm' } }] },
      ['rules', 0, 'match', 'comand'],
      /not known/,
    ],
    ['an unknown verdict', { default: 'maybe' }, ['default'], /Invalid option/],
    [
      'an unknown access',
      { rules: [{ ...RULE, match: { path: '/x', access: ['erase'] } }] },
      ['rules', 0, 'match', 'access'],
      /Invalid/,
    ],
    ['a bad time', { holdTimeout: 'soon' }, ['holdTimeout'], /a time like/],
    ['an empty match', { rules: [{ ...RULE, match: {} }] }, ['rules', 0, 'match'], /at least one/],
    [
      'access without path',
      { rules: [{ ...RULE, match: { command: 'rm', access: ['read'] } }] },
      ['rules', 0, 'match'],
      /needs path/,
    ],
    [
      'a relative path',
      { rules: [{ ...RULE, match: { path: ['/a', 'b'] } }] },
      ['rules', 0, 'match', 'path', 1],
      /not absolute/,
    ],
    [
      'a pattern without a program',
      { rules: [{ ...RULE, match: { command: '--force' } }] },
      ['rules', 0, 'match', 'command'],
      /names no program/,
    ],
    [
      'a regular expression that RE2 has not',
      { rules: [{ ...RULE, match: { regex: '(a)\\1' } }] },
      ['rules', 0, 'match', 'regex'],
      /regular expression/,
    ],
    [
      'a pattern that is too long',
      { rules: [{ ...RULE, match: { regex: 'a'.repeat(1_001) } }] },
      ['rules', 0, 'match', 'regex'],
      /Invalid|Too big/,
    ],
    ['two rules of one name', { rules: [RULE, RULE] }, ['rules', 1, 'name'], /named r as well/],
    ['an unknown pack', { use: ['everything'] }, ['use', 0], /no rule pack/],
    ['masks, which nothing would apply', { masks: [] }, ['masks'], /not part of this version/],
  ];
  for (const [behaviour, document, path, message] of BAD) {
    it(`refuses ${behaviour} and says where`, () => {
      const [problem] = problemsOf(document);
      ok(problem !== undefined);
      deepEqual(problem.path, path);
      match(problem.message, message);
      ok(problem.hint.length > 0);
    });
  }

  it('refuses the whole document for one bad rule', () => {
    equal(
      compilePolicy('p', { rules: [RULE, { ...RULE, name: 'b', match: { path: 'x' } }] }).kind,
      'invalid',
    );
  });

  it('accepts one pattern or a list of them', () => {
    for (const command of ['rm', ['rm', 'mv']]) {
      equal(compilePolicy('p', { rules: [{ ...RULE, match: { command } }] }).kind, 'ok');
    }
  });

  it('loads every pack, and lets a rule of the same name replace a pack rule', () => {
    const use = ['power', 'credentials', 'wipe', 'exfiltration', 'persistence'];
    equal(compilePolicy('p', { use }).kind, 'ok');
    const own = { ...RULE, name: 'power', action: 'allow' };
    const compiled = compilePolicy('p', { use, rules: [own] });
    ok(compiled.kind === 'ok');
    deepEqual(
      compiled.policy.rules.filter(({ name }) => name === 'power').map(({ action }) => action),
      ['allow'],
    );
  });

  it('warns about rules that can not mean what they say', () => {
    const compiled = compilePolicy('p', {
      rules: [{ ...RULE, match: { path: '/data/' }, approvers: ['group:sre'] }],
    });
    ok(compiled.kind === 'ok');
    equal(compiled.warnings.length, 2);
  });

  it('answers anything at all without throwing', () => {
    fc.assert(
      fc.property(fc.anything(), fc.jsonValue(), (one, other) => {
        compilePolicy('p', one);
        compilePolicy('p', {
          rules: [{ name: 'x', action: 'deny', match: { command: other } }],
          use: other,
        });
      }),
      { numRuns: 500 },
    );
  });
});
