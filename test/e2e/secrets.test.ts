/** What is typed while the terminal does not echo: it reaches the target and is kept nowhere. */
import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { mkdir, readdir, readFile, rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import type { CommandView, SessionView } from '../../server/http/ports.ts';
import { startClientDatabase, type ClientDatabase } from '../accuracy/database.ts';
import { apiOf, type Api } from '../support/api.ts';
import { freshUrl } from '../support/database.ts';
import { everyRow } from '../support/every-row.ts';
import { startRealTarget, type RealTarget } from '../support/real-target.ts';
import { sshInteractive, type Terminal } from '../support/ssh.ts';
import { ASK, type Asked, CASES, SECRET, SHELLS, STARS } from '../support/secret-prompts.ts';
import { temporaryFolder } from '../support/temporary-folder.ts';

const POLICIES = `policies:
  default:
    default: allow
    uncertain: allow
    rules:
      - {name: no-codename, action: deny, match: {regex: "forbidden-[a-z]+"}}
      - {name: no-marker, action: deny, match: {command: ["touch *"]}}
      - {name: no-drop, action: deny, match: {sql: "drop database *"}}
`;
const PROMPT = 'READY> ';
const PIECE_CHARS = 4;
const PIECES = Array.from({ length: SECRET.length - PIECE_CHARS + 1 }, (_, at) =>
  SECRET.slice(at, at + PIECE_CHARS),
);
const ENCODED = [
  Buffer.from(SECRET).toString('hex'),
  Buffer.from(SECRET).toString('base64').slice(0, 12),
];
const FORBIDDEN = `forbidden-x${SECRET}`;
const NOT_ECHOED = '(not echoed)';
/** ash asks the terminal where the cursor is. */
// oxlint-disable-next-line no-control-regex -- this is what it asks with
const QUESTION = /Password: (?:\u001b\[6n)?$/;
/** A program needs so long from its question to the terminal that doesn't echo, milliseconds. */
const SILENCE_MS = 300;
const isInstalled = (program: string): boolean =>
  spawnSync('sh', ['-c', 'command -v "$1"', 'sh', program]).status === 0;
const pause = (ms: number): Promise<void> => new Promise((resolve) => setTimeout(resolve, ms));

describe('e2e: secrets', () => {
  let folder: string;
  let url: string;
  let database: ClientDatabase;
  let real: RealTarget;
  let terminal: Terminal;
  let api: Api;
  let web: Awaited<ReturnType<typeof startWeb>>;

  before(async () => {
    folder = await temporaryFolder();
    await mkdir(join(folder, 'home', 'fish', 'generated_completions'), { recursive: true });
    await writeFile(join(folder, 'ask.py'), ASK);
    await writeFile(join(folder, 'stars.py'), STARS);
    url = await freshUrl();
    database = await startClientDatabase();
    web = await startWeb();
    const home = join(folder, 'home');
    const sshd = [`SetEnv HOME=${home} XDG_DATA_HOME=${home} XDG_CONFIG_HOME=${home}`];
    real = await startRealTarget(folder, POLICIES, { DATABASE_URL: url }, { sshd });
    api = await apiOf(real.bastion);
    terminal = await open();
  });
  after(async () => {
    await real[Symbol.asyncDispose]();
    await database.stop();
    await web.close();
    await rm(folder, { recursive: true, force: true });
  });

  async function open(): Promise<Terminal> {
    const opened = sshInteractive({ config: real.sshConfig, host: 'person' });
    await opened.expect(/[$#] /);
    const place = Object.entries({
      ...database.env,
      PLACE: folder,
      SSHD_PORT: real.sshd.port,
      WEB_PORT: web.port,
    });
    const variables = place.map(([name, value]) => `${name}='${value}'`).join(' ');
    opened.type(`export ${variables}; cd ${folder}; PS1='REA''DY> '\r`);
    await opened.expect(PROMPT);
    return opened;
  }

  async function play(on: Terminal, { line, answers, shows }: Asked): Promise<void> {
    on.type(`${line}\r`);
    for (const [question, answer] of answers) {
      await on.expect(question);
      await pause(SILENCE_MS);
      on.type(answer);
    }
    if (shows !== undefined) await on.expect(shows);
    await on.expect(PROMPT);
  }

  const rowsOf = (id: string): Promise<readonly CommandView[]> => api.commands(id);

  async function sessions(): Promise<readonly SessionView[]> {
    return (JSON.parse(await api.get('sessions')) as { items: SessionView[] }).items;
  }

  const cases = CASES.filter(({ needs }) => needs === undefined || isInstalled(needs));
  for (const one of cases) it(`reach the target: ${one.name}`, () => play(terminal, one));

  for (const [shell, start, one] of SHELLS)
    it(`reach the target: ${one.name} of ${shell}`, async () => {
      terminal.type(`${start}\r`);
      await terminal.expect(PROMPT);
      await pause(SILENCE_MS);
      await play(terminal, one);
      terminal.type('exit\r');
      await terminal.expect(PROMPT);
    });

  it('reach the target: a passphrase of ssh, wrong and then right', async () => {
    await real.sshd.authorise(await readFile(join(folder, 'key.pub'), 'utf8'));
    await play(terminal, {
      name: 'ssh',
      line: 'ssh -F none -o IdentitiesOnly=yes -o IdentityAgent=none -o StrictHostKeyChecking=no -o UserKnownHostsFile=/dev/null -i "$PLACE/key" -p $SSHD_PORT 127.0.0.1 echo let-"in"',
      answers: [
        [/passphrase[^:]*: $/i, `${SECRET}-no\r`],
        [/passphrase[^:]*: $/i, `${SECRET}\r`],
      ],
      shows: /let-in/,
    });
  });

  it('reach a database by \\password', async () => {
    terminal.type('psql -X\r');
    await terminal.expect(/=# $/);
    terminal.type('\\password\r');
    for (const question of [/[Ee]nter new password[^:]*: $/, /again: $/]) {
      await terminal.expect(question);
      await pause(SILENCE_MS);
      terminal.type(`${SECRET}\r`);
    }
    await terminal.expect(/=# $/);
    terminal.type('\\q\r');
    await terminal.expect(PROMPT);
  });

  it('are shown by the target as far as they were typed before it stopped to echo, and no further', async () => {
    terminal.type(`sleep 2; read -rsp 'Token: ' S; echo; echo "got \${#S}"\r`);
    await pause(SILENCE_MS);
    terminal.type('early-');
    await terminal.expect('early-');
    await terminal.expect(/Token: $/);
    await pause(SILENCE_MS);
    terminal.type(`${SECRET}\r`);
    await terminal.expect(/got \d+/);
    await terminal.expect(PROMPT);
  });

  it('are in doubt only where a shell may read them', async () => {
    const [session] = await sessions();
    assert.ok(session);
    const hidden = (await rowsOf(session.id)).filter(({ text }) => text.includes('not echoed'));
    assert.ok(hidden.every(({ certainty, argv }) => certainty === 'uncertain' && argv === null));
    const doubted = cases.filter(({ isDoubted }) => isDoubted === true);
    const texts = hidden.map(({ text }) =>
      text.replace(/^(?:noise|early-Token:) \(the rest/, '(…'),
    );
    assert.equal(texts.length, doubted.length + 1, texts.join('\n'));
    for (const text of texts) assert.ok(text === NOT_ECHOED || text === '(… was not echoed)', text);
  });

  it('are refused by a rule without being told to anybody', async () => {
    terminal.type("read -rsp 'Password: ' S\r");
    await terminal.expect('Password: ');
    await pause(SILENCE_MS);
    terminal.type(`${FORBIDDEN}\r`);
    await terminal.expect('sallyport: denied by rule "no-codename"');
    await terminal.expect(PROMPT);
    for (const piece of PIECES) assert.ok(!terminal.transcript.includes(piece), piece);
  });

  /** Lines that leave a shell that doesn't echo behind something that looks like a question. */
  const FAKES: readonly (readonly [string, readonly string[]])[] = [
    ['bash', [`PS1='Password: '; stty -echo`]],
    [
      'bash without its editor',
      [`TERM=dumb PS1='Password: ' bash --noprofile --norc --noediting`, 'stty -echo'],
    ],
    ['dash', [`PS1='Password: ' dash`, 'stty -echo']],
    ['ash, with a program before', [`PS1='Password: ' busybox ash`, 'stty -echo; python3 -c pass']],
  ];
  for (const [name, lines] of FAKES)
    it(`are no way to hide a command: ${name}`, async () => {
      await using other = await open();
      for (const line of lines) {
        other.type(`${line}\r`);
        await other.expect(QUESTION);
        await pause(SILENCE_MS);
      }
      other.type(`touch ${folder}/ran\r`);
      await other.expect('sallyport: denied by rule "no-marker"');
      await other.expect(QUESTION);
      await pause(SILENCE_MS);
      other.type(`mkdir ${folder}/made-${lines.length}\r`);
      await other.expect(QUESTION);
      await pause(2 * SILENCE_MS);
      assert.ok(!(await readdir(folder)).includes('ran'));
      const [session] = await sessions();
      assert.ok(session);
      assert.deepEqual(
        (await rowsOf(session.id))
          .filter(({ text }) => text === NOT_ECHOED)
          .map(({ certainty, decision }) => [certainty, decision]),
        [
          ['uncertain', 'deny'],
          ['uncertain', 'allow'],
        ],
      );
    });

  it('are no way to hide a statement from the rules of a database', async () => {
    await using other = await open();
    other.type('psql -X\r');
    await other.expect(/=# $/);
    other.type(`\\set PROMPT1 'Password: '\r`);
    await other.expect(/Password: $/);
    other.type('\\! stty -echo\r');
    await other.expect(/Password: $/);
    await pause(SILENCE_MS);
    other.type('drop database nothing;\r');
    await other.expect('sallyport: denied by rule "no-drop"');
  });

  it('are nowhere in the database, the spool, the logs, the answers and the recordings', async () => {
    terminal.type('exit\r');
    await terminal.ended();
    const all = await sessions();
    const [first] = all.toReversed();
    assert.ok(first);
    let recorded = '';
    for (const format of ['cast', 'cast2', 'txt', 'json', 'html']) {
      const exported = await api.get(`sessions/${first.id}/recording?format=${format}`);
      assertClean(exported, format);
      recorded += exported;
    }
    assert.ok(recorded.includes('READY') && recorded.includes('early-'));
    for (const { id } of [first, ...all.slice(0, 2)]) {
      for (const path of ['', '/commands', '/segments', '/chain'])
        assertClean(await api.get(`sessions/${id}${path}`), path);
    }
    for (const path of ['sessions', 'commands?q=read', 'approvals'])
      assertClean(await api.get(path), path);
    assertClean((await real.bastion.cli('journal', 'export')).stdout, 'journal');
    assertClean(real.bastion.logs(), 'logs');
    const rows = await everyRow(url);
    assert.ok(rows.length > 20 && rows.some((row) => row.includes('no-codename')));
    for (const row of rows) assertClean(row, 'a row of the database');
    const entries = await readdir(real.bastion.home, { recursive: true, withFileTypes: true });
    for (const entry of entries.filter((one) => one.isFile())) {
      const bytes = await readFile(join(entry.parentPath, entry.name)).catch(() => null);
      if (bytes !== null) assertClean(bytes.toString('latin1'), entry.name);
    }
  }).timeout(240_000);
});

function assertClean(text: string, where: string): void {
  for (const piece of [...PIECES, ...ENCODED]) {
    const at = text.indexOf(piece);
    assert.ok(at < 0, `${where}: ${JSON.stringify(text.slice(Math.max(0, at - 80), at + 40))}`);
  }
}

/** A web server that wants a password. */
async function startWeb(): Promise<{ readonly port: number; close(): Promise<void> }> {
  const { createServer } = await import('node:http');
  const server = createServer((_, answer) => {
    answer.writeHead(401, { 'www-authenticate': 'Basic realm="x"' }).end();
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const address = server.address();
  assert.ok(typeof address === 'object' && address !== null);
  return {
    port: address.port,
    close: async () => {
      server.closeAllConnections();
      await new Promise((resolve) => server.close(resolve));
    },
  };
}
