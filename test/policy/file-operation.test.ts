import assert from 'node:assert/strict';
import { fileText, judgeFiles, type FileVerb } from '../../server/policy/file-operation.ts';
import type { RuleDocument } from '../../server/policy/document.ts';
import { FACTS, policyOf } from './support.ts';

function decided(
  rules: readonly Partial<RuleDocument>[],
  verb: FileVerb,
  places: readonly (string | readonly [path: string, spelt: string])[],
  rest: object = {},
) {
  const named = rules.map((rule, index) => ({ name: `r${index}`, action: 'deny', ...rule }));
  return judgeFiles(policyOf({ ...rest, rules: named }), FACTS, {
    verb,
    places: places.map((one) =>
      typeof one === 'string' ? { path: one, spelt: null } : { path: one[0], spelt: one[1] },
    ),
    detail: null,
  });
}

type Case = readonly [
  path: string,
  access: string,
  verb: FileVerb,
  places: readonly string[],
  verdict: 'allow' | 'deny',
];

const PATHS: readonly Case[] = [
  ['/etc/shadow', 'read', 'read', ['/etc/shadow'], 'deny'],
  ['/etc/shadow', 'read', 'stat', ['/etc/shadow'], 'deny'],
  ['/etc/shadow', 'read', 'realpath', ['/etc/shadow'], 'deny'],
  ['/etc/shadow', 'read', 'update', ['/etc/shadow'], 'deny'],
  ['/etc/shadow', 'read', 'write', ['/etc/shadow'], 'allow'],
  ['/etc/shadow', 'read', 'copy', ['/etc/shadow', '/tmp/x'], 'deny'],
  ['/etc/shadow', 'read', 'rename', ['/etc/shadow', '/tmp/x'], 'deny'],
  ['/etc/shadow', 'read', 'rename', ['/etc', '/tmp/x'], 'deny'],
  ['/etc/shadow', 'read', 'hardlink', ['/etc/shadow', '/tmp/x'], 'deny'],
  ['/etc/shadow', 'write', 'hardlink', ['/etc/shadow', '/tmp/x'], 'deny'],
  ['/etc/shadow', 'write', 'hardlink', ['/tmp/x', '/etc/shadow'], 'deny'],
  ['/etc/shadow', 'write', 'rename', ['/tmp/x', '/etc/shadow'], 'deny'],
  ['/etc/shadow', 'write', 'setstat', ['/etc/shadow'], 'deny'],
  ['/etc/shadow', 'read', 'list', ['/etc'], 'allow'],
  ['/etc/**', 'read', 'list', ['/etc/ssl'], 'deny'],
  ['/etc/**', 'read', 'list', ['/etc'], 'deny'],
  ['/*', 'read', 'list', ['/'], 'deny'],
  ['/etc/**', 'read', 'list', ['/'], 'allow'],
  ['/etc/*', 'read', 'read', ['/etc/ssl/x'], 'allow'],
  ['/data/**', 'delete', 'remove', ['/data/x'], 'deny'],
  ['/data/**', 'delete', 'rmdir', ['/data/x'], 'deny'],
  ['/data/**', 'delete', 'rename', ['/data/x', '/tmp/x'], 'deny'],
  ['/data/**', 'delete', 'rename', ['/tmp/x', '/data/x'], 'allow'],
  ['/data/**', 'delete', 'write', ['/data/x'], 'allow'],
  ['/data/**', 'write', 'mkdir', ['/data/x'], 'deny'],
  ['/data/**', 'write', 'symlink', ['/data/x'], 'deny'],
  ['/data/**', 'execute', 'read', ['/data/x'], 'allow'],
  ['/etc/shadow', 'read', 'read', ['/\ue002'], 'allow'],
];

describe('judgeFiles', () => {
  for (const [path, access, verb, places, verdict] of PATHS) {
    it(`${verdict}s ${verb} ${places.join(' ')} where ${access} of ${path} is denied`, () => {
      const rule = { match: { path: [path], access: [access as 'read'] } };
      assert.equal(decided([rule], verb, places).verdict, verdict);
    });
  }

  it('names the rule, its reason and the operation', () => {
    const decision = decided([{ name: 'no', reason: 'ours', match: { path: '/x' } }], 'remove', [
      '/x',
    ]);
    assert.equal(decision.rule, 'no');
    assert.equal(decision.reason, 'ours');
    assert.equal(decision.certainty, 'exact');
    assert.deepEqual(
      decision.commands.map(({ text, argv, language }) => ({ text, argv, language })),
      [{ text: 'remove /x', argv: ['remove', '/x'], language: 'file' }],
    );
  });

  it('denies by the spelling as well as by where it leads', () => {
    const rules = [{ match: { path: '/srv/private/**' } }];
    assert.equal(decided(rules, 'read', [['/srv/private/x', '/tmp/link']]).verdict, 'deny');
    assert.equal(decided(rules, 'read', [['/tmp/x', '/srv/private/x']]).verdict, 'deny');
    assert.equal(decided(rules, 'read', [['/tmp/x', '/tmp/y']]).verdict, 'allow');
  });

  describe('under a policy that denies what no rule allows', () => {
    const rest = { default: 'deny' };
    const allowed = [{ action: 'allow', match: { path: '/srv/**' } } as const];
    const cases: readonly (readonly [FileVerb, readonly string[], 'allow' | 'deny'])[] = [
      ['read', ['/srv/x'], 'allow'],
      ['read', ['/etc/x'], 'deny'],
      ['rename', ['/srv/x', '/srv/y'], 'allow'],
      ['rename', ['/etc/x', '/srv/y'], 'deny'],
      ['rename', ['/srv/x', '/etc/y'], 'deny'],
      ['copy', ['/etc/x', '/srv/y'], 'deny'],
      ['stat', ['/etc/x'], 'deny'],
      ['realpath', ['/root'], 'allow'],
      ['read', ['/\ue002'], 'deny'],
    ];
    for (const [verb, places, verdict] of cases) {
      it(`${verdict}s ${verb} ${places.join(' ')}`, () => {
        assert.equal(decided(allowed, verb, places, rest).verdict, verdict);
      });
    }

    it('does not let a path through by an exception for another access', () => {
      const onlyRead = [{ action: 'allow', match: { path: '/srv/**', access: 'read' } } as const];
      assert.equal(decided(onlyRead, 'read', ['/srv/x'], rest).verdict, 'allow');
      assert.equal(decided(onlyRead, 'update', ['/srv/x'], rest).verdict, 'deny');
      assert.equal(decided(onlyRead, 'rename', ['/srv/x', '/srv/y'], rest).verdict, 'deny');
    });

    it('does not let a link through by an exception for its name', () => {
      assert.equal(decided(allowed, 'read', [['/etc/x', '/srv/link']], rest).verdict, 'deny');
    });

    it('lets patterns of commands name operations', () => {
      const rules = [{ action: 'allow', match: { command: 'sftp-server read /srv/**' } } as const];
      assert.equal(decided(rules, 'read', ['/srv/x'], rest).verdict, 'allow');
      assert.equal(decided(rules, 'write', ['/srv/x'], rest).verdict, 'deny');
      assert.equal(decided(rules, 'read', ['/etc/x'], rest).verdict, 'deny');
    });
  });

  it('holds what shows contents, and lets clients look before', () => {
    const rules = [{ action: 'hold', match: { path: '/srv/**' } } as const];
    const verdicts = (['read', 'write', 'list', 'stat', 'realpath', 'readlink'] as const).map(
      (verb) => decided(rules, verb, ['/srv/x']).verdict,
    );
    assert.deepEqual(verdicts, ['hold', 'hold', 'hold', 'allow', 'allow', 'allow']);
  });

  it('leaves the rules about programs that send files elsewhere out of it', () => {
    const policy = policyOf({ use: ['exfiltration', 'power', 'persistence'], rules: [] });
    const operation = { verb: 'read', places: [{ path: '/srv/x', spelt: null }], detail: null };
    assert.equal(judgeFiles(policy, FACTS, operation as never).verdict, 'allow');
  });
});

describe('fileText', () => {
  const text = (path: string, spelt: string | null = null) =>
    fileText({ verb: 'read', places: [{ path, spelt }], detail: null });

  it('writes plain paths as they are, and others in quotes', () => {
    assert.equal(text('/srv/été-1.txt'), 'read /srv/été-1.txt');
    assert.equal(text('/srv/a b'), 'read "/srv/a b"');
    assert.equal(text('/srv/a\nb\u202e'), 'read "/srv/a\\nb\\u{202e}"');
  });

  it('tells how the client spelt it where that differs', () => {
    assert.equal(text('/etc/shadow', '/tmp/x'), 'read /etc/shadow (spelt /tmp/x)');
  });
});
