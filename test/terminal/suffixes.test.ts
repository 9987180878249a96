import assert from 'node:assert/strict';
import { describe, it } from 'mocha';
import { wordSuffixes } from '../../server/terminal/suffixes.ts';

describe('ends of a row at which a command may begin', () => {
  it('are those at words, but not at a pattern alone', () => {
    assert.deepEqual(wordSuffixes('app=# select * from t;'), [
      'app=# select * from t;',
      'select * from t;',
      'from t;',
      't;',
    ]);
    assert.deepEqual(wordSuffixes('* x'), ['* x', 'x']);
  });
});
