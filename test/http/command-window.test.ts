import assert from 'node:assert/strict';
import { commandWindow, WINDOW_COMMANDS } from '../../server/http/command-window.ts';
import type { CommandView } from '../../server/http/ports.ts';
import { sessionAddress } from '../../web/parts/address.ts';
import { commandView } from '../support/http-world.ts';

function recordingsOf(seqs: readonly number[]) {
  const all = seqs.map((seq) => commandView(seq));
  return {
    commands: async (
      _id: string,
      { from, limit } = { from: 1, limit: Infinity },
    ): Promise<readonly CommandView[]> => all.filter(({ seq }) => seq >= from).slice(0, limit),
  };
}

const upTo = (count: number) => Array.from({ length: count }, (_, index) => index + 1);

describe('the commands of one page', () => {
  const CASES: readonly [
    what: string,
    seqs: readonly number[],
    asked: number,
    shown: readonly [from: number, first: number | null, count: number],
    earlier: number | null,
    next: number | null,
  ][] = [
    ['none', [], 1, [1, null, 0], null, null],
    ['fewer than a window', upTo(3), 1, [1, 1, 3], null, null],
    ['exactly one window', upTo(200), 1, [1, 1, 200], null, null],
    ['one more', upTo(201), 1, [1, 1, 200], null, 201],
    ['the second window by its first number', upTo(523), 201, [201, 201, 200], 1, 401],
    ['the second window by its last number', upTo(523), 400, [201, 201, 200], 1, 401],
    ['the last window', upTo(523), 523, [401, 401, 123], 201, null],
    ['behind the last', upTo(3), 5000, [1, 1, 3], null, null],
    ['far behind the last', upTo(523), 99_999, [401, 401, 123], 201, null],
    ['numbers that are missing', [1, 2, 199, 202, 700], 1, [1, 1, 3], null, 202],
  ];
  for (const [what, seqs, asked, [from, first, count], earlier, next] of CASES) {
    it(`are ${what}, asked for ${asked}`, async () => {
      const window = await commandWindow(recordingsOf(seqs), 'any', asked, seqs.length);
      assert.deepEqual(
        [window.from, window.items[0]?.seq ?? null, window.items.length],
        [from, first, count],
      );
      assert.equal(window.size, WINDOW_COMMANDS);
      assert.deepEqual([window.earlier, window.next?.seq ?? null], [earlier, next]);
    });
  }

  it('are asked for by addresses of those that a page doesn’t come with', () => {
    assert.equal(sessionAddress('s', WINDOW_COMMANDS), `/sessions/s#cmd-${WINDOW_COMMANDS}`);
    const behind = WINDOW_COMMANDS + 1;
    assert.equal(sessionAddress('s', behind), `/sessions/s?from=${behind}#cmd-${behind}`);
  });
});
