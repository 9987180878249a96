import assert from 'node:assert/strict';
import { CHECKS } from '../../server/config/checks.ts';
import { readDocument } from '../../server/config/document.ts';
import { ANN, directoryScene, EVE } from '../support/directory-scene.ts';

describe('http changes of the directory that are refused', () => {
  const scene = directoryScene();
  const { ask, refused, sealed } = scene;
  before(() => scene.open());
  after(() => scene.close());

  const target = {
    name: 'web2',
    address: '10.0.0.9:22',
    logins: [{ name: 'deploy', credential: 'web' }],
  };
  for (const [what, path, entry, why] of [
    [
      'a key of somebody else',
      '/principals',
      { name: 'eve', kind: 'human', keys: [ANN?.publicLine] },
      /^keys\[0\]: this key already belongs to "ann" at principal ann at keys\[0\]$/,
    ],
    [
      'a key that is cut',
      '/principals',
      { name: 'eve', kind: 'human', keys: [ANN?.publicLine.slice(0, 40)] },
      /^keys\[0\] is no public key/,
    ],
    [
      'a private key',
      '/principals',
      { name: 'eve', kind: 'human', keys: [String(EVE?.privateKeyPem)] },
      /^keys\[0\] is a private key$/,
    ],
    [
      'an unknown key',
      '/principals',
      { name: 'eve', kind: 'human', role: ['admin'] },
      /^role: unknown key "role" in what was sent$/,
    ],
    [
      'an unknown role',
      '/principals',
      { name: 'eve', kind: 'human', roles: ['root'] },
      /^roles\[0\] is "root"$/,
    ],
    [
      'an owner that there is not',
      '/principals',
      { name: 'eve', kind: 'agent', owner: 'zed' },
      /^owner: there is no principal "zed"$/,
    ],
    [
      'an owner who becomes an agent',
      '/principals',
      { name: 'ann', kind: 'agent', roles: ['admin'] },
      /^principal bot at owner: .*is "ann", which is an agent$/,
    ],
    ['no name', '/principals', { kind: 'human' }, /^name is missing$/],
    ['a list', '/principals', [], /no JSON object/],
    [
      'a prototype',
      '/targets',
      JSON.parse('{"name":"x","labels":{"__proto__":"y"}}') as unknown,
      /__proto__/,
    ],
    [
      'a credential that there is not',
      '/targets',
      { ...target, logins: [{ name: 'x', credential: 'nope' }] },
      /^logins\[0\]\.credential: there is no credential "nope"$/,
    ],
    ['an address that is none', '/targets', { ...target, address: 'x' }, /^address is "x"$/],
    [
      'a policy that there is not',
      '/grants',
      {
        principals: ['bot'],
        targets: ['web1'],
        logins: ['deploy'],
        channels: ['exec'],
        policy: 'nope',
      },
      /^policy: there is no policy "nope"$/,
    ],
    [
      'no channels',
      '/grants',
      { principals: ['bot'], targets: ['web1'], logins: ['deploy'], policy: 'spare' },
      /^channels is missing$/,
    ],
    [
      'an id',
      '/grants',
      {
        id: 'x',
        principals: ['bot'],
        targets: ['web1'],
        logins: ['deploy'],
        channels: ['exec'],
        policy: 'spare',
      },
      /unknown key "id"/,
    ],
    [
      'a rule of no action',
      '/policies',
      {
        name: 'p',
        policy: {
          default: 'allow',
          rules: [{ name: 'r', match: { command: 'x' }, action: 'maybe' }],
        },
      },
      /^policy\.rules\[0\]\.action/,
    ],
    ['no policy', '/policies', { name: 'p' }, /^policy is missing$/],
    [
      'a policy of a bad name',
      '/policies',
      { name: 'p q', policy: { default: 'allow' } },
      /the policy name "p q" can't be used/,
    ],
    ['a name with NUL', '/credentials', { name: 'x\0' }, /can not be kept/],
  ] as const) {
    it(`refuses ${what}, where it stands, and journals that`, async () => {
      await refused(ask('POST', path, entry), 400, why);
    });
  }

  it('refuses what is nested without end', async () => {
    const deep = JSON.parse(`${'{"a":'.repeat(1000)}1${'}'.repeat(1000)}`) as unknown;
    await refused(ask('POST', '/policies', { name: 'p', policy: deep }), 400, /nested too deeply/);
  });

  it('says the same as the configuration file', async () => {
    const entry = {
      name: 'eve',
      kind: 'human',
      keys: ['ssh-ed25519 AAAA'],
      oidc: { subject: 'x' },
    };
    const yaml = readDocument(
      [{ file: 'f', text: JSON.stringify({ principals: [entry] }) }],
      CHECKS,
    );
    assert.equal(yaml.kind, 'invalid');
    const messages = yaml.kind === 'invalid' ? yaml.problems.map(({ message }) => message) : [];
    const { json } = await ask('POST', '/principals', entry);
    const { error } = json as { readonly error: { readonly message: string } };
    assert.equal(
      error.message,
      messages.map((one) => one.replace('principals[0].', '')).join('; '),
    );
  });

  it('is for admins', async () => {
    for (const [as, status] of [
      ['aud', 403],
      ['uma', 403],
      ['nobody', 401],
    ] as const) {
      for (const [method, path] of [
        ['POST', '/principals'],
        ['DELETE', '/principals/uma'],
        ['POST', '/grants/x'],
        ['DELETE', '/grants/x'],
        ['POST', '/credentials'],
      ] as const) {
        const body = method === 'POST' ? { name: 'x', kind: 'human' } : undefined;
        assert.equal((await ask(method, path, body, { as })).status, status, `${as} ${path}`);
      }
    }
    assert.equal((await ask('GET', '/versions', undefined, { as: 'uma' })).status, 403);
    assert.equal((await ask('PUT', '/principals', {})).status, 405);
  });

  for (const [what, body, why] of [
    ['two kinds of material', { password: 'x', generate: true }, /exactly one/],
    ['a key that is none', { privateKey: 'SECRET-THAT-IS-NO-KEY' }, /privateKey can't be used/],
    ['a password of two lines', { password: 'SECRET\nTWO' }, /more than one line/],
    ['a password that is a number', { password: 5 }, /must be text/],
    ['an empty key', { privateKey: '' }, /not empty/],
    ['a CA without a key', { authority: true }, /needs a key/],
    ['a CA of a password', { authority: true, password: 'SECRET' }, /needs a key/],
  ] as const) {
    it(`takes no credential of ${what}, and repeats nothing of it`, async () => {
      const before = sealed.length;
      const answer = await ask('POST', '/credentials', { name: 'web', ...body });
      assert.equal(answer.status, 400);
      assert.match(answer.text, why);
      assert.equal(sealed.length, before);
      const { items } = await scene.journal.list({ limit: 100 });
      assert.ok(!(answer.text + JSON.stringify(items)).includes('SECRET'));
    });
  }

  it('takes no material that came without HTTPS', async () => {
    const headers = { 'x-forwarded-proto': 'http' };
    const body = { name: 'web', password: 'x' };
    await refused(ask('POST', '/credentials', body, { headers }), 403, /without HTTPS/);
    assert.equal((await ask('POST', '/credentials', { name: 'fine' }, { headers })).status, 201);
  });
});
