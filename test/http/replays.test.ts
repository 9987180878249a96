import assert from 'node:assert/strict';
import * as fc from 'fast-check';
import type { RecordedEvent } from '../../server/asciicast/event.ts';
import { SallyportError } from '../../server/errors.ts';
import type { SessionView } from '../../server/http/ports.ts';
import {
  MAX_KEPT_REPLAYS,
  MAX_RUNS,
  MAX_WAITING_RUNS,
  MAX_WINDOW_CHARACTERS,
  Replays,
} from '../../server/http/replays.ts';
import { FakeRecordings } from '../support/http-fakes.ts';
import { sessionId, sessionView } from '../support/http-world.ts';

interface Index {
  readonly version: number;
  readonly duration: number;
  readonly term: { readonly cols: number; readonly rows: number };
  readonly segments: readonly { readonly start: number; readonly url: string }[];
  readonly markers: readonly [number, string][];
}

interface SegmentFile {
  readonly snapshot: { readonly cols: number; readonly rows: number; readonly init: string };
  readonly events: readonly [number, string, string][];
}

const CLOSED = sessionView(1);

function holding(events: readonly RecordedEvent[], view: SessionView = CLOSED): FakeRecordings {
  const recordings = new FakeRecordings();
  const others = [0, ...Array.from({ length: 40 }, (_, n) => n + 2), 500];
  const views = [view, ...others.map((number) => sessionView(number))];
  for (const one of views) {
    recordings.add({ view: one, commands: [], events: one === view ? events : [], term: 'xterm' });
  }
  return recordings;
}

function output(atUs: number, text: string): RecordedEvent {
  return { atUs, code: 'o', text };
}

async function whole(
  replays: Replays,
  view: SessionView,
): Promise<{ index: Index; segments: SegmentFile[] }> {
  const index = JSON.parse(await replays.index(view)) as Index;
  const segments: SegmentFile[] = [];
  for (const { url } of index.segments) {
    const [, number = '', until] = /^segments\/(\d+)(?:\?until=(\d+))?$/.exec(url) ?? [];
    const untilUs = until === undefined ? null : Number(until);
    const json = await replays.segment(view, Number(number), untilUs);
    assert.ok(json !== null, url);
    segments.push(JSON.parse(json) as SegmentFile);
  }
  return { index, segments };
}

/** What asciinema-player 3.17.0 refuses, as its own validation has it. */
function assertPlayable(index: Index, segments: readonly SegmentFile[]): void {
  assert.equal(index.version, 1);
  assert.equal(index.segments[0]?.start, 0);
  for (const [number, { start }] of index.segments.entries()) {
    const next = index.segments[number + 1]?.start;
    if (number > 0) assert.ok(start < index.duration, `segment ${number} starts before the end`);
    if (next !== undefined) assert.ok(start < next, `segment ${number} starts before the next`);
    const events = segments[number]?.events ?? [];
    assert.ok(events.length > 0, `segment ${number} has events`);
    if (number > 0) assert.equal(events[0]?.[0], start);
    let before = start;
    for (const [at] of events) {
      assert.ok(at >= before, `segment ${number} is in order`);
      assert.ok(next === undefined ? at <= index.duration : at < next, 'no event is too late');
      before = at;
    }
  }
  assert.equal(segments.at(-1)?.events.at(-1)?.[0], index.duration);
  let before = 0;
  for (const [at] of index.markers) {
    assert.ok(at >= before && at <= index.duration);
    before = at;
  }
}

describe('replays', () => {
  const anyEvent: fc.Arbitrary<RecordedEvent> = fc.oneof(
    fc.record({
      atUs: fc.nat(5_000_000),
      code: fc.constant('o' as const),
      text: fc.oneof(fc.string(), fc.constantFrom('x'.repeat(300_000), 'y'.repeat(1_100_000))),
    }),
    fc.record({ atUs: fc.nat(5_000_000), code: fc.constant('m' as const), label: fc.string() }),
    fc.record({
      atUs: fc.nat(5_000_000),
      code: fc.constant('r' as const),
      cols: fc.integer({ min: 2, max: 200 }),
      rows: fc.integer({ min: 2, max: 100 }),
    }),
    fc.record({
      atUs: fc.nat(5_000_000),
      code: fc.constant('b' as const),
      base64: fc.base64String(),
    }),
    fc.record({
      atUs: fc.nat(5_000_000),
      code: fc.constant('x' as const),
      status: fc.constant('0'),
    }),
  );

  it('give what the player takes, whatever was recorded', async () => {
    const recorded = fc.array(anyEvent, { maxLength: 12 }).chain((events) =>
      fc.constantFrom(
        events,
        events.toSorted((a, b) => a.atUs - b.atUs),
        atZero(events),
      ),
    );
    await fc.assert(
      fc.asyncProperty(recorded, fc.boolean(), async (events, active) => {
        const view = active ? sessionView(1, { status: 'active' }) : CLOSED;
        const { index, segments } = await whole(new Replays(holding(events, view)), view);
        assertPlayable(index, segments);
        const shown = segments.flatMap((one) => one.events).map(([, , data]) => data);
        const texts = events.flatMap((one) => (one.code === 'o' ? [one.text] : []));
        assert.equal(
          shown.filter((data) => texts.includes(data)).join(''),
          texts.join(''),
          'no output is lost',
        );
      }),
      { numRuns: 40 },
    );
  });

  function atZero(events: readonly RecordedEvent[]): RecordedEvent[] {
    return events.map((event) => ({ ...event, atUs: 0 }));
  }

  it('cut at commands, with a keyframe of the screen', async () => {
    const events: RecordedEvent[] = [
      output(0, 'before '),
      output(1_000_000, 'z'.repeat(80 * 24 * 200)),
      output(1_500_000, '\x1b[2J\x1b[Hwhat stays'),
      { atUs: 2_000_000, code: 'm', label: 'next' },
      output(3_000_000, ' more'),
    ];
    const { index, segments } = await whole(new Replays(holding(events)), CLOSED);
    assert.deepEqual(
      index.segments.map((one) => one.start),
      [0, 2],
    );
    assert.match(segments[1]?.snapshot.init ?? '', /what stays/);
    assert.doesNotMatch(segments[1]?.snapshot.init ?? '', /zzz/);
    assert.deepEqual(segments[1]?.events, [
      [2, 'o', ''],
      [3, 'o', ' more'],
    ]);
  });

  it('are computed once while their window holds them', async () => {
    const recordings = holding([output(0, 'a'), output(1, 'b')]);
    const replays = new Replays(recordings);
    await Promise.all([
      replays.index(CLOSED),
      replays.index(CLOSED),
      replays.segment(CLOSED, 0, null),
    ]);
    assert.equal(recordings.eventsRead, 2);
    assert.equal(await replays.segment(CLOSED, 1, null), null);
    assert.equal(recordings.eventsRead, 2);
  });

  it('are computed again for more chunks, and when many others came since', async () => {
    const recordings = holding([output(0, 'a')]);
    const replays = new Replays(recordings);
    await replays.index(CLOSED);
    await replays.index(sessionView(1, { recording: { ...CLOSED.recording, chunks: 99 } }));
    assert.equal(recordings.eventsRead, 2);
    for (let number = 0; number < MAX_KEPT_REPLAYS; number += 1) {
      await replays.index(sessionView(2 + number));
    }
    await replays.index(CLOSED);
    assert.equal(recordings.eventsRead, 3);
  });

  it('keep a window of a huge recording, and move it on when it is left', async () => {
    const megabytes = Math.ceil(MAX_WINDOW_CHARACTERS / 1_100_000) * 2;
    const events = Array.from({ length: megabytes }, (_, n) =>
      output((n + 1) * 1000, 'x'.repeat(1_100_000)),
    );
    const recordings = holding(events);
    const replays = new Replays(recordings);
    const { segments } = JSON.parse(await replays.index(CLOSED)) as Index;
    const afterIndex = recordings.eventsRead;
    assert.equal(afterIndex, events.length);
    await replays.segment(CLOSED, 1, null);
    assert.equal(recordings.eventsRead, afterIndex, 'the start is in the window');
    const last = segments.length - 1;
    const json = await replays.segment(CLOSED, last - 1, null);
    assert.ok(json !== null && json.length > 1_000_000);
    assert.ok(recordings.eventsRead > afterIndex, 'the end was not');
    const afterEnd = recordings.eventsRead;
    await replays.segment(CLOSED, last, null);
    assert.equal(recordings.eventsRead, afterEnd, 'now it is');
  }).timeout(60_000);

  it('of a running session keep to what the index covers', async () => {
    const view = sessionView(1, { status: 'active' });
    const events = [output(0, 'a'), output(5000, 'b')];
    const recordings = holding(events, view);
    const replays = new Replays(recordings);
    const index = JSON.parse(await replays.index(view)) as Index;
    assert.equal(index.segments[0]?.url, 'segments/0?until=5000');
    events.push(output(9000, 'c'));
    const afterIndex = recordings.eventsRead;
    const segment = JSON.parse((await replays.segment(view, 0, 5000)) ?? '') as SegmentFile;
    assert.deepEqual(segment.events, [
      [0, 'o', 'a'],
      [0.005, 'o', 'b'],
    ]);
    assertPlayable(index, [segment]);
    assert.equal(recordings.eventsRead, afterIndex, 'nothing was computed twice');
    const late = JSON.parse(
      (await new Replays(recordings).segment(view, 0, 5000)) ?? '',
    ) as unknown;
    assert.deepEqual(late, segment, 'and computed anew it is the same');
  });

  it('show a session that has printed nothing', async () => {
    const { index, segments } = await whole(new Replays(holding([])), CLOSED);
    assert.equal(index.duration, 0);
    assertPlayable(index, segments);
  });

  it('refuse when too many are opened at once, and recover', async () => {
    const recordings = holding([]);
    let release = (): void => {};
    const gate = new Promise<void>((resolve) => {
      release = resolve;
    });
    recordings.events = async function* () {
      await gate;
      yield output(0, 'late');
    };
    const replays = new Replays(recordings);
    const asked = Array.from({ length: MAX_RUNS + MAX_WAITING_RUNS }, (_, number) =>
      replays.index(sessionView(number)),
    );
    await assert.rejects(
      replays.index(sessionView(500)),
      (error) => error instanceof SallyportError && error.httpStatus === 429,
    );
    release();
    const answers = await Promise.all(asked);
    assert.ok(answers.every((json) => (JSON.parse(json) as Index).version === 1));
    await replays.index(sessionView(500));
  });

  it('forget a failed computation', async () => {
    const recordings = holding([output(0, 'a'), output(1, 'b')]);
    recordings.breaksAfter = 1;
    const replays = new Replays(recordings);
    await assert.rejects(replays.index(CLOSED), /a chunk is missing/);
    recordings.breaksAfter = null;
    assert.equal((JSON.parse(await replays.index(CLOSED)) as Index).segments.length, 1);
    assert.equal(sessionId(1), CLOSED.id);
  });
});
