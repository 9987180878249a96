import assert from 'node:assert/strict';
import { BOT, directoryScene, EVE } from '../support/directory-scene.ts';

describe('http changes of the directory', () => {
  const scene = directoryScene();
  const { ask, refused, sealed, written } = scene;
  beforeEach(() => scene.open());
  afterEach(() => scene.close());

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
    const [event] = (await scene.journal.list({ types: ['config.changed'], limit: 1 })).items;
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
    const { knex } = scene.database;
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
    await scene.database
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
    const { items } = await scene.journal.list({ limit: 100 });
    const { rows } = await scene.database.knex.raw<{ rows: unknown[] }>(
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
