/** Dumps as pg_dump 15 and mysqldump 8 write them, whole and as a stream of lines. */
import { deepEqual, equal, ok } from 'node:assert/strict';
import { readFileSync } from 'node:fs';

import { isCompleteSql } from '../../server/sql/complete.ts';
import { initialSqlState, readSql, type Dialect } from '../../server/sql/statement.ts';

const CASES = new URL('../cases/sql/', import.meta.url);

describe('dumps', () => {
  const FILES: readonly (readonly [file: string, dialect: Dialect, statements: number])[] = [
    ['pg-dump.sql', 'postgresql', 60],
    ['pg-dump-inserts.sql', 'postgresql', 70],
    ['mysqldump.sql', 'mysql', 35],
  ];
  for (const [file, dialect, fewest] of FILES) {
    const text = readFileSync(new URL(file, CASES), 'utf8');

    it(`reads ${file} with certainty`, () => {
      const { statements, uncertain, shell } = readSql(text, dialect);
      deepEqual(uncertain, []);
      deepEqual(shell, []);
      ok(statements.length >= fewest, `${statements.length} statements`);
      equal(
        statements.filter(({ words }) => words[1] === 'database' && words[0] === 'drop').length,
        0,
      );
    });

    it(`reads ${file} with certainty line by line`, () => {
      let state = initialSqlState();
      let pending = '';
      let count = 0;
      for (const line of text.split(/(?<=\n)/)) {
        pending += line;
        if (isCompleteSql(pending, dialect, state) !== 'complete') continue;
        const reading = readSql(pending, dialect, state);
        deepEqual(reading.uncertain, [], pending);
        count += reading.statements.length;
        state = reading.after;
        pending = '';
      }
      equal(pending.trim(), '');
      ok(count >= fewest, `${count} statements`);
    });
  }

  it('finds a statement that stands between the rows of a dump', () => {
    const text = readFileSync(new URL('pg-dump.sql', CASES), 'utf8');
    const spoilt = text.replace(/^\\\.$/m, '\\.\nDROP DATABASE shop;');
    const found = readSql(spoilt, 'postgresql').statements.map(({ words }) => words.join(' '));
    ok(found.includes('drop database shop'));
  });
});
