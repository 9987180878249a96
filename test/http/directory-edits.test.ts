import assert from 'node:assert/strict';
import { systemClock } from '../../server/clock.ts';
import { CHECKS } from '../../server/config/checks.ts';
import { createDirectoryDesk } from '../../server/config/directory-desk.ts';
import { readDocument } from '../../server/config/document.ts';
import { silentLogger } from '../../server/log.ts';
import type { SealingVault } from '../../server/vault/vault.ts';
import { generateKeyPair } from '../../server/ssh/key.ts';
import { createCredentials } from '../../server/store/credentials.ts';
import type { Database } from '../../server/store/database.ts';
import { applyDocument } from '../../server/store/directory-apply.ts';
import { createDirectoryObjects } from '../../server/store/directory-objects.ts';
import { createDirectoryVersions } from '../../server/store/directory-versions.ts';
import { readWritten } from '../../server/store/directory-written.ts';
import { createJournal, type StoredJournal } from '../../server/store/journal.ts';
import { createTokens, type Tokens } from '../../server/store/tokens.ts';
import { freshDatabase } from '../support/database.ts';
import { startHttpWorld, type HttpWorld } from '../support/http-world.ts';

const [ANN, BOT, EVE] = ['ann', 'bot', 'eve'].map((name) => generateKeyPair(name));
const YAML = `
principals:
  - {name: ann, kind: human, roles: [admin], groups: [sre], keys: ["${ANN?.publicLine}"]}
  - {name: bot, kind: agent, owner: ann, keys: ["${BOT?.publicLine}"]}
  - {name: aud, kind: human, roles: [auditor]}
  - {name: uma, kind: human}
credentials: [{name: web}]
targets:
  - {name: web1, address: "10.0.0.5:22", labels: {env: prod}, logins: [{name: deploy, credential: web}]}
grants:
  - {principals: ["group:sre"], targets: [web1], logins: [deploy], channels: [shell], policy: default}
  - {principals: [bot], targets: [web1], logins: [deploy], channels: [exec], policy: default}
policies:
  default: {default: allow, rules: [{name: wipe, action: deny, match: {path: ["/etc/**"]}}]}
  spare: {default: deny}
`;

interface Answer {
  readonly status: number;
  readonly etag: string | null;
  readonly json: Record<string, unknown>;
  readonly text: string;
}

describe('http changes of the directory', () => {
  let database: Database;
  let journal: StoredJournal;
  let tokens: Tokens;
  let world: HttpWorld;
  const sealed: string[] = [];
  const bearer = new Map<string, string>();

  const open = async (): Promise<void> => {
    database = await freshDatabase();
    journal = createJournal({ database, clock: systemClock, logger: silentLogger });
    tokens = createTokens(database);
    const read = readDocument([{ file: 'x.yaml', text: YAML }], CHECKS);
    if (read.kind === 'invalid') assert.fail(JSON.stringify(read.problems));
    const origin = { via: 'apply', principal: null, source: 'cli:root', from: 'x.yaml' } as const;
    await applyDocument(database, read.document, { prune: false, dryRun: false, origin });
    const credentials = createCredentials(database);
    const vault = async (): Promise<SealingVault> =>
      ({
        seal: async (name: string, kind: string, bytes: Buffer) => {
          sealed.push(`${name} ${kind} ${bytes.toString()}`);
          return { name, kind, version: 1, keyId: 'm1', sealed: Buffer.from('sealed') };
        },
      }) as unknown as SealingVault;
    const versions = createDirectoryVersions(database, readWritten);
    world = await startHttpWorld({
      signIns: tokens,
      directory: createDirectoryObjects(database),
      directoryEdits: createDirectoryDesk({ database, journal, credentials, versions, vault }),
      audit: journal,
    });
    for (const name of ['ann', 'aud', 'uma']) {
      bearer.set(name, await tokens.createToken({ kind: 'api', principalName: name }));
    }
  };
  const close = async (): Promise<void> => {
    await world.close();
    await database.close();
  };

  const ask = async (
    method: string,
    path: string,
    body?: unknown,
    { as = 'ann', headers = {} }: { as?: string; headers?: Record<string, string> } = {},
  ): Promise<Answer> => {
    const answer = await world.fetch(`/api/v1${path}`, null, {
      method,
      headers: {
        authorization: `Bearer ${bearer.get(as) ?? ''}`,
        ...(body === undefined ? {} : { 'content-type': 'application/json' }),
        ...headers,
      },
      ...(body === undefined ? {} : { body: JSON.stringify(body) }),
    });
    const text = await answer.text();
    const json = JSON.parse(text) as Record<string, unknown>;
    return { status: answer.status, etag: answer.headers.get('etag'), json, text };
  };
  const written = () => readWritten(database.knex);
  const refused = async (answer: Promise<Answer>, status: number, why: RegExp): Promise<void> => {
    const before = await written();
    const { json, status: given, text } = await answer;
    assert.equal(given, status, text);
    const { error } = json as { readonly error: { readonly message: string } };
    assert.match(error.message, why);
    assert.deepEqual(await written(), before);
    const [row] = (await journal.list({ types: ['config.refused'], limit: 1 })).items;
    assert.equal(row?.data['why'], error.message);
    assert.equal(row?.principal, 'ann');
  };

  describe('that are made', () => {
    beforeEach(open);
    afterEach(close);

    it('adds and replaces by name, as a version that says who did what', async () => {
      const cat = { name: 'cat', kind: 'human', groups: ['sre'], keys: [EVE?.publicLine] };
      const added = await ask('POST', '/principals', cat);
      assert.equal(added.status, 201, added.text);
      assert.equal(added.json['version'], 2);
      assert.equal(added.etag, '"2"');
      assert.equal((added.json['item'] as Record<string, unknown>)['name'], 'cat');
      const replaced = await ask('POST', '/principals', { ...cat, groups: ['ops'] });
      assert.equal(replaced.status, 200);
      assert.deepEqual(replaced.json['changes'], [
        {
          object: 'principal',
          name: 'cat',
          change: 'changed',
          lines: ['groups: - sre', 'groups: + ops'],
        },
      ]);
      const same = await ask('POST', '/principals', { ...cat, groups: ['ops'] });
      assert.deepEqual([same.status, same.json['version'], same.json['changes']], [200, 3, []]);
      const [event] = (await journal.list({ types: ['config.changed'], limit: 1 })).items;
      assert.deepEqual(
        [event?.principal, event?.data['version'], event?.data['via'], event?.data['from']],
        ['ann', 3, 'api', 'POST /api/v1/principals'],
      );
      const list = await ask('GET', '/versions?limit=1', undefined, { as: 'aud' });
      const { items, next } = list.json as {
        items: readonly { version: number; principal: string; source: string }[];
        next: string;
      };
      assert.deepEqual(
        items.map((one) => [one.version, one.principal, one.source]),
        [[3, 'ann', 'http:127.0.0.1']],
      );
      const older = await ask('GET', `/versions?cursor=${next}`, undefined, { as: 'aud' });
      assert.deepEqual(
        (older.json['items'] as { version: number }[]).map((one) => one.version),
        [2, 1],
      );
      const one = await ask('GET', '/versions/1', undefined, { as: 'aud' });
      const { document } = one.json as { document: { principals: readonly object[] } };
      assert.equal(document.principals.length, 4);
      assert.equal((await ask('GET', '/versions/9')).status, 404);
      assert.equal((await ask('GET', '/versions/x')).status, 404);
    });

    it('leaves alone what is not named', async () => {
      const { knex } = database;
      await knex('principal_keys').insert({
        id: '00000000-0000-4000-8000-000000000001',
        principal_id: knex('principals').where('name', 'bot').select('id'),
        blob: Buffer.from('short'),
        algorithm: 'ssh-ed25519',
        fingerprint: 'SHA256:short',
        expires_at: '2999-01-01T00:00:00Z',
      });
      const pinned = EVE?.publicLine.replace(' eve', '');
      await knex('targets').update({ host_key: pinned });
      const before = await knex('grants').orderBy('place').select('id');
      for (const [path, entry] of [
        ['/principals', { name: 'bot', kind: 'agent', owner: 'ann', keys: [BOT?.publicLine] }],
        ['/policies', { name: 'spare', policy: { default: 'hold' } }],
        [
          '/targets',
          { name: 'web1', address: '10.0.0.6:22', logins: [{ name: 'deploy', credential: 'web' }] },
        ],
        ['/credentials', { name: 'new' }],
      ] as const) {
        const answer = await ask('POST', path, entry);
        assert.ok(answer.status <= 201, answer.text);
      }
      assert.deepEqual(await knex('grants').orderBy('place').select('id'), before);
      const short = await knex('principal_keys').where('fingerprint', 'SHA256:short').first();
      assert.equal(short?.revoked_at, null);
      assert.equal((await written()).targets[0]?.['hostKey'], pinned);
      assert.equal((await written()).principals.length, 4);
    });

    it('gives what it takes', async () => {
      const { json } = await ask('GET', '/grants', undefined, { as: 'aud' });
      const [grant] = json['items'] as readonly { id: string }[];
      for (const path of [
        '/principals/ann',
        '/targets/web1',
        '/policies/default',
        '/credentials/web',
      ]) {
        const entry = await ask('GET', `${path}?as=entry`);
        const again = await ask('POST', path.slice(0, path.lastIndexOf('/')), entry.json);
        assert.deepEqual(again.json['changes'], [], again.text);
      }
      const entry = await ask('GET', `/grants/${grant?.id}?as=entry`);
      assert.deepEqual((await ask('POST', '/grants', entry.json)).json['changes'], []);
      assert.equal((await ask('GET', '/grants/none?as=entry')).status, 404);
      assert.equal((await ask('GET', '/principals/ann?as=yaml')).status, 400);
    });

    it('takes grants as a set in their order, each with an address', async () => {
      const grant = {
        principals: ['bot'],
        targets: ['label:env=prod'],
        logins: ['deploy'],
        channels: ['exec', 'sftp'],
        policy: 'spare',
      };
      const added = await ask('POST', '/grants', grant);
      assert.equal(added.status, 201, added.text);
      const { id } = added.json['item'] as { id: string };
      const again = await ask('POST', '/grants', grant);
      assert.deepEqual([again.status, (again.json['item'] as { id: string }).id], [200, id]);
      const replaced = await ask('POST', `/grants/${id}`, { ...grant, channels: ['exec'] });
      assert.equal(replaced.status, 200);
      const now = (replaced.json['item'] as { id: string }).id;
      assert.notEqual(now, id);
      assert.equal((await written()).grants.length, 3);
      assert.equal((await ask('DELETE', `/grants/${id}`)).status, 404);
      assert.equal((await ask('DELETE', `/grants/${now}`)).status, 200);
      assert.equal((await written()).grants.length, 2);
      assert.equal((await ask('POST', `/grants/${now}`, grant)).status, 404);
    });

    it('deletes what nothing names, and says who names the rest', async () => {
      const { json } = await ask('GET', '/grants');
      const [first, second] = (json['items'] as readonly { id: string }[]).map(({ id }) => id);
      await refused(ask('DELETE', '/policies/default'), 409, /^the policy is still named by grant/);
      await refused(
        ask('DELETE', '/principals/ann'),
        409,
        /^the principal is still named by principal bot at owner$/,
      );
      await refused(
        ask('DELETE', '/principals/bot'),
        409,
        new RegExp(`^the principal is still named by grant ${second} at principals\\[0\\]$`),
      );
      await refused(
        ask('DELETE', '/targets/web1'),
        409,
        new RegExp(`named by grant ${first} at targets\\[0\\]; grant ${second} at targets\\[0\\]`),
      );
      await refused(
        ask('DELETE', '/credentials/web'),
        409,
        /named by target web1 at logins\[0\]\.credential/,
      );
      await refused(ask('DELETE', '/principals/nobody'), 404, /no such principal/);
      for (const id of [first, second])
        assert.equal((await ask('DELETE', `/grants/${id}`)).status, 200);
      for (const path of [
        '/policies/default',
        '/targets/web1',
        '/credentials/web',
        '/principals/bot',
      ]) {
        const gone = await ask('DELETE', path);
        assert.equal(gone.status, 200, gone.text);
        assert.equal((await ask('GET', `${path}?as=entry`)).status, 404);
      }
      const { items } = (await ask('GET', '/principals')).json as {
        items: readonly { name: string; disabled: boolean }[];
      };
      assert.equal(items.find(({ name }) => name === 'bot')?.disabled, true);
    });

    it('ends the tokens of who is deleted', async () => {
      assert.equal((await ask('DELETE', '/principals/uma')).status, 200);
      assert.equal((await ask('GET', '/sessions', undefined, { as: 'uma' })).status, 401);
    });

    it('does not delete who is shut out: a configuration would bring them back', async () => {
      const now = new Date();
      await database
        .knex('principals')
        .where('name', 'uma')
        .update({ disabled_at: now, locked_at: now });
      await refused(ask('DELETE', '/principals/uma'), 409, /principal disable/);
    });

    it('loses no update of somebody else', async () => {
      const read = await ask('GET', '/policies/spare', undefined);
      assert.equal(read.etag, '"1"');
      const headers = { 'if-match': read.etag ?? '' };
      const policy = { name: 'spare', policy: { default: 'hold' } };
      assert.equal((await ask('POST', '/policies', policy, { headers })).status, 200);
      await refused(
        ask('POST', '/policies', { ...policy, policy: { default: 'allow' } }, { headers }),
        412,
        /version 2/,
      );
      await refused(ask('DELETE', '/policies/spare', undefined, { headers }), 412, /version 2/);
      const odd = await ask('DELETE', '/policies/spare', undefined, {
        headers: { 'if-match': 'W/"x"' },
      });
      assert.equal(odd.status, 400);
    });

    it('seals material at once and says it nowhere', async () => {
      const secret = 'a-password-that-nobody-sees';
      const put = await ask('POST', '/credentials', { name: 'db', password: secret });
      assert.equal(put.status, 201, put.text);
      assert.ok(sealed.includes(`db password ${secret}`));
      const pem = String(EVE?.privateKeyPem);
      const key = await ask('POST', '/credentials', { name: 'web', privateKey: pem });
      assert.equal(key.json['publicKey'], EVE?.publicLine.replace(' eve', ' web'));
      const made = await ask('POST', '/credentials', {
        name: 'ca',
        generate: true,
        authority: true,
      });
      assert.match(String(made.json['publicKey']), /^ssh-ed25519 AAAA\S+ ca$/);
      const answers = put.text + key.text + made.text;
      const { items } = await journal.list({ limit: 100 });
      const { rows } = await database.knex.raw<{ rows: unknown[] }>(
        'select directory_versions::text, credentials::text from directory_versions, credentials',
      );
      const all = answers + JSON.stringify(items) + JSON.stringify(rows);
      for (const part of [secret, pem.split('\n')[2] ?? '']) assert.ok(!all.includes(part));
      assert.deepEqual(
        items
          .filter(({ type }) => type === 'credential.created')
          .map(({ data, principal }) => [principal, data['name'], data['kind']]),
        [
          ['ann', 'ca', 'authority'],
          ['ann', 'web', 'private-key'],
          ['ann', 'db', 'password'],
        ],
      );
    });
  });

  describe('that are refused', () => {
    before(open);
    after(close);

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
      await refused(
        ask('POST', '/policies', { name: 'p', policy: deep }),
        400,
        /nested too deeply/,
      );
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
        const { items } = await journal.list({ limit: 100 });
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
});
