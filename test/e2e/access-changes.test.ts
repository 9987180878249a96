/** Access changed over the API of one process while people work on another one of the same database. */
import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { randomBytes } from 'node:crypto';
import { once } from 'node:events';
import { readFile, rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import type { DirectoryChange } from '../../server/access/directory.ts';
import type { CommandView, SessionView } from '../../server/http/ports.ts';
import { freshUrl } from '../support/database.ts';
import { programEnvironment } from '../support/program.ts';
import { startRealTarget, TARGET, type RealTarget } from '../support/real-target.ts';
import { temporaryFolder } from '../support/temporary-folder.ts';
import { startBastion, type Bastion } from '../support/world.ts';

const POLICIES = 'policies: {default: {default: allow, uncertain: allow}, other: {default: allow}}';
const PATIENCE_MS = 30_000;

interface Shell {
  type(line: string): void;
  /** Waits until it has printed this. */
  shows(text: string): Promise<void>;
  readonly said: () => string;
  readonly ended: Promise<unknown>;
}

interface Changed {
  readonly version: number;
  readonly changes: readonly DirectoryChange[];
  readonly item: { readonly id: string };
}

describe('e2e: access that changes', function () {
  this.timeout(180_000);
  let folder: string;
  let real: RealTarget;
  let second: Bastion;
  let token: string;

  before(async () => {
    folder = await temporaryFolder();
    const env = {
      DATABASE_URL: await freshUrl(),
      SALLYPORT_MASTER_KEY: randomBytes(32).toString('base64'),
    };
    real = await startRealTarget(folder, POLICIES, env);
    second = await startBastion({ env });
    token = (await real.bastion.cli('token', 'create', '--principal', 'ann')).stdout.trim();
  });
  after(async () => {
    await second[Symbol.asyncDispose]();
    await real[Symbol.asyncDispose]();
    await rm(folder, { recursive: true, force: true });
  });

  async function api<T>(method: string, path: string, body?: unknown): Promise<T> {
    const answer = await fetch(`${real.bastion.run.http.url}/api/v1${path}`, {
      method,
      headers: { authorization: `Bearer ${token}`, 'content-type': 'application/json' },
      ...(body === undefined ? {} : { body: JSON.stringify(body) }),
    });
    const text = await answer.text();
    assert.ok(answer.ok, text);
    return JSON.parse(text) as T;
  }
  const entryOf = (path: string): Promise<Record<string, unknown>> =>
    api('GET', `${path}?as=entry`);

  /** A shell through the second process, fed line by line. */
  function work(): Shell {
    const { host, port } = second.run.ssh;
    const args = ['-F', real.sshConfig, '-p', String(port), '-o', `HostName=${host}`];
    const open = ['-o', 'StrictHostKeyChecking=no', '-o', 'UserKnownHostsFile=/dev/null'];
    const child = spawn('ssh', [...args, ...open, '-T', 'agent'], { env: programEnvironment() });
    let said = '';
    for (const stream of [child.stdout, child.stderr]) {
      stream.on('data', (chunk: Buffer) => (said += chunk.toString()));
    }
    child.stdin.on('error', () => {});
    return {
      type: (line) => child.stdin.write(`${line}\n`),
      shows: async (text) => {
        const endMs = Date.now() + PATIENCE_MS;
        while (!said.includes(text)) {
          assert.ok(Date.now() < endMs, `no "${text}" in: ${said}`);
          await sleep(20);
        }
      },
      said: () => said,
      ended: once(child, 'exit'),
    };
  }

  async function isOver(shell: Shell, why: RegExp): Promise<void> {
    const patience = sleep(PATIENCE_MS, 'waiting', { ref: false });
    assert.notEqual(await Promise.race([shell.ended, patience]), 'waiting', shell.said());
    assert.match(shell.said(), why);
  }

  it('judges the next command by the policy as it is then, and names both versions', async () => {
    const shell = work();
    shell.type('echo one-$((1+1))');
    await shell.shows('one-2');
    const rules = [{ name: 'no-dates', action: 'deny', match: { command: 'date' } }];
    const policy = { default: 'allow', uncertain: 'allow', rules };
    const { version } = await api<Changed>('POST', '/policies', { name: 'default', policy });
    shell.type('date +now-%Y');
    await shell.shows('no-dates');
    assert.ok(!shell.said().includes('now-2'), shell.said());
    await isOver(shell, /denied by rule "no-dates"/);
    const { items } = await api<{ items: readonly SessionView[] }>('GET', '/sessions?limit=1');
    const list = await api<{ items: readonly CommandView[] }>(
      'GET',
      `/sessions/${items[0]?.id ?? ''}/commands`,
    );
    const judged = list.items
      .filter(({ text }) => /^(echo|date)/.test(text))
      .map((one) => [one.decision, one.policy, one.policyVersion, one.directoryVersion]);
    assert.deepEqual(judged, [
      ['allow', 'default', 1, version - 1],
      ['deny', 'default', 2, version],
    ]);
    const journal = await api<{ items: readonly { data: Record<string, unknown> }[] }>(
      'GET',
      '/journal?type=command.decided&limit=1',
    );
    const { policyVersion, directoryVersion } = journal.items[0]?.data ?? {};
    assert.deepEqual([policyVersion, directoryVersion], [2, version]);
  });

  it('lets go on what a changed grant still gives, and ends what it gives no more', async () => {
    const shell = work();
    shell.type('echo ready-$((1+1))');
    await shell.shows('ready-2');
    const { items } = await api<{ items: readonly { id: string }[] }>('GET', '/grants');
    const id = items[0]?.id ?? '';
    const grant = await entryOf(`/grants/${id}`);
    const wider = await api<Changed>('POST', `/grants/${id}`, {
      ...grant,
      channels: ['shell', 'exec', 'sftp'],
    });
    shell.type('echo still-$((2+2))');
    await shell.shows('still-4');
    const other = await api<Changed>('POST', `/grants/${wider.item.id}`, {
      ...grant,
      policy: 'other',
    });
    await isOver(shell, /what your access allows was changed meanwhile; connect again/);
    const again = work();
    again.type('echo again-$((3+3))');
    await again.shows('again-6');
    const narrow = await api<Changed>('POST', `/grants/${other.item.id}`, {
      ...grant,
      channels: ['exec'],
    });
    await isOver(again, /your access was withdrawn meanwhile/);
    await api('POST', `/grants/${narrow.item.id}`, grant);
  });

  it('ends what runs as a login that is removed', async () => {
    const shell = work();
    shell.type('echo ready-$((1+1))');
    await shell.shows('ready-2');
    const target = await entryOf(`/targets/${TARGET}`);
    const logins = [{ name: 'somebody-else', credential: 'web' }];
    await api('POST', '/targets', { ...target, logins });
    await isOver(shell, /your access was withdrawn meanwhile/);
    await api('POST', '/targets', target);
  });

  it('says what a file would take back, and exports what changes nothing', async () => {
    const dry = await real.bastion.cli('apply', real.configuration, '--dry-run');
    assert.equal(dry.status, 0, dry.stderr);
    assert.match(
      dry.stdout,
      /^~ policy default\n {4}rules: .*no-dates.*→ left out\n {4}takes back version \d+, which ann made over the API at 20\S+\n1 would change\n$/m,
    );
    const file = join(folder, 'exported.yaml');
    assert.equal((await real.bastion.cli('export', '-o', file)).status, 0);
    const text = await readFile(file, 'utf8');
    assert.match(text, /no-dates/);
    assert.ok(!text.includes('PRIVATE KEY'));
    const same = await real.bastion.cli('apply', file, '--dry-run', '--prune');
    assert.equal(same.stdout, 'nothing to change\n');
    const shown = await real.bastion.cli('versions', 'show', '2');
    assert.match(shown.stdout, /^version 2 of 20\S+, by cli:\S+ \(scan: target scan web1\)\n/);
    await writeFile(file, text.replace('no-dates', 'no-days'));
    const changed = await real.bastion.cli('apply', file);
    assert.match(changed.stdout, /1 changed; this is version \d+\n$/);
  });
});
