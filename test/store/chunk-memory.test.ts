import assert from 'node:assert/strict';
import { joinLines, releaseLines } from '../../server/store/chunk-memory.ts';

describe('chunk memory', () => {
  it('never gives the same memory twice while it is in use', () => {
    const join = (fill: number): Buffer => {
      const parts = [Buffer.alloc(60_000, fill), Buffer.alloc(60_001, fill + 1)];
      const lines = joinLines(parts, 120_001);
      assert.ok(lines.equals(Buffer.concat(parts)));
      return lines;
    };
    const held = join(1);
    for (let fill = 3; fill < 203; fill += 2) releaseLines(join(fill));
    assert.ok(held.equals(Buffer.concat([Buffer.alloc(60_000, 1), Buffer.alloc(60_001, 2)])));
    const rest = Array.from({ length: 100 }, () => join(7));
    assert.equal(new Set(rest.map(({ buffer }) => buffer)).size, 100);
    for (const lines of rest) releaseLines(lines);
  });

  it('joins what is small or huge in memory of its own, which it doesn’t take back', () => {
    for (const size of [0, 1, 1000, 400_000]) {
      const part = Buffer.alloc(size, 5);
      const lines = joinLines([part], size);
      assert.ok(lines.equals(part));
      releaseLines(lines);
      assert.notEqual(joinLines([part], size).buffer, size < 4096 ? null : lines.buffer);
    }
  });
});
