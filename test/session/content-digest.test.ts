import assert from 'node:assert/strict';
import { createHash } from 'node:crypto';
import * as fc from 'fast-check';
import {
  ContentDigest,
  MAX_REORDERED_BYTES,
  MAX_REORDERED_PIECES,
  reorderBudget,
} from '../../server/session/content-digest.ts';

function sha256(text: string | Buffer): string {
  return createHash('sha256').update(text).digest('hex');
}

function digested(changes: boolean, pieces: readonly (readonly [number, string])[]) {
  const digest = new ContentDigest(changes, reorderBudget());
  for (const [offset, piece] of pieces) digest.push(offset, Buffer.from(piece));
  return digest.summary();
}

describe('ContentDigest', () => {
  it('hashes what comes in order, from where it begins', () => {
    const whole = { bytes: 6, sha256: sha256('abcdef'), isOnePiece: true };
    assert.deepEqual(digested(true, [[0, 'abc'], [3, 'def']]), { ...whole, from: 0, to: 6 }); // prettier-ignore
    assert.deepEqual(digested(true, [[9, 'abc'], [12, 'def']]), { ...whole, from: 9, to: 15 }); // prettier-ignore
  });

  it('hashes pieces in any order behind the first', () => {
    const text = 'the quick brown fox jumps over the lazy dog';
    const pieces = [...text.matchAll(/.{1,4}/g)].map(
      ({ 0: piece, index }) => [index, piece] as const,
    );
    const [first, ...others] = pieces;
    assert.ok(first);
    fc.assert(
      fc.property(fc.shuffledSubarray(others, { minLength: others.length }), (shuffled) => {
        const { isOnePiece, sha256: hash, to } = digested(true, [first, ...shuffled]);
        assert.deepEqual([isOnePiece, to, hash], [true, text.length, sha256(text)]);
      }),
    );
  });

  it('hashes up to a gap', () => {
    const { bytes, isOnePiece, sha256: hash, to } = digested(true, [[0, 'abc'], [9, 'def']]); // prettier-ignore
    assert.deepEqual([bytes, to, isOnePiece, hash], [6, 3, false, sha256('abc')]);
  });

  it('has no hash of what was written over', () => {
    const over: readonly (readonly (readonly [number, string])[])[] = [
      [[0, 'abcdef'], [2, 'xx']], // prettier-ignore
      [[0, 'ab'], [4, 'ef'], [2, 'cdX']], // prettier-ignore
      [[0, 'ab'], [4, 'ef'], [4, 'XX'], [2, 'cd']], // prettier-ignore
    ];
    for (const pieces of over) assert.equal(digested(true, pieces).sha256, null);
    for (const pieces of over) assert.equal(digested(false, pieces).isOnePiece, false);
  });

  it('keeps the hash of what was read twice', () => {
    const { isOnePiece, sha256: hash } = digested(false, [[0, 'abcdef'], [2, 'cd']]); // prettier-ignore
    assert.deepEqual([isOnePiece, hash], [false, sha256('abcdef')]);
  });

  it('lets only so much wait, in all files of a session', () => {
    const budget = reorderBudget();
    const one = new ContentDigest(false, budget);
    const other = new ContentDigest(false, budget);
    one.push(0, Buffer.from('a'));
    one.push(10, Buffer.alloc(MAX_REORDERED_BYTES));
    assert.equal(budget.leftBytes, 0);
    other.push(0, Buffer.from('a'));
    other.push(2, Buffer.from('c'));
    other.push(1, Buffer.from('b'));
    const { isOnePiece, to } = other.summary();
    assert.deepEqual([isOnePiece, to], [false, 2]);
    one.summary();
    assert.equal(budget.leftBytes, MAX_REORDERED_BYTES);
  });

  it('lets only so many pieces wait', () => {
    const pieces = Array.from(
      { length: MAX_REORDERED_PIECES + 1 },
      (_, index): [number, string] => [2 * index + 2, 'x'],
    );
    assert.equal(digested(false, [[0, 'x'], ...pieces]).isOnePiece, false);
  });
});
