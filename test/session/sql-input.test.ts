import assert from 'node:assert/strict';
import { runInput } from '../support/running-session.ts';

const DROP = 'DROP DATABASE x';

/** Input of which no part that names what is forbidden may reach the target. */
const REFUSED: readonly [command: string, input: string][] = [
  ['psql', `select 1;\n${DROP};\nselect 2;\n`],
  ['psql', `select 1; ${DROP}; select 2;\n`],
  ['psql', DROP],
  ['psql', `select 1\n;${DROP}\n;`],
  ['psql', 'DROP\nDATABASE\nx\n;\n'],
  ['psql', 'DROP/*\n*/DATABASE x;\n'],
  ['psql', `select 'a\n'; ${DROP};\n`],
  ['psql', `select $$ ; $$; ${DROP};\n`],
  ['psql', `select "a;\n"; ${DROP};\n`],
  ['psql', `-- c\\\n${DROP};\n`],
  ['psql', `-- a; b\n${DROP};\n`],
  ['psql', `/* a /* b */ ; */ ${DROP};\n`],
  ['psql', `select E'\\'' ; ${DROP}; --';\n`],
  ['psql', `select 1 \\; ${DROP};\n`],
  ['psql', `select 1;\r\n${DROP};\r\n`],
  ['psql', `\ufeff${DROP};\n`],
  ['psql', `begin;${DROP};\ncommit;\n`],
  ['psql', `create function f() returns int begin atomic select 1; end; ${DROP};\n`],
  ['psql', `\\if false\nselect 1;\n\\else\n${DROP};\n\\endif\n`],
  ['psql', `copy t from stdin;\n\\.\n${DROP};\n`],
  ['psql', `\\copy t from stdin\n1\n\\.\n${DROP};\n`],
  ['psql', `\\! rm -rf /data/x\n`],
  ['psql', `\\! cat\n${DROP};\n`],
  ['psql', `\\! sh\nrm -rf /data/x\n`],
  ['psql', `select 1 \\g |rm -rf /data/x\n`],
  ['psql', `select 'DROP DATABASE x'\n\\gexec\n`],
  ['psql', `\\i /dev/stdin\n${DROP};\n`],
  ['mysql db', `${DROP};\n`],
  ['mysql db', `select 1\\g ${DROP}\\g\n`],
  ['mysql --delimiter=// db', `select 1 // ${DROP} //\n`],
  ['mysql db', `/*!50000 ${DROP} */;\n`],
  ['mysql db', `select 'a\\'; -- '; ${DROP}; -- \n`],
  ['mysql db', `source /dev/stdin\n${DROP};\n`],
  ['sqlite3 f', '.shell rm -rf /data/x\n'],
  ['sqlite3 f', 'select 1;\n.system rm -rf /data/x\n'],
  ['sqlite3 f', '.output |rm -rf /data/x\n'],
  ['kubectl exec -i p -- psql', `${DROP};\n`],
  ['ssh db psql', `${DROP};\n`],
  ['sudo -u postgres psql -d "$X"', `${DROP};\n`],
  ['psql -f - -d x', `${DROP};\n`],
  ['psql -v v=1', `${DROP};\n`],
];

/** What is split, hidden or made by something earlier: the last piece is refused. */
const REFUSED_AT_THE_END: readonly [command: string, input: string][] = [
  ['psql', `\\set d DATABASE\nDROP :d x;\n`],
  ['psql', `select 'DATABASE' as d \\gset\nDROP :d x;\n`],
  ['psql', `\\copy t from '/dev/stdin'\nselect 1;\n`],
  ['psql', `SET standard_conforming_strings=off;\nselect '\\'; ${DROP}; --';\n`],
  ['mysql db', `DELIMITER //\nselect 1 // ${DROP} //\n`],
  ['mysql db', `set sql_mode='ANSI_QUOTES';\nselect "a'"; ${DROP}; -- ';\n`],
  ['mysql db', `set @a='drop database x'; prepare s from @a; execute s;\n`],
];

/** Rows of a COPY are statements if the server refuses it: the table doesn't exist, for one. */
const REFUSED_ROWS: readonly string[] = [
  `${DROP};\n\\.\n`,
  `1\tfoo; ${DROP};\n\\.\n`,
  `1\tfoo;/* */ DROP /**/ DATABASE x;\n\\.\n`,
  'DROP\nDATABASE\nx\n;\n\\.\n',
  `DROP ${' '.repeat(30_000)} DATABASE x;\n\\.\n`,
  `DROP /*${'y'.repeat(30_000)}*/ DATABASE x;\n\\.\n`,
  '1\t\\! rm -rf /data/x\n\\.\n',
  `${'1;select 1;\n'.repeat(500)}${DROP};\n\\.\n`,
  `1\tit's\n\\.\nselect 'a; ${DROP}; --';\n`,
];

const PASSED: readonly [command: string, input: string][] = [
  ['psql', 'select 1;\nselect 2'],
  ['psql', "-- Name: f(a integer); Type: FUNCTION\n\nselect ';' || $$;$$;\n\\echo a;b\n"],
  [
    'psql',
    'create function f() returns int as $$ begin\n  delete from t;\n  return 1;\nend $$ language plpgsql;\n',
  ],
  ['psql', "COPY t (a, b) FROM stdin;\n1\tit's; a \\N \\t row\n2\tdrop it\n\\.\n\nselect 1;\n"],
  ['psql', 'copy t from stdin;\nWith love\t1\nselect\t2\n'],
  ['mysql db', 'DELIMITER ;;\ncreate trigger x before insert on t for each row set @a = 1;;\n'],
  ['mysql db', `insert into t values ${"(1,'a;b','it''s'),".repeat(20_000)}(2,'',null);\n`],
  ['sqlite3 f', "create table t(a);\n.mode csv\ninsert into t values (';');\n"],
  ['psql -q -v ON_ERROR_STOP=1 db', 'select 1;\r\nselect 2;\r\n'],
];

describe('session: the input of clients of databases', () => {
  for (const [command, input] of REFUSED) {
    it(`keeps from ${command}: ${JSON.stringify(input).slice(0, 70)}`, async () => {
      const { sent, verdicts, exitStatus } = await runInput(command, Buffer.from(input));
      assert.notEqual(verdicts.at(-1), 'allow');
      assert.doesNotMatch(sent.toString(), /drop|database|rm -rf/i);
      assert.equal(exitStatus, 126);
    });
  }

  for (const [command, input] of REFUSED_AT_THE_END) {
    it(`follows ${command}: ${JSON.stringify(input).slice(0, 70)}`, async () => {
      const { verdicts, sent } = await runInput(command, Buffer.from(input));
      assert.match(verdicts.at(-1) ?? '', /^(?:deny|hold)/);
      assert.ok(sent.length < input.length);
    });
  }

  for (const rows of REFUSED_ROWS) {
    it(`takes rows for statements, should COPY fail: ${JSON.stringify(rows).slice(0, 60)}`, async () => {
      const { verdicts } = await runInput('psql', Buffer.from(`copy nope from stdin;\n${rows}`));
      assert.match(verdicts.at(-1) ?? '', /^(?:deny|hold)/);
    });
  }

  for (const [command, input] of PASSED) {
    it(`passes to ${command} unchanged: ${JSON.stringify(input).slice(0, 60)}`, async () => {
      const { sent, verdicts, exitStatus } = await runInput(command, Buffer.from(input));
      assert.deepEqual(new Set(verdicts), new Set(['allow']));
      assert.equal(sent.toString(), input);
      assert.equal(exitStatus, 0);
    });
  }

  it('passes rows that are no text, and gives them no row of their own', async () => {
    const rows = Buffer.from([0x31, 0x09, 0xff, 0xfe, 0x0a]);
    const input = Buffer.concat([
      Buffer.from('copy t from stdin;\n'),
      ...Array.from({ length: 50_000 }, () => rows),
      Buffer.from('\\.\nselect 1;\n'),
    ]);
    const units = Array.from({ length: input.length >> 15 }, (_, index) => (index + 1) << 15);
    const { sent, verdicts } = await runInput('psql', input, units);
    assert.ok(sent.equals(input));
    assert.deepEqual(verdicts, ['allow', 'allow', 'allow']);
  });

  it('decides the same wherever the input is cut', async () => {
    const input = Buffer.from(
      `select 'ü;';\ncopy t from stdin;\n1;\tit's\n\\.\n\\echo a;b\nselect 1; ${DROP}; select 2;\n`,
    );
    const whole = await runInput('psql', input);
    for (let at = 1; at < input.length; at += 1) {
      const { sent, verdicts } = await runInput('psql', input, [at]);
      assert.equal(sent.toString(), whole.sent.toString(), `cut at ${at}`);
      assert.deepEqual(verdicts, whole.verdicts, `cut at ${at}`);
    }
    const bytes = Array.from(input, (_, at) => at);
    const { sent, verdicts } = await runInput('psql', input, bytes);
    assert.deepEqual([sent.toString(), verdicts], [whole.sent.toString(), whole.verdicts]);
  });

  for (const command of ['psql; bash', 'bash; psql', 'isql dsn', 'cat | psql', 'cat; isql']) {
    it(`asks before ${command}, whose input can't be told apart`, async () => {
      const { sent, verdicts } = await runInput(command, Buffer.from('exit\n'));
      assert.equal(sent.length, 0);
      assert.notEqual(verdicts[0], 'allow');
    });
  }
});
