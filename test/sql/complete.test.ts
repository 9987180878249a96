import { equal } from 'node:assert/strict';

import { isCompleteSql } from '../../server/sql/complete.ts';
import { readSql, type Dialect } from '../../server/sql/statement.ts';

describe('isCompleteSql', () => {
  const CASES: readonly (readonly [text: string, dialect: Dialect, whole: string])[] = [
    ['', 'postgresql', 'complete'],
    ['select 1;', 'postgresql', 'complete'],
    ['select 1', 'postgresql', 'incomplete'],
    ['select 1\n', 'postgresql', 'incomplete'],
    ['select 1; select', 'postgresql', 'incomplete'],
    ["select ';", 'postgresql', 'incomplete'],
    ['select $$;', 'postgresql', 'incomplete'],
    ['select (1;', 'postgresql', 'incomplete'],
    ['/* ;', 'postgresql', 'incomplete'],
    ['-- x\n', 'postgresql', 'complete'],
    ['\\! ls', 'postgresql', 'incomplete'],
    ['\\! ls\n', 'postgresql', 'complete'],
    ['select 1 \\g\n', 'postgresql', 'complete'],
    ['create function f() begin atomic; select 1;', 'postgresql', 'incomplete'],
    ['create function f() begin atomic; select 1; end;', 'postgresql', 'complete'],
    ['copy t from stdin;\n', 'postgresql', 'complete'],
    ['select 1\\G', 'mysql', 'complete'],
    ['delimiter //\nselect 1;', 'mysql', 'incomplete'],
    ['delimiter //\nselect 1; //', 'mysql', 'complete'],
    ['use x\n', 'mysql', 'incomplete'],
    ['select "; ', 'mysql', 'incomplete'],
    ['.tables\n', 'sqlite', 'complete'],
    ['create trigger t after insert on a begin delete from b;', 'sqlite', 'incomplete'],
    ['create trigger t after insert on a begin delete from b; end;', 'sqlite', 'complete'],
    ['select 1\nGO\n', 'mssql', 'complete'],
    ['select \0;', 'postgresql', 'invalid'],
    ['x'.repeat(1_048_577), 'postgresql', 'invalid'],
  ];
  for (const [text, dialect, whole] of CASES) {
    it(`calls ${JSON.stringify(text.slice(0, 60))} of ${dialect} ${whole}`, () => {
      equal(isCompleteSql(text, dialect), whole);
    });
  }

  it('takes every row of COPY as whole until the rows end', () => {
    const { after } = readSql('copy t from stdin;\n', 'postgresql');
    equal(isCompleteSql("it's a row\n", 'postgresql', after), 'complete');
    equal(isCompleteSql('half a r', 'postgresql', after), 'incomplete');
    const ended = readSql('\\.\n', 'postgresql', after).after;
    equal(isCompleteSql("it's no row\n", 'postgresql', ended), 'incomplete');
  });
});
