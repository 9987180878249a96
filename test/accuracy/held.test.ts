/** Lines that wait for an approval, in five shells and two programs: given up by Ctrl-C, and approved. */
import assert from 'node:assert/strict';
import type { Attack } from './attacks.ts';
import { startClientDatabase } from './database.ts';
import { ALIVE, INTERRUPT, inShell, lives, seen, send, TIMEOUT_MS, until } from './refusal.ts';
import type { Alive } from './refusal.ts';
import { SHELLS, type Shell } from './shells.ts';

interface Held {
  readonly name: string;
  readonly shell: Shell;
  readonly start: Attack;
  readonly line: string;
  /** What shows that it has run. */
  readonly ran: Alive;
  readonly alive: Alive;
}

const CASES: readonly Held[] = [
  ...SHELLS.map((shell) => ({
    name: shell,
    shell,
    start: [],
    line: 'mkdir HELD',
    ran: { line: "ls -d HELD && echo th''ere", answer: 'there' },
    alive: ALIVE,
  })),
  {
    name: 'psql',
    shell: 'bash',
    start: ['psql -X\r', '?=# ', 'create temp table t as select 1 as a;\r', '?SELECT', '<prompt>'],
    line: 'delete from t;',
    ran: { line: "select 'le'||'ft'||count(*) from t;", answer: 'left0' },
    alive: { line: "select 'le'||'ft'||count(*) from t;", answer: 'left1' },
  },
  {
    name: 'python',
    shell: 'bash',
    start: ['python3 -q\r', '?>>> ', '<prompt>'],
    line: 'import os; os.system("mkdir HELD")',
    ran: { line: 'import os; os.system("ls -d HELD && echo th\'\'ere")', answer: 'there' },
    alive: { line: "print('al'+'ive')", answer: 'alive' },
  },
];

describe('a line that is held', () => {
  let database: Awaited<ReturnType<typeof startClientDatabase>>;
  before(async () => {
    database = await startClientDatabase();
  }).timeout(TIMEOUT_MS);
  after(() => database.stop()).timeout(TIMEOUT_MS);

  for (const { name, shell, start, line, ran, alive } of CASES) {
    it(`is given up by Ctrl-C, and the next one runs: ${name}`, async () => {
      await inShell(
        shell,
        async (sitting) => {
          const { terminal } = sitting;
          await send(sitting, [...start, `${line}\r`]);
          await until(() => terminal.approvals.length === 1, 'the request');
          terminal.send(INTERRUPT);
          await seen(terminal, 'cancelled');
          await lives(sitting, name, alive);
        },
        database.env,
      );
    }).timeout(TIMEOUT_MS);

    it(`runs when it is approved: ${name}`, async () => {
      await inShell(
        shell,
        async (sitting) => {
          const { terminal } = sitting;
          await send(sitting, [...start, `${line}\r`]);
          await until(() => terminal.approvals.length === 1, 'the request');
          terminal.decide({ kind: 'approved', by: 'ann', reason: null });
          await seen(terminal, 'approved by ann');
          await lives(sitting, name, ran);
          assert.equal(terminal.approvals.length, 1);
        },
        database.env,
      );
    }).timeout(TIMEOUT_MS);
  }
});
