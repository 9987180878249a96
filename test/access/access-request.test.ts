import assert from 'node:assert/strict';
import {
  durationS,
  durationText,
  requestable,
  requestOptions,
  type RequestRule,
} from '../../server/access/access-request.ts';
import { GRANT_DEFAULTS } from '../../server/access/grant.ts';
import type { Principal } from '../../server/access/principal.ts';
import type { Target } from '../../server/access/target.ts';

const BOT: Principal = { id: '1', name: 'bot', kind: 'agent', roles: [], groups: ['agents'] };
const WEB: Target = {
  name: 'web1',
  host: '10.0.0.1',
  port: 22,
  hostKey: null,
  labels: { env: 'prod' },
  shellIntegration: 'off',
  logins: [
    { name: 'deploy', credential: 'a' },
    { name: 'root', credential: 'b' },
  ],
};

function rule(changes: Partial<RequestRule>): RequestRule {
  return {
    ...GRANT_DEFAULTS,
    id: 'r1',
    principals: ['group:agents'],
    targets: ['label:env=prod'],
    logins: ['deploy'],
    channels: ['exec'],
    policy: 'default',
    maxDurationS: 3_600,
    timeoutS: 60,
    approvers: [],
    approvals: 1,
    fourEyes: false,
    ...changes,
  };
}

describe('access that is asked for', () => {
  const LONGER = rule({ id: 'r2', maxDurationS: 7_200, principals: ['bot'] });
  const ROOT = rule({ id: 'r3', logins: ['root'], targets: ['web1'] });
  const CASES: readonly (readonly [
    what: string,
    target: Target | null,
    login: string | null,
    seconds: number,
    rules: readonly RequestRule[],
    expected: object,
  ])[] = [
    ['no such target', null, null, 60, [rule({})], { kind: 'unknown' }],
    ['no rule for it', { ...WEB, labels: {} }, null, 60, [rule({})], { kind: 'unknown' }],
    ['no rule for them', WEB, null, 60, [rule({ principals: ['ann'] })], { kind: 'unknown' }],
    ['a login that no rule has', WEB, 'root', 60, [rule({})], { kind: 'unknown' }],
    ['a login that the target lacks', WEB, 'x', 60, [rule({ logins: ['x'] })], { kind: 'unknown' }],
    ['the only login', WEB, null, 60, [rule({})], { kind: 'requestable', login: 'deploy' }],
    [
      'one of two logins',
      WEB,
      null,
      60,
      [rule({}), ROOT],
      { kind: 'login-ambiguous', logins: ['deploy', 'root'] },
    ],
    ['the one that is named', WEB, 'root', 60, [rule({}), ROOT], { login: 'root' }],
    ['no more than the longest', WEB, null, 7_201, [rule({}), LONGER], { mostS: 7_200 }],
    ['by the rule that is long enough', WEB, null, 7_200, [rule({}), LONGER], { rule: LONGER }],
  ];
  for (const [what, target, login, seconds, rules, expected] of CASES) {
    it(`answers for ${what}`, () => {
      const outcome = requestable(BOT, target, login, seconds, rules);
      assert.deepEqual({ ...outcome, ...expected }, outcome);
    });
  }

  it('lists what may be asked for, by login, with the longest time', () => {
    assert.deepEqual(requestOptions(BOT, [WEB], [rule({}), LONGER, ROOT]), [
      { target: 'web1', login: 'deploy', channels: ['exec'], maxDurationS: 7_200 },
      { target: 'web1', login: 'root', channels: ['exec'], maxDurationS: 3_600 },
    ]);
    assert.deepEqual(requestOptions(BOT, [WEB], [rule({ principals: ['ann'] })]), []);
  });

  it('reads times and writes them again', () => {
    for (const text of ['1s', '90s', '30m', '2h', '1d', '25h']) {
      assert.equal(durationText(durationS(text) ?? 0), text);
    }
    assert.equal(durationText(120), '2m');
    for (const text of ['', '0s', '1', 'h', '-1h', '1.5h', '1h30m', '1 h', '9999999s']) {
      assert.equal(durationS(text), null, text);
    }
  });
});
