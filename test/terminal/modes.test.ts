import assert from 'node:assert/strict';
import { readableModes } from '../../server/terminal/modes.ts';

function modes(...pairs: readonly (readonly [number, number])[]): Buffer {
  return Buffer.from([...pairs.flatMap(([opcode, value]) => [opcode, 0, 0, 0, value]), 0]);
}

describe('readableModes', () => {
  const cases: [string, Buffer, Buffer][] = [
    [
      'keeps what editing needs',
      modes([1, 3], [3, 127], [53, 1]),
      modes([1, 3], [3, 127], [53, 1]),
    ],
    [
      'drops other ends of a line',
      modes([5, 90], [6, 90], [7, 90], [33, 1], [4, 21]),
      modes([4, 21]),
    ],
    ['drops changes of letters', modes([37, 1], [38, 1], [52, 1], [71, 1]), modes([38, 1])],
    ['keeps speeds', modes([128, 9], [129, 9]), modes([128, 9], [129, 9])],
    ['stops at the end mark', Buffer.concat([modes([1, 3]), modes([2, 3])]), modes([1, 3])],
    ['stops at an unknown opcode', modes([1, 3], [160, 1], [3, 1]), modes([1, 3])],
    ['stops at a mode that is cut off', Buffer.from([1, 0, 0, 0, 3, 5, 0]), modes([1, 3])],
    ['takes nothing for nothing', Buffer.alloc(0), modes()],
  ];
  for (const [what, given, expected] of cases) {
    it(what, () => {
      assert.deepEqual([...readableModes(given)], [...expected]);
    });
  }
});
