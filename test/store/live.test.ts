import assert from 'node:assert/strict';
import { startHttpWorld, people, type HttpWorld } from '../support/http-world.ts';
import { silentLogger } from '../../server/log.ts';
import { openDatabase, type Database } from '../../server/store/database.ts';
import { createLiveSignals, type LiveSignals } from '../../server/store/live.ts';
import { createRecordingReader } from '../../server/store/recording-reader.ts';
import { freshUrl } from '../support/database.ts';
import { EventStream } from '../support/event-stream.ts';
import {
  openRecordingWorld,
  type RecordingWorld,
  sessionStart,
} from '../support/recording-world.ts';

const END = {
  atUs: 9_000_000,
  status: 'closed',
  exitStatus: 0,
  bytesOut: 1,
  why: 'the command ended',
} as const;

/** Recorder and web server share a database and nothing else, as in two processes. */
describe('live views of what another process records', () => {
  let recorder: RecordingWorld;
  let database: Database;
  let signals: LiveSignals;
  let web: HttpWorld;

  before(async () => {
    const url = await freshUrl();
    // Far longer than any test: what is seen early was sealed early.
    recorder = await openRecordingWorld({ url, sink: { sealAfterMs: 600_000 } });
    database = await openDatabase({ url, homeDirectory: '/nowhere', logger: silentLogger });
    signals = await createLiveSignals(database, silentLogger);
    const reader = createRecordingReader(database);
    web = await startHttpWorld({
      recordings: {
        ...reader,
        prepare: async () => {},
        watch: (id, onNews) => signals.watch(id, onNews),
      },
    });
  });
  after(async () => {
    await web.close();
    signals.close();
    await database.close();
    await recorder.close();
  });

  async function open(id: string, lastId: string | null = null): Promise<EventStream> {
    const headers: Record<string, string> = lastId === null ? {} : { 'last-event-id': lastId };
    const response = await web.fetch(`/api/v1/sessions/${id}/live`, people.audrey, { headers });
    assert.equal(response.status, 200);
    return new EventStream(response);
  }

  it('show output soon after it was recorded, and end with the session', async () => {
    const start = sessionStart();
    const recording = await recorder.sink.begin(start);
    const stream = await open(start.id);
    assert.match((await stream.next())?.data ?? '', /"init":""/);
    await recording.append({ atUs: 1_000_000, code: 'o', text: 'now' });
    assert.equal((await stream.next())?.data, '[1,"o","now"]');
    await recording.append({ atUs: 2_000_000, code: 'o', text: 'and now' });
    await recording.end(END);
    assert.equal((await stream.next())?.data, '[2,"o","and now"]');
    assert.equal((await stream.next())?.data, '{"status":"closed","exitStatus":0}');
    assert.equal(await stream.next(), null);
  });

  it('have neither gaps nor repetitions, whenever somebody joins, leaves and comes back', async () => {
    const start = sessionStart();
    const recording = await recorder.sink.begin(start);
    const total = 400;
    const recorded = (async () => {
      for (let n = 1; n <= total; n += 1) {
        await recording.append({ atUs: n, code: 'o', text: `${n};` });
        if (n % 20 === 0) await new Promise((resolve) => setTimeout(resolve, 40));
      }
      await recording.end(END);
    })();
    const follow = async (breakEvery: number): Promise<string> => {
      let seen = '';
      let lastId: string | null = null;
      for (;;) {
        const stream: EventStream = await open(start.id, lastId);
        for (let taken = 0; taken < breakEvery; taken += 1) {
          const next = await stream.next();
          if (next === null) break;
          if (next.event === 'done') {
            await stream.close();
            return seen;
          }
          const data = JSON.parse(next.data) as { init: string } | [number, string, string];
          // A new header has the screen; as nothing was printed to its end here, it is the beginning.
          if (Array.isArray(data)) seen += data[2];
          else seen = '';
        }
        lastId = stream.lastId;
        await stream.close();
      }
    };
    const whole = Array.from({ length: total }, (_, n) => `${n + 1};`).join('');
    const seen = await Promise.all([follow(1e9), follow(7), follow(50)]);
    await recorded;
    for (const one of seen) assert.equal(one, whole);
  });
});
