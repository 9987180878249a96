import assert from 'node:assert/strict';
import { ENCODINGS, LeakSearch } from './leak-search.ts';

const secret = {
  name: 'it',
  bytes: Buffer.from(Array.from({ length: 40 }, (_, at) => (at * 37 + 11) & 0xff)),
};

describe('the search for secrets', () => {
  const search = new LeakSearch([secret]);

  for (const encoding of Object.keys(ENCODINGS)) {
    it(`finds one as ${encoding}, wherever it stands`, () => {
      for (let before = 0; before < 7; before += 1) {
        const inside = Buffer.concat([
          Buffer.alloc(before, 0x41),
          secret.bytes,
          Buffer.alloc(5, 0x42),
        ]);
        const [text] = ENCODINGS[encoding]?.(inside) ?? [];
        assert.ok(text !== undefined);
        const haystack = Buffer.concat([Buffer.alloc(100, 0x2e), text, Buffer.alloc(100, 0x2e)]);
        assert.ok(search.in(haystack).includes(`it as ${encoding}`), `${before} bytes in front`);
      }
    });
  }

  it('finds a piece of one at either end, and nothing in anything else', () => {
    assert.ok(search.in(secret.bytes.subarray(0, 15)).length > 0);
    assert.ok(search.in(secret.bytes.subarray(-15)).length > 0);
    assert.deepEqual(search.in(Buffer.alloc(100_000, secret.bytes)).length > 0, true);
    assert.deepEqual(search.in(Buffer.from('nothing of it '.repeat(1000))), []);
    assert.deepEqual(search.in(Buffer.alloc(0)), []);
  });
});
