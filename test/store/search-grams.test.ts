import assert from 'node:assert/strict';
import { describe, it } from 'mocha';
import * as fc from 'fast-check';
import {
  arrayLiteral,
  facet,
  folded,
  GramSet,
  MAX_QUERY_GRAMS,
  queryGrams,
} from '../../server/store/search-grams.ts';

function gramsOf(text: string): ReadonlySet<number> {
  const set = new GramSet();
  set.add(folded(text));
  return new Set(set.take());
}

describe('the grams of a text', () => {
  it('include those of everything that it contains', () => {
    fc.assert(
      fc.property(
        fc.string({ unit: 'binary', maxLength: 60 }),
        fc.string({ unit: 'binary', maxLength: 12 }),
        fc.string({ unit: 'binary', maxLength: 60 }),
        (before, query, after) => {
          const all = gramsOf(before + query + after);
          // Marks that belong to a letter may stand on either side of a cut.
          fc.pre(folded(before + query + after).includes(folded(query)));
          for (const gram of queryGrams(folded(query))) assert.ok(all.has(gram));
        },
      ),
    );
  });

  it('fit into a smallint and are in order', () => {
    const set = new GramSet();
    set.add(folded('ls -la /srv/ÄÖÜ 密码 \u{1f600} ~|%_'));
    const grams = set.take();
    assert.ok(grams.every((gram) => gram >= -32_768 && gram <= 32_767));
    assert.deepEqual(
      grams,
      grams.toSorted((a, b) => a - b),
    );
    assert.deepEqual(set.take(), []);
  });

  it('tell letters, digits and separators apart', () => {
    const text = gramsOf('kubectl get pods');
    for (const other of ['kubectk', 'pods1', 'get/', 'xyz']) {
      assert.ok(
        queryGrams(other).some((gram) => !text.has(gram)),
        other,
      );
    }
  });

  it('of a long query are few, and of a short one there is one', () => {
    assert.equal(queryGrams('the quick brown fox jumps over the lazy dog').length, MAX_QUERY_GRAMS);
    assert.equal(queryGrams('abc').length, 1);
    assert.equal(queryGrams('ab').length, 1);
    assert.equal(queryGrams('a').length, 1);
    assert.equal(queryGrams('').length, 0);
    assert.equal(queryGrams('abab ab').length, 5);
  });
});

describe('a facet', () => {
  it('is an int that tells names and values apart', () => {
    const facets = [
      facet('principal', 'alice'),
      facet('target', 'alice'),
      facet('principal', 'alicf'),
      facet('run', ''),
    ];
    assert.equal(new Set(facets).size, facets.length);
    for (const one of facets) assert.equal(one, one | 0);
  });

  it('is spelt as PostgreSQL spells arrays', () => {
    assert.equal(arrayLiteral([1, -2, 3]), '{1,-2,3}');
    assert.equal(arrayLiteral([]), '{}');
  });
});
