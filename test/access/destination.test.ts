import assert from 'node:assert/strict';
import { MAX_USER_NAME_BYTES, parseDestination } from '../../server/access/destination.ts';

describe('access/destination', () => {
  const good: [string, string | null, string, string | null, string | null][] = [
    ['web1', null, 'web1', null, null],
    ['deploy@web1', 'deploy', 'web1', null, null],
    ['deploy%web1', 'deploy', 'web1', null, null],
    ['deploy@web1.example.com', 'deploy', 'web1.example.com', null, null],
    ['_svc@db-1', '_svc', 'db-1', null, null],
    ['web1+run=4711', null, 'web1', '4711', null],
    ['deploy@web1+run=4711+task=nightly', 'deploy', 'web1', '4711', 'nightly'],
    ['web1+task=a/b:c.d-e_f', null, 'web1', null, 'a/b:c.d-e_f'],
  ];
  for (const [userName, login, target, run, task] of good) {
    it(`reads ${userName}`, () => {
      assert.deepEqual(parseDestination(userName), {
        kind: 'destination',
        destination: { login, target, run, task },
      });
    });
  }

  const malformed = [
    '',
    '@',
    '@web1',
    'deploy@',
    'a@b@c',
    'a%b@c',
    'web1+',
    'web1+run=',
    'web1+run=1+run=2',
    'web1+user=root',
    'web 1',
    'web1\n',
    'web1\0',
    '../web1',
    '-oProxyCommand=x',
    'web1;id',
    '\u202eweb1',
    'wéb1',
    'x'.repeat(MAX_USER_NAME_BYTES + 1),
    `web1+run=${'x'.repeat(129)}`,
    '$(id)@web1',
  ];
  for (const userName of malformed) {
    it(`refuses ${JSON.stringify(userName.slice(0, 40))}`, () => {
      const outcome = parseDestination(userName);
      assert.equal(outcome.kind, 'malformed');
      assert.ok(outcome.kind === 'malformed' && outcome.why.length > 0);
    });
  }
});
