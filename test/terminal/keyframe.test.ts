import assert from 'node:assert/strict';
import type { RecordedEvent } from '../../server/asciicast/event.ts';
import {
  firstKeyframe,
  HARD_FACTOR,
  IDLE_LIMIT_US,
  type Keyframe,
  Keyframer,
  LEAST_PER_KEYFRAME,
  MAX_PAUSES,
  type Pause,
  Pauses,
} from '../../server/terminal/keyframe.ts';
import { Screen } from '../../server/terminal/screen.ts';

const size = { cols: 40, rows: 10 };

interface Cut {
  readonly at: number;
  readonly keyframe: Keyframe;
  readonly pauses: readonly Pause[];
}

function cutsOf(events: readonly RecordedEvent[], segmentChars = 200): Cut[] {
  const keyframer = new Keyframer(firstKeyframe(size), { segmentChars });
  const cuts = events.flatMap((event, at) => {
    const cut = keyframer.push(event);
    return cut === null ? [] : [{ at, ...cut }];
  });
  keyframer.dispose();
  return cuts;
}

function play(screen: Screen, events: readonly RecordedEvent[]): void {
  for (const event of events) {
    if (event.code === 'o') screen.write(event.text);
    if (event.code === 'r') screen.resize(event.cols, event.rows);
  }
}

function shellSession(commands: number): RecordedEvent[] {
  const events: RecordedEvent[] = [];
  let atUs = 0;
  for (let n = 0; n < commands; n += 1) {
    events.push({ atUs: (atUs += 100_003), code: 'm', label: `command ${n}` });
    events.push({
      atUs: (atUs += 1),
      code: 'o',
      text: `\u001b[3${n % 8}m$ command ${n}\u001b[0m\r\n`,
    });
    events.push({ atUs: (atUs += 7), code: 'o', text: '漢字 output\r\n'.repeat(n % 12) });
    if (n % 7 === 3) events.push({ atUs: (atUs += 1), code: 'r', cols: 30 + n, rows: 8 + (n % 5) });
    if (n % 5 === 4) {
      events.push({ atUs, code: 'o', text: '\u001b[?1049h\u001b[2J\u001b[5;5Hfull\u001b[?25l' });
    }
    if (n % 5 === 0) events.push({ atUs, code: 'o', text: '\u001b[?1049l\u001b[?25h' });
  }
  return [...events, { atUs: atUs + 5, code: 'x', status: '0' }];
}

describe('keyframes', () => {
  it('show what playing everything shows', () => {
    const events = shellSession(60);
    const cuts = cutsOf(events);
    assert.ok(cuts.length > 5);
    const whole = new Screen(size.cols, size.rows, 0);
    let from = 0;
    for (const { at, keyframe } of cuts) {
      play(whole, events.slice(from, at));
      from = at;
      const alone = new Screen(keyframe.cols, keyframe.rows, 0);
      alone.write(keyframe.init);
      assert.equal(alone.serialize(), whole.serialize());
      alone.dispose();
    }
    whole.dispose();
  });

  it('stand at command boundaries', () => {
    const events = shellSession(60);
    for (const { at } of cutsOf(events)) assert.equal(events[at]?.code, 'm');
  });

  it('stand inside a command that prints without end, also inside a control sequence', () => {
    const events = Array.from({ length: 400 }, (_, n): RecordedEvent => {
      return { atUs: n, code: 'o', text: `1mred\u001b[0m\r\n${'y'.repeat(60)}\u001b[3` };
    });
    const cuts = cutsOf(events, 199);
    assert.ok(cuts.length > 5);
    for (const { keyframe } of cuts) assert.ok(keyframe.init.endsWith('\u001b[3'));
  });

  it('go on from a stored one as if there had been no stop', () => {
    const events = shellSession(80);
    const cuts = cutsOf(events);
    const middle = cuts[3];
    assert.ok(middle);
    const keyframer = new Keyframer(middle.keyframe, { segmentChars: 200 });
    const later = events.slice(middle.at).flatMap((event, index) => {
      const cut = keyframer.push(event);
      return cut === null ? [] : [{ at: middle.at + index, ...cut }];
    });
    keyframer.dispose();
    assert.deepEqual(later, cuts.slice(4));
  });

  it('are never before time has passed: two segments would start at once', () => {
    const events = Array.from({ length: 100 }, (): RecordedEvent => {
      return { atUs: 5, code: 'o', text: 'x'.repeat(500) };
    });
    assert.deepEqual(
      cutsOf(events).map(({ at }) => at),
      [],
    );
  });

  it('cost a small part of what they save, whatever fills the screen', () => {
    const paint = Array.from(
      { length: 400 },
      (_, n) => `\u001b[38;2;${n % 256};${(n * 7) % 256};${(n * 13) % 256}m#`,
    ).join('');
    const events = Array.from({ length: 300 }, (_, n): RecordedEvent => {
      return { atUs: n, code: 'o', text: n === 0 ? paint : '\u001b[H' };
    });
    const cuts = cutsOf(events, 20);
    for (const [index, { at, keyframe }] of cuts.entries()) {
      const next = cuts[index + 1];
      if (next === undefined) continue;
      const chars = events
        .slice(at, next.at)
        .reduce((sum, event) => sum + 16 + (event.code === 'o' ? event.text.length : 0), 0);
      assert.ok(chars >= Math.min(keyframe.init.length * LEAST_PER_KEYFRAME, 1e9));
    }
    assert.ok(cuts.length > 0 && HARD_FACTOR > 1);
  });

  it('know the pauses before them', () => {
    const second = 1_000_000;
    const text = `${'x'.repeat(1000)}\u001b[H\u001b[2J`;
    const events: RecordedEvent[] = [
      { atUs: 10 * second, code: 'o', text },
      { atUs: 11 * second, code: 'o', text },
      { atUs: 71 * second, code: 'm', label: 'next' },
      { atUs: 72 * second, code: 'o', text },
      { atUs: 172 * second, code: 'x', status: '0' },
    ];
    const cuts = cutsOf(events);
    assert.equal(cuts.length, 3);
    const [first, second2] = cuts;
    assert.deepEqual(first?.pauses, [{ atUs: 0, cutUs: 10 * second - IDLE_LIMIT_US }]);
    assert.deepEqual(second2?.pauses, [{ atUs: 11 * second, cutUs: 60 * second - IDLE_LIMIT_US }]);
    assert.equal(second2?.keyframe.idleUs, 66 * second);
    assert.equal(second2?.keyframe.pauses, 2);
  });

  it('shorten no more pauses than are kept, and take times that go backwards as simultaneous', () => {
    const pauses = new Pauses({ atUs: 0, pauses: MAX_PAUSES - 1, idleUs: 0 });
    assert.deepEqual(pauses.push(5_000_000), { atUs: 0, cutUs: 3_000_000 });
    assert.equal(pauses.push(15_000_000), null);
    assert.equal(pauses.push(1), null);
    assert.equal(pauses.atUs, 15_000_000);
    assert.equal(pauses.idleUs, 3_000_000);
  });
});
