import assert from 'node:assert/strict';
import type { RecordedEvent } from '../../server/asciicast/event.ts';
import { asPlayed } from '../../server/asciicast/played.ts';

async function texts(term: string | null, ...outputs: readonly string[]): Promise<string[]> {
  const played: string[] = [];
  for await (const event of asPlayed({ term }, recorded(outputs))) {
    if (event.code === 'o') played.push(event.text);
  }
  return played;
}

async function* recorded(outputs: readonly string[]): AsyncGenerator<RecordedEvent> {
  for (const text of outputs) yield { atUs: 0, code: 'o', text };
}

describe('asciicast as played', () => {
  const CASES: readonly [what: string, outputs: readonly string[], played: readonly string[]][] = [
    ['bare line ends', ['a\nb\n\nc'], ['a\r\nb\r\n\r\nc']],
    ['line ends that are whole', ['a\r\nb'], ['a\r\nb']],
    ['a line end cut in two', ['a\r', '\nb\n'], ['a\r', '\nb\r\n']],
    ['a line end cut by nothing', ['a\r', '', '\nb'], ['a\r', '', '\nb']],
    ['a bare line end at a start', ['a', '\nb'], ['a', '\r\nb']],
    ['returns without line ends', ['10%\r20%\r', '30%'], ['10%\r20%\r', '30%']],
  ];
  for (const [what, outputs, played] of CASES) {
    it(`completes, without a terminal: ${what}`, async () => {
      assert.deepEqual(await texts(null, ...outputs), played);
    });
  }

  it('leaves what a terminal got alone: a bare LF moves down there', async () => {
    assert.deepEqual(await texts('xterm', 'a\nb', '\n'), ['a\nb', '\n']);
  });

  it('passes other events', async () => {
    async function* events(): AsyncGenerator<RecordedEvent> {
      yield { atUs: 1, code: 'b', base64: 'Cg==' };
      yield { atUs: 1, code: 'x', status: '0' };
    }
    const played: RecordedEvent[] = [];
    for await (const event of asPlayed({ term: null }, events())) played.push(event);
    assert.deepEqual(
      played.map((event) => event.code),
      ['b', 'x'],
    );
  });
});
