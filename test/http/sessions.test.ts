import assert from 'node:assert/strict';
import { get, type IncomingMessage } from 'node:http';
import type { Page, SessionView } from '../../server/http/ports.ts';
import { LOOK_WINDOW_MS } from '../../server/http/views.ts';
import {
  commandView,
  keptSession,
  people,
  sessionId,
  sessionView,
  startHttpWorld,
  type HttpWorld,
} from '../support/http-world.ts';

type Person = keyof typeof people | 'nobody';

const UMAS = sessionId(1);
const BOTS = sessionId(2);
const RUNNING = sessionId(3);

describe('http sessions', () => {
  let world: HttpWorld;
  beforeEach(async () => {
    world = await startHttpWorld();
    const uma = { name: 'uma', kind: 'human' } as const;
    world.recordings.add(
      keptSession(1, [commandView(1)], { principal: uma, target: 'db-01', run: null }),
      keptSession(2, [commandView(1), commandView(2, { text: 'rm -rf /', decision: 'deny' })]),
      keptSession(3, [], { status: 'active', endedAt: null }),
    );
  });
  afterEach(() => world.close());

  const personOf = (person: Person) => (person === 'nobody' ? null : people[person]);

  async function ids(query: string, person: Person): Promise<string[]> {
    const answer = await world.fetch(`/api/v1/sessions${query}`, personOf(person));
    assert.equal(answer.status, 200);
    return ((await answer.json()) as Page<SessionView>).items.map((one) => one.id);
  }

  // Every route, everybody, one's own session and another's: what is answered.
  const READS = ['', '/commands', '/recording', '/segments', '/segments/0', '/chain'];
  const READERS: readonly [person: Person, session: string, status: number][] = [
    ['nobody', BOTS, 401],
    ['uma', BOTS, 404],
    ['uma', UMAS, 200],
    ['piet', BOTS, 404],
    ['audrey', BOTS, 200],
    ['alice', BOTS, 200],
    ['alice', sessionId(99), 404],
    ['uma', sessionId(99), 404],
    ['nobody', sessionId(99), 401],
  ];
  it('gives the commands of a session in pages', async () => {
    world.recordings.add(
      keptSession(
        4,
        Array.from({ length: 5 }, (_, index) => commandView(index + 1)),
      ),
    );
    const path = `/api/v1/sessions/${sessionId(4)}/commands`;
    const pages: unknown[] = [];
    for (let cursor: string | null = '1'; cursor !== null;) {
      const answer = await world.fetch(`${path}?limit=2&cursor=${cursor}`, people.audrey);
      const page = (await answer.json()) as Page<{ readonly seq: number }>;
      pages.push(page.items.map(({ seq }) => seq));
      cursor = page.next;
    }
    assert.deepEqual(pages, [[1, 2], [3, 4], [5]]);
    const whole = await (await world.fetch(path, people.audrey)).json();
    assert.equal((whole as Page<unknown>).items.length, 5);
    assert.equal((whole as Page<unknown>).next, null);
    for (const wrong of ['limit=0', 'limit=10001', 'cursor=x', 'cursor=-1', 'page=2']) {
      const answer = await world.fetch(`${path}?${wrong}`, people.audrey);
      assert.equal(answer.status, 400, wrong);
    }
  });

  for (const [person, session, status] of READERS) {
    for (const route of READS) {
      const whose = session === UMAS ? "uma's" : session === BOTS ? "the bot's" : 'an unknown';
      it(`answers ${status} to ${person} for ${whose} session${route}`, async () => {
        const answer = await world.fetch(`/api/v1/sessions/${session}${route}`, personOf(person));
        assert.equal(answer.status, status, await answer.text());
      });
    }
    it(`answers ${status} to ${person} for the page of ${session.slice(-1)}`, async () => {
      const answer = await world.fetch(`/sessions/${session}`, personOf(person));
      assert.equal(answer.status, status);
    });
  }

  it("answers somebody else's session exactly like an unknown one", async () => {
    for (const prefix of ['/api/v1/sessions/', '/sessions/']) {
      const hidden = await world.fetch(prefix + BOTS, people.uma);
      const unknown = await world.fetch(prefix + sessionId(99), people.uma);
      assert.equal(await hidden.text(), await unknown.text());
    }
  });

  const ENDERS: readonly [person: Person, session: string, status: number][] = [
    ['nobody', RUNNING, 401],
    ['uma', RUNNING, 404],
    ['audrey', RUNNING, 403],
    ['alice', RUNNING, 202],
    ['alice', BOTS, 409],
    ['alice', sessionId(99), 404],
  ];
  for (const [person, session, status] of ENDERS) {
    it(`answers ${status} to ${person} who ends session ${session.slice(-1)}`, async () => {
      const path = `/api/v1/sessions/${session}/terminate`;
      const answer = await world.fetch(path, personOf(person), { method: 'POST' });
      assert.equal(answer.status, status);
      assert.deepEqual(world.terminated, status === 202 ? [`${RUNNING} by alice`] : []);
    });
  }

  it('lists everything to auditors and own sessions to users', async () => {
    assert.deepEqual(await ids('', 'audrey'), [RUNNING, BOTS, UMAS]);
    assert.deepEqual(await ids('', 'uma'), [UMAS]);
    assert.deepEqual(await ids('?principal=uma', 'uma'), [UMAS]);
    assert.deepEqual(await ids('?principal=deploy-bot', 'uma'), []);
    assert.deepEqual(await ids('?principal=UMA', 'uma'), []);
  });

  it('filters and pages', async () => {
    assert.deepEqual(await ids('?target=db-01', 'alice'), [UMAS]);
    assert.deepEqual(await ids('?status=active', 'alice'), [RUNNING]);
    assert.deepEqual(await ids('?q=rm%20-rf', 'alice'), [BOTS]);
    assert.deepEqual(await ids('?run=run_01JQ&since=2026-01-01', 'alice'), [RUNNING, BOTS]);
    assert.deepEqual(await ids('?until=2025-12-31', 'alice'), []);
    const first = await world.fetch('/api/v1/sessions?limit=2', people.alice);
    const { next } = (await first.json()) as Page<SessionView>;
    assert.deepEqual(await ids(`?limit=2&cursor=${next ?? ''}`, 'alice'), [UMAS]);
  });

  it('answers 400 to a bad filter, as JSON and on the page, and names it', async () => {
    const answer = await world.fetch('/api/v1/sessions?limit=0', people.alice);
    assert.equal(answer.status, 400);
    assert.match(await answer.text(), /\\"limit\\"/);
    const twice = await world.fetch('/api/v1/sessions?q=a&q=b', people.alice);
    assert.equal(twice.status, 400);
    const page = await world.fetch('/sessions?status=open&q=keep%20me', people.alice);
    assert.equal(page.status, 400);
    const html = await page.text();
    assert.match(html, /parameter &quot;status&quot;|parameter "status"/);
    assert.match(html, /value="keep me"/);
  });

  it('gives a session and its commands as the contract says', async () => {
    const session = await world.fetch(`/api/v1/sessions/${BOTS}`, people.alice);
    assert.deepEqual(await session.json(), sessionView(2, { commandCount: 2, deniedCount: 1 }));
    const commands = await world.fetch(`/api/v1/sessions/${BOTS}/commands`, people.alice);
    assert.deepEqual(await commands.json(), {
      items: [commandView(1), commandView(2, { text: 'rm -rf /', decision: 'deny' })],
      next: null,
    });
  });

  describe('files', () => {
    const FORMATS: readonly [format: string, type: string, name: string, start: RegExp][] = [
      ['cast', 'application/x-asciicast', 'cast', /^\{"version":3/],
      ['cast2', 'application/x-asciicast', 'v2.cast', /^\{"version":2/],
      ['txt', 'text/plain; charset=utf-8', 'txt', /echo 1\noutput of 1\n/],
      ['json', 'application/json; charset=utf-8', 'json', /^\{"format":"sallyport-recording"/],
    ];
    for (const [format, type, name, start] of FORMATS) {
      it(`are given as ${format}, with a name, and journalled`, async () => {
        const path = `/api/v1/sessions/${BOTS}/recording?format=${format}`;
        const answer = await world.fetch(path, people.audrey);
        assert.equal(answer.headers.get('content-type'), type);
        assert.equal(
          answer.headers.get('content-disposition'),
          `attachment; filename="sallyport-${BOTS}.${name}"`,
        );
        assert.match(await answer.text(), start);
        assert.deepEqual(world.audit.ofType('recording.exported'), [`audrey ${BOTS}`]);
      });
    }

    it('are not given when that can not be journalled', async () => {
      world.audit.failing = true;
      for (const route of ['recording', 'commands', 'segments', 'segments/0']) {
        const answer = await world.fetch(`/api/v1/sessions/${BOTS}/${route}`, people.audrey);
        assert.equal(answer.status, 503, route);
      }
      assert.equal(world.recordings.eventsRead, 0);
    });

    it('are announced by HEAD without being read or journalled', async () => {
      const path = `/api/v1/sessions/${BOTS}/recording`;
      const answer = await world.fetch(path, people.audrey, { method: 'HEAD' });
      assert.equal(answer.status, 200);
      assert.equal(world.recordings.eventsRead, 0);
      assert.deepEqual(world.audit.events, []);
    });

    it('break off visibly when the recording can not be read to its end', async () => {
      world.recordings.breaksAfter = 3;
      await assert.rejects(async () => {
        const answer = await world.fetch(`/api/v1/sessions/${BOTS}/recording`, people.audrey);
        await answer.text();
      });
      assert.equal((await world.fetch('/healthz')).status, 200);
    });

    it('are read no faster than the client takes them', async () => {
      const text = 'x'.repeat(1000);
      const events = Array.from({ length: 60_000 }, (_, n) => ({
        atUs: n * 1000,
        code: 'o' as const,
        text,
      }));
      world.recordings.add({ view: sessionView(9), commands: [], events, term: null });
      const headers = { authorization: `Bearer ${world.signIns.token(people.alice)}` };
      const response = await new Promise<IncomingMessage>((resolve) => {
        get(`${world.url}/api/v1/sessions/${sessionId(9)}/recording`, { headers }, resolve);
      });
      // Nothing is taken: reading stops once every buffer on the way is full.
      let before = -1;
      while (before !== world.recordings.eventsRead) {
        before = world.recordings.eventsRead;
        await new Promise((resolve) => {
          setTimeout(resolve, 100);
        });
      }
      assert.ok(before > 0 && before < events.length, `${before} events were read`);
      let received = 0;
      for await (const piece of response) received += (piece as Buffer).length;
      assert.equal(world.recordings.eventsRead, events.length);
      assert.ok(received > 60_000_000);
    });
  });

  describe('looks', () => {
    const page = `/sessions/${BOTS}`;

    it("at somebody else's recording are journalled once for the page and all it loads", async () => {
      await Promise.all(
        [
          page,
          `/api/v1${page}/segments`,
          `/api/v1${page}/segments/0`,
          `/api/v1${page}/commands`,
        ].map(async (path) => assert.equal((await world.fetch(path, people.audrey)).status, 200)),
      );
      assert.deepEqual(world.audit.ofType('recording.viewed'), [`audrey ${BOTS}`]);
      await world.fetch(page, people.alice);
      assert.deepEqual(world.audit.ofType('recording.viewed'), [`audrey ${BOTS}`, `alice ${BOTS}`]);
    });

    it('are journalled again after a pause', async () => {
      await world.fetch(page, people.audrey);
      world.clock.advance(LOOK_WINDOW_MS - 1);
      await world.fetch(page, people.audrey);
      world.clock.advance(LOOK_WINDOW_MS);
      await world.fetch(page, people.audrey);
      assert.equal(world.audit.ofType('recording.viewed').length, 2);
    });

    it('are not journalled for own sessions, the list and the facts', async () => {
      await world.fetch(`/sessions/${UMAS}`, people.uma);
      await world.fetch('/sessions', people.audrey);
      await world.fetch(`/api/v1/sessions/${BOTS}`, people.audrey);
      await world.fetch(`/api/v1/sessions/${BOTS}/chain`, people.audrey);
      assert.deepEqual(world.audit.events, []);
    });

    it('that were refused leave no entry, and one that failed is tried again', async () => {
      await world.fetch(page, people.uma);
      world.audit.failing = true;
      assert.equal((await world.fetch(page, people.audrey)).status, 503);
      world.audit.failing = false;
      assert.equal((await world.fetch(page, people.audrey)).status, 200);
      assert.deepEqual(world.audit.ofType('recording.viewed'), [`audrey ${BOTS}`]);
    });
  });
});
