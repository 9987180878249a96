import assert from 'node:assert/strict';
import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { GRANT_DEFAULTS } from '../../server/access/grant.ts';
import { describe, it } from 'mocha';
import { readDocument, type DocumentOutcome } from '../../server/config/document.ts';
import type { Checks } from '../../server/config/entries.ts';
import { formatProblem } from '../../server/config/problem.ts';

const CASES = join(import.meta.dirname, '../cases/config');

/** Stands for the SSH and policy rooms: enough of both to place what they find. */
const CHECKS: Checks = {
  parsePublicLine: (line) => {
    const [algorithm = '', base64 = '', ...comment] = line.trim().split(' ');
    if (algorithm !== 'ssh-ed25519')
      return { kind: 'invalid', why: 'the algorithm is not supported' };
    if (base64.length !== 68) return { kind: 'invalid', why: 'the key has the wrong length' };
    const blob = Buffer.from(base64, 'base64');
    return { kind: 'key', algorithm, blob, fingerprint: `F:${base64}`, comment: comment.join(' ') };
  },
  readRevocations: (bytes) => ({ kind: 'list', bytes, warning: null }) as const,
  maxRevocationBytes: 1024,
  compilePolicy: (_, document) => {
    if (Array.isArray(document)) {
      const problem = { path: [], message: 'a policy must be a mapping', hint: 'write rules:' };
      return { kind: 'invalid', problems: [problem] };
    }
    const rules = (document as { rules?: { name: string; action: string }[] }).rules ?? [];
    const problems = rules.flatMap((rule, index) =>
      ['allow', 'hold', 'deny'].includes(rule.action)
        ? []
        : [
            {
              path: ['rules', index, 'action'],
              message: `the action is "${rule.action}"`,
              hint: 'use allow, hold or deny',
            },
          ],
    );
    if (problems.length > 0) return { kind: 'invalid', problems };
    const warnings = rules.flatMap(({ name }, index) =>
      name === 'shadowed'
        ? [
            {
              path: ['rules', index, 'name'],
              message: `rule ${name} never decides`,
              hint: 'remove it',
            },
          ]
        : [],
    );
    return { kind: 'ok', warnings: () => warnings };
  },
};

/** A case file: `--- FILE` before each text, then `=== problems` or `=== warnings` and the lines expected. */
function readCase(name: string): {
  texts: { file: string; text: string }[];
  outcome: string;
  lines: string;
} {
  const [input = '', outcome = '', lines = ''] = readFileSync(join(CASES, name), 'utf8').split(
    /^=== (problems|warnings)\n/m,
  );
  const texts = input
    .split(/^--- /m)
    .slice(1)
    .map((part) => {
      const [file = ''] = part.split('\n', 1);
      return { file, text: part.slice(file.length + 1) };
    });
  return { texts, outcome, lines };
}

function judge(name: string): DocumentOutcome {
  return readDocument(readCase(name).texts, CHECKS);
}

describe('the configuration document', () => {
  const names = readdirSync(CASES).filter((name) => name.endsWith('.txt'));

  it('has its case files', () => assert.ok(names.length >= 10, names.join()));

  for (const name of names) {
    it(`reports exactly what case ${name} expects`, () => {
      const { texts, outcome, lines } = readCase(name);
      const result = readDocument(texts, CHECKS);
      const found = result.kind === 'ok' ? result.warnings : result.problems;
      assert.equal(found.map((problem) => `${formatProblem(problem)}\n`).join(''), lines);
      assert.equal(result.kind === 'ok' ? 'warnings' : 'problems', outcome);
    });
  }

  it('joins the files into one document, every default filled in', () => {
    const outcome = judge('whole.txt');
    assert.ok(outcome.kind === 'ok');
    const { document } = outcome;
    assert.deepEqual(
      document.principals.map((one) => ({ ...one, keys: one.keys.length, oidc: one.oidc.length })),
      [
        {
          name: 'alice',
          kind: 'human',
          roles: ['approver', 'auditor'],
          groups: ['sre'],
          owner: null,
          certificates: [],
          keys: 1,
          oidc: 0,
        },
        {
          name: 'deploy-bot',
          kind: 'agent',
          roles: [],
          groups: ['agents'],
          owner: 'alice',
          certificates: [],
          keys: 0,
          oidc: 0,
        },
      ],
    );
    assert.deepEqual(Object.keys(document.principals[0]?.keys[0] ?? {}), [
      'algorithm',
      'blob',
      'fingerprint',
      'comment',
    ]);
    assert.deepEqual(document.credentials, [{ name: 'web-deploy' }]);
    assert.deepEqual(
      document.targets.map(({ hostKey, ...rest }) => ({ ...rest, pinned: hostKey !== null })),
      [
        {
          name: 'web1',
          host: '10.0.0.5',
          port: 22,
          labels: { env: 'prod' },
          shellIntegration: 'off',
          logins: [{ name: 'deploy', credential: 'web-deploy' }],
          pinned: true,
        },
      ],
    );
    assert.deepEqual(document.grants, [
      {
        principals: ['group:sre', 'deploy-bot'],
        targets: ['label:env=prod', 'web1'],
        logins: ['deploy'],
        channels: ['shell', 'exec', 'sftp', 'scp'],
        policy: 'default',
        ...GRANT_DEFAULTS,
        keepDays: 365,
      },
    ]);
    assert.deepEqual(Object.keys(document.policies), ['default']);
  });

  it('takes an empty file for an empty document', () => {
    const outcome = judge('empty.txt');
    assert.ok(outcome.kind === 'ok');
    assert.deepEqual(outcome.document, {
      authorities: [],
      principals: [],
      credentials: [],
      targets: [],
      grants: [],
      policies: {},
      requests: [],
      webhooks: [],
    });
  });

  it('reads IPv6 addresses without their brackets', () => {
    const outcome = judge('warnings.txt');
    assert.ok(outcome.kind === 'ok');
    assert.equal(outcome.document.targets[0]?.host, '::1');
    assert.equal(outcome.document.targets[0]?.port, 2200);
  });

  it('never repeats a private key that was pasted by mistake', () => {
    const outcome = judge('keys.txt');
    assert.ok(outcome.kind === 'invalid');
    assert.doesNotMatch(outcome.problems.map(formatProblem).join('\n'), /b3BlbnNzaC1r/);
  });
});
