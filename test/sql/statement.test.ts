import { deepEqual, equal, ok } from 'node:assert/strict';
import * as fc from 'fast-check';

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
    ['executable comments', '/*!50000 drop */ x', 'mysql', ['drop x']],
    ['hash comments', 'a # b\nc', 'mysql', ['a c']],
    ['strings', "a 'x;''y' b", 'postgresql', ["a '…' b"]],
    ['escape strings', String.raw`a E'x\'; y' b`, 'postgresql', ["a e '…' b"]],
    ['double-quoted strings', 'a "x;y" b', 'mysql', ["a '…' b"]],
    ['quoted names', 'drop "Data;Base"', 'postgresql', ['drop data;base']],
    ['backquoted names', 'drop `Prod`', 'mysql', ['drop prod']],
    ['dollar quotes', 'a $x$ ; $$ ; $x$ b', 'postgresql', ["a '…' b"]],
    ['casts', 'select 1::int', 'postgresql', ['select 1 :: int']],
    ['the schemas of MySQL', 'drop schema x', 'mysql', ['drop database x']],
    ['the schemas of PostgreSQL', 'drop schema x', 'postgresql', ['drop schema x']],
  ];
  for (const [behaviour, text, dialect, statements] of CASES) {
    it(`reads ${behaviour}`, () => deepEqual(words(text, dialect), statements));
  }

  it('finds command lines for a shell', () => {
    const shell = (text: string, dialect: Dialect = 'postgresql') => readSql(text, dialect).shell;
    deepEqual(shell('\\! rm x\nselect 1'), ['rm x']);
    deepEqual(shell('select 1 \\g | rm x'), [' rm x']);
    deepEqual(shell('\\o | rm x'), [' rm x']);
    deepEqual(shell("\\copy t from program 'rm x'"), ['rm x']);
    deepEqual(shell("COPY t FROM PROGRAM 'rm x'"), ['rm x']);
    deepEqual(shell('system rm x', 'mysql'), ['rm x']);
    deepEqual(shell('.shell rm x', 'sqlite'), ['rm x']);
  });

  const UNCERTAIN: readonly (readonly [text: string, dialect: Dialect])[] = [
    ['select 1 \\gexec', 'postgresql'],
    ['\\i x.sql', 'postgresql'],
    ['drop :x', 'postgresql'],
    ['do $$ begin end $$', 'postgresql'],
    ["prepare p from 'x'", 'mysql'],
    ['source x.sql', 'mysql'],
    ["create function f() returns int as 'x'", 'postgresql'],
    ["select 'open", 'postgresql'],
    ['select "open', 'postgresql'],
    ['select $$open', 'postgresql'],
    ['select /* open', 'postgresql'],
    ["select load_file('/etc/passwd')", 'mysql'],
    ['.read x.sql', 'sqlite'],
  ];
  for (const [text, dialect] of UNCERTAIN) {
    it(`says that ${text} is uncertain`, () => ok(readSql(text, dialect).uncertain.length > 0));
  }

  it('is certain about plain statements', () => {
    for (const text of [
      'select 1',
      "insert into x values (':a', 'b')",
      'begin; commit',
      '\\l',
      '\\d x',
    ]) {
      deepEqual(readSql(text, 'postgresql').uncertain, [], text);
    }
  });

  it('ends on any text', () => {
    const dialects = fc.constantFrom<Dialect>('postgresql', 'mysql', 'sqlite', 'other');
    const parts = fc.constantFrom(
      "'",
      '"',
      '`',
      '$$',
      '$a$',
      '/*',
      '*/',
      '/*!',
      '--',
      '#',
      ';',
      '\\',
      '\\!',
      ':a',
      ' ',
      '\n',
      'x',
    );
    const text = fc.oneof(
      fc.string({ unit: 'binary' }),
      fc.array(parts, { maxLength: 60 }).map((all) => all.join('')),
    );
    fc.assert(
      fc.property(text, dialects, (sql, dialect) => {
        ok(readSql(sql, dialect).statements.length >= 0);
      }),
      { numRuns: 3_000 },
    );
  });

  it('refuses text beyond its bound', () => {
    const { statements, uncertain } = readSql('x'.repeat(1_048_577), 'other');
    equal(statements.length, 0);
    equal(uncertain.length, 1);
  });
});
