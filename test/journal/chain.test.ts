import assert from 'node:assert/strict';
import fc from 'fast-check';
import {
  canonicalJson,
  CHAIN_START,
  chainEntry,
  chunkHash,
  isIntact,
} from '../../server/journal/chain.ts';
import type { AuditEvent } from '../../server/journal/event.ts';

const event: AuditEvent = {
  type: 'session.started',
  principal: 'alice',
  source: '192.0.2.1:1',
  session: null,
  target: 'web1',
  data: { b: 1, a: [true, null, 'x'] },
};
const place = { seq: 1, at: '2026-01-01T00:00:00.000Z', prevHash: CHAIN_START };

describe('journal/chain', () => {
  it('writes JSON in one way only', () => {
    assert.equal(
      canonicalJson({ b: [1, 'é', null], a: { d: true, c: '"' } }),
      '{"a":{"c":"\\"","d":true},"b":[1,"é",null]}',
    );
    for (const number of [0.5, NaN, Infinity, 2 ** 53]) assert.throws(() => canonicalJson(number));
  });

  it('gives the same text for the same value whatever the order of keys', () => {
    const shuffled = (value: Record<string, string>): Record<string, string> =>
      Object.fromEntries(Object.entries(value).reverse());
    fc.assert(
      fc.property(fc.dictionary(fc.string(), fc.string()), (value) => {
        assert.equal(canonicalJson(value), canonicalJson(shuffled(value)));
        assert.deepEqual({ ...(JSON.parse(canonicalJson(value)) as object) }, { ...value });
      }),
    );
  });

  it('notices any change of an entry', () => {
    const entry = chainEntry(event, place);
    assert.ok(isIntact(entry));
    const changes: Partial<typeof entry>[] = [
      { seq: 2 },
      { at: '2026-01-01T00:00:00.001Z' },
      { type: 'session.ended' },
      { principal: 'bob' },
      { source: null },
      { session: 'x' },
      { target: null },
      { data: { b: 2, a: [true, null, 'x'] } },
      { prevHash: '1'.repeat(64) },
    ];
    for (const change of changes)
      assert.ok(!isIntact({ ...entry, ...change }), JSON.stringify(change));
  });

  it('hashes a chunk by its header, its lines and what came before', () => {
    const header = {
      sessionId: 's',
      seq: 0,
      t0Us: 0,
      t1Us: 5,
      firstEvent: 0,
      events: 1,
      rawLength: 2,
    };
    const hash = chunkHash(CHAIN_START, header, Buffer.from('ab'));
    const others = [
      chunkHash('1'.repeat(64), header, Buffer.from('ab')),
      chunkHash(CHAIN_START, { ...header, seq: 1 }, Buffer.from('ab')),
      chunkHash(CHAIN_START, { ...header, t1Us: 6 }, Buffer.from('ab')),
      chunkHash(CHAIN_START, header, Buffer.from('ac')),
    ];
    assert.equal(new Set([hash, ...others]).size, 5);
  });
});
