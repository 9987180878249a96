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
    ['a text instead of a map', 'deny', [], /^policy must be a mapping, not "deny"$/],
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
    [
      'an unknown verdict',
      { default: 'maybe' },
      ['default'],
      /^default must be allow, hold or deny, not "maybe"$/,
    ],
    [
      'an unknown access',
      { rules: [{ ...RULE, match: { path: '/x', access: ['erase'] } }] },
      ['rules', 0, 'match', 'access', 0],
      /^an entry of access must be read, write, delete or execute, not "erase"$/,
    ],
    ['a bad time', { holdTimeout: 'soon' }, ['holdTimeout'], /no time like/],
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
      /regex has more than 1000 characters/,
    ],
    ['two rules of one name', { rules: [RULE, RULE] }, ['rules', 1, 'name'], /named r as well/],
    [
      'a rule that is a text',
      { rules: ['x'] },
      ['rules', 0],
      /^a rule must be a mapping, not "x"$/,
    ],
    ['rules that are a mapping', { rules: {} }, ['rules'], /^rules must be a list of rules/],
    [
      'a number for a pattern',
      { rules: [{ ...RULE, match: { command: 5 } }] },
      ['rules', 0, 'match', 'command'],
      /^command must be text or a list of texts, not 5$/,
    ],
    [
      'a number among patterns',
      { rules: [{ ...RULE, match: { command: ['rm', 5] } }] },
      ['rules', 0, 'match', 'command', 1],
      /^an entry of command must be text, not 5$/,
    ],
    [
      'an empty list of patterns',
      { rules: [{ ...RULE, match: { path: [] } }] },
      ['rules', 0, 'match', 'path'],
      /^the list path is empty$/,
    ],
    [
      'an empty pattern',
      { rules: [{ ...RULE, match: { sql: '' } }] },
      ['rules', 0, 'match', 'sql'],
      /^sql holds an empty text$/,
    ],
    [
      'a rule without a match',
      { rules: [{ name: 'r', action: 'deny' }] },
      ['rules', 0, 'match'],
      /^match is missing$/,
    ],
    [
      'a rule without an action',
      { rules: [{ ...RULE, action: undefined }] },
      ['rules', 0, 'action'],
      /^action is missing$/,
    ],
    [
      'a rule without a name',
      { rules: [{ ...RULE, name: undefined }] },
      ['rules', 0, 'name'],
      /^name is missing$/,
    ],
    [
      'a name with a space',
      { rules: [{ ...RULE, name: 'a b' }] },
      ['rules', 0, 'name'],
      /^name must be a name of letters/,
    ],
    ['an empty for', { rules: [{ ...RULE, for: {} }] }, ['rules', 0, 'for'], /names nobody/],
    [
      'an unknown key of for',
      { rules: [{ ...RULE, for: { who: ['a'] } }] },
      ['rules', 0, 'for', 'who'],
      /not known/,
    ],
    [
      'a label among principals',
      { rules: [{ ...RULE, for: { principals: ['label:env=prod'] } }] },
      ['rules', 0, 'for', 'principals', 0],
      /^"label:env=prod" is neither a principal nor group:NAME$/,
    ],
    [
      'a group among targets',
      { rules: [{ ...RULE, for: { targets: ['group:sre'] } }] },
      ['rules', 0, 'for', 'targets', 0],
      /is neither a target nor label:KEY=VALUE$/,
    ],
    [
      'approvers that are no list',
      { rules: [{ ...RULE, approvers: 'alice' }] },
      ['rules', 0, 'approvers'],
      /^approvers must be a list of principals and groups, not "alice"$/,
    ],
    ['a hold that ends at once', { holdTimeout: '0s' }, ['holdTimeout'], /at least 100ms/],
    ['a hold that hardly ends', { holdTimeout: '999d' }, ['holdTimeout'], /at most 30d/],
    [
      'a pattern of two commands',
      { rules: [{ ...RULE, match: { command: ['ls', 'a | b'] } }] },
      ['rules', 0, 'match', 'command', 1],
      /holds \|/,
    ],
    [
      'a path with a space behind it',
      { rules: [{ ...RULE, match: { path: '/etc/** ' } }] },
      ['rules', 0, 'match', 'path'],
      /ends with a space/,
    ],
    [
      'braces that stand for too much',
      { rules: [{ ...RULE, match: { path: `/${'{a,b,c,d}'.repeat(6)}` } }] },
      ['rules', 0, 'match', 'path'],
      /more than 100 patterns/,
    ],
    [
      'a regular expression whose counts multiply',
      { rules: [{ ...RULE, match: { regex: '(a{1000}){1000}' } }] },
      ['rules', 0, 'match', 'regex'],
      /can't be read: invalid repeat count/,
    ],
    [
      'a regular expression that is too large',
      { rules: [{ ...RULE, match: { regex: '.{600}' } }] },
      ['rules', 0, 'match', 'regex'],
      /too large: it takes 60\d steps, and 500 are allowed/,
    ],
    [
      'regular expressions that are too large together',
      {
        rules: Array.from({ length: 6 }, (_, at) => ({
          ...RULE,
          name: `r${at}`,
          match: { regex: '.{400}' },
        })),
      },
      ['rules', 4, 'match', 'regex'],
      /up to here take 20\d\d steps/,
    ],
    ['a pack that is there twice', { use: ['wipe', 'wipe'] }, ['use', 1], /there twice/],
    ['an unknown pack', { use: ['everything'] }, ['use', 0], /no rule pack/],
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

  it('shows mistakes of shape and of patterns at once', () => {
    const problems = problemsOf({
      defualt: 'deny',
      rules: [
        { ...RULE, match: { command: 'a | b' } },
        { ...RULE, action: 'no' },
      ],
    });
    deepEqual(problems.map(({ path }) => path.join('.')).sort(), [
      'defualt',
      'rules.0.match.command',
      'rules.1.action',
    ]);
  });

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

  it('reads braces as alternatives', () => {
    const match = { command: 'systemctl {stop,restart} nginx', path: '/{a,b}/{c,d}' };
    const compiled = compilePolicy('p', { rules: [{ ...RULE, match }] });
    ok(compiled.kind === 'ok');
    const [one] = compiled.policy.rules;
    deepEqual(
      one?.match.commands?.map(({ source }) => source),
      ['systemctl stop nginx', 'systemctl restart nginx'],
    );
    deepEqual(
      one?.match.paths?.map(({ source }) => source),
      ['/a/c', '/a/d', '/b/c', '/b/d'],
    );
  });

  it('answers anything at all without throwing', () => {
    fc.assert(
      fc.property(fc.anything(), fc.jsonValue(), (one, other) => {
        compilePolicy('p', one);
        compilePolicy('p', {
          rules: [{ name: 'x', action: 'deny', match: { command: other } }],
          use: other,
        });
        compilePolicy('p', { rules: [{ ...RULE, match: other, for: other, approvers: other }] });
        compilePolicy('p', { rules: [other], holdTimeout: other });
      }),
      { numRuns: 500 },
    );
  });
});
