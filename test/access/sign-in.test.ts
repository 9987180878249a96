import assert from 'node:assert/strict';
import {
  groupNames,
  groupsIn,
  MAX_GROUPS,
  MAX_ISSUER_GROUPS,
  nameIn,
  returnPath,
} from '../../server/access/sign-in.ts';

describe('the way back after signing in', () => {
  const own: readonly string[] = [
    '/',
    '/sessions',
    '/sessions/0197a000?x=1&y=%2F%2Fevil.example',
    '/search?q=a%20b',
    '/sessions/1#cmd-12',
    '/loginX',
    '/link/abc',
  ];
  for (const wish of own) {
    it(`is ${wish}`, () => assert.equal(returnPath(wish), wish));
  }

  const foreign: readonly unknown[] = [
    undefined,
    null,
    7,
    ['/a', '/b'],
    '',
    'sessions',
    'https://evil.example/',
    '//evil.example',
    '///evil.example',
    '/\\evil.example',
    '\\\\evil.example',
    '/a/..//evil.example',
    '/.//evil.example',
    '/%2e%2e//evil.example',
    '/\t/evil.example',
    '/\n/evil.example',
    '/\u0000/evil.example',
    ' //evil.example',
    'javascript:alert(1)',
    'data:text/html,x',
    '/sessions\r\nset-cookie: a=b',
    '/ö',
    `/${'a'.repeat(3000)}`,
    '/login',
    '/login?to=/x',
    '/login/callback?code=1',
    '/sign-in',
    '/sign-out',
    '/setup/abc',
    '/api/v1/sessions',
    '/x/../login',
  ];
  for (const wish of foreign) {
    it(`is the front page instead of ${JSON.stringify(wish)?.slice(0, 60)}`, () => {
      assert.equal(returnPath(wish), '/sessions');
    });
  }
});

describe('groups of an issuer', () => {
  const claim = { groupsClaim: 'groups' };

  it('are a list or one text, each once', () => {
    assert.deepEqual(groupsIn(claim, { groups: ['a', 'b', 'a', '', 7, null, ['c']] }), ['a', 'b']);
    assert.deepEqual(groupsIn(claim, { groups: 'a' }), ['a']);
    assert.deepEqual(groupsIn(claim, { groups: { a: true } }), []);
    assert.deepEqual(groupsIn(claim, {}), []);
    assert.deepEqual(groupsIn({ groupsClaim: null }, { groups: ['a'] }), []);
  });

  it('are bounded in number and length', () => {
    const many = Array.from({ length: MAX_GROUPS + 5 }, (_, index) => `g${index}`);
    assert.equal(groupsIn(claim, { groups: many }).length, MAX_GROUPS);
    assert.equal(groupNames(many).length, MAX_ISSUER_GROUPS);
    assert.deepEqual(groupsIn(claim, { groups: ['x'.repeat(600)] }), []);
  });

  it('are groups here when they have such a name', () => {
    assert.deepEqual(groupNames(['sre', 'a b', '/admins', '-x', 'CN=a,DC=b', 'web']), [
      'sre',
      'web',
    ]);
  });
});

describe('the name of somebody new', () => {
  const cases: readonly [claim: string, claims: Record<string, unknown>, name: string | null][] = [
    ['email', { email: 'Bob@acme.example', email_verified: true }, 'bob'],
    ['email', { email: 'bob@acme.example' }, null],
    ['email', { email: 'bob@acme.example', email_verified: 'true' }, null],
    ['email', { email: '@acme.example', email_verified: true }, null],
    ['email', { email: 'a+b@acme.example', email_verified: true }, null],
    ['email', { email: 'a@b@acme.example', email_verified: true }, null],
    ['preferred_username', { preferred_username: 'Eve.X' }, 'eve.x'],
    ['preferred_username', { preferred_username: '../x' }, null],
    ['preferred_username', { preferred_username: 'a\u0131' }, null],
    ['preferred_username', { preferred_username: ['a'] }, null],
    ['sub', {}, null],
  ];
  for (const [claim, claims, name] of cases) {
    it(`of ${JSON.stringify(claims)} by ${claim} is ${String(name)}`, () => {
      assert.equal(nameIn({ name: claim }, claims), name);
    });
  }
});
