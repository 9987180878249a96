/** Text that is made to break a reader: it must end, and say that it is uncertain where it is. */
import { deepEqual, equal, ok } from 'node:assert/strict';
import * as fc from 'fast-check';

import { isCompleteSql } from '../../server/sql/complete.ts';
import { parsePostgres } from '../../server/sql/postgres-grammar.ts';
import { initialSqlState, readSql, type Dialect } from '../../server/sql/statement.ts';

const DIALECTS: readonly Dialect[] = [
  'postgresql',
  'mysql',
  'sqlite',
  'clickhouse',
  'mssql',
  'other',
];
const SIZE = 65_536;

function filled(text: string): string {
  return text.repeat(Math.ceil(SIZE / text.length)).slice(0, SIZE);
}

describe('hostile SQL', () => {
  const LARGE: readonly (readonly [what: string, text: string])[] = [
    ['brackets', `select ${'('.repeat(10_000)}1${')'.repeat(10_000)}`],
    ['queries in queries', `select ${filled('(select ')}`],
    ['a long sum', `select ${filled('1+')}1`],
    ['a long list', `select ${filled('1,')}1`],
    ['many statements', filled('select 1;')],
    ['many routines', filled('do $$ begin null; end $$;')],
    ['calls in calls', `select ${filled('pg_read_file(')}`],
    ['texts in texts', filled("dblink(1,'a',")],
    ['EXEC in EXEC', filled('exec (')],
    ['casts in casts', `select ${filled('cast((')}`],
    ['intervals in intervals', `select ${filled('interval (')}`],
  ];
  for (const [what, text] of LARGE) {
    it(`is uncertain about ${what}`, () => {
      for (const dialect of ['postgresql', 'mysql', 'other'] as const) {
        ok(readSql(text, dialect).uncertain.length > 0, dialect);
      }
    });
  }

  it('reads on after text that PostgreSQL has no stack for', () => {
    const overflow = `select ${'1+'.repeat(20_000)}1`;
    equal(parsePostgres(overflow).kind, 'failed');
    equal(parsePostgres('select 1').kind, 'tree');
    equal(parsePostgres(`select ${'1+'.repeat(3_000)}1`).kind, 'tree');
  });

  it('does not follow variables that double each other for ever', () => {
    const lines = Array.from({ length: 60 }, (_, at) => `\\set v${at + 1} :v${at}:v${at}`);
    const { uncertain } = readSql(`\\set v0 xx\n${lines.join('\n')}\n:v60;`, 'postgresql');
    ok(uncertain.length > 0);
  });

  it('refuses text beyond its bound', () => {
    const { statements, uncertain } = readSql('x'.repeat(1_048_577), 'other');
    equal(statements.length, 0);
    equal(uncertain.length, 1);
  });

  const parts = fc.constantFrom(
    ...(
      "' \" ` $$ $a$ /* */ /*! /*!99999 -- # ; \\ \\! \\g \\gexec \\set \\copy \\o | :a :'a' ( ) [ ] , . = := || x 1 @a \n \0 \ufffd \ud800" as string
    ).split(' '),
    ' ',
    'select ',
    'drop database x',
    'do $$',
    'begin ',
    'end',
    'execute ',
    "prepare p from 'x'",
    'copy t from stdin',
    'values (1),',
    'set @a=',
    'delimiter //',
    '.read ',
    'go',
    "U&'",
    "E'",
    'uescape',
    'create function f() returns int language sql as ',
  );
  const texts = fc.oneof(
    fc.string({ unit: 'binary' }),
    fc.array(parts, { maxLength: 60 }).map((all) => all.join('')),
  );

  it('never throws, whatever the text', () => {
    fc.assert(
      fc.property(texts, texts, fc.constantFrom(...DIALECTS), (first, second, dialect) => {
        const reading = readSql(first, dialect);
        ok(Array.isArray(readSql(second, dialect, reading.after).statements));
        ok(
          ['complete', 'incomplete', 'invalid'].includes(
            isCompleteSql(second, dialect, reading.after),
          ),
        );
      }),
      { numRuns: 1_500 },
    );
  });

  it('reads a statement the same however it is spelt', () => {
    const space = fc.constantFrom(' ', '\n', '\t', '  ', '/**/', '/* ; */', ' -- x\n', '\r\n');
    const statement = fc.constantFrom(
      ['drop', 'database', 'prod'],
      ['drop', 'table', 'if', 'exists', 'prod'],
      ['delete', 'from', 'prod'],
      ['truncate', 'table', 'prod'],
    );
    const cases = fc.array(fc.boolean(), { minLength: 40, maxLength: 40 });
    const property = fc.property(
      statement,
      fc.array(space, { minLength: 6, maxLength: 6 }),
      cases,
      fc.boolean(),
      fc.constantFrom<Dialect>('postgresql', 'mysql'),
      (words, spaces, upper, quoted, dialect) => {
        const quote = dialect === 'mysql' ? '`' : '"';
        let position = 0;
        const text = words
          .map((word, at) => {
            const isName = at === words.length - 1;
            const spelt =
              isName && quoted
                ? quote + word + quote
                : Array.from(word, (char) =>
                    upper[position++ % 40] === true ? char.toUpperCase() : char,
                  ).join('');
            return spelt + (spaces[at] ?? ' ');
          })
          .join('');
        const { statements, uncertain } = readSql(text, dialect);
        deepEqual(
          statements.map((one) => one.words),
          [words],
        );
        deepEqual(uncertain, []);
      },
    );
    fc.assert(property, { numRuns: 500 });
  });

  it('reads lines fed one by one as it reads them whole', () => {
    const line = fc.constantFrom(
      'select 1;\n',
      "insert into t values ('a');\n",
      'select\n',
      '2;\n',
      '-- c\n',
      '/* a\n',
      '*/\n',
      "select 'x\n",
      "y';\n",
      '\\set a 1\n',
      'select :a;\n',
      '\\echo x\n',
    );
    fc.assert(
      fc.property(fc.array(line, { maxLength: 12 }), (lines) => {
        let state = initialSqlState();
        let pending = '';
        const found: string[] = [];
        for (const one of lines) {
          pending += one;
          if (isCompleteSql(pending, 'postgresql', state) !== 'complete') continue;
          const reading = readSql(pending, 'postgresql', state);
          found.push(...reading.statements.map(({ words }) => words.join(' ')));
          state = reading.after;
          pending = '';
        }
        found.push(
          ...readSql(pending, 'postgresql', state).statements.map(({ words }) => words.join(' ')),
        );
        const whole = readSql(lines.join(''), 'postgresql').statements;
        deepEqual(
          found,
          whole.map(({ words }) => words.join(' ')),
        );
      }),
      { numRuns: 300 },
    );
  });
});
