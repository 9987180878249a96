import assert from 'node:assert/strict';
import { TERMINAL_AS_BEFORE } from '../../server/asciicast/harmless.ts';
import type { RecordedEvent } from '../../server/asciicast/event.ts';
import { play } from '../../server/session/play.ts';
import type { DownstreamEnd, InputUnit } from '../../server/session/ports.ts';

async function* recorded(...events: readonly RecordedEvent[]): AsyncGenerator<RecordedEvent> {
  yield* events;
}

function client(units: readonly InputUnit[] = []): DownstreamEnd & { readonly said: () => string } {
  const left = [...units];
  let text = '';
  return {
    said: () => text,
    read: () => {
      const next = left.shift();
      return next === undefined ? new Promise(() => {}) : Promise.resolve(next);
    },
    write: (unit) => {
      if (unit.kind === 'data') text += unit.bytes.toString();
      return Promise.resolve();
    },
  };
}

describe('playing to a client', () => {
  it('writes output in order, and leaves the terminal as it was', async () => {
    const end = client();
    const events = recorded(
      { atUs: 0, code: 'o', text: 'one ' },
      { atUs: 1, code: 'm', label: 'ls' },
      { atUs: 2, code: 'o', text: 'two' },
      { atUs: 3, code: 'x', status: '0' },
    );
    assert.equal(await play(end, events), 'played');
    assert.equal(end.said(), `one two${TERMINAL_AS_BEFORE}`);
  });

  it('draws, and makes no terminal answer, type or copy', async () => {
    const end = client();
    const text = 'a\u001b[31mb\u001b[c\u001b]52;c;eA==\u0007\u001bP$q"p\u001b\\c';
    await play(end, recorded({ atUs: 0, code: 'o', text }));
    assert.equal(end.said(), `a\u001b[31mbc${TERMINAL_AS_BEFORE}`);
  });

  for (const [what, unit] of [
    ['Ctrl-C', { kind: 'data', bytes: Buffer.of(3) }],
    ['q', { kind: 'data', bytes: Buffer.from('q') }],
    ['the end of the client', { kind: 'close' }],
  ] as const) {
    it(`stops at ${what}, also in a pause`, async () => {
      const end = client([unit]);
      const events = recorded(
        { atUs: 0, code: 'o', text: 'begin' },
        { atUs: 3_600_000_000, code: 'o', text: 'an hour later' },
      );
      assert.equal(await play(end, events), 'stopped');
      assert.ok(!end.said().includes('an hour later'));
    });
  }
});
