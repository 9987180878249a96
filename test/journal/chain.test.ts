import assert from 'node:assert/strict';
import {
  canonicalJson,
  CHAIN_START,
  chainEntry,
  type ChunkHeader,
  chunkHash,
  isIntact,
  sha256Hex,
} from '../../server/journal/chain.ts';
import type { AuditEvent, JsonValue } from '../../server/journal/event.ts';

const CANONICAL: readonly (readonly [JsonValue, string])[] = [
  [null, 'null'],
  [{ b: 1, a: [true, 'x'] }, '{"a":[true,"x"],"b":1}'],
  [{ 'a b': 'é\u0000"\ud800' }, '{"a b":"é\\u0000\\"\\ud800"}'],
  [{ B: 1, a: 2, _: 3 }, '{"B":1,"_":3,"a":2}'],
  [[], '[]'],
  [{}, '{}'],
  [-0, '0'],
];

const EVENT: AuditEvent = {
  type: 'auth.succeeded',
  principal: 'alice',
  source: '192.0.2.7:51514',
  session: null,
  target: null,
  data: { key: 'SHA256:abc', tries: 1 },
};

const HEADER: ChunkHeader = {
  sessionId: '01939b8e-7c00-7abc-8def-0123456789ab',
  seq: 1,
  t0Us: 0,
  t1Us: 10,
  firstEvent: 1,
  events: 2,
  rawLength: 5,
};

describe('chain', () => {
  for (const [value, text] of CANONICAL) {
    it(`writes ${text}`, () => assert.equal(canonicalJson(value), text));
  }
  for (const value of [1.5, Number.NaN, Infinity, 2 ** 53]) {
    it(`refuses to chain ${value}`, () => {
      assert.throws(() => canonicalJson({ value }), { code: 'internal' });
    });
  }

  it('gives an entry the hash of its own content and of the entry before', () => {
    const one = chainEntry(EVENT, {
      seq: 1,
      at: '2026-01-01T00:00:00.000Z',
      prevHash: CHAIN_START,
    });
    const two = chainEntry(EVENT, { seq: 2, at: one.at, prevHash: one.hash });
    assert.ok(isIntact(one) && isIntact(two));
    assert.equal(two.prevHash, one.hash);
    assert.notEqual(one.hash, two.hash);
    assert.equal(isIntact({ ...two, principal: 'bob' }), false);
    assert.equal(isIntact({ ...two, data: { ...two.data, tries: 2 } }), false);
    assert.equal(isIntact({ ...two, seq: 3 }), false);
  });

  it('covers previous hash, header and lines of a chunk', () => {
    const lines = Buffer.from('[0,"o"]\n');
    const hash = chunkHash(CHAIN_START, HEADER, lines);
    assert.equal(hash, sha256Hex(Buffer.alloc(32), canonicalJson({ ...HEADER }), lines));
    assert.notEqual(chunkHash('1'.repeat(64), HEADER, lines), hash);
    assert.notEqual(chunkHash(CHAIN_START, { ...HEADER, t1Us: 11 }, lines), hash);
    assert.notEqual(chunkHash(CHAIN_START, HEADER, Buffer.from('[1,"o"]\n')), hash);
  });
});
