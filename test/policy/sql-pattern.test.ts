import { equal } from 'node:assert/strict';

import { compileSql, fitsSql } from '../../server/policy/sql-pattern.ts';
import { readSql, type Dialect } from '../../server/sql/statement.ts';

function fits(pattern: string, text: string, dialect: Dialect = 'postgresql'): boolean {
  const compiled = compileSql(pattern);
  if (compiled === null) throw new Error('the pattern is empty');
  return readSql(text, dialect).statements.some((statement) => fitsSql(compiled, statement));
}

describe('patterns of SQL', () => {
  const CASES: readonly (readonly [
    pattern: string,
    text: string,
    fits: boolean,
    dialect?: Dialect,
  ])[] = [
    ['drop database *', 'drop database x', true],
    ['DROP DATABASE *', 'Drop Database "X"', true],
    ['drop database prod', 'drop database if exists prod', true],
    ['drop database prod', 'drop database other', false],
    ['drop database if exists *', 'drop database x', false],
    ['drop database prod*', 'drop database production', true],
    ['drop table *', 'drop table if exists a', true],
    ['drop index a', 'drop index concurrently a', true],
    ['drop table *', 'drop temporary table a', true, 'mysql'],
    ['drop *', "select 'drop x'", false],
    ['drop *', 'select 1 as "drop"', false],
    ['drop *', "comment on table a is 'drop b'", false],
    ['truncate table *', 'truncate a', true],
    ['truncate *', 'truncate table a', true],
    ['delete from users', 'with d as (delete from users returning *) select * from d', true],
    ['delete from users', 'explain analyze delete from only users', true],
    ['delete from users', 'prepare p as delete from users', true],
    ['delete from users', 'create rule r as on insert to a do instead delete from users', true],
    ['delete from users', 'do $$ begin delete from users; end $$', true],
    ['delete from users', 'select delete from users', false],
    ['delete from users where *', 'delete from users', false],
    ['delete from public.users', 'delete from public . users', true],
    ['delete from *.users', 'delete from public.users', true],
    ['select count(*) from t', 'select count ( * ) from t', true],
    ["copy * to program '*'", "copy t to program 'x'", true],
    ["copy * to program '*curl*'", "copy t to program 'curl x'", true],
    ["copy * to program '*curl*'", "copy t to program 'wget x'", false],
    ["alter role * password '*'", "alter role a with password 'x'", true],
    ['drop database *', 'drop schema x', true, 'mysql'],
    ['drop database *', 'drop schema x', false, 'postgresql'],
    ['drop database *', 'select 1 drop database x', true, 'mssql'],
    ['drop database *', 'create event e on schedule every 1 day do drop database x', true, 'mysql'],
    ['drop database *', 'drop database x on cluster c sync', true, 'clickhouse'],
    ['update *', 'select * from a for update', false],
  ];
  for (const [pattern, text, expected, dialect] of CASES) {
    it(`${pattern} ${expected ? 'fits' : "doesn't fit"} ${text}`, () => {
      equal(fits(pattern, text, dialect), expected);
    });
  }

  it('is none without words', () => {
    equal(compileSql(' ; '), null);
    equal(compileSql(''), null);
  });
});
