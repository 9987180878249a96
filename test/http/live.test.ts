import assert from 'node:assert/strict';
import { createServer } from 'node:http';
import { connect, type AddressInfo } from 'node:net';
import type { RecordedEvent } from '../../server/asciicast/event.ts';
import { LiveViews, MAX_RESUME_CHUNKS, MAX_VIEWERS_PER_PRINCIPAL } from '../../server/http/live.ts';
import { EventStream } from '../support/event-stream.ts';
import {
  people,
  sessionId,
  sessionView,
  startHttpWorld,
  type HttpWorld,
} from '../support/http-world.ts';

const ID = sessionId(1);
const PATH = `/api/v1/sessions/${ID}/live`;

describe('live views', () => {
  let world: HttpWorld;
  let events: RecordedEvent[];
  let view: { status: string };
  let streams: EventStream[];

  beforeEach(async () => {
    world = await startHttpWorld();
    events = [];
    const active = sessionView(1, { status: 'active', exitStatus: null, endedAt: null });
    view = active;
    world.recordings.add({ view: active, commands: [], events, term: 'xterm' });
    streams = [];
  });
  afterEach(async () => {
    for (const stream of streams) await stream.close();
    await world.close();
  });

  async function open(
    headers: Record<string, string> = {},
    person = people.audrey,
  ): Promise<EventStream> {
    const response = await world.fetch(PATH, person, { headers });
    assert.equal(response.status, 200);
    assert.match(response.headers.get('content-type') ?? '', /^text\/event-stream/);
    const stream = new EventStream(response);
    streams.push(stream);
    return stream;
  }

  function print(text: string): void {
    events.push({ atUs: events.length * 1000, code: 'o', text });
    world.recordings.news(ID);
  }

  function end(): void {
    Object.assign(view, { status: 'closed', exitStatus: 3 });
    world.recordings.news(ID);
  }

  /** What is shown until the stream says something else than events. */
  async function text(stream: EventStream, count: number): Promise<string> {
    let shown = '';
    for (let n = 0; n < count; n += 1) {
      const next = await stream.next();
      assert.ok(next);
      const [, code, data] = JSON.parse(next.data) as [number, string, string];
      if (code === 'o') shown += data;
    }
    return shown;
  }

  it('begin with the screen, go on with what happens, and end with the session', async () => {
    print('before ');
    const stream = await open();
    const header = await stream.next();
    assert.deepEqual(JSON.parse(header?.data ?? ''), { cols: 80, rows: 24, time: 0, init: '' });
    assert.equal(header?.id, '0');
    assert.equal(await text(stream, 1), 'before ');
    print('after');
    assert.deepEqual(await stream.next(), {
      id: '2',
      event: 'message',
      data: '[0.001,"o","after"]',
    });
    events.push(
      { atUs: 5000, code: 'r', cols: 90, rows: 30 },
      { atUs: 6000, code: 'x', status: '3' },
    );
    end();
    assert.equal((await stream.next())?.data, '[0.005,"r","90x30"]');
    assert.equal((await stream.next())?.data, '[0.006,"x","3"]');
    const done = await stream.next();
    assert.deepEqual(done, { id: null, event: 'done', data: '{"status":"closed","exitStatus":3}' });
    assert.equal(await stream.next(), null);
  });

  it('join late at the newest keyframe', async () => {
    for (let n = 0; n < 5; n += 1) print(`${'x'.repeat(900_000)}\x1b[2J\x1b[Hscreen ${n} `);
    print('and more');
    const stream = await open();
    const header = await stream.next();
    const { init } = JSON.parse(header?.data ?? '') as { init: string };
    assert.match(init, /screen \d/);
    const shown = await text(stream, events.length - Number(header?.id));
    assert.match(shown, /and more$/);
    assert.ok(shown.length < 2_000_000);
  });

  it('go on behind the last event after a break, without a gap or a repetition', async () => {
    for (let n = 0; n < 10; n += 1) print(`${n} `);
    const first = await open();
    await first.next();
    assert.equal(await text(first, 6), '0 1 2 3 4 5 ');
    const { lastId } = first;
    await first.close();
    print('10 ');
    const second = await open({ 'last-event-id': lastId ?? '' });
    assert.equal(await text(second, 5), '6 7 8 9 10 ');
    print('11 ');
    assert.equal(await text(second, 1), '11 ');
  });

  it('begin anew when too much has happened since, or when the last event never was', async () => {
    for (let n = 0; n < MAX_RESUME_CHUNKS + 5; n += 1) print(`${n} `);
    for (const id of ['1', '9999', 'x', '-1']) {
      const stream = await open({ 'last-event-id': id });
      assert.match((await stream.next())?.data ?? '', /"init"/, id);
    }
  });

  it('of an ended session show its last screen, and end', async () => {
    print('all');
    end();
    const stream = await open();
    await stream.next();
    assert.equal(await text(stream, 1), 'all');
    assert.equal((await stream.next())?.event, 'done');
    assert.equal(await stream.next(), null);
  });

  it('leave out exact bytes, which no terminal can show', async () => {
    events.push({ atUs: 0, code: 'b', base64: '/w==' }, { atUs: 0, code: 'o', text: '\ufffd' });
    const stream = await open();
    await stream.next();
    assert.deepEqual(await stream.next(), { id: '2', event: 'message', data: '[0,"o","\ufffd"]' });
  });

  it('are for those who may read the session, and each look is journalled', async () => {
    assert.equal((await world.fetch(PATH)).status, 401);
    assert.equal((await world.fetch(PATH, people.uma)).status, 404);
    assert.equal((await world.fetch(PATH, people.audrey, { method: 'POST' })).status, 405);
    await open();
    assert.deepEqual(world.audit.ofType('recording.viewed'), [`audrey ${ID}`]);
  });

  it('are bounded in number, and free their place', async () => {
    const opened: EventStream[] = [];
    for (let n = 0; n < MAX_VIEWERS_PER_PRINCIPAL; n += 1) opened.push(await open());
    assert.equal((await world.fetch(PATH, people.audrey)).status, 429);
    const other = await open({}, people.alice);
    assert.match((await other.next())?.data ?? '', /"init"/);
    await opened[0]?.close();
    for (;;) {
      const response = await world.fetch(PATH, people.audrey);
      if (response.status === 200) {
        streams.push(new EventStream(response));
        break;
      }
      await response.body?.cancel();
    }
  });

  it('stop being told about a session when nobody watches it', async () => {
    const stream = await open();
    await stream.next();
    assert.equal(world.recordings.watchers.get(ID)?.size, 1);
    await stream.close();
    while (world.recordings.watchers.has(ID))
      await new Promise((resolve) => setTimeout(resolve, 5));
  });

  it('read what is stored once for all who watch', async () => {
    const opened = await Promise.all([open(), open(), open()]);
    for (const stream of opened) await stream.next();
    const before = world.recordings.eventsRead;
    print('a');
    for (const stream of opened) assert.equal(await text(stream, 1), 'a');
    assert.ok(world.recordings.eventsRead - before <= 2);
  });

  it('hold little for a client that doesn’t read, and others don’t wait for it', async () => {
    const url = new URL(world.url);
    const socket = connect(Number(url.port), url.hostname);
    socket.pause();
    const token = world.signIns.token(people.alice);
    socket.write(`GET ${PATH} HTTP/1.1\r\nHost: x\r\nAuthorization: Bearer ${token}\r\n\r\n`);
    const reader = await open();
    await reader.next();
    for (let n = 0; n < 30; n += 1) print('y'.repeat(500_000));
    print('the end');
    let shown = '';
    while (!shown.endsWith('the end')) {
      const next = await reader.next();
      assert.ok(next);
      const [, , data] = JSON.parse(next.data) as [number, string, string];
      shown = data ?? '';
    }
    socket.destroy();
  });

  it('break off when the recording can’t be read, and can be opened again', async () => {
    print('a');
    const stream = await open();
    await stream.next();
    assert.equal(await text(stream, 1), 'a');
    world.recordings.breaksAfter = 1;
    print('b');
    assert.equal(await stream.next(), null);
    world.recordings.breaksAfter = null;
    const again = await open({ 'last-event-id': '1' });
    assert.equal(await text(again, 1), 'b');
  });

  it('end when the viewer may not read the session any more', async () => {
    const { recordings } = world;
    const session = await recordings.session(ID);
    assert.ok(session);
    let allowed = true;
    const live = new LiveViews(recordings);
    const server = createServer((_request, response) => {
      const isAllowed = async (): Promise<boolean> => allowed;
      const watch = { session, principalId: 'x', lastEvent: null, isAllowed, recheckMs: 10 };
      void live.watch(response, watch);
    });
    await new Promise<void>((resolve) => {
      server.listen(0, '127.0.0.1', resolve);
    });
    const { port } = server.address() as AddressInfo;
    const stream = new EventStream(await fetch(`http://127.0.0.1:${port}/`));
    assert.match((await stream.next())?.data ?? '', /"init"/);
    print('seen');
    assert.equal(await text(stream, 1), 'seen');
    allowed = false;
    assert.equal(await stream.next(), null);
    assert.equal(recordings.watchers.size, 0);
    server.close();
  });
});
