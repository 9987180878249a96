import assert from 'node:assert/strict';
import { ATTEMPT_WINDOW_MS, MAX_ATTEMPTS } from '../../server/http/attempts.ts';
import {
  approvalView,
  keptSession,
  people,
  sessionId,
  startHttpWorld,
  type HttpWorld,
} from '../support/http-world.ts';

describe('http sign-in', () => {
  let world: HttpWorld;
  beforeEach(async () => {
    world = await startHttpWorld();
  });
  afterEach(() => world.close());

  const post = { method: 'POST' } as const;

  async function signIn(): Promise<string> {
    const answer = await world.fetch(`/setup/${world.signIns.setup(people.alice)}`, null, post);
    return (answer.headers.get('set-cookie') ?? '').split(';')[0] ?? '';
  }

  it('shows a page for the link without using it up', async () => {
    const token = world.signIns.setup(people.alice);
    for (const method of ['GET', 'GET', 'HEAD']) {
      const page = await world.fetch(`/setup/${token}`, null, { method });
      assert.equal(page.status, 200);
      assert.equal(page.headers.get('set-cookie'), null);
    }
    const answer = await world.fetch(`/setup/${token}`, null, post);
    assert.equal(answer.status, 303);
  });

  it('redeems a link once: cookie, way to the sessions, journal', async () => {
    const token = world.signIns.setup(people.alice);
    const answer = await world.fetch(`/setup/${token}`, null, post);
    assert.equal(answer.status, 303);
    assert.equal(answer.headers.get('location'), '/sessions');
    assert.match(
      answer.headers.get('set-cookie') ?? '',
      /^sallyport_session=[^;]+; Path=\/; HttpOnly; SameSite=Lax$/,
    );
    const again = await world.fetch(`/setup/${token}`, null, post);
    assert.equal(again.status, 401);
    assert.equal(again.headers.get('set-cookie'), null);
    assert.match(await again.text(), /already used/);
    assert.deepEqual(world.audit.ofType('web.signed-in'), ['alice -']);
    assert.equal(world.audit.events[0]?.source, 'http:127.0.0.1');
  });

  it('gives no cookie when the sign-in can not be journalled', async () => {
    world.audit.failing = true;
    const token = world.signIns.setup(people.alice);
    const answer = await world.fetch(`/setup/${token}`, null, post);
    assert.equal(answer.status, 503);
    assert.equal(answer.headers.get('set-cookie'), null);
  });

  it('binds the cookie to the host when the public URL is HTTPS', async () => {
    const secure = await startHttpWorld({ publicUrl: 'https://bastion.example' });
    try {
      const token = secure.signIns.setup(people.alice);
      const answer = await secure.fetch(`/setup/${token}`, null, post);
      const cookie = answer.headers.get('set-cookie') ?? '';
      assert.match(
        cookie,
        /^__Host-sallyport_session=[^;]+; Path=\/; HttpOnly; Secure; SameSite=Lax$/,
      );
      assert.match(answer.headers.get('strict-transport-security') ?? '', /max-age=/);
      const list = await secure.fetch('/sessions', null, {
        headers: { cookie: cookie.split(';')[0] ?? '' },
      });
      assert.equal(list.status, 200);
    } finally {
      await secure.close();
    }
  });

  it('takes the cookie for pages and for the API, and forgets it after signing out', async () => {
    const cookie = await signIn();
    for (const path of ['/sessions', '/api/v1/sessions']) {
      const answer = await world.fetch(path, null, { headers: { cookie: `a=b; ${cookie}` } });
      assert.equal(answer.status, 200, path);
    }
    const out = await world.fetch('/sign-out', null, {
      ...post,
      headers: { cookie, 'sec-fetch-site': 'same-origin' },
    });
    assert.equal(out.status, 303);
    assert.match(
      out.headers.get('set-cookie') ?? '',
      /^sallyport_session=; .*Expires=Thu, 01 Jan 1970/,
    );
    const after = await world.fetch('/sessions', null, { headers: { cookie } });
    assert.equal(after.status, 401);
    assert.deepEqual(world.audit.ofType('web.signed-out'), ['alice -']);
  });

  const RETURNS: readonly [method: string, path: string, to: string | null][] = [
    ['POST', '/approvals/wait1', '/approvals/wait1'],
    ['POST', '/approvals/wait1/revoke', '/approvals/wait1'],
    ['POST', `/sessions/${sessionId(1)}/notes`, `/sessions/${sessionId(1)}`],
    ['POST', '/sessions/filters', null],
    ['POST', '/keys/k1/revoke', '/keys'],
    ['GET', '/approvals/wait1', null],
    ['POST', '/approvals/%22%3E%3Cb%3E?a="><b>', '/approvals/%22%3E%3Cb%3E'],
    ['POST', '/approvals/..%2f..%2f%2fevil.example', '/approvals/..%2f..%2f%2fevil.example'],
  ];
  for (const [method, path, to] of RETURNS) {
    it(`leads from ${method} ${path} to the sign-in page, and back to ${to ?? 'the front page'}`, async () => {
      const body = method === 'POST' ? new URLSearchParams({ decision: 'approve' }) : null;
      const answer = await world.fetch(path, null, { method, body });
      assert.equal(answer.status, 401);
      const href = /<a class="button" href="([^"]*)"/.exec(await answer.text())?.[1];
      const query = to === null ? '' : `?${new URLSearchParams({ to }).toString()}`;
      assert.equal(href, `/sign-in${query}`);
    });
  }

  for (const authorization of [
    'Bearer',
    'Bearer ',
    'Basic YTpi',
    'Bearer nope',
    `Bearer ${'x'.repeat(5000)}`,
  ]) {
    it(`does not know "${authorization.slice(0, 20)}"`, async () => {
      const cookie = await signIn();
      const answer = await world.fetch('/api/v1/sessions', null, {
        headers: { authorization, cookie },
      });
      assert.equal(answer.status, 401);
    });
  }

  it('slows down who tries many links, and only them for a while', async () => {
    for (let tries = 0; tries < MAX_ATTEMPTS; tries += 1) {
      assert.equal((await world.fetch(`/setup/guess-${tries}`, null, post)).status, 401);
    }
    const token = world.signIns.setup(people.alice);
    const refused = await world.fetch(`/setup/${token}`, null, post);
    assert.equal(refused.status, 429);
    world.clock.advance(ATTEMPT_WINDOW_MS);
    assert.equal((await world.fetch(`/setup/${token}`, null, post)).status, 303);
  });

  describe('against requests that a foreign page caused', () => {
    const origin = (): string => world.url;
    const cases: readonly [
      what: string,
      headers: () => Readonly<Record<string, string>>,
      allowed: boolean,
    ][] = [
      ['our own page', () => ({ 'sec-fetch-site': 'same-origin' }), true],
      ['our own page in an older browser', () => ({ origin: origin() }), true],
      ['another site', () => ({ 'sec-fetch-site': 'cross-site' }), false],
      ['a sibling host', () => ({ 'sec-fetch-site': 'same-site', origin: origin() }), false],
      ['a typed address', () => ({ 'sec-fetch-site': 'none' }), false],
      ['another site in an older browser', () => ({ origin: 'https://evil.example' }), false],
      ['a sandboxed frame', () => ({ origin: 'null' }), false],
      ['a browser that says nothing', () => ({}), false],
    ];
    for (const [what, headers, allowed] of cases) {
      it(`${allowed ? 'takes' : 'refuses'} a decision with the cookie from ${what}`, async () => {
        world.approvals.views.push(approvalView('ab12'));
        const cookie = await signIn();
        const answer = await world.fetch('/api/v1/approvals/ab12/approve', null, {
          ...post,
          headers: { cookie, ...headers() },
        });
        assert.equal(answer.status, allowed ? 200 : 403);
        assert.equal(world.approvals.views[0]?.status, allowed ? 'approved' : 'waiting');
      });
    }

    it('lets no other site sign somebody in', async () => {
      const token = world.signIns.setup(people.alice);
      const answer = await world.fetch(`/setup/${token}`, null, {
        ...post,
        headers: { 'sec-fetch-site': 'cross-site' },
      });
      assert.equal(answer.status, 403);
    });

    it('guards the forms of pages in the same way', async () => {
      world.recordings.add(keptSession(1, [], { status: 'active', endedAt: null }));
      const cookie = await signIn();
      const path = `/sessions/${sessionId(1)}/terminate`;
      const foreign = await world.fetch(path, null, {
        ...post,
        headers: { cookie, 'sec-fetch-site': 'cross-site' },
      });
      assert.equal(foreign.status, 403);
      assert.deepEqual(world.terminated, []);
      const own = await world.fetch(path, null, {
        ...post,
        headers: { cookie, 'sec-fetch-site': 'same-origin' },
      });
      assert.equal(own.status, 303);
      assert.deepEqual(world.terminated, [`${sessionId(1)} by alice`]);
    });

    it('asks nothing of programs that send a bearer token', async () => {
      world.approvals.views.push(approvalView('ab12'));
      const answer = await world.fetch('/api/v1/approvals/ab12/approve', people.piet, {
        ...post,
        headers: { origin: 'https://tool.example' },
      });
      assert.equal(answer.status, 200);
    });
  });
});
