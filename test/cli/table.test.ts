import assert from 'node:assert/strict';
import { table } from '../../server/cli/table.ts';

describe('table', () => {
  it('aligns columns under their headers, without spaces at the end of a line', () => {
    assert.equal(
      table(
        ['id', 'name', 'count'],
        [
          ['a', 'long name', 7],
          ['long id', null, 12_345],
        ],
      ),
      'id       name       count\na        long name  7\nlong id  -          12345\n',
    );
  });

  it('says so when there are no rows', () => {
    assert.equal(table(['id'], []), 'none\n');
  });

  it('keeps a hostile cell on its line and out of the terminal’s control', () => {
    assert.equal(table(['text'], [['a\n\u001b[2Jb\r\u009b1m\u202ec']]), 'text\na??[2Jb??1m?c\n');
  });

  it('clips a long cell', () => {
    assert.equal(table(['x'], [['y'.repeat(1000)]]), `x\n${'y'.repeat(120)}…\n`);
  });
});
