/** What is typed while the terminal does not echo: it reaches the target and is kept nowhere. */
import assert from 'node:assert/strict';
import { readdir, readFile, rm } from 'node:fs/promises';
import { join } from 'node:path';
import { brotliDecompressSync } from 'node:zlib';
import type { SessionView } from '../../server/http/ports.ts';
import { startClientDatabase, type ClientDatabase } from '../accuracy/database.ts';
import { freshUrl } from '../support/database.ts';
import { startRealTarget, type RealTarget } from '../support/real-target.ts';
import { sshInteractive, type Terminal } from '../support/ssh.ts';
import { temporaryFolder } from '../support/temporary-folder.ts';

const POLICIES = `policies:
  default:
    default: allow
    uncertain: deny
    rules:
      - {name: no-codename, action: deny, match: {regex: "forbidden-[a-z]+"}}
      - {name: no-marker, action: deny, match: {command: ["touch *"]}}
`;
const PROMPT = 'READY> ';
/** All of them have this in common, so that one search finds any of them. */
const MARK = 'hunter2';
const FORBIDDEN = `forbidden-${MARK}`;
const FIND_MARK = new RegExp(
  [MARK, Buffer.from(MARK).toString('hex'), Buffer.from(MARK).toString('base64').slice(0, 9)].join(
    '|',
  ),
);

interface Asked {
  readonly name: string;
  readonly line: string;
  /** What it asks, and what is typed then. */
  readonly answers: readonly (readonly [RegExp, string])[];
  /** What shows that the target got it. */
  readonly shows?: RegExp;
}

const asked = (name: string, times: number): Asked => ({
  name,
  line: `for i in ${'x '.repeat(times)}; do read -rsp 'Password for ann: ' S; echo; done; echo "got \${#S}"`,
  answers: Array.from({ length: times }, (_, n) => [/Password for ann: $/, `${MARK}-${n}\r`]),
  shows: /got 9/,
});

const CASES: readonly Asked[] = [
  asked('asked once', 1),
  asked('wrong three times', 3),
  {
    name: 'edited',
    line: `read -rsp 'PIN: ' S; echo; echo "got \${#S}"`,
    answers: [[/PIN: $/, `${MARK}wrong\u0015${MARK}-xx\u007f\r`]],
    shows: /got 9/,
  },
  {
    name: 'pasted',
    line: `read -rsp 'Token: ' S; echo; echo "got \${#S}"`,
    answers: [[/Token: $/, `${MARK}\r`]],
    shows: /got \d+/,
  },
  {
    name: 'a passphrase of a key, twice',
    line: 'ssh-keygen -q -t ed25519 -f "$PLACE/key"',
    answers: [
      [/passphrase[^:]*: $/i, `${MARK}-key\r`],
      [/again: $/i, `${MARK}-key\r`],
    ],
  },
  {
    name: 'a passphrase of a key, wrong',
    line: 'ssh-keygen -y -f "$PLACE/key"',
    answers: [[/passphrase[^:]*: $/i, `${MARK}-no\r`]],
    shows: /incorrect passphrase/,
  },
  {
    name: 'a password of a database client',
    line: 'mysql -h 127.0.0.1 -P 1 -u nobody -p',
    answers: [[/[Pp]assword: $/, `${MARK}-sql\r`]],
    shows: /ERROR 2/,
  },
];

describe('e2e: secrets', () => {
  let folder: string;
  let url: string;
  let database: ClientDatabase;
  let real: RealTarget;
  let terminal: Terminal;

  before(async () => {
    folder = await temporaryFolder();
    url = await freshUrl();
    database = await startClientDatabase();
    real = await startRealTarget(folder, POLICIES, { DATABASE_URL: url });
    terminal = sshInteractive({ config: real.sshConfig, host: 'person' });
    await terminal.expect(/[$#] /);
    const place = Object.entries({ ...database.env, PLACE: folder });
    const variables = place.map(([name, value]) => `${name}='${value}'`).join(' ');
    terminal.type(`export ${variables}; cd ${folder}; PS1='READ''Y> '\r`);
    await terminal.expect(PROMPT);
  });
  after(async () => {
    await real[Symbol.asyncDispose]();
    await database.stop();
    await rm(folder, { recursive: true, force: true });
  });

  for (const { name, line, answers, shows } of CASES) {
    it(`reach the target: ${name}`, async () => {
      terminal.type(`${line}\r`);
      for (const [question, answer] of answers) {
        await terminal.expect(question);
        await new Promise((resolve) => setTimeout(resolve, 150));
        terminal.type(answer);
      }
      if (shows !== undefined) await terminal.expect(shows);
      await terminal.expect(PROMPT);
    });
  }

  it('reach a database by \\password', async () => {
    terminal.type('psql -X\r');
    await terminal.expect(/=# $/);
    terminal.type('\\password\r');
    for (const question of [/[Ee]nter new password[^:]*: $/, /again: $/]) {
      await terminal.expect(question);
      await new Promise((resolve) => setTimeout(resolve, 150));
      terminal.type(`${MARK}-role\r`);
    }
    await terminal.expect(/=# $/);
    terminal.type('\\q\r');
    await terminal.expect(PROMPT);
  });

  it('are refused by a rule without being told to anybody', async () => {
    terminal.type("read -rsp 'Password: ' S\r");
    await terminal.expect('Password: ');
    await new Promise((resolve) => setTimeout(resolve, 150));
    terminal.type(`${FORBIDDEN}\r`);
    await terminal.expect('sallyport: denied by rule "no-codename"');
    await terminal.expect(PROMPT);
    assert.ok(!terminal.transcript.includes(MARK), terminal.transcript);
  });

  it('are no way to hide a command: input without echo at a prompt is judged', async () => {
    await using other = sshInteractive({ config: real.sshConfig, host: 'person' });
    await other.expect(/[$#] /);
    other.type("PS1='Password: '; stty -echo\r");
    await other.expect(/Password: $/);
    await new Promise((resolve) => setTimeout(resolve, 150));
    other.type(`touch ${folder}/ran\r`);
    await other.expect('sallyport: denied by rule "no-marker"');
    await new Promise((resolve) => setTimeout(resolve, 600));
    assert.ok(!(await readdir(folder)).includes('ran'));
  });

  it('are nowhere in the database, the spool, the logs and the recordings', async () => {
    terminal.type('exit\r');
    await terminal.ended();
    const listed = await real.bastion.cli('sessions', 'list', '--json');
    let recorded = '';
    for (const { id } of (JSON.parse(listed.stdout) as { items: SessionView[] }).items) {
      for (const format of ['json', 'txt']) {
        const { stdout } = await real.bastion.cli('sessions', 'export', id, '--format', format);
        recorded += stdout;
        assert.doesNotMatch(stdout, FIND_MARK);
      }
    }
    assert.ok(recorded.includes('READY'), 'the recordings are there');
    assert.doesNotMatch((await real.bastion.cli('journal', 'export')).stdout, FIND_MARK);
    assert.doesNotMatch(real.bastion.logs(), FIND_MARK);
    const rows = await everyRow(url);
    assert.ok(rows.length > 20 && rows.some((row) => row.includes('no-codename')));
    assert.deepEqual(
      rows.filter((row) => FIND_MARK.test(row)),
      [],
    );
    const entries = await readdir(real.bastion.home, { recursive: true, withFileTypes: true });
    for (const entry of entries.filter((one) => one.isFile())) {
      const bytes = await readFile(join(entry.parentPath, entry.name)).catch(() => null);
      assert.ok(bytes === null || !bytes.includes(MARK), entry.name);
    }
  });
});

/** All rows of all tables; packed columns as what is in them, too. */
async function everyRow(url: string): Promise<string[]> {
  const { default: pg } = await import('pg');
  const client = new pg.Client({ connectionString: url });
  await client.connect();
  try {
    const tables = await client.query<{ name: string }>(
      `select quote_ident(table_schema) || '.' || quote_ident(table_name) as name
       from information_schema.tables
       where table_schema not in ('pg_catalog', 'information_schema')`,
    );
    const rows: string[] = [];
    for (const { name } of tables.rows) {
      const found = await client.query<Record<string, unknown>>(`select * from ${name}`);
      for (const row of found.rows) rows.push(...Object.values(row).map(asText), asText(row));
    }
    return rows;
  } finally {
    await client.end();
  }
}

function asText(value: unknown): string {
  if (!Buffer.isBuffer(value)) return JSON.stringify(value) ?? '';
  try {
    return value.toString('latin1') + brotliDecompressSync(value).toString('latin1');
  } catch {
    return value.toString('latin1');
  }
}
