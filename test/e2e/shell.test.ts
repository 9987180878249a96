/** A person at a terminal: full fidelity, and every line decided before its Enter goes up. */
import assert from 'node:assert/strict';
import { rm } from 'node:fs/promises';
import type { CommandView, SessionView } from '../../server/http/ports.ts';
import { startRealTarget, type RealTarget } from '../support/real-target.ts';
import { sshInteractive, type Terminal } from '../support/ssh.ts';
import { temporaryFolder } from '../support/temporary-folder.ts';

const POLICIES = `policies:
  default:
    default: allow
    uncertain: hold
    holdTimeout: 20s
    rules:
      - {name: no-wipe, action: deny, match: {path: ["/data/**"], access: [delete]}, reason: "production data"}
      - {name: power, action: hold, match: {command: [shutdown]}}
`;
const PROMPT = 'READY> ';

describe('e2e: a shell', () => {
  let folder: string;
  let real: RealTarget;

  before(async () => {
    folder = await temporaryFolder();
    real = await startRealTarget(folder, POLICIES);
  });
  after(async () => {
    await real[Symbol.asyncDispose]();
    await rm(folder, { recursive: true, force: true });
  });

  async function shell(
    size: { cols: number; rows: number } = { cols: 80, rows: 24 },
  ): Promise<Terminal> {
    const terminal = sshInteractive({ config: real.sshConfig, host: 'person', ...size });
    await terminal.expect(/[$#] /);
    // A prompt of our own, put together so that the echo of this line isn't taken for it.
    terminal.type("PS1='READ''Y> '; bind 'set enable-bracketed-paste on'\r");
    await terminal.expect(PROMPT);
    return terminal;
  }

  async function lastSession(): Promise<{
    session: SessionView;
    commands: readonly CommandView[];
  }> {
    const listed = await real.bastion.cli('sessions', 'list', '--json', '--limit', '1');
    const [session] = (JSON.parse(listed.stdout) as { items: SessionView[] }).items;
    assert.ok(session);
    const shown = await real.bastion.cli('sessions', 'commands', session.id, '--json');
    return { session, commands: (JSON.parse(shown.stdout) as { items: CommandView[] }).items };
  }

  it('runs what is typed, knows its size, follows a resize and ends with its status', async () => {
    const terminal = await shell({ cols: 91, rows: 27 });
    terminal.type('stty size\r');
    await terminal.expect('27 91');
    await terminal.expect(PROMPT);
    terminal.resize(100, 31);
    await new Promise((resolve) => setTimeout(resolve, 300));
    terminal.type('stty size\r');
    await terminal.expect('31 100');
    await terminal.expect(PROMPT);
    terminal.type('exit 3\r');
    assert.equal((await terminal.ended()).status, 3);
    const { session, commands } = await lastSession();
    assert.equal(session.status, 'closed');
    assert.equal(session.exitStatus, 3);
    assert.deepEqual([session.width, session.height], [91, 27]);
    assert.deepEqual(
      commands.slice(1).map(({ text, certainty, decision }) => [text, certainty, decision]),
      [
        ['stty size', 'observed', 'allow'],
        ['stty size', 'observed', 'allow'],
        ['exit 3', 'observed', 'allow'],
      ],
    );
  });

  it('stops a program with Ctrl-C and shows UTF-8 that is split over packets', async () => {
    const terminal = await shell();
    terminal.type('sleep 100\r');
    await new Promise((resolve) => setTimeout(resolve, 400));
    terminal.type('\u0003');
    await terminal.expect(PROMPT);
    terminal.type('for b in 346 274 242 345 255 227; do printf "\\\\$b"; sleep 0.05; done; echo\r');
    await terminal.expect('漢字');
    await terminal.expect(PROMPT);
    terminal.type('exit\r');
    await terminal.ended();
    const { session } = await lastSession();
    const text = await real.bastion.cli('sessions', 'export', session.id, '--format', 'txt');
    assert.ok(text.stdout.includes('漢字'), text.stdout);
  });

  it('lets a full-screen editor work', async () => {
    const terminal = await shell();
    const file = `${folder}/edited.txt`;
    terminal.type(`vim -u NONE ${file}\r`);
    await terminal.expect('\u001b[?1049h');
    await new Promise((resolve) => setTimeout(resolve, 500));
    terminal.type('ifirst\rsecond\u001b');
    await new Promise((resolve) => setTimeout(resolve, 300));
    terminal.type(':wq\r');
    await terminal.expect('\u001b[?1049l');
    await terminal.expect(PROMPT);
    terminal.type(`cat ${file}\r`);
    await terminal.expect('first\r\nsecond');
    terminal.type('exit\r');
    await terminal.ended();
  });

  it('refuses a line, says so, and goes on', async () => {
    const terminal = await shell();
    const marker = `${folder}/shell-ran`;
    terminal.type(`touch ${marker}; rm -rf /data/x\r`);
    await terminal.expect('sallyport: denied by rule "no-wipe": production data');
    await terminal.expect(PROMPT);
    terminal.type(`ls ${marker}\r`);
    await terminal.expect('No such file');
    await terminal.expect(PROMPT);
    terminal.type('exit\r');
    await terminal.ended();
    const { session, commands } = await lastSession();
    assert.equal(session.deniedCount, 1);
    assert.deepEqual(
      commands.filter((one) => one.decision === 'deny').map((one) => one.text),
      [`touch ${marker}; rm -rf /data/x`],
    );
  });

  it('reads lines from history, completion and editing, not only from keys', async () => {
    const terminal = await shell();
    const marker = `${folder}/data-x`;
    // Defined as a variable so that the line in the history is what is recalled and edited.
    terminal.type('echo /data/x\r');
    await terminal.expect(/\r\/data\/x/);
    await terminal.expect(PROMPT);
    // Recall `echo /data/x`, go to its start, delete the word, type another command in its place.
    terminal.type('\u001b[A');
    await new Promise((resolve) => setTimeout(resolve, 150));
    terminal.type('\u0001\u001bdrm -rf');
    await new Promise((resolve) => setTimeout(resolve, 150));
    terminal.type('\r');
    await terminal.expect('sallyport: denied by rule "no-wipe"');
    await terminal.expect(PROMPT);
    terminal.type(`touch ${marker}\r`);
    await terminal.expect(PROMPT);
    terminal.type('exit\r');
    await terminal.ended();
  });

  it('stops a paste of several lines at the first refused one', async () => {
    const terminal = await shell();
    terminal.type('echo one\rrm -rf /data/x\recho never-\u0022two\u0022\r');
    await terminal.expect('sallyport: denied by rule "no-wipe"');
    await terminal.expect('what was typed or pasted behind it is dropped');
    await terminal.expect(PROMPT);
    await new Promise((resolve) => setTimeout(resolve, 600));
    assert.ok(!terminal.transcript.includes('never-two'), terminal.transcript);
    terminal.type('exit\r');
    await terminal.ended();
  });

  it('lets input go on over several lines and judges it as a whole', async () => {
    const terminal = await shell();
    for (const line of ['for i in 1 2', 'do', 'echo "item-$i"']) {
      terminal.type(`${line}\r`);
      await terminal.expect('> ');
    }
    terminal.type('done\r');
    await terminal.expect('item-2');
    await terminal.expect(PROMPT);
    terminal.type('rm -rf \\\r');
    await terminal.expect('> ');
    terminal.type('/data/x\r');
    await terminal.expect('sallyport: denied by rule "no-wipe"');
    await terminal.expect(PROMPT);
    terminal.type('exit\r');
    await terminal.ended();
  });

  it('never stores what is typed without echo', async () => {
    const terminal = await shell();
    terminal.type("read -rsp 'Password: ' SECRET; echo; echo ${#SECRET}\r");
    await terminal.expect('Password: ');
    await new Promise((resolve) => setTimeout(resolve, 200));
    terminal.type('hunter2-hunter2\r');
    await terminal.expect('15');
    await terminal.expect(PROMPT);
    terminal.type('exit\r');
    await terminal.ended();
    const { session, commands } = await lastSession();
    assert.ok(!JSON.stringify(commands).includes('hunter2'));
    const exported = await real.bastion.cli('sessions', 'export', session.id, '--format', 'json');
    assert.ok(!exported.stdout.includes('hunter2'));
    const journal = await real.bastion.cli('journal', 'export');
    assert.ok(!journal.stdout.includes('hunter2') && !real.bastion.logs().includes('hunter2'));
  });

  it('holds a line, answers Ctrl-C, and runs it once it is approved', async () => {
    const terminal = await shell();
    terminal.type('shutdown -k now\r');
    await terminal.expect('waiting for approval ');
    terminal.type('\u0003');
    await terminal.expect(/approval \w+ cancelled/);
    await terminal.expect(PROMPT);
    terminal.type('shutdown --no-such-option\r');
    const said = await terminal.expect(/waiting for approval \w+ /);
    const [, id = ''] = /approval (\w+) $/.exec(said) ?? [];
    const approved = await real.bastion.cli('approvals', 'approve', id);
    assert.equal(approved.status, 0, approved.stderr);
    await terminal.expect('sallyport: approved by ');
    await terminal.expect(PROMPT);
    terminal.type('exit\r');
    await terminal.ended();
    const { session } = await lastSession();
    assert.equal(session.heldCount, 2);
  });
});
