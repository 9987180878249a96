import assert from 'node:assert/strict';
import * as fc from 'fast-check';
import type { RecordedEvent } from '../../server/asciicast/event.ts';
import { SallyportError } from '../../server/errors.ts';
import type { CommandView, SessionView } from '../../server/http/ports.ts';
import {
  MAX_KEPT_OUTLINES,
  MAX_RUNS,
  MAX_SEGMENT_CHUNKS,
  MAX_TAIL_CHUNKS,
  MAX_WAITING_RUNS,
  Replays,
} from '../../server/http/replays.ts';
import { FakeRecordings } from '../support/http-fakes.ts';
import { commandView, sessionId, sessionView } from '../support/http-world.ts';

interface Index {
  readonly version: number;
  readonly duration: number;
  readonly term: { readonly cols: number; readonly rows: number };
  readonly segments: readonly { readonly start: number; readonly url: string }[];
  readonly markers: readonly [number, string][];
  readonly complete: boolean;
}

interface SegmentFile {
  readonly snapshot: { readonly cols: number; readonly rows: number; readonly init: string };
  readonly events: readonly [number, string, string][];
}

const CLOSED = sessionView(1);
const WHOLE = { skipIdle: false };

function holding(
  events: readonly RecordedEvent[],
  view: SessionView = CLOSED,
  commands: readonly CommandView[] = [],
): FakeRecordings {
  const recordings = new FakeRecordings();
  const others = [0, ...Array.from({ length: 80 }, (_, n) => n + 2), 500];
  const views = [view, ...others.map((number) => sessionView(number))];
  for (const one of views) {
    const isOurs = one === view;
    recordings.add({
      view: one,
      commands: isOurs ? commands : [],
      events: isOurs ? events : [],
      term: 'xterm',
    });
  }
  return recordings;
}

function output(atUs: number, text: string): RecordedEvent {
  return { atUs, code: 'o', text };
}

async function whole(
  replays: Replays,
  view: SessionView,
  how = WHOLE,
): Promise<{ index: Index; segments: SegmentFile[] }> {
  const index = JSON.parse(await replays.index(view, how)) as Index;
  const segments: SegmentFile[] = [];
  for (const { url } of index.segments) {
    const [, number = ''] = /^segments\/(\d+)/.exec(url) ?? [];
    const query = new URLSearchParams(url.split('?')[1]);
    assert.equal(query.get('skip'), how.skipIdle ? 'idle' : null);
    const until = query.get('until');
    const untilUs = until === null ? null : Number(until);
    const json = await replays.segment(view, Number(number), { ...how, untilUs });
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

  it('are outlined once for an ended recording, and anew when it got longer', async () => {
    const recordings = holding([output(0, 'a'), output(1, 'b')]);
    const replays = new Replays(recordings);
    await Promise.all([replays.index(CLOSED, WHOLE), replays.pauses(CLOSED)]);
    assert.equal(recordings.eventsRead, 2);
    await replays.index(sessionView(1, { recording: { ...CLOSED.recording, chunks: 9 } }), WHOLE);
    assert.equal(recordings.eventsRead, 4);
    for (let number = 0; number < MAX_KEPT_OUTLINES; number += 1) {
      await replays.index(sessionView(2 + number), WHOLE);
    }
    await replays.index(CLOSED, WHOLE);
    assert.equal(recordings.eventsRead, 6);
  });

  it('read no more than one segment of a huge recording', async () => {
    const events = Array.from({ length: 16 }, (_, n) =>
      output((n + 1) * 1000, `${'x'.repeat(800_000)}\x1b[2J\x1b[H${n} `),
    );
    const recordings = holding(events);
    const replays = new Replays(recordings);
    const { segments } = JSON.parse(await replays.index(CLOSED, WHOLE)) as Index;
    assert.ok(segments.length > 10);
    const afterIndex = recordings.eventsRead;
    assert.ok(afterIndex < 4);
    const json = await replays.segment(CLOSED, 10, { ...WHOLE, untilUs: null });
    assert.match((JSON.parse(json ?? '') as SegmentFile).snapshot.init, /\d /);
    assert.ok(recordings.eventsRead - afterIndex < 4);
  });

  it('have no segment beyond the last, nor one that the index would not name', async () => {
    const recordings = holding([output(0, 'a')]);
    const replays = new Replays(recordings);
    assert.equal(await replays.segment(CLOSED, 1, { ...WHOLE, untilUs: 5 }), null);
    const last = await replays.segment(CLOSED, 0, { ...WHOLE, untilUs: null });
    assert.equal(last, await replays.segment(CLOSED, 0, { ...WHOLE, untilUs: 5 }));
    const many = Array.from({ length: MAX_SEGMENT_CHUNKS + 1 }, (_, n) => output(n, 'a'));
    await assert.rejects(
      new Replays(holding(many)).segment(CLOSED, 0, { ...WHOLE, untilUs: 1e9 }),
      /larger than any that the index names/,
    );
  });

  it('are prepared first when many chunks have no keyframe, and end early when that takes long', async () => {
    const view = sessionView(1, {
      recording: { ...CLOSED.recording, chunks: MAX_TAIL_CHUNKS + 100 },
    });
    const events = Array.from({ length: MAX_TAIL_CHUNKS + 100 }, (_, n) =>
      output(n * 1000, `${'x'.repeat(20_000)}\x1b[2J\x1b[H`),
    );
    const recordings = holding(events, view);
    recordings.unprepared.add(view.id);
    recordings.neverPrepares = true;
    const replays = new Replays(recordings);
    const early = await whole(replays, view);
    assertPlayable(early.index, early.segments);
    assert.equal(early.index.complete, false);
    assert.equal(early.index.duration, (MAX_TAIL_CHUNKS - 1) / 1000);
    assert.deepEqual(recordings.prepared, [view.id]);
    recordings.neverPrepares = false;
    const late = await whole(replays, view);
    assertPlayable(late.index, late.segments);
    assert.equal(late.index.complete, true);
    assert.equal(late.index.duration, (MAX_TAIL_CHUNKS + 99) / 1000);
  });

  it('leave out idle time alike in segments, markers and pauses', async () => {
    const second = 1_000_000;
    const screenful = `${'z'.repeat(900_000)}\x1b[2J\x1b[H`;
    const events: RecordedEvent[] = [
      output(second, 'a'),
      output(61 * second, 'b'),
      { atUs: 62 * second, code: 'm', label: 'second' },
      output(63 * second, screenful),
      output(3663 * second, 'c'),
      { atUs: 3664 * second, code: 'x', status: '0' },
    ];
    const commands = [
      commandView(1, { atMs: 500 }),
      commandView(2, { atMs: 62_000, text: 'second' }),
    ];
    const recordings = holding(events, CLOSED, commands);
    const replays = new Replays(recordings);
    const skipped = await whole(replays, CLOSED, { skipIdle: true });
    assertPlayable(skipped.index, skipped.segments);
    assert.equal(skipped.index.duration, 8);
    assert.deepEqual(skipped.index.markers, [
      [0.5, 'echo 1'],
      [4, 'second'],
    ]);
    assert.deepEqual(
      skipped.index.segments.map(({ start }) => start),
      [0, 7],
    );
    const times = skipped.segments.flatMap((one) =>
      one.events.map(([at, , data]) => [at, data[0]]),
    );
    assert.deepEqual(times, [
      [0, undefined],
      [1, 'a'],
      [3, 'b'],
      [5, 'z'],
      [7, undefined],
      [7, 'c'],
      [8, undefined],
    ]);
    assert.deepEqual(await replays.pauses(CLOSED), {
      durationMs: 3_664_000,
      playedMs: 8000,
      complete: true,
      pauses: [
        { atMs: 1000, cutMs: 58_000 },
        { atMs: 63_000, cutMs: 3_598_000 },
      ],
    });
    const kept = await whole(replays, CLOSED);
    assertPlayable(kept.index, kept.segments);
    assert.equal(kept.index.duration, 3664);
  });

  it('of a running session keep to what the index covers, also when keyframes came since', async () => {
    const view = sessionView(1, { status: 'active' });
    const events = [output(0, 'a'), output(5000, `${'b'.repeat(900_000)}\x1b[2J\x1b[H`)];
    const recordings = holding(events, view);
    const replays = new Replays(recordings);
    const index = JSON.parse(await replays.index(view, WHOLE)) as Index;
    assert.deepEqual(
      index.segments.map(({ url }) => url),
      ['segments/0?until=5000'],
    );
    events.push(output(5000, 'at the same time'), output(9000, 'c'), output(9500, 'd'));
    const json = await replays.segment(view, 0, { skipIdle: false, untilUs: 5000 });
    const segment = JSON.parse(json ?? '') as SegmentFile;
    assert.equal(segment.events.at(-1)?.[0], 0.005);
    assertPlayable(index, [segment]);
    const later = await whole(replays, view);
    assertPlayable(later.index, later.segments);
    assert.equal(later.index.duration, 0.0095);
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
    recordings.eventsFrom = async function* () {
      await gate;
      yield { number: 1, chunk: 1, event: output(0, 'late') };
    };
    const replays = new Replays(recordings);
    const asked = Array.from({ length: MAX_RUNS + MAX_WAITING_RUNS }, (_, number) =>
      replays.index(sessionView(number), WHOLE),
    );
    await assert.rejects(
      replays.index(sessionView(500), WHOLE),
      (error) => error instanceof SallyportError && error.httpStatus === 429,
    );
    release();
    const answers = await Promise.all(asked);
    assert.ok(answers.every((json) => (JSON.parse(json) as Index).version === 1));
    await replays.index(sessionView(500), WHOLE);
  });

  it('forget a failed computation', async () => {
    const recordings = holding([output(0, 'a'), output(1, 'b')]);
    recordings.breaksAfter = 1;
    const replays = new Replays(recordings);
    await assert.rejects(replays.index(CLOSED, WHOLE), /a chunk is missing/);
    recordings.breaksAfter = null;
    assert.equal((JSON.parse(await replays.index(CLOSED, WHOLE)) as Index).segments.length, 1);
    assert.equal(sessionId(1), CLOSED.id);
  });
});
