import { deepEqual, equal, match, ok } from 'node:assert/strict';

import { DEFAULT_POLICY } from '../../server/policy/default-policy.ts';
import { compilePolicy } from '../../server/policy/document.ts';
import { PACKS } from '../../server/policy/packs.ts';
import type { PolicyNote } from '../../server/policy/rule-warnings.ts';

function notes(document: unknown): readonly PolicyNote[] {
  const compiled = compilePolicy('p', document);
  if (compiled.kind === 'invalid') throw new Error(JSON.stringify(compiled.problems));
  return compiled.warnings();
}

type Rule = Readonly<Record<string, unknown>>;

function rules(...list: readonly Rule[]): readonly PolicyNote[] {
  return notes({
    rules: list.map((one, index) => ({ name: `r${index}`, action: 'deny', ...one })),
  });
}

const rm = { match: { command: 'rm *' } };

/** What the second rule matches is matched by the first one, or not. */
const SHADOWS: readonly (readonly [
  behaviour: string,
  wide: Rule,
  narrow: Rule,
  isShadowed: boolean,
])[] = [
  ['the same command', rm, rm, true],
  ['more flags', rm, { match: { command: 'rm -rf *' } }, true],
  ['fewer flags', { match: { command: 'rm -rf' } }, rm, false],
  [
    'flags in another order',
    { match: { command: 'rm -rf' } },
    { match: { command: 'rm -f -r x' } },
    true,
  ],
  [
    'a flag by its long name',
    { match: { command: 'rm -f' } },
    { match: { command: 'rm --force' } },
    true,
  ],
  ['another program', rm, { match: { command: 'mv *' } }, false],
  [
    'a program by a glob',
    { match: { command: 'mkfs*' } },
    { match: { command: 'mkfs.ext4' } },
    true,
  ],
  [
    'a glob by a program',
    { match: { command: 'mkfs.ext4' } },
    { match: { command: 'mkfs*' } },
    false,
  ],
  [
    'another version of it',
    { match: { command: 'python' } },
    { match: { command: 'python3 -c *' } },
    true,
  ],
  [
    'a subcommand',
    { match: { command: 'git *' } },
    { match: { command: 'git push --force' } },
    true,
  ],
  [
    'another subcommand',
    { match: { command: 'docker rm' } },
    { match: { command: 'docker volume rm' } },
    false,
  ],
  [
    'an operand',
    { match: { command: 'rm /etc/**' } },
    { match: { command: 'rm /etc/passwd' } },
    true,
  ],
  [
    'a wider operand',
    { match: { command: 'rm /etc/passwd' } },
    { match: { command: 'rm /etc/**' } },
    false,
  ],
  ['some of several', { match: { command: ['rm *', 'mv *'] } }, rm, true],
  ['more than one', rm, { match: { command: ['rm *', 'mv *'] } }, false],
  [
    'an option with a value',
    { match: { command: 'curl -X *' } },
    { match: { command: 'curl -X DELETE' } },
    true,
  ],
  [
    'another value',
    { match: { command: 'curl -X PUT' } },
    { match: { command: 'curl -X DELETE' } },
    false,
  ],
  ['a path below', { match: { path: '/data/**' } }, { match: { path: '/data/x/y' } }, true],
  ['a path beside', { match: { path: '/data/*' } }, { match: { path: '/data/x/y' } }, false],
  ['the directory itself', { match: { path: '/data/**' } }, { match: { path: '/data' } }, false],
  [
    'less access',
    { match: { path: '/d', access: ['read', 'delete'] } },
    { match: { path: '/d', access: 'read' } },
    true,
  ],
  ['more access', { match: { path: '/d', access: 'read' } }, { match: { path: '/d' } }, false],
  ['a command on a path', rm, { match: { command: 'rm *', path: '/data' } }, true],
  ['a path of a command', { match: { command: 'rm *', path: '/data' } }, rm, false],
  ['a longer statement', { match: { sql: 'drop *' } }, { match: { sql: 'DROP table x' } }, true],
  [
    'another statement',
    { match: { sql: 'drop table' } },
    { match: { sql: 'drop database' } },
    false,
  ],
  ['the same expression', { match: { regex: 'a' } }, { match: { regex: 'a' } }, true],
  ['a stricter action', { ...rm, action: 'hold' }, rm, false],
  ['a milder action', rm, { ...rm, action: 'hold' }, true],
  ['for fewer principals', rm, { ...rm, for: { principals: ['a'] } }, true],
  ['for more principals', { ...rm, for: { principals: ['a'] } }, rm, false],
  [
    'for other targets',
    { ...rm, for: { targets: ['a'] } },
    { ...rm, for: { targets: ['b'] } },
    false,
  ],
];

describe('warnings about a policy', () => {
  for (const [behaviour, wide, narrow, isShadowed] of SHADOWS) {
    it(`${isShadowed ? 'say that a rule is shadowed' : 'leave a rule alone'}: ${behaviour}`, () => {
      const found = rules(wide, narrow).filter(({ message }) =>
        message.startsWith('rule r1 never decides: rule r0 '),
      );
      deepEqual(
        found.map(({ path }) => path),
        isShadowed ? [['rules', 1, 'name']] : [],
      );
    });
  }

  it('name the rule and the pack that shadow', () => {
    const [own, ...rest] = notes({
      use: ['wipe'],
      rules: [{ name: 'mine', action: 'hold', match: { path: '/etc/hosts', access: 'delete' } }],
    });
    equal(rest.length, 0);
    equal(
      own?.message,
      'rule mine never decides: rule wipe of the pack wipe (deny) matches all that it matches',
    );
  });

  it('leave a rule alone that comes before a wider one of the same action: its reason is shown', () => {
    const narrow = { match: { command: 'rm -rf *' }, reason: 'recursive' };
    deepEqual(rules(narrow, rm), []);
  });

  const ONE: readonly (readonly [
    behaviour: string,
    rule: Rule,
    path: PolicyNote['path'],
    message: RegExp,
  ])[] = [
    [
      'a directory that ends in a slash',
      { match: { path: '/data/' } },
      ['match', 'path'],
      /the directory itself/,
    ],
    ['approvers of a rule that denies', { ...rm, approvers: ['a'] }, ['approvers'], /no effect/],
    [
      'allow when the default allows',
      { ...rm, action: 'allow' },
      ['action'],
      /allow has no effect/,
    ],
    [
      'SQL of a command',
      { match: { command: 'psql *', sql: 'drop *' } },
      ['match'],
      /never matches/,
    ],
    [
      'no statement',
      { match: { sql: ['drop *', 'users'] } },
      ['match', 'sql', 1],
      /begins with users/,
    ],
    [
      'a word of the shell',
      { match: { command: 'if *' } },
      ['match', 'command'],
      /word of the shell/,
    ],
    [
      'a wrapper',
      { match: { command: 'sudo rm *' } },
      ['match', 'command'],
      /only where sudo is written/,
    ],
    ['help', { match: { command: 'rm --help' } }, ['match', 'command'], /only prints/],
    [
      'a path relative to nothing',
      { match: { command: 'sh ./x' } },
      ['match', 'command'],
      /as it is written/,
    ],
    [
      'a pattern twice',
      { match: { command: ['rm', 'mv', 'rm'] } },
      ['match', 'command', 2],
      /there twice/,
    ],
    [
      'a pattern inside another',
      { match: { path: ['/a/x', '/a/**'] } },
      ['match', 'path', 0],
      /adds nothing to \/a\/\*\*/,
    ],
    [
      'an expression that fits anything',
      { match: { regex: 'a*' } },
      ['match', 'regex'],
      /every text/,
    ],
  ];
  for (const [behaviour, rule, path, message] of ONE) {
    it(`show ${behaviour}, with its place and what to do`, () => {
      const [note, ...rest] = rules(rule);
      ok(note !== undefined);
      deepEqual(note.path, ['rules', 0, ...path]);
      match(note.message, message);
      ok(note.hint.length > 0);
      equal(rest.length, 0, JSON.stringify(rest));
    });
  }

  it('show a rule that replaces one of a pack', () => {
    const own = { name: 'power', action: 'allow', match: { command: 'reboot' } };
    const [note, ...rest] = notes({ use: ['power'], rules: [own] });
    match(note?.message ?? '', /replaces the rule of that name in the pack power/);
    equal(rest.length, 0);
  });

  it('say when there are too many patterns to look', () => {
    const command = Array.from({ length: 450 }, (_, index) => `tool${index}`);
    const many = Array.from({ length: 5 }, () => ({ match: { command } }));
    match(rules(...many)[0]?.message ?? '', /too many to look/);
  });

  it('find nothing in what ships with the product', () => {
    deepEqual(notes(DEFAULT_POLICY), []);
    deepEqual(notes({ use: [...PACKS.keys()] }), []);
    for (const document of PACKS.values())
      deepEqual(notes({ default: 'hold', rules: document }), []);
  });

  const HARMLESS: readonly Rule[] = [
    { match: { path: ['/*', '/etc/**', '/data/**'], access: ['delete'] } },
    { match: { command: 'git push --force *' } },
    { match: { sql: 'drop database *' } },
    { match: { sql: ['drop table *', 'delete from users', 'with *'] } },
    {
      match: { command: ['kubectl exec', 'kubectl create clusterrole*'] },
      action: 'hold',
      approvers: ['group:sre'],
    },
    { match: { command: ['shutdown', 'reboot'] }, for: { principals: ['group:agents'] } },
    { match: { command: ['sudo -i', 'xargs', 'env'] } },
    { match: { regex: 'TICKET-[0-9]{6}' } },
    { match: { regex: '^$' } },
    { match: { path: ['/data', '/data/**'] } },
    { match: { command: 'tool *', path: '/data/**', access: 'write' } },
    { match: { command: ['find * -delete', 'find * -exec *', 'dd of=/dev/**'] } },
  ];
  for (const rule of HARMLESS) {
    it(`are silent about ${JSON.stringify(rule['match'])}`, () => deepEqual(rules(rule), []));
  }
});
