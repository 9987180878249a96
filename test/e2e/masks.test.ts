/** Secrets that come out of a target, or are typed: masked for the client, and kept nowhere. */
import assert from 'node:assert/strict';
import { readdir, readFile, rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import type { CommandView, SessionView } from '../../server/http/ports.ts';
import { DETECTOR_NAMES } from '../../server/mask/detection.ts';
import { apiOf, type Api } from '../support/api.ts';
import { freshUrl } from '../support/database.ts';
import { everyRow } from '../support/every-row.ts';
import { PLANTED } from '../support/planted-secrets.ts';
import { startRealTarget, type RealTarget } from '../support/real-target.ts';
import { ssh, sshInteractive, type Terminal } from '../support/ssh.ts';
import { temporaryFolder } from '../support/temporary-folder.ts';

const POLICIES = `policies:
  default:
    default: allow
    uncertain: allow
    holdTimeout: 3s
    rules:
      - {name: no-wipe, action: deny, match: {path: ["/data/**"], access: [delete]}}
      - {name: power, action: hold, match: {command: [shutdown]}}
      - {name: lists, action: deny, match: {output: ticket, count: 500}, reason: "no lists of tickets"}
    masks:
      - {name: all, detector: [${DETECTOR_NAMES.join(', ')}]}
      - {name: ticket, pattern: "TICKET-[0-9]{6}"}
`;
const PROMPT = 'READY> ';
const TYPED = `ghp_${'Ty9pEd7xKq2w'.repeat(3)}`;
const CARD = '4242 4242 4242 4242';
const TICKET = 'TICKET-778899';
/** Pieces of what must be nowhere. */
const FORBIDDEN = [
  ...new Set(PLANTED.flatMap(({ pieces }) => pieces)),
  'Ed7xKq2wTy9p',
  '4242 4242 4242',
  '424242424242',
  '778899',
];
/** Prints the file in pieces of random size, with pauses that are shorter than what is waited for. */
const IN_PIECES = `import random, sys, time
random.seed(7)
text = open(sys.argv[1], 'rb').read()
at = 0
while at < len(text):
    to = at + random.randint(1, 60)
    sys.stdout.buffer.write(text[at:to]); sys.stdout.flush(); time.sleep(0.002)
    at = to
`;

describe('e2e: masks', function () {
  this.timeout(180_000);
  let folder: string;
  let url: string;
  let real: RealTarget;
  let api: Api;
  let file: string;

  before(async () => {
    folder = await temporaryFolder();
    file = join(folder, 'planted.txt');
    await writeFile(file, PLANTED.map(({ text }) => `value: ${text}\nplain line\n`).join(''));
    await writeFile(join(folder, 'pieces.py'), IN_PIECES);
    url = await freshUrl();
    real = await startRealTarget(folder, POLICIES, { DATABASE_URL: url });
    api = await apiOf(real.bastion);
  });
  after(async () => {
    await real[Symbol.asyncDispose]();
    await rm(folder, { recursive: true, force: true });
  });

  const run = (command: string, args: readonly string[] = []) =>
    ssh({ config: real.sshConfig, host: 'agent', args }, command);

  async function shell(cols = 80): Promise<Terminal> {
    const terminal = sshInteractive({ config: real.sshConfig, host: 'person', cols, rows: 24 });
    await terminal.expect(/[$#] /);
    terminal.type(`PS1='READ''Y> '; cd ${folder}\r`);
    await terminal.expect(PROMPT);
    return terminal;
  }

  async function last(): Promise<{ session: SessionView; rows: readonly CommandView[] }> {
    const session = await api.lastSession();
    return { session, rows: await api.commands(session.id) };
  }

  for (const [name, command] of [
    ['standard output', (path: string) => `cat ${path}`],
    ['standard error', (path: string) => `cat ${path} >&2`],
    ['pieces of random size', (path: string) => `python3 ${folder}/pieces.py ${path}`],
  ] as const) {
    it(`replaces every planted secret on ${name}, and nothing else`, async () => {
      const { status, stdout, stderr } = await run(command(file));
      assert.equal(status, 0);
      const text = stdout.toString() + stderr;
      assertClean(text, name);
      const original = await readFile(file, 'utf8');
      assert.equal(text.length, original.length);
      assert.equal(text.split('plain line').length, original.split('plain line').length);
      const changed = Array.from(text, (character, at) =>
        character === original[at] ? '' : character,
      );
      assert.match(changed.join(''), /^\*+$/);
      const { session, rows } = await last();
      assert.ok((rows[0]?.masked ?? 0) >= PLANTED.length, JSON.stringify(rows));
      assert.equal(session.maskedCount, rows[0]?.masked);
    });
  }

  it('says nothing of output that has no secret', async () => {
    assert.equal((await run('ls -l /; seq 1 2000')).status, 0);
    const { rows } = await last();
    assert.equal(rows[0]?.masked, 0);
  });

  it('masks what a command says, in its row, its marker and the journal, and runs it as it is', async () => {
    const { stdout } = await run(`printf %s '${TYPED}' | wc -c; echo ${TICKET}`);
    assert.equal(stdout.toString(), `${TYPED.length}\n${'*'.repeat(TICKET.length)}\n`);
    const { session, rows } = await last();
    const text = `printf %s '${'*'.repeat(TYPED.length)}' | wc -c; echo ${'*'.repeat(TICKET.length)}`;
    assert.deepEqual([rows[0]?.text, rows[0]?.masked], [text, 3]);
    assert.ok(
      (await api.get(`sessions/${session.id}/recording?format=cast`)).includes('printf %s'),
    );
    const listed = await real.bastion.cli('sessions', 'commands', session.id);
    assert.match(listed.stdout, /MASKED[^]*\b3\b/);
  });

  it('masks the words of a command that are a secret only together', async () => {
    await run(`true ${CARD}; rm -rf /data/${TICKET} ${CARD}`);
    await run(`shutdown ${CARD} ${TYPED}`);
    const { items } = JSON.parse(await api.get('approvals')) as {
      items: { text: string }[];
    };
    assert.deepEqual(
      items.map(({ text }) => text),
      [`shutdown **** **** **** **** ${'*'.repeat(TYPED.length)}`],
    );
  });

  it('masks what is typed, pasted and recalled at a terminal', async () => {
    await using terminal = await shell();
    for (const key of `echo ${TYPED}`) {
      terminal.type(key);
      await sleep(15);
    }
    terminal.type('\r');
    await terminal.expect(PROMPT);
    terminal.type(`echo ${CARD} ${TICKET}; echo pasted\r`);
    await terminal.expect(/pasted\r\n/);
    await terminal.expect(PROMPT);
    terminal.type('\u001b[A');
    await sleep(500);
    terminal.type('\r');
    await terminal.expect(/pasted\r\n/);
    await terminal.expect(PROMPT);
    terminal.type(`cat ${file}; echo do''ne\r`);
    await terminal.expect(/done\r\n/);
    await terminal.expect(PROMPT);
    terminal.type('exit\r');
    await terminal.ended();
    assertClean(terminal.transcript, 'the terminal');
    const { rows } = await last();
    assert.deepEqual(
      rows.slice(1, 4).map((row) => row.text),
      [
        `echo ${'*'.repeat(TYPED.length)}`,
        `echo **** **** **** **** ${'*'.repeat(TICKET.length)}; echo pasted`,
        `echo **** **** **** **** ${'*'.repeat(TICKET.length)}; echo pasted`,
      ],
    );
    assert.ok((rows[4]?.masked ?? 0) >= PLANTED.length, JSON.stringify(rows[4]));
  });

  it('ends a session in which something came out too often', async () => {
    const done = await run('seq -f TICKET-%06.0f 499');
    assert.equal(done.status, 0);
    const stopped = await run('seq -f TICKET-%06.0f 1 499; sleep 0.5; seq -f TICKET-%06.0f 5000');
    assert.equal(stopped.status, 126);
    assert.match(stopped.stderr, /denied by rule "lists": no lists of tickets/);
    assert.equal(stopped.stdout.toString(), '*************\n'.repeat(499));
    const { rows } = await last();
    assert.deepEqual(rows.map(({ decision, rule }) => [decision, rule]).at(-1), ['deny', 'lists']);
  });

  it('masks a secret that a narrow terminal shows in two rows', async () => {
    await using terminal = await shell(30);
    terminal.type(`echo a longer line than a row ${TYPED}; echo do''ne\r`);
    await terminal.expect(/done\r\n/);
    terminal.type(`fold -w 30 ${file}; echo fol''ded\r`);
    await terminal.expect(/folded\r\n/);
    terminal.type('exit\r');
    await terminal.ended();
    const joined = terminal.transcript.replaceAll(' \r', '').replaceAll('\r\n', '');
    for (const piece of ['Ed7xKq2wTy9p', '0000-0000-0004', 'FODNN7EXAM', '12345698765432']) {
      assert.ok(!joined.includes(piece), piece);
    }
  });

  it('echoes keys without holding them back', async () => {
    await using terminal = await shell();
    const delays: number[] = [];
    for (const key of 'echo 1700 2222 3333 x AKI ghp http://u') {
      const from = performance.now();
      terminal.type(key);
      await terminal.expect(key);
      delays.push(performance.now() - from);
    }
    terminal.type('\u0003');
    await terminal.expect(PROMPT);
    await sleep(300);
    terminal.type('exit\r');
    await terminal.ended();
    const middle = delays.toSorted((one, other) => one - other)[delays.length >> 1] ?? 0;
    assert.ok(middle < 90, `half of the keys took more than ${middle} ms`);
  });

  it('leaves a secret nowhere: database, spool, logs, journal, answers, exports, search', async () => {
    const { items: sessions } = JSON.parse(await api.get('sessions?limit=100')) as {
      items: SessionView[];
    };
    assert.ok(sessions.length >= 9);
    for (const { id } of sessions) {
      for (const format of ['cast', 'cast2', 'txt', 'json', 'html']) {
        assertClean(await api.get(`sessions/${id}/recording?format=${format}`), format);
      }
      for (const path of ['', '/commands', '/segments', '/chain'])
        assertClean(await api.get(`sessions/${id}${path}`), path);
      const { stdout } = await real.bastion.cli('sessions', 'export', id, '--format', 'txt');
      assertClean(stdout, 'export');
    }
    for (const path of ['sessions', 'commands?q=echo', 'approvals'])
      assertClean(await api.get(path), path);
    for (let tries = 0; ; tries += 1) {
      const found = JSON.parse(await api.get('search?in=output&q=plain+line')) as {
        items: unknown[];
      };
      if (found.items.length > 0) break;
      assert.ok(tries < 200, 'the output was never taken in');
      await sleep(200);
    }
    for (const piece of ['IOSFODNN7', '4242 4242', 'cr3tP', 'TICKET-7']) {
      for (const kind of ['output', 'commands']) {
        const found = await api.get(`search?in=${kind}&q=${encodeURIComponent(piece)}`);
        assert.deepEqual((JSON.parse(found) as { items: unknown[] }).items, [], piece);
      }
    }
    assertClean((await real.bastion.cli('journal', 'export')).stdout, 'journal');
    assertClean(real.bastion.logs(), 'logs');
    assert.equal((await real.bastion.cli('verify', '--all')).status, 0);
    const rows = await everyRow(url);
    assert.ok(rows.length > 20);
    for (const row of rows) assertClean(row, 'a row of the database');
    const entries = await readdir(real.bastion.home, { recursive: true, withFileTypes: true });
    for (const entry of entries.filter((one) => one.isFile())) {
      const bytes = await readFile(join(entry.parentPath, entry.name)).catch(() => null);
      if (bytes !== null) assertClean(bytes.toString('latin1'), entry.name);
    }
  }).timeout(240_000);
});

function assertClean(text: string, where: string): void {
  for (const piece of FORBIDDEN) {
    const at = text.indexOf(piece);
    assert.ok(at < 0, `${where}: ${JSON.stringify(text.slice(Math.max(0, at - 80), at + 40))}`);
  }
}
