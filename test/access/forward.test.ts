import assert from 'node:assert/strict';
import {
  isForward,
  listenPlace,
  namesPlace,
  otherSpellings,
  placeText,
  socketPlace,
  tcpPlace,
  type ForwardPlace,
  type PlaceOutcome,
} from '../../server/access/forward.ts';
import { authoriseForward, GRANT_DEFAULTS, type GrantRule } from '../../server/access/grant.ts';
import type { Principal } from '../../server/access/principal.ts';
import type { Target } from '../../server/access/target.ts';

function placeOf(outcome: PlaceOutcome): ForwardPlace {
  if (outcome.kind === 'malformed') throw new Error(outcome.why);
  return outcome.place;
}

function shown(outcome: PlaceOutcome): string | null {
  return outcome.kind === 'malformed' ? null : placeText(outcome.place);
}

describe('access/forward', () => {
  const spellings: readonly [host: string, expected: string | null][] = [
    ['db1', 'db1:22'],
    ['DB1', 'db1:22'],
    ['db1.', 'db1:22'],
    ['db_1.example', 'db_1.example:22'],
    ['10.0.0.5', '10.0.0.5:22'],
    ['10.0.0.5.', '10.0.0.5:22'],
    ['10.5', '10.0.0.5:22'],
    ['012.0.0.5', '10.0.0.5:22'],
    ['0x0a000005', '10.0.0.5:22'],
    ['0X0A.0.0.5', '10.0.0.5:22'],
    ['167772165', '10.0.0.5:22'],
    ['127.1', '127.0.0.1:22'],
    ['017700000001', '127.0.0.1:22'],
    ['0', '0.0.0.0:22'],
    ['2001:db8::1', '[2001:db8::1]:22'],
    ['[2001:db8::1]', '[2001:db8::1]:22'],
    ['2001:DB8:0:0:0:0:0:1', '[2001:db8::1]:22'],
    ['::ffff:10.0.0.5', '10.0.0.5:22'],
    ['::FFFF:0a00:0005', '10.0.0.5:22'],
    ['0:0:0:0:0:ffff:7f00:1', '127.0.0.1:22'],
    ['::1', '[::1]:22'],
    ['', null],
    ['.', null],
    ['a..b', null],
    ['db1..', null],
    ['-db1', null],
    ['db1 ', null],
    ['db1\0', null],
    ['db1%2e', null],
    ['user@db1', null],
    ['db1/x', null],
    ['db１', null],
    ['１２７.0.0.1', null],
    ['999.1.1.1', null],
    ['1.2.3.4.5', null],
    ['09.0.0.1', null],
    ['foo.1', null],
    ['fe80::1%eth0', null],
    ['[10.0.0.5]', null],
    ['::ffff:10.0.0.5:1:2:3:4', null],
    ['x'.repeat(300), null],
  ];
  for (const [host, expected] of spellings) {
    it(`takes ${JSON.stringify(host.slice(0, 40))} for ${expected ?? 'no host'}`, () => {
      assert.equal(shown(tcpPlace(host, 22)), expected);
    });
  }

  it('knows no connection to port 0, and listens at it', () => {
    assert.equal(shown(tcpPlace('db1', 0)), null);
    assert.equal(shown(tcpPlace('db1', 65_536)), null);
    assert.equal(shown(listenPlace('localhost', 0)), 'listen:localhost:0');
    assert.equal(shown(listenPlace('', 8080)), 'listen:*:8080');
  });

  const sockets: readonly [path: string, expected: string | null][] = [
    ['/run/app.sock', 'unix:/run/app.sock'],
    ['//run/./app.sock', 'unix:/run/app.sock'],
    ['/run/../etc/x', null],
    ['run/app.sock', null],
    ['/', null],
    ['/run/app\0.sock', null],
    [`/${'x'.repeat(107)}`, null],
  ];
  for (const [path, expected] of sockets) {
    it(`takes the socket ${JSON.stringify(path.slice(0, 40))} for ${expected ?? 'none'}`, () => {
      assert.equal(shown(socketPlace(path, false)), expected);
    });
  }

  const fits: readonly [entry: string, host: string, port: number, expected: boolean][] = [
    ['db1:5432', 'db1', 5432, true],
    ['DB1:5432', 'db1.', 5432, true],
    ['db1:5432', 'db1', 5433, false],
    ['db1:5432', 'db10', 5432, false],
    ['db1:*', 'db1', 1, true],
    ['*:443', 'example.org', 443, true],
    ['*:443', '192.0.2.1', 443, true],
    ['*:443', '2001:db8::1', 443, true],
    ['*:443', 'example.org', 444, false],
    ['*.db.example:5432', 'a.db.example', 5432, true],
    ['*.db.example:5432', 'a.b.db.example', 5432, true],
    ['*.db.example:5432', 'db.example', 5432, false],
    ['*.db.example:5432', 'adb.example', 5432, false],
    ['*.db.example:5432', 'a.db.example.evil', 5432, false],
    ['10.0.0.5:22', '10.5', 22, true],
    ['10.5:22', '10.0.0.5', 22, true],
    ['10.0.0.5:22', '::ffff:10.0.0.5', 22, true],
    ['[2001:DB8::1]:22', '2001:db8:0::1', 22, true],
    ['db1:22', '10.0.0.5', 22, false],
    ['10.0.0.5:22', 'db1', 22, false],
    ['localhost:5432', 'localhost', 5432, true],
    ['localhost:5432', '127.0.0.1', 5432, false],
    ['127.0.0.1:5432', '127.1', 5432, true],
    ['127.0.0.1:5432', '0.0.0.0', 5432, false],
  ];
  for (const [entry, host, port, expected] of fits) {
    it(`${entry} ${expected ? 'names' : 'does not name'} ${host} port ${port}`, () => {
      assert.equal(namesPlace(entry, placeOf(tcpPlace(host, port))), expected);
    });
  }

  for (const host of [
    'localhost',
    'LOCALHOST.',
    'a.localhost',
    'localhost.localdomain',
    'ip6-localhost',
    '127.0.0.1',
    '127.9.9.9',
    '0x7f.1',
    '0',
    '::',
    '::1',
    '::ffff:127.0.0.1',
  ]) {
    it(`* does not name the target's own ${host}`, () => {
      assert.equal(namesPlace('*:443', placeOf(tcpPlace(host, 443))), false);
      assert.equal(namesPlace('*:*', placeOf(tcpPlace(host, 443))), false);
    });
    it(`a rule about localhost is about ${host}`, () => {
      const place = placeOf(tcpPlace(host, 443));
      assert.ok([placeText(place), ...otherSpellings(place)].includes('localhost:443'));
    });
  }

  const binds: readonly [entry: string, host: string, port: number, expected: boolean][] = [
    ['listen:127.0.0.1:8080', '127.0.0.1', 8080, true],
    ['listen:127.0.0.1:8080', 'localhost', 8080, true],
    ['listen:localhost:8080', '::1', 8080, true],
    ['listen:127.0.0.1:8080', '', 8080, false],
    ['listen:127.0.0.1:8080', '0.0.0.0', 8080, false],
    ['listen:127.0.0.1:8080', '::', 8080, false],
    ['listen:127.0.0.1:8080', '0', 8080, false],
    ['listen:*:8080', '::', 8080, true],
    ['listen:10.0.0.5:8080', 'localhost', 8080, false],
    ['listen:*:8080', '', 8080, true],
    ['listen:*:8080', 'localhost', 8080, true],
    ['listen:localhost:0', 'localhost', 0, true],
    ['listen:localhost:8080', 'localhost', 0, false],
    ['listen:localhost:*', 'localhost', 0, true],
    ['localhost:8080', 'localhost', 8080, false],
  ];
  for (const [entry, host, port, expected] of binds) {
    it(`${entry} ${expected ? 'lets' : 'does not let'} ${host || 'every address'} listen at ${port}`, () => {
      assert.equal(namesPlace(entry, placeOf(listenPlace(host, port))), expected);
    });
  }

  it('keeps sockets, listening and kinds apart', () => {
    const socket = placeOf(socketPlace('/run/app.sock', false));
    const listening = placeOf(socketPlace('/run/app.sock', true));
    assert.ok(namesPlace('unix:/run//app.sock', socket));
    assert.ok(!namesPlace('unix:/run/app.sock', listening));
    assert.ok(namesPlace('listen:unix:/run/app.sock', listening));
    assert.ok(!namesPlace('listen:unix:/run/app.sock', socket));
    assert.ok(namesPlace('agent', { kind: 'agent' }));
    assert.ok(!namesPlace('agent', { kind: 'x11' }));
    assert.ok(!namesPlace('*:*', { kind: 'agent' }));
  });

  for (const entry of [
    'db1',
    'db1:0',
    'db1:65536',
    'db1:5432:1',
    '*db1:5432',
    'db*:5432',
    '*.10.0.0.5:22',
    '2001:db8::1:22',
    'unix:run/x',
    'unix:/run/*',
    'unix:/run/../x',
    'listen:8080',
    'tun',
    'AGENT',
    '',
  ]) {
    it(`does not take ${JSON.stringify(entry)} for an entry`, () => {
      assert.equal(isForward(entry), false);
    });
  }

  describe('grants', () => {
    const bot: Principal = { id: '1', name: 'bot', kind: 'agent', roles: [], groups: [] };
    const web1: Target = {
      name: 'web1',
      host: '192.0.2.1',
      port: 22,
      hostKey: null,
      labels: {},
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
    const db1 = placeOf(tcpPlace('db1', 5432));

    it('finds the rule that names the place among those that fit', () => {
      const rules = [rule({ id: 'a' }), rule({ id: 'b', forward: ['db1:5432'] })];
      const outcome = authoriseForward(bot, web1, 'deploy', db1, rules);
      assert.ok(outcome.kind === 'granted' && outcome.grant.rule.id === 'b');
      assert.equal(outcome.grant.kind, 'forward');
    });

    const refusals: readonly [string, readonly GrantRule[], string][] = [
      ['no rule names it', [rule({})], 'channel-kind'],
      ['a rule for another login', [rule({ logins: ['root'], forward: ['*:*'] })], 'no-grant'],
      [
        'a rule for another login beside one for this',
        [rule({}), rule({ logins: ['root'], forward: ['*:*'] })],
        'channel-kind',
      ],
      ['a rule for another target', [rule({ targets: ['x'], forward: ['*:*'] })], 'no-grant'],
      ['a rule for another person', [rule({ principals: ['x'], forward: ['*:*'] })], 'no-grant'],
    ];
    for (const [name, rules, why] of refusals) {
      it(`refuses: ${name}`, () => {
        const outcome = authoriseForward(bot, web1, 'deploy', db1, rules);
        assert.deepEqual(outcome, { kind: 'refused', why });
      });
    }
  });
});
