/** What a person without a target gets: a menu, and replays over SSH. */
import assert from 'node:assert/strict';
import { rm } from 'node:fs/promises';
import { setTimeout as sleep } from 'node:timers/promises';
import { spawn } from 'node:child_process';
import type { SessionView } from '../../server/http/ports.ts';
import { programEnvironment, type ProgramResult } from '../support/program.ts';
import { startRealTarget, TARGET, type RealTarget } from '../support/real-target.ts';
import { ssh } from '../support/ssh.ts';
import { temporaryFolder } from '../support/temporary-folder.ts';

const POLICIES = 'policies: {default: {default: allow, uncertain: allow}}';

describe('e2e: the menu, and replays over SSH', function () {
  this.timeout(120_000);
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

  const own = (key: string, command: string, ...args: readonly string[]): Promise<ProgramResult> =>
    ssh({ config: real.sshConfig, host: key, args: ['-o', 'User=menu', ...args] }, command);

  it('leads to the target that is chosen', async () => {
    const args = ['-tt', '-F', real.sshConfig, '-o', 'User=menu', 'person'];
    const child = spawn('ssh', args, { env: programEnvironment({ TERM: 'xterm' }) });
    let said = '';
    for (const stream of [child.stdout, child.stderr]) {
      stream.on('data', (chunk: Buffer) => (said += chunk.toString()));
    }
    const until = async (wanted: RegExp): Promise<void> => {
      const end = Date.now() + 30_000;
      while (!wanted.test(said)) {
        assert.ok(Date.now() < end, `no ${wanted.source} in ${said}`);
        await sleep(20);
      }
    };
    await until(/Number of the target/);
    const [, number = ''] = new RegExp(`(\\d+) {2}${real.sshd.user}@${TARGET}`).exec(said) ?? [];
    child.stdin.write(`${number}\r`);
    await until(/[$#] $/);
    child.stdin.write('echo is-$((40+2))\r');
    await until(/is-42/);
    child.stdin.write('exit\r');
    await new Promise((resolve) => child.once('exit', resolve));
    const { stdout } = await real.bastion.cli('sessions', 'list', '--json', '--limit', '1');
    const [session] = (JSON.parse(stdout) as { items: SessionView[] }).items;
    assert.deepEqual([session?.kind, session?.target], ['shell', TARGET]);
  });

  it('plays one’s own session, and nobody else’s', async () => {
    const user = `${real.sshd.user}@${TARGET}`;
    await ssh(
      { config: real.sshConfig, host: 'agent', args: ['-o', `User=${user}`] },
      'echo recorded words',
    );
    const { stdout } = await real.bastion.cli('sessions', 'list', '--json', '--principal', 'bot');
    const [session] = (JSON.parse(stdout) as { items: SessionView[] }).items;
    const played = await own('agent', `play ${session?.id}`);
    assert.equal(played.status, 0, played.stderr);
    assert.match(played.stdout.toString(), /recorded words/);
    const admin = await own('person', `play ${session?.id}`);
    assert.match(admin.stdout.toString(), /recorded words/);
    const journal = await real.bastion.cli('journal', 'export');
    assert.match(journal.stdout, /"principal":"ann".*"type":"recording.viewed"/);

    const list = await real.bastion.cli('sessions', 'list', '--json', '--principal', 'ann');
    const [others] = (JSON.parse(list.stdout) as { items: SessionView[] }).items;
    for (const id of [others?.id, '0197a000-0000-7000-8000-000000000001', 'x', '']) {
      const refused = await own('agent', `play ${id}`);
      assert.equal(refused.status, 126);
      assert.match(refused.stderr, /there is no such session that you may see/);
    }
  });
});
