import assert from 'node:assert/strict';
import { storable, storableJson } from '../../server/store/storable.ts';
import type { Database } from '../../server/store/database.ts';
import { freshDatabase } from '../support/database.ts';

const TEXTS: readonly (readonly [string, string, string])[] = [
  ['plain text', 'ls -la', 'ls -la'],
  ['NUL', 'a\0b\0', 'a\u2400b\u2400'],
  ['a lone high surrogate', 'a\ud800b', 'a\ufffdb'],
  ['a lone low surrogate', '\udc00', '\ufffd'],
  ['swapped surrogates', '\udc00\ud800', '\ufffd\ufffd'],
  ['a pair', '\u{1f600}', '\u{1f600}'],
  ['a noncharacter', '\uffff', '\uffff'],
  ['other controls', '\u0001\u001b[0m\u007f', '\u0001\u001b[0m\u007f'],
];

describe('storable text', () => {
  let database: Database;
  before(async () => {
    database = await freshDatabase();
  });
  after(() => database.close());

  for (const [name, text, expected] of TEXTS) {
    it(`keeps ${name} as PostgreSQL can hold it, in text and in jsonb`, async () => {
      assert.equal(storable(text), expected);
      const { rows } = await database.knex.raw<{ rows: readonly { t: string; j: unknown }[] }>(
        'select ?::text as t, ?::jsonb as j',
        [storable(text), JSON.stringify(storableJson({ [text]: [text] }))],
      );
      assert.deepEqual(rows[0], { t: expected, j: { [expected]: [expected] } });
    });
  }

  it('keeps every other JSON value as it is', () => {
    const value = { a: [1, -2.5, true, null, { b: '' }], c: {} };
    assert.deepEqual(storableJson(value), value);
    assert.deepEqual(storableJson({ a: undefined, b: new Date(0) }), {
      b: '1970-01-01T00:00:00.000Z',
    });
    assert.equal(storableJson(undefined), null);
  });
});
