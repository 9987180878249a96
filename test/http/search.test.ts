import assert from 'node:assert/strict';
import { SallyportError } from '../../server/errors.ts';
import type { SearchPage } from '../../server/http/ports.ts';
import { searchFilters, searchQuery } from '../../server/http/search-query.ts';
import {
  commandView,
  keptSession,
  type HttpWorld,
  people,
  sessionId,
  startHttpWorld,
} from '../support/http-world.ts';

type Person = keyof typeof people | 'nobody';

describe('http search', () => {
  let world: HttpWorld;
  beforeEach(async () => {
    world = await startHttpWorld();
    const uma = { name: 'uma', kind: 'human' } as const;
    world.recordings.add(
      keptSession(1, [commandView(1, { text: 'rm notes' })], { principal: uma, run: null }),
      keptSession(2, [
        commandView(1, { text: 'ls <b>' }),
        commandView(2, { text: 'rm -rf /', decision: 'deny' }),
      ]),
    );
  });
  afterEach(() => world.close());

  const fetch = (path: string, person: Person): Promise<Response> =>
    world.fetch(path, person === 'nobody' ? null : people[person]);
  const found = async (path: string, person: Person): Promise<readonly string[]> => {
    const answer = await fetch(path, person);
    assert.equal(answer.status, 200);
    return ((await answer.json()) as SearchPage).items.map((one) => one.text);
  };

  for (const route of ['/api/v1/search', '/api/v1/commands']) {
    it(`${route} shows auditors everything and others their own`, async () => {
      assert.deepEqual(await found(`${route}?q=rm`, 'audrey'), ['rm notes', 'rm -rf /']);
      assert.deepEqual(await found(`${route}?q=rm`, 'alice'), ['rm notes', 'rm -rf /']);
      assert.deepEqual(await found(`${route}?q=rm`, 'uma'), ['rm notes']);
      assert.deepEqual(await found(`${route}?q=rm&principal=deploy-bot`, 'uma'), []);
      assert.deepEqual(await found(`${route}?q=rm`, 'piet'), []);
      assert.equal((await fetch(`${route}?q=rm`, 'nobody')).status, 401);
    });
  }

  it('stays within one session, for who may read it, and its look is in the journal', async () => {
    const within = (number: number) => `/api/v1/search?q=rm&session=${sessionId(number)}`;
    assert.deepEqual(await found(within(2), 'audrey'), ['rm -rf /']);
    assert.deepEqual(await found(within(1), 'uma'), ['rm notes']);
    assert.deepEqual(await found(`${within(2)}&principal=uma`, 'audrey'), []);
    for (const person of ['uma', 'piet'] as const) {
      assert.equal((await fetch(within(2), person)).status, 404);
    }
    for (const id of ['nonsense', sessionId(99)]) {
      assert.equal((await fetch(`/api/v1/search?q=rm&session=${id}`, 'audrey')).status, 404);
    }
    const looks = world.audit.events.filter(({ session }) => session === sessionId(2));
    assert.deepEqual(
      looks.map(({ principal, type }) => `${principal} ${type}`),
      ['audrey recording.viewed'],
    );
  });

  it('answers hits with session, command, time and a cursor', async () => {
    const answer = await fetch('/api/v1/search?q=rm&decision=deny&limit=1', 'audrey');
    const { items, next, missing } = (await answer.json()) as SearchPage;
    assert.equal(next, null);
    assert.deepEqual(missing, { cutSessions: 0, waitingSessions: 0 });
    const [hit] = items;
    assert.equal(hit?.session, sessionId(2));
    assert.equal(hit?.seq, 2);
    assert.equal(hit?.atMs, 2000);
    assert.equal(hit?.at, '2026-01-01T10:00:02.000Z');
    const first = await fetch('/api/v1/commands?limit=1', 'audrey');
    const page = (await first.json()) as SearchPage;
    assert.ok(page.next !== null);
    assert.equal((await found(`/api/v1/commands?cursor=${page.next}`, 'audrey')).length, 2);
  });

  it('journals who searches what others did, before the answer', async () => {
    await found('/api/v1/search?q=rm&in=output&target=web-01', 'audrey');
    assert.deepEqual(
      world.audit.events.map(({ type, principal, target, data }) => ({
        type,
        principal,
        target,
        data,
      })),
      [
        {
          type: 'recording.viewed',
          principal: 'audrey',
          target: 'web-01',
          data: { what: 'search', in: 'output', q: 'rm', target: 'web-01' },
        },
      ],
    );
    await found('/api/v1/search?q=rm', 'uma');
    assert.equal(world.audit.events.length, 1);
  });

  it('shows a page with a form, and hits that lead to their place', async () => {
    const empty = await (await fetch('/search', 'audrey')).text();
    assert.ok(empty.includes('name="q"'));
    assert.ok(!empty.includes('Nothing found'));
    assert.equal(world.audit.events.length, 0);
    const html = await (await fetch('/search?q=%3Cb%3E', 'audrey')).text();
    assert.ok(html.includes(`href="/sessions/${sessionId(2)}#cmd-1"`));
    assert.ok(html.includes('&lt;b>') || html.includes('&lt;b&gt;'));
    assert.ok(html.includes('<mark>'));
    const output = await (await fetch('/search?q=rm+-rf&in=output', 'audrey')).text();
    assert.ok(output.includes(`href="/sessions/${sessionId(2)}#cmd-2"`));
    assert.ok((await (await fetch('/search?q=zebra', 'uma')).text()).includes('Nothing found'));
  });

  it('says on the page what could not be looked through', async () => {
    world.search.missing = { cutSessions: 2, waitingSessions: 1 };
    const html = await (await fetch('/search?q=rm', 'audrey')).text();
    assert.ok(html.includes('2 sessions printed more than can be searched'));
    assert.ok(html.includes('1 session that ended is still'));
  });

  it('shows mistakes and refusals where they were made', async () => {
    for (const query of ['in=files', 'from=yesterday', 'decision=maybe', `q=${'x'.repeat(201)}`]) {
      assert.equal((await fetch(`/api/v1/search?${query}`, 'audrey')).status, 400, query);
      const page = await fetch(`/search?${query}`, 'audrey');
      assert.equal(page.status, 400, query);
      assert.ok((await page.text()).includes('role="alert"'));
    }
    assert.equal((await fetch('/api/v1/commands?in=output', 'audrey')).status, 400);
    assert.equal((await fetch('/api/v1/search', 'nobody')).status, 401);
    assert.equal((await fetch('/search', 'nobody')).status, 401);
    world.search.failure = new SallyportError('limit.exceeded', 'it took too long', 'narrow it');
    const late = await fetch('/search?q=rm', 'audrey');
    assert.equal(late.status, 429);
    assert.ok((await late.text()).includes('It took too long'));
  });

  it('takes only GET', async () => {
    const answer = await world.fetch('/api/v1/search', people.alice, { method: 'POST' });
    assert.equal(answer.status, 405);
  });
});

describe('http search query', () => {
  it('reads every filter, times by either name', () => {
    const query = {
      in: 'output',
      q: 'rm',
      principal: 'alice',
      target: 'web-01',
      run: 'r1',
      decision: 'hold',
      limit: 200,
      cursor: 'abc',
      from: '2026-01-01T00:00:00.000Z',
      to: '2026-01-31T23:59:59.999Z',
    };
    const raw = { ...query, limit: '200', from: '2026-01-01', to: '2026-01-31' };
    assert.deepEqual(searchQuery(raw), query);
    const { from, to, ...rest } = raw;
    assert.deepEqual(searchQuery({ ...rest, since: from, until: to }), query);
  });

  const bad: readonly [name: string, raw: Record<string, unknown>][] = [
    ['where', { where: 'here' }],
    ['in', { in: 'keys' }],
    ['q', { q: ['a', 'b'] }],
    ['q', { q: 'a\0b' }],
    ['since', { from: '2026-01-01', since: '2026-01-01' }],
    ['to', { from: '2026-01-02', to: '2026-01-01' }],
    ['limit', { limit: '201' }],
    ['cursor', { cursor: 'x'.repeat(501) }],
  ];
  for (const [name, raw] of bad) {
    it(`refuses ${JSON.stringify(raw).slice(0, 60)} and names ${name}`, () => {
      assert.throws(
        () => searchQuery(raw),
        (error: SallyportError) =>
          error.code === 'usage.invalid' && error.message.includes(`"${name}"`),
      );
    });
  }

  it('shows the form again with whatever was typed', () => {
    const filters = searchFilters({ q: 'x'.repeat(500), since: '2026-01-01', target: ['a'] });
    assert.equal(filters.q.length, 200);
    assert.equal(filters.from, '2026-01-01');
    assert.equal(filters.target, '');
  });
});
