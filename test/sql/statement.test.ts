import { deepEqual, equal, ok } from 'node:assert/strict';

import { readSql, type Dialect } from '../../server/sql/statement.ts';

function words(text: string, dialect: Dialect = 'postgresql'): string[] {
  return readSql(text, dialect).statements.map((one) => one.words.join(' '));
}

describe('readSql', () => {
  const CASES: readonly (readonly [
    behaviour: string,
    text: string,
    dialect: Dialect,
    statements: readonly string[],
  ])[] = [
    ['words in lower case', 'DROP  Table\nX', 'postgresql', ['drop table x']],
    ['statements', 'a; b ;; c', 'postgresql', ['a', 'b', 'c']],
    ['line comments', 'a -- ; b\nc', 'postgresql', ['a c']],
    ['block comments', 'a/* ; */b', 'postgresql', ['a b']],
    ['nested comments', 'a /* /* */ b */ c', 'postgresql', ['a c']],
    ['comments that do not nest', 'a /* /* */ b', 'mysql', ['a b']],
    ['hints', 'select /*+ x; */ 1', 'mysql', ['select 1']],
    ['executable comments', '/*!50000 drop */ x', 'mysql', ['drop x', 'x']],
    ['executable comments of MariaDB', '/*M!100100 drop */ x', 'mysql', ['drop x', 'x']],
    ['hash comments', 'a # b\nc', 'mysql', ['a c']],
    ['dashes that are no comment', 'a --b', 'mysql', ['a - - b']],
    ['strings', "a 'x;''y' b", 'postgresql', ["a '…' b"]],
    ['escape strings', String.raw`a E'x\'; y' b`, 'postgresql', ["a '…' b"]],
    ['backslashes of plain strings', String.raw`a 'x\'; b`, 'postgresql', ["a '…'", 'b']],
    ['double-quoted strings', 'a "x;y" b', 'mysql', ["a '…' b"]],
    ['quoted names', 'drop "Data;Base"', 'postgresql', ['drop data;base']],
    ['names with escapes', String.raw`drop U&"d\0061ta"`, 'postgresql', ['drop data']],
    ['backquoted names', 'drop `Prod`', 'mysql', ['drop prod']],
    ['bracketed names', 'drop [a;b]', 'mssql', ['drop a;b']],
    ['dollar quotes', 'a $x$ ; $$ ; $x$ b', 'postgresql', ["a '…' b"]],
    ['numbers', 'select 1.5e3, 0x1F', 'postgresql', ['select 1.5e3 , 0x1F']],
    [
      'escapes in the next piece of a string',
      "a E'b'\n'c\\'' ; d --'",
      'postgresql',
      ["a '…' '…'", 'd'],
    ],
    ['escape strings behind an operator', "a @E'\\\\'; b --'", 'postgresql', ["a @ '…'", 'b']],
    ['comments that a carriage return ends', 'a -- b\rc', 'postgresql', ['a c']],
    ['comments behind a word', "a#'\nb#'", 'mysql', ['a b']],
    ['parameters before names', 'a $0xb$1$c$', 'postgresql', ['a $0 xb$1$c$']],
    ['casts', 'select 1::int', 'postgresql', ['select 1 :: int']],
    ['the schemas of MySQL', 'drop schema x', 'mysql', ['drop database x']],
    ['the schemas of PostgreSQL', 'drop schema x', 'postgresql', ['drop schema x']],
    ['delimiters', 'delimiter //\na; b// c//', 'mysql', ['a ; b', 'c']],
    ['vertical ends', String.raw`a\G b\g`, 'mysql', ['a', 'b']],
    ['batches', 'use a\nGO\ndrop x\ngo', 'mssql', ['use a', 'drop x']],
    [
      'semicolons in brackets',
      'create rule r as on insert to t do (a; b)',
      'postgresql',
      ['create rule r as on insert to t do ( a ; b )'],
    ],
    [
      'bodies of routines',
      'create function f() returns int begin atomic; select 1; end; select 2',
      'postgresql',
      ['create function f ( ) returns int begin atomic ; select 1 ; end', 'select 2'],
    ],
    [
      'one of many rows',
      "insert into t values (1,'a'),(2,'b'),(3,null)",
      'postgresql',
      ["insert into t values ( 1 , '…' )"],
    ],
    [
      'rows with calls',
      'insert into t values (1),(f(2)),(3)',
      'postgresql',
      ['insert into t values ( 1 ) , ( f ( 2 ) ) , ( 3 )'],
    ],
  ];
  for (const [behaviour, text, dialect, statements] of CASES) {
    it(`reads ${behaviour}`, () => deepEqual(words(text, dialect), statements));
  }

  const SHELL: readonly (readonly [text: string, dialect: Dialect, shell: readonly string[]])[] = [
    ['\\! rm x\nselect 1', 'postgresql', ['rm x']],
    ['select 1 \\g | rm x', 'postgresql', ['cat query-result | rm x']],
    ['\\o | rm x', 'postgresql', ['cat query-result | rm x']],
    ["\\copy t from program 'rm x'", 'postgresql', ['rm x']],
    ["\\copy (select 1) to program 'rm x'", 'postgresql', ['cat query-result | rm x']],
    ['\\echo `rm x` \\\\ \\! rm y', 'postgresql', ['rm x', 'rm y']],
    ["\\setenv PAGER 'rm x'", 'postgresql', ['cat query-result | rm x']],
    ["\\set PROMPT1 '%`rm x`'", 'postgresql', ['rm x']],
    ["COPY t FROM PROGRAM 'rm x'", 'postgresql', ['rm x']],
    ["alter system set restore_command to 'rm x'", 'postgresql', ['rm x']],
    ['system rm x', 'mysql', ['rm x']],
    ['select 1; \\! rm x', 'mysql', ['rm x']],
    ['pager rm x', 'mysql', ['cat query-result | rm x']],
    ["select sys_eval('rm x')", 'mysql', ['rm x']],
    ['.shell rm x', 'sqlite', ['rm x']],
    ['.sy rm x', 'sqlite', ['rm x']],
    ["select 1;\n.once '|rm x'", 'sqlite', ['cat query-result | rm x']],
    ['!!rm x', 'mssql', ['rm x']],
    ["exec xp_cmdshell 'rm x'", 'mssql', ['rm x']],
  ];
  for (const [text, dialect, shell] of SHELL) {
    it(`finds what ${text} gives to a shell`, () => deepEqual(readSql(text, dialect).shell, shell));
  }

  const FILES: readonly (readonly [text: string, dialect: Dialect, file: string])[] = [
    ["copy t from '/x'", 'postgresql', 'read /x'],
    ["copy (select 1) to '/x'", 'postgresql', 'write /x'],
    ["select pg_catalog.pg_read_file('/' || 'x')", 'postgresql', 'read /x'],
    ["select lo_export(1, '/x')", 'postgresql', 'write /x'],
    ['\\copy t to /x', 'postgresql', 'write /x'],
    ['\\lo_import /x', 'postgresql', 'read /x'],
    ['select 1 \\g /x', 'postgresql', 'write /x'],
    ["select load_file(concat('/', 'x'))", 'mysql', 'read /x'],
    ["select 1 into outfile '/x'", 'mysql', 'write /x'],
    ["load data infile '/x' into table t", 'mysql', 'read /x'],
    ['tee /x', 'mysql', 'write /x'],
    ["set global general_log_file = '/x'", 'mysql', 'write /x'],
    ["select writefile('/x', 'y')", 'sqlite', 'write /x'],
    ["attach '/x' as y", 'sqlite', 'write /x'],
    ['.backup /x', 'sqlite', 'write /x'],
    ['.import /x t', 'sqlite', 'read /x'],
    ['.open /x', 'sqlite', 'write /x'],
    ["backup database a to disk = '/x'", 'mssql', 'write /x'],
  ];
  for (const [text, dialect, file] of FILES) {
    it(`finds the file that ${text} opens`, () => {
      const reading = readSql(text, dialect);
      const files = reading.statements.flatMap((one) => one.files);
      deepEqual(
        files.map(({ access, path }) => `${access} ${path}`),
        [file],
      );
      deepEqual(reading.uncertain, []);
    });
  }

  it('begins a statement where the tree has one inside another', () => {
    const starts = (text: string) => readSql(text, 'postgresql').statements[0]?.starts;
    deepEqual(starts('with d as (delete from t returning *) select * from d'), [0, 4, 10]);
    deepEqual(starts('explain (analyze) delete from t'), [0, 4]);
    deepEqual(starts('prepare p as update t set a = 1'), [0, 3]);
    deepEqual(starts('select "delete" from t as "update"'), [0]);
    deepEqual(starts('select (delete) from t'), [0]);
  });

  const INNER: readonly (readonly [text: string, dialect: Dialect])[] = [
    ["do $$ begin execute 'drop ' || 'table x'; end $$", 'postgresql'],
    ["do $$ declare s text := 'drop table x'; begin execute s; end $$", 'postgresql'],
    ["do $$ declare s text; begin s := 'drop table x'; execute s; end $$", 'postgresql'],
    ['do $$ begin for i in 1..3 loop drop table x; end loop; end $$', 'postgresql'],
    ['do $$ begin null; exception when others then drop table x; end $$', 'postgresql'],
    ["create function f() returns void language sql as 'drop table x'", 'postgresql'],
    ["select * from dblink('c', 'drop table x') as t(a int)", 'postgresql'],
    ["select 'drop table x' \\gexec", 'postgresql'],
    ["\\set a drop\n\\set b :a ' table x'\n:b;", 'postgresql'],
    ["prepare p from 'drop table x'", 'mysql'],
    ["set @a = 'drop'; set @b = concat(@a, ' table x'); prepare p from @b", 'mysql'],
    ["execute immediate 'drop table x'", 'mysql'],
    ["exec('drop table x')", 'mssql'],
    ["exec sp_executesql N'drop table x'", 'mssql'],
  ];
  for (const [text, dialect] of INNER) {
    it(`follows ${text.replaceAll('\n', ' ')}`, () => {
      const reading = readSql(text, dialect);
      ok(words(text, dialect).includes('drop table x'), words(text, dialect).join(' | '));
      deepEqual(reading.uncertain, []);
    });
  }

  const UNCERTAIN: readonly (readonly [text: string, dialect: Dialect])[] = [
    ['select q from t \\gexec', 'postgresql'],
    ["select 'a' union select q from t \\gexec", 'postgresql'],
    ['\\i x.sql', 'postgresql'],
    ['\\!', 'postgresql'],
    ['\\newcommand', 'postgresql'],
    ['drop :x', 'postgresql'],
    ['drop tabel x', 'postgresql'],
    ['do $$ begin execute q; end $$', 'postgresql'],
    ["do $$ declare s text := 'a'; begin s := s || 'b'; execute s; end $$", 'postgresql'],
    ["do language plperl 'x'", 'postgresql'],
    ["create function f() returns int language c as 'x', 'y'", 'postgresql'],
    ['execute p', 'postgresql'],
    ["load 'x'", 'postgresql'],
    ['select pg_read_file(name) from t', 'postgresql'],
    ["set standard_conforming_strings = off; select '\\'", 'postgresql'],
    ['set sql_mode = \'ansi_quotes\'; select "a"', 'mysql'],
    ['prepare p from @q', 'mysql'],
    ['select q into @q from t; prepare p from @q', 'mysql'],
    ['source x.sql', 'mysql'],
    ['delimiter x', 'mysql'],
    ["create function f returns int soname 'x.so'", 'mysql'],
    ["/*!99999 ' */ drop table x; /*!99999 ' */", 'mysql'],
    ['selec 1', 'mysql'],
    ["select 'open", 'postgresql'],
    ['select "open', 'postgresql'],
    ['select $$open', 'postgresql'],
    ['select /* open', 'postgresql'],
    ['select 1\0; drop table x', 'postgresql'],
    ['.read x.sql', 'sqlite'],
    ['.load x', 'sqlite'],
    ["select load_extension('x')", 'sqlite'],
    ["select edit('x', 'rm')", 'sqlite'],
    [':r x.sql', 'mssql'],
    ['exec (@q)', 'mssql'],
    ['frobnicate x', 'clickhouse'],
  ];
  for (const [text, dialect] of UNCERTAIN) {
    it(`says that ${text.replaceAll('\0', 'NUL')} is uncertain`, () => {
      ok(readSql(text, dialect).uncertain.length > 0);
    });
  }

  const CERTAIN: readonly (readonly [text: string, dialect: Dialect])[] = [
    ["insert into x values (':a', 'b')", 'postgresql'],
    ['begin; commit', 'postgresql'],
    ['\\l', 'postgresql'],
    ['\\d+ x \\\\ select 1;', 'postgresql'],
    ["\\set id 4\nselect * from t where id = :id and n = :'id';", 'postgresql'],
    ['select (array[1,2])[1:2]', 'postgresql'],
    [
      "select 'create table x()' where not exists (select from t union select 1) \\gexec",
      'postgresql',
    ],
    ['prepare p as select 1; execute p', 'postgresql'],
    ['show full processlist', 'mysql'],
    ['select @a := @a + 1 from t group by b with rollup', 'mysql'],
    ["create user a@'%' identified by 'x'", 'mysql'],
    ['.tables', 'sqlite'],
    ['pragma user_version', 'sqlite'],
    ['optimize table t final', 'clickhouse'],
    ['exec sp_who2', 'mssql'],
  ];
  for (const [text, dialect] of CERTAIN) {
    it(`is certain about ${text.replaceAll('\n', ' ')}`, () => {
      deepEqual(readSql(text, dialect).uncertain, []);
    });
  }

  it('remembers what one text leaves for the next', () => {
    const first = readSql("set @q = 'drop table x';\ndelimiter //\n", 'mysql').after;
    equal(first.delimiter, '//');
    const { statements } = readSql('prepare p from @q//', 'mysql', first);
    ok(statements.some(({ words: found }) => found.join(' ') === 'drop table x'));
  });

  it('takes rows of COPY for data, and for statements where COPY may have failed', () => {
    const text = "copy t from stdin;\nit's\n\\.\nselect '; drop table x; --';\n";
    const reading = readSql(text, 'postgresql');
    deepEqual(reading.uncertain, []);
    ok(reading.statements.some((one) => one.words.join(' ') === 'drop table x'));
    deepEqual(words('copy t from stdin;\n1\tdrop table x\n\\.\nselect 1;\n'), [
      'copy t from stdin',
      'select 1',
    ]);
  });

  it('reads a text of which nobody says the language as any of them', () => {
    const { statements, uncertain } = readSql('drop schema x', 'other');
    deepEqual(
      statements.map((one) => one.words.join(' ')),
      ['drop schema x', 'drop database x'],
    );
    deepEqual(uncertain, []);
    ok(readSql('gibberish x', 'other').uncertain.length > 0);
  });
});
