/** Access that is taken away while somebody works: what runs ends, at once. */
import assert from 'node:assert/strict';
import { spawn, type ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { readFile, rm, writeFile } from 'node:fs/promises';
import { setTimeout as sleep } from 'node:timers/promises';
import type { JournalEntry } from '../../server/journal/event.ts';
import { programEnvironment } from '../support/program.ts';
import { startRealTarget, type RealTarget } from '../support/real-target.ts';
import { ssh } from '../support/ssh.ts';
import { temporaryFolder } from '../support/temporary-folder.ts';

const POLICIES = 'policies: {default: {default: allow, uncertain: allow}}';

/** A session that would go on for long. */
interface Working {
  readonly child: ChildProcess;
  readonly said: () => string;
  /** Resolves with its exit status. */
  readonly ended: Promise<number | null>;
}

describe('e2e: access that is withdrawn', function () {
  // Each change starts the command line.
  this.timeout(180_000);
  let folder: string;
  let real: RealTarget;
  let configuration: string;

  before(async () => {
    folder = await temporaryFolder();
    real = await startRealTarget(folder, POLICIES);
    configuration = await readFile(real.configuration, 'utf8');
  });
  afterEach(async () => {
    await real.bastion.cli('principal', 'enable', 'bot');
    await apply(configuration);
  });
  after(async () => {
    await real[Symbol.asyncDispose]();
    await rm(folder, { recursive: true, force: true });
  });

  async function apply(text: string, ...args: readonly string[]): Promise<void> {
    await writeFile(real.configuration, text);
    const applied = await real.bastion.cli('apply', real.configuration, ...args);
    assert.equal(applied.status, 0, applied.stderr);
  }

  async function work(host = 'agent'): Promise<Working> {
    const args = ['-F', real.sshConfig, host, 'echo working; sleep 60'];
    const child = spawn('ssh', args, { env: programEnvironment() });
    let said = '';
    for (const stream of [child.stdout, child.stderr]) {
      stream.on('data', (chunk: Buffer) => (said += chunk.toString()));
    }
    const ended = once(child, 'exit').then(([status]) => status as number | null);
    while (!said.includes('working')) await sleep(20);
    return { child, said: () => said, ended };
  }

  async function isOver({ ended }: Working): Promise<boolean> {
    return Promise.race([ended.then(() => true), sleep(5000).then(() => false)]);
  }

  const CHANGES: readonly [string, () => Promise<unknown>][] = [
    ['the principal is disabled', () => real.bastion.cli('principal', 'disable', 'bot')],
    [
      'its key is dropped',
      () => apply(configuration.replace(/(name: bot,.*)keys: \[.*\]/, '$1keys: []')),
    ],
    [
      'its grant is dropped',
      () => apply(configuration.replaceAll('"group:people", bot', '"group:people"')),
    ],
    [
      'its grant no longer covers commands',
      () => apply(configuration.replaceAll('channels: [shell, exec]', 'channels: [sftp]')),
    ],
    [
      'it is dropped',
      () =>
        apply(
          configuration.replace(/^ {2}- \{name: bot,.*\n/m, '').replaceAll(', bot]', ']'),
          '--prune',
        ),
    ],
  ];
  for (const [what, change] of CHANGES) {
    it(`ends what runs when ${what}`, async () => {
      const working = await work();
      const other = await work('person');
      await change();
      assert.ok(await isOver(working), working.said());
      assert.match(working.said(), /sallyport: your access was withdrawn meanwhile; ask an admin/);
      const again = await ssh({ config: real.sshConfig, host: 'agent' }, 'true');
      assert.equal(again.status, 255);
      if (!what.includes('covers')) assert.equal(other.child.exitCode, null);
      other.child.kill();
      await other.ended;
    });
  }

  it('lets what runs go on when something else changes', async () => {
    const working = await work();
    await apply(configuration.replace('labels: {env: test}', 'labels: {env: other}'));
    await sleep(1500);
    assert.equal(working.child.exitCode, null);
    working.child.kill();
    await working.ended;
  });

  it('keeps a principal out that was disabled, whatever is applied, until it is enabled', async () => {
    const disabled = await real.bastion.cli('principal', 'disable', 'bot', '--reason', 'stolen');
    assert.equal(disabled.stdout, 'bot is disabled\n');
    await apply(configuration.replace('groups: [agents]', 'groups: [agents, others]'));
    const shut = await ssh({ config: real.sshConfig, host: 'agent' }, 'true');
    assert.equal(shut.status, 255);
    assert.match(shut.stderr, /Permission denied/);
    const again = await real.bastion.cli('principal', 'disable', 'bot');
    assert.equal(again.stdout, 'bot is disabled already\n');
    await real.bastion.cli('principal', 'enable', 'bot');
    assert.equal((await ssh({ config: real.sshConfig, host: 'agent' }, 'true')).status, 0);
    const unknown = await real.bastion.cli('principal', 'disable', 'nobody');
    assert.equal(unknown.status, 1);
    const { stdout } = await real.bastion.cli('journal', 'export');
    const events = stdout
      .split('\n')
      .filter((line) => line.includes('principal.disabled'))
      .map((line) => JSON.parse(line) as JournalEntry);
    assert.equal(events.at(-1)?.data['reason'], 'stolen');
  });
});
