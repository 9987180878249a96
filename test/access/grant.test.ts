import assert from 'node:assert/strict';
import { authorise, Grant, type GrantRule, GRANT_DEFAULTS } from '../../server/access/grant.ts';
import { hasRole, isNamedBy, type Principal } from '../../server/access/principal.ts';
import { selects, type Target } from '../../server/access/target.ts';

const bot: Principal = { id: '1', name: 'bot', kind: 'agent', roles: [], groups: ['agents'] };
const web1: Target = {
  name: 'web1',
  host: '192.0.2.1',
  port: 22,
  hostKey: null,
  labels: { env: 'prod', canary: '' },
  shellIntegration: 'off',
  logins: [
    { name: 'deploy', credential: 'c1' },
    { name: 'root', credential: 'c2' },
  ],
};
const rule = (over: Partial<GrantRule>): GrantRule => ({
  id: 'g',
  principals: ['bot'],
  targets: ['web1'],
  logins: ['deploy'],
  channels: ['exec'],
  policy: 'default',
  ...GRANT_DEFAULTS,
  ...over,
});

describe('access/grant', () => {
  it('grants what a rule names and freezes the proof', () => {
    const outcome = authorise(bot, web1, 'deploy', 'exec', [rule({})]);
    assert.equal(outcome.kind, 'granted');
    assert.ok(outcome.kind === 'granted' && outcome.grant instanceof Grant);
    assert.ok(outcome.grant.isProof);
    assert.ok(Object.isFrozen(outcome.grant));
    assert.equal(outcome.grant.login.credential, 'c1');
  });

  it('does not take an object literal for a proof', () => {
    const forged = Object.create(Grant.prototype) as Grant;
    assert.throws(() => forged.isProof, TypeError);
  });

  const refusals: [string, Parameters<typeof authorise>, string][] = [
    ['no rule', [bot, web1, 'deploy', 'exec', []], 'no-grant'],
    ['another principal', [bot, web1, 'deploy', 'exec', [rule({ principals: ['x'] })]], 'no-grant'],
    ['another target', [bot, web1, 'deploy', 'exec', [rule({ targets: ['db1'] })]], 'no-grant'],
    ['another login', [bot, web1, 'root', 'exec', [rule({})]], 'no-grant'],
    [
      'a login that the target has not',
      [bot, web1, 'x', 'exec', [rule({ logins: ['x'] })]],
      'no-grant',
    ],
    ['another channel', [bot, web1, 'deploy', 'shell', [rule({})]], 'channel-kind'],
    [
      'two logins and none asked for',
      [bot, web1, null, 'exec', [rule({ logins: ['deploy', 'root'] })]],
      'login-ambiguous',
    ],
  ];
  for (const [what, args, why] of refusals) {
    it(`refuses ${what}`, () => {
      const outcome = authorise(...args);
      assert.ok(outcome.kind === 'refused' && outcome.why === why);
    });
  }

  it('takes the only login when none is asked for', () => {
    const outcome = authorise(bot, web1, null, 'exec', [rule({})]);
    assert.ok(outcome.kind === 'granted' && outcome.grant.login.name === 'deploy');
  });

  it('never joins the login of one rule with the channel of another', () => {
    const outcome = authorise(bot, web1, 'root', 'shell', [
      rule({ logins: ['root'], channels: ['exec'] }),
      rule({ logins: ['deploy'], channels: ['shell'] }),
    ]);
    assert.equal(outcome.kind, 'refused');
  });

  it('selects principals by name and group, targets by name and label', () => {
    assert.ok(isNamedBy(bot, 'bot') && isNamedBy(bot, 'group:agents'));
    assert.ok(!isNamedBy(bot, 'agents') && !isNamedBy(bot, 'group:bot'));
    assert.ok(
      selects('web1', web1) && selects('label:env=prod', web1) && selects('label:env', web1),
    );
    assert.ok(
      !selects('label:env=dev', web1) && !selects('label:web1', web1) && !selects('prod', web1),
    );
    assert.ok(selects('label:canary=', web1));
  });

  it('gives an admin every role and everybody the role user', () => {
    assert.ok(hasRole(bot, 'user') && !hasRole(bot, 'auditor'));
    assert.ok(hasRole({ ...bot, roles: ['admin'] }, 'approver'));
  });
});
