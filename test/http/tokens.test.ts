import assert from 'node:assert/strict';
import type { DirectoryDocument, PrincipalEntry } from '../../server/access/directory.ts';
import { silentLogger } from '../../server/log.ts';
import { systemClock } from '../../server/clock.ts';
import type { Database } from '../../server/store/database.ts';
import { applyDirectory } from '../../server/store/directory-apply.ts';
import { createDirectoryObjects } from '../../server/store/directory-objects.ts';
import { createJournal, type StoredJournal } from '../../server/store/journal.ts';
import { createTokenDesk, MAX_LIVE_TOKENS } from '../../server/store/token-desk.ts';
import { createTokens, type Tokens } from '../../server/store/tokens.ts';
import { freshDatabase } from '../support/database.ts';
import { startHttpWorld, type HttpWorld } from '../support/http-world.ts';

function principal(name: string, more: Partial<PrincipalEntry> = {}): PrincipalEntry {
  const nobody = { kind: 'human', roles: [], groups: [], owner: null, keys: [], oidc: [] } as const;
  return { name, ...nobody, ...more };
}

const DOCUMENT: DirectoryDocument = {
  principals: [
    principal('ann', { roles: ['admin'] }),
    principal('uma'),
    principal('piet', { roles: ['approver'] }),
    principal('bot', { kind: 'agent', owner: 'ann' }),
    principal('judge', { kind: 'agent', owner: 'ann', roles: ['approver'] }),
  ],
  credentials: [],
  targets: [],
  grants: [],
  policies: {},
};

interface Made {
  readonly id: string;
  readonly token: string;
  readonly scopes: readonly string[] | null;
  readonly expiresAt: string;
}

describe('http tokens', () => {
  let database: Database;
  let journal: StoredJournal;
  let tokens: Tokens;
  let world: HttpWorld;

  before(async () => {
    database = await freshDatabase();
    journal = createJournal({ database, clock: systemClock, logger: silentLogger });
    tokens = createTokens(database);
    await applyDirectory(database, DOCUMENT, { prune: false, dryRun: false });
    world = await startHttpWorld({
      signIns: tokens,
      tokens: createTokenDesk({ database, journal }),
      directory: createDirectoryObjects(database),
      audit: journal,
    });
  });
  after(async () => {
    await world.close();
    await database.close();
  });

  const ask = async (
    method: string,
    path: string,
    token: string | null,
    body?: unknown,
  ): Promise<{ readonly status: number; readonly json: Record<string, unknown> }> => {
    const answer = await world.fetch(path, null, {
      method,
      headers: {
        ...(token === null ? {} : { authorization: `Bearer ${token}` }),
        ...(body === undefined ? {} : { 'content-type': 'application/json' }),
      },
      ...(body === undefined ? {} : { body: JSON.stringify(body) }),
    });
    return { status: answer.status, json: (await answer.json()) as Record<string, unknown> };
  };
  const tokenOf = (name: string): Promise<string> =>
    tokens.createToken({ kind: 'api', principalName: name });
  const make = async (token: string, body: unknown): Promise<Made> => {
    const { json, status } = await ask('POST', '/api/v1/tokens', token, body);
    assert.equal(status, 201, JSON.stringify(json));
    return json as unknown as Made;
  };
  const refused = async (token: string, body: unknown, status: number, why: RegExp) => {
    const answer = await ask('POST', '/api/v1/tokens', token, body);
    assert.equal(answer.status, status, JSON.stringify(answer.json));
    assert.match(JSON.stringify(answer.json), why);
  };
  const statusOf = async (token: string, path = '/api/v1/sessions'): Promise<number> =>
    (await ask('GET', path, token)).status;

  it('are made for a purpose, used for that and nothing else, and revoked', async () => {
    const uma = await tokenOf('uma');
    const made = await make(uma, { name: 'reports', scopes: ['sessions:read'], lifeSeconds: 600 });
    assert.equal(await statusOf(made.token), 200);
    const beyond = await ask('GET', '/api/v1/tokens', made.token);
    assert.equal(beyond.status, 403);
    assert.match(JSON.stringify(beyond.json), /lacks the scope \\"tokens\\"/);
    const { json } = await ask('GET', `/api/v1/tokens/${made.id}`, uma);
    assert.equal(json['name'], 'reports');
    assert.equal(json['lastUsedFrom'], 'http:127.0.0.1');
    assert.equal('token' in json, false);
    assert.equal((await ask('DELETE', `/api/v1/tokens/${made.id}`, uma)).status, 200);
    assert.equal(await statusOf(made.token), 401);
    assert.equal((await ask('DELETE', `/api/v1/tokens/${made.id}`, uma)).status, 404);
    const { items } = await journal.list({ types: ['token.created', 'token.revoked'], limit: 2 });
    assert.deepEqual(
      items.map((one) => [one.type, one.principal, one.data['name'], one.data['owner']]),
      [
        ['token.revoked', 'uma', 'reports', 'uma'],
        ['token.created', 'uma', 'reports', 'uma'],
      ],
    );
    assert.ok(!JSON.stringify(items).includes(made.token));
  });

  it('give what the roles give at the time of use, whatever they were made for', async () => {
    const piet = await tokenOf('piet');
    const made = await make(piet, { scopes: ['approvals:decide', 'directory:write'] });
    assert.equal(await statusOf(made.token, '/api/v1/approvals'), 200);
    assert.equal(await statusOf(made.token, '/api/v1/principals'), 403);
    await database.knex('principals').where('name', 'piet').update({ roles: [] });
    assert.equal(await statusOf(made.token, '/api/v1/approvals'), 403);
    await database
      .knex('principals')
      .where('name', 'piet')
      .update({ roles: ['approver'] });
  });

  it('are no session of a browser: in a cookie they say nothing', async () => {
    const made = await make(await tokenOf('uma'), { scopes: ['sessions:read'] });
    const cookie = (token: string): Promise<Response> =>
      world.fetch('/api/v1/sessions', null, { headers: { cookie: `sallyport_session=${token}` } });
    assert.equal((await cookie(made.token)).status, 401);
    assert.equal((await cookie(await tokenOf('ann'))).status, 401);
    const web = await tokens.createToken({ kind: 'web', principalName: 'uma' });
    assert.equal((await cookie(web)).status, 200);
  });

  it('die with their principal', async () => {
    const made = await make(await tokenOf('uma'), {});
    await database.knex('principals').where('name', 'uma').update({ disabled_at: new Date() });
    assert.equal(await statusOf(made.token), 401);
    await database.knex('principals').where('name', 'uma').update({ disabled_at: null });
  });

  it('pass on no more than they have, and no longer than they live', async () => {
    const ann = await tokenOf('ann');
    const narrow = await make(ann, { scopes: ['tokens', 'sessions:read'], lifeSeconds: 60 });
    await refused(narrow.token, { scopes: ['directory:write'] }, 403, /lacks the scope/);
    const child = await make(narrow.token, { lifeSeconds: 31_000_000 });
    assert.deepEqual(child.scopes, ['tokens', 'sessions:read']);
    assert.equal(child.expiresAt, narrow.expiresAt);
    assert.equal(await statusOf(child.token, '/api/v1/principals'), 403);
    const only = await make(ann, { scopes: ['sessions:read'] });
    await refused(only.token, {}, 403, /lacks the scope \\"tokens\\"/);
  });

  it('are everybody’s own business, and all of them an admin’s', async () => {
    const [ann, uma, piet] = [await tokenOf('ann'), await tokenOf('uma'), await tokenOf('piet')];
    const made = await make(piet, { name: 'of piet' });
    const listed = async (token: string, query = ''): Promise<string> =>
      JSON.stringify((await ask('GET', `/api/v1/tokens${query}`, token)).json);
    assert.ok((await listed(piet)).includes(made.id));
    assert.ok((await listed(ann, '?principal=piet')).includes(made.id));
    assert.ok(!(await listed(uma)).includes(made.id));
    assert.ok(!(await listed(uma, '?principal=piet')).includes(made.id));
    const path = `/api/v1/tokens/${made.id}`;
    assert.equal((await ask('GET', path, uma)).status, 404);
    assert.equal((await ask('DELETE', path, uma)).status, 404);
    assert.equal((await ask('DELETE', path, ann)).status, 200);
    assert.equal(await statusOf(made.token), 401);
  });

  it('are made for programs by admins, never in the name of who decides', async () => {
    const ann = await tokenOf('ann');
    const made = await make(ann, { principal: 'bot', scopes: ['ssh-keys'] });
    assert.equal(await statusOf(made.token), 403);
    await refused(ann, { principal: 'piet' }, 403, /is a person/);
    await refused(ann, { principal: 'judge' }, 403, /has the role \\"approver\\"/);
    await refused(ann, { principal: 'nobody' }, 404, /no enabled principal/);
    await refused(await tokenOf('uma'), { principal: 'bot' }, 403, /needs the role/);
  });

  for (const [what, body, why] of [
    ['a scope that there is not', { scopes: ['everything'] }, /no scope/],
    ['no scope at all', { scopes: [] }, /not empty/],
    ['scopes that are text', { scopes: 'tokens' }, /must be a list/],
    ['an unknown key', { scope: ['tokens'] }, /there is no \\"scope\\"/],
    ['a life of nothing', { lifeSeconds: 0 }, /out of range/],
    ['a life of ages', { lifeSeconds: 1e9 }, /366 days/],
    ['a life that is no number', { lifeSeconds: '60' }, /out of range/],
    ['a name that is a list', { name: ['x'] }, /must be text/],
    ['a name that is a novel', { name: 'x'.repeat(101) }, /at most 100/],
    ['a list', [], /no JSON object/],
  ] as const) {
    it(`are not made of ${what}`, async () => {
      await refused(await tokenOf('ann'), body, 400, why);
    });
  }

  it('are not made without end', async () => {
    const rows = Array.from({ length: MAX_LIVE_TOKENS }, (_, at) => ({
      hash: Buffer.alloc(32, `${at} `),
      kind: 'api',
      principal_id: database.knex('principals').where('name', 'bot').select('id'),
      expires_at: new Date(Date.now() + 3_600_000),
    }));
    await database.knex('tokens').insert(rows);
    await refused(await tokenOf('ann'), { principal: 'bot' }, 429, /already/);
  });

  it('keep a scoped token from registering keys, and let one do it that may', async () => {
    const uma = await tokenOf('uma');
    const without = await make(uma, { scopes: ['sessions:read'] });
    const publicKey =
      'ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIOMqqnkVzrm0SdG6UOoqKLsabgH5C9okWi0dh2l9GKJl';
    const { json, status } = await ask('POST', '/api/v1/ssh-keys', without.token, { publicKey });
    assert.equal(status, 403);
    assert.match(JSON.stringify(json), /lacks the scope \\"ssh-keys\\"/);
    const having = await make(uma, { scopes: ['ssh-keys'] });
    assert.equal((await ask('POST', '/api/v1/ssh-keys', having.token, { publicKey })).status, 201);
  });
});
