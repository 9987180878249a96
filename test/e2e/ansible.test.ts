/** Real Ansible works through the bastion: in its three ways to move files, with and without pipelining. */
import assert from 'node:assert/strict';
import { mkdir, readFile, rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { stringify } from 'yaml';
import { DEFAULT_POLICY } from '../../server/policy/default-policy.ts';
import { apiOf, type Api } from '../support/api.ts';
import { programEnvironment, runProgram, type ProgramResult } from '../support/program.ts';
import { startRealTarget, type RealTarget } from '../support/real-target.ts';
import { temporaryFolder } from '../support/temporary-folder.ts';

/** The shipped one; nobody is there to approve. */
const SHIPPED = { ...DEFAULT_POLICY, holdTimeout: '2s' };
/** A policy for automation that sends programs: what can't be read may run, what a rule names may not. */
const AUTOMATION = { ...DEFAULT_POLICY, uncertain: 'allow' };

describe('e2e: Ansible', function () {
  // Ansible starts a dozen sessions for one module.
  this.timeout(240_000);

  let folder: string;
  let real: RealTarget;
  let api: Api;

  before(async () => {
    folder = await temporaryFolder();
    await mkdir(join(folder, 'home'));
    const channels = 'channels: [exec, sftp, scp]';
    real = await startRealTarget(
      folder,
      stringify(
        { policies: { default: SHIPPED, automation: AUTOMATION } },
        { aliasDuplicateObjects: false },
      ),
      {},
      {
        people: {
          careful: `${channels}, policy: default`,
          automaton: `${channels}, policy: automation`,
        },
      },
    );
    api = await apiOf(real.bastion);
  });
  after(async () => {
    await real[Symbol.asyncDispose]();
    await rm(folder, { recursive: true, force: true });
  });

  /** @param settings of the connection, as Ansible names them in the environment */
  function ansible(
    host: string,
    args: readonly string[],
    settings: Readonly<Record<string, string>> = {},
  ): Promise<ProgramResult> {
    const env = programEnvironment({
      HOME: join(folder, 'home'),
      ANSIBLE_HOST_KEY_CHECKING: 'False',
      ANSIBLE_SSH_ARGS: `-F ${real.sshConfig} -o ControlMaster=no`,
      ANSIBLE_NOCOLOR: '1',
      ANSIBLE_TIMEOUT: '30',
      ANSIBLE_PYTHON_INTERPRETER: 'auto_silent',
      ...settings,
    });
    return runProgram('ansible', ['all', '-i', `${host},`, ...args], { env, timeoutMs: 120_000 });
  }

  function assertGood(result: ProgramResult): void {
    assert.equal(result.status, 0, result.stdout.toString() + result.stderr);
  }

  /** What is not allowed, or not read exactly, in the newest sessions. */
  async function doubts(sessions: number): Promise<string[]> {
    const { items } = JSON.parse(await api.get(`sessions?limit=${sessions}`)) as {
      items: { id: string }[];
    };
    assert.equal(items.length, sessions);
    const rows = (await Promise.all(items.map(({ id }) => api.commands(id)))).flat();
    assert.ok(rows.length >= sessions);
    return rows
      .filter(({ decision, certainty }) => decision !== 'allow' || certainty !== 'exact')
      .map(({ text, reason }) => `${text}: ${reason}`);
  }

  for (const method of ['sftp', 'scp', 'piped']) {
    it(`runs modules under the shipped policy, files by ${method}`, async () => {
      const settings = { ANSIBLE_SSH_TRANSFER_METHOD: method };
      assertGood(await ansible('careful', ['-m', 'ping'], settings));
      // Looking for Python, making a folder, the module, its rights, the run, and cleaning up.
      assert.deepEqual(await doubts(7), []);
      const echoed = await ansible('careful', ['-m', 'command', '-a', 'echo hello'], settings);
      assertGood(echoed);
      assert.match(echoed.stdout.toString(), /hello/);
    });
  }

  it('copies files', async () => {
    const source = join(folder, 'source');
    await writeFile(source, 'text of a file\n');
    const target = join(folder, 'copied');
    assertGood(await ansible('careful', ['-m', 'copy', '-a', `src=${source} dest=${target}`]));
    assert.equal(await readFile(target, 'utf8'), 'text of a file\n');
  });

  it('shares a connection between its channels', async () => {
    const control = `-F ${real.sshConfig} -o ControlMaster=auto -o ControlPersist=20s -o ControlPath=${folder}/cm-%C`;
    assertGood(await ansible('careful', ['-m', 'ping'], { ANSIBLE_SSH_ARGS: control }));
    assertGood(await ansible('careful', ['-m', 'ping'], { ANSIBLE_SSH_ARGS: control }));
  });

  it('pipes modules to Python only where the policy lets pass what nobody can read', async () => {
    const settings = { ANSIBLE_PIPELINING: 'True' };
    const held = await ansible('careful', ['-m', 'ping'], settings);
    assert.notEqual(held.status, 0);
    assert.match(held.stdout.toString(), /held by rule \\?"uncertain\\?"/);
    assertGood(await ansible('automaton', ['-m', 'ping'], settings));
    const read = await ansible('automaton', ['-m', 'raw', '-a', 'cat /etc/shadow'], settings);
    assert.match(read.stdout.toString(), /denied by rule \\?"credentials\\?"/);
  });
});
