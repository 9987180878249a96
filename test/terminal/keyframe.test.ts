import assert from 'node:assert/strict';
import * as fc from 'fast-check';
import type { RecordedEvent } from '../../server/asciicast/event.ts';
import {
  MAX_MARKERS,
  playerIndex,
  segmentRecording,
  type ReplayEvent,
  type Segment,
} from '../../server/terminal/keyframe.ts';
import { Screen } from '../../server/terminal/screen.ts';

const size = { cols: 40, rows: 10 };

async function* eventsOf(events: Iterable<RecordedEvent>): AsyncIterable<ReplayEvent> {
  yield* events;
}

async function segmentsOf(events: Iterable<RecordedEvent>, segmentChars = 200): Promise<Segment[]> {
  const segments: Segment[] = [];
  for await (const segment of segmentRecording(size, eventsOf(events), { segmentChars })) {
    segments.push(segment);
  }
  return segments;
}

/** What asciinema-player 3.17 checks before it plays. */
function assertPlayable(segments: readonly Segment[]): void {
  const index = playerIndex(size, segments, (n) => `segments/${n}`);
  const { duration } = index;
  assert.equal(index.version, 1);
  assert.equal(index.segments[0]?.start, 0);
  for (const [n, { start, url }] of index.segments.entries()) {
    const before = index.segments[n - 1];
    const next = index.segments[n + 1];
    assert.ok(before === undefined || (start > before.start && start < duration));
    assert.equal(url, `segments/${n}`);
    const events = segments[n]?.data.events ?? [];
    assert.equal(events[0]?.[0], start);
    let previous = start;
    for (const [at] of events) {
      assert.ok(at >= previous);
      assert.ok(next === undefined ? at <= duration : at < next.start);
      previous = at;
    }
    if (next === undefined) assert.equal(events.at(-1)?.[0], duration);
  }
  assert.ok(index.markers.length <= MAX_MARKERS);
  let previous = 0;
  for (const [at] of index.markers) {
    assert.ok(at >= previous && at <= duration);
    previous = at;
  }
}

function play(screen: Screen, events: readonly (readonly [number, string, string])[]): void {
  for (const [, code, data] of events) {
    if (code === 'o') screen.write(data);
    const [cols, rows] = data.split('x').map(Number);
    if (code === 'r') screen.resize(cols ?? 0, rows ?? 0);
  }
}

function* shellSession(commands: number): Generator<RecordedEvent> {
  let atUs = 0;
  for (let n = 0; n < commands; n += 1) {
    yield { atUs: (atUs += 100_003), code: 'm', label: `command ${n}` };
    yield { atUs: (atUs += 1), code: 'o', text: `\u001b[3${n % 8}m$ command ${n}\u001b[0m\r\n` };
    yield { atUs: (atUs += 7), code: 'o', text: '漢字 output\r\n'.repeat(n % 12) };
    if (n % 7 === 3) yield { atUs: (atUs += 1), code: 'r', cols: 30 + n, rows: 8 + (n % 5) };
    if (n % 5 === 4)
      yield { atUs, code: 'o', text: '\u001b[?1049h\u001b[2J\u001b[5;5Hfull\u001b[?25l' };
    if (n % 5 === 0) yield { atUs, code: 'o', text: '\u001b[?1049l\u001b[?25h' };
  }
  yield { atUs: atUs + 5, code: 'x', status: '0' };
}

describe('segmentRecording', () => {
  it('gives segments that show what playing everything shows', async () => {
    const segments = await segmentsOf(shellSession(60));
    assert.ok(segments.length > 5);
    assertPlayable(segments);
    const whole = new Screen(size.cols, size.rows, 0);
    for (const { data } of segments) {
      const alone = new Screen(data.snapshot.cols, data.snapshot.rows, 0);
      alone.write(data.snapshot.init);
      assert.equal(alone.serialize(), whole.serialize());
      play(alone, data.events);
      play(whole, data.events);
      assert.equal(alone.serialize(), whole.serialize());
      alone.dispose();
    }
    whole.dispose();
  });

  it('cuts at command boundaries', async () => {
    const segments = await segmentsOf(shellSession(60));
    for (const segment of segments.slice(1))
      assert.equal(segment.markers[0]?.[0], segment.startUs / 1e6);
  });

  it('cuts inside a command that prints without end', async () => {
    function* flood(): Generator<RecordedEvent> {
      for (let n = 0; n < 100; n += 1) yield { atUs: n, code: 'o', text: 'y\r\n'.repeat(20) };
    }
    const segments = await segmentsOf(flood());
    assert.ok(segments.length > 5);
    assertPlayable(segments);
  });

  const small: [string, RecordedEvent[]][] = [
    ['nothing', []],
    ['one event at the start', [{ atUs: 0, code: 'o', text: 'a' }]],
    ['one event later', [{ atUs: 123_457, code: 'o', text: 'a' }]],
    ['only a marker', [{ atUs: 5, code: 'm', label: 'ls' }]],
    ['exact bytes', [{ atUs: 5, code: 'b', base64: '/w==' }]],
    [
      'a last command that ends in the same moment',
      [
        { atUs: 0, code: 'o', text: 'x'.repeat(500) },
        { atUs: 9, code: 'm', label: 'exit' },
        { atUs: 9, code: 'x', status: '0' },
      ],
    ],
    [
      'a size that no terminal has',
      [
        { atUs: 1, code: 'r', cols: 65_535, rows: 0 },
        { atUs: 2, code: 'o', text: 'a' },
      ],
    ],
  ];
  for (const [name, events] of small) {
    it(`gives something playable for ${name}`, async () => {
      assertPlayable(await segmentsOf(events));
    });
  }

  it('keeps 200 of many markers, spread over the whole', async () => {
    const segments = await segmentsOf(shellSession(1000), 5000);
    const { duration, markers } = playerIndex(size, segments, String);
    assert.ok(markers.length > MAX_MARKERS / 2 && markers.length <= MAX_MARKERS);
    assert.ok((markers.at(-1)?.[0] ?? 0) > duration * 0.95);
  });

  it('is playable for any order of events and times', async () => {
    const event = fc.record({
      gapUs: fc.integer({ min: -3, max: 5 }),
      code: fc.constantFrom('o', 'm', 'r', 'x', 'b'),
      length: fc.nat({ max: 300 }),
    });
    await fc.assert(
      fc.asyncProperty(fc.array(event, { maxLength: 60 }), async (parts) => {
        let atUs = 0;
        const events = parts.map(({ gapUs, code, length }): RecordedEvent => {
          atUs = Math.max(0, atUs + gapUs);
          if (code === 'm') return { atUs, code, label: 'c' };
          if (code === 'r') return { atUs, code, cols: length, rows: length };
          if (code === 'x') return { atUs, code, status: '1' };
          if (code === 'b') return { atUs, code, base64: '' };
          return { atUs, code: 'o', text: 'z'.repeat(length) };
        });
        assertPlayable(await segmentsOf(events));
      }),
      { numRuns: 200 },
    );
  });
});
