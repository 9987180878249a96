import assert from 'node:assert/strict';
import { MAX_PRINCIPAL_ATTEMPTS } from '../../server/http/attempts.ts';
import {
  approvalView,
  keptSession,
  people,
  sessionId,
  startHttpWorld,
  type HttpWorld,
} from '../support/http-world.ts';
import { addressOf, requestOf, ROUTES } from '../support/route-matrix.ts';

/** Every object has some of these; others look like something else, or like two things. */
const HOSTILE_NAMES = [
  '__proto__',
  'constructor',
  '%00',
  '%2e%2e%2f',
  '%ff',
  'a%0d%0aSet-Cookie:%20x=y',
  "'%20or%201=1--",
  '%F0%9F%98%80',
  'x'.repeat(5000),
  '1e309',
];

describe('abuse of the web server', () => {
  let world: HttpWorld;
  beforeEach(async () => {
    world = await startHttpWorld();
  });
  afterEach(() => world.close());

  const bearer = (token: string): Promise<Response> =>
    world.fetch('/api/v1/sessions', null, { headers: { authorization: `Bearer ${token}` } });

  it('makes who guesses tokens wait, and nobody with a right one from the same address', async () => {
    for (let at = 0; at < MAX_PRINCIPAL_ATTEMPTS; at += 1) {
      assert.equal((await bearer(`guess-${at}`)).status, 401);
    }
    assert.equal((await bearer('guess-x')).status, 429);
    assert.equal((await world.fetch('/api/v1/sessions', people.uma)).status, 200);
    const link = world.signIns.setup(people.alice);
    assert.equal((await world.fetch(`/setup/${link}`, null, { method: 'POST' })).status, 303);
  });

  it('counts an old cookie as no guess', async () => {
    for (let at = 0; at < 50; at += 1) {
      const headers = { cookie: 'sallyport_session=old' };
      assert.equal((await world.fetch('/api/v1/sessions', null, { headers })).status, 401);
    }
  });

  it('refuses every change that a foreign page causes with the cookie of an admin', async () => {
    world.recordings.add(keptSession(1, [], { status: 'active', endedAt: null }));
    world.approvals.views.push(approvalView('ab12'));
    const cookie = `sallyport_session=${world.signIns.token(people.alice)}`;
    const unsafe = ROUTES.filter(({ method }) => method !== 'GET');
    assert.ok(unsafe.length > 20);
    for (const row of unsafe) {
      for (const foreign of [
        { 'sec-fetch-site': 'cross-site' },
        { 'sec-fetch-site': 'same-site' },
        { 'sec-fetch-site': 'none' },
        { origin: 'https://evil.example' },
        { origin: 'null' },
        {},
      ]) {
        const { body, method } = requestOf(row);
        const answer = await world.fetch(addressOf(row, sessionId(1), 'uma'), null, {
          method: method ?? 'POST',
          headers: { cookie, 'content-type': 'text/plain', ...foreign },
          ...(body !== undefined && { body }),
        });
        await answer.body?.cancel();
        assert.equal(answer.status, 403, `${row.method} ${row.path} ${JSON.stringify(foreign)}`);
      }
    }
    assert.deepEqual(world.audit.events, []);
    assert.deepEqual(world.terminated, []);
    assert.equal(world.approvals.views[0]?.status, 'waiting');
  });

  it('answers hostile names in addresses and queries, and breaks over none', async () => {
    world.recordings.add(keptSession(1, []));
    const named = ROUTES.filter(({ path }) => path.includes(':'));
    for (const row of named) {
      for (const name of HOSTILE_NAMES) {
        const address = row.path.replaceAll(/:\w+/g, name);
        const answer = await world.fetch(address, people.alice, requestOf(row));
        const text = answer.headers.get('content-type')?.startsWith('text/event-stream')
          ? ''
          : await answer.text();
        assert.ok(answer.status < 500, `${row.method} ${address} ${answer.status} ${text}`);
        assert.equal(answer.headers.get('set-cookie'), null, address);
      }
    }
    const listed = ROUTES.filter(({ method, path }) => method === 'GET' && !path.includes(':'));
    for (const row of listed) {
      for (const query of [
        ...['__proto__', '%00', '%F0%9F%98%80'].map((name) => `principal=${name}&q=${name}`),
        ...['__proto__', 'constructor'].map((name) => `${name}=x&policy=${name}`),
        'limit=1&limit=2',
        'cursor[__proto__]=x',
        'q[]=x',
      ]) {
        const stop = new AbortController();
        const answer = await world.fetch(`${row.path}?${query}`, people.alice, {
          signal: stop.signal,
        });
        assert.ok(answer.status < 500, `${row.path}?${query} ${answer.status}`);
        stop.abort();
      }
    }
    assert.equal(({} as Record<string, unknown>)['x'], undefined);
  });

  it('takes no field of a body that reaches for the prototype of everything', async () => {
    const hostile =
      '{"__proto__":{"polluted":1},"constructor":{"prototype":{"polluted":1}},"principal":"alice","roles":["admin"],"scopes":null,"id":"x"}';
    for (const row of ROUTES.filter(({ method }) => method === 'POST')) {
      for (const person of [people.uma, people.alice]) {
        const answer = await world.fetch(addressOf(row, sessionId(1), 'uma'), person, {
          method: 'POST',
          headers: { 'content-type': 'application/json' },
          body: hostile,
        });
        await answer.body?.cancel();
        assert.ok(answer.status < 500, `${row.path} ${answer.status}`);
      }
    }
    assert.equal(({} as Record<string, unknown>)['polluted'], undefined);
    assert.deepEqual(world.shortKeys.registered, []);
  });

  it('sends every answer with headers that keep it where it belongs', async () => {
    world.recordings.add(keptSession(1, []));
    world.approvals.views.push(approvalView('ab12'));
    for (const row of ROUTES.filter(({ method }) => method === 'GET')) {
      for (const person of [null, people.alice]) {
        const stop = new AbortController();
        const { signal } = stop;
        const address = addressOf(row, sessionId(1), 'deploy-bot');
        const { headers, status } = await world.fetch(address, person, { signal });
        const where = `${row.path} ${status}`;
        assert.equal(headers.get('x-content-type-options'), 'nosniff', where);
        assert.equal(headers.get('x-powered-by'), null, where);
        assert.match(headers.get('content-security-policy') ?? '', /default-src 'none'/, where);
        const isOpen = ['/healthz', '/readyz', '/metrics'].includes(row.path);
        if (!isOpen) assert.equal(headers.get('cache-control'), 'no-store', where);
        const type = headers.get('content-type') ?? '';
        const isPage = /^(text\/html|image\/svg)/.test(type);
        const policy = headers.get('content-security-policy') ?? '';
        if (isPage) assert.doesNotMatch(policy, /'unsafe-(inline|eval)'|\*/, where);
        const isFile = /\/(recording|files|export)(\/|$)/.test(row.path) && status === 200;
        if (isFile) assert.match(headers.get('content-disposition') ?? '', /^attachment/, where);
        for (const cookie of headers.getSetCookie()) {
          assert.match(cookie, /HttpOnly; SameSite=Lax/, where);
        }
        stop.abort();
      }
    }
  });
});
