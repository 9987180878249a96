/** Options of OpenSSH that change what a session is: none at all, a shared connection, a terminal, no input. */
import assert from 'node:assert/strict';
import { existsSync } from 'node:fs';
import { mkdir, readFile, rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { apiOf, type Api } from '../support/api.ts';
import { programEnvironment, runProgram, type ProgramResult } from '../support/program.ts';
import { startRealTarget, type RealTarget } from '../support/real-target.ts';
import { ssh } from '../support/ssh.ts';
import { temporaryFolder } from '../support/temporary-folder.ts';

const POLICIES = `policies:
  default:
    default: allow
    uncertain: deny
    rules:
      - {name: secret, action: deny, match: {path: "**/secret"}, reason: "kept back"}
`;

describe('e2e: options of ssh', function () {
  this.timeout(120_000);
  let folder: string;
  let real: RealTarget;
  let api: Api;

  before(async () => {
    folder = await temporaryFolder();
    const channels = 'channels: [shell, exec, sftp, scp], policy: default';
    real = await startRealTarget(folder, POLICIES, {}, { people: { user: channels } });
    api = await apiOf(real.bastion);
  });
  after(async () => {
    await real[Symbol.asyncDispose]();
    await rm(folder, { recursive: true, force: true });
  });

  const run = (args: readonly string[], input?: string): Promise<ProgramResult> =>
    runProgram('ssh', ['-F', real.sshConfig, ...args], {
      env: programEnvironment(),
      ...(input !== undefined && { input }),
    });
  const sessions = async (): Promise<number> =>
    (JSON.parse(await api.get('sessions?limit=200')) as { items: unknown[] }).items.length;

  it('-f -N keeps a connection and runs nothing; others share it by ControlMaster', async () => {
    const before = await sessions();
    const control = join(folder, 'control');
    const master = await run(['-f', '-N', '-M', '-S', control, 'user']);
    assert.equal(master.status, 0, master.stderr);
    assert.equal(await sessions(), before, 'a connection is no session');
    const commands = Array.from({ length: 40 }, (_, index) =>
      run(['-S', control, '-o', 'ControlMaster=no', 'user', `echo ${index}; exit ${index}`]),
    );
    for (const [index, result] of (await Promise.all(commands)).entries()) {
      assert.deepEqual([result.status, result.stdout.toString()], [index, `${index}\n`]);
    }
    assert.equal(await sessions(), before + 40);
    const ended = await run(['-S', control, '-O', 'exit', 'user']);
    assert.equal(ended.status, 0);
  });

  it('-n gives no input, -T no terminal, -tt one in any case', async () => {
    const quiet = await run(['-n', 'user', 'cat; echo end'], 'unread\n');
    assert.equal(quiet.stdout.toString(), 'end\n');
    const plain = await run(['-T', 'user', 'tty']);
    assert.equal(plain.stdout.toString(), 'not a tty\n');
    const forced = await run(['-tt', 'user', 'tty; exit 3']);
    assert.match(forced.stdout.toString(), /^\/dev\/pts\/\d+\r\n$/);
    assert.equal(forced.status, 3);
  });

  it('runs a file system over the connection', async function () {
    if (!existsSync('/dev/fuse')) {
      const result = await ssh({ config: real.sshConfig, host: 'user' }, 'true');
      assert.equal(result.status, 0);
      return;
    }
    const far = join(folder, 'far');
    const mount = join(folder, 'mount');
    await mkdir(far);
    await mkdir(mount);
    await writeFile(join(far, 'a'), 'far away\n');
    await writeFile(join(far, 'secret'), 'never\n');
    const mounted = await runProgram(
      'sshfs',
      [`user:${far}`, mount, '-F', real.sshConfig, '-o', 'dir_cache=no'],
      { env: programEnvironment() },
    );
    assert.equal(mounted.status, 0, mounted.stderr);
    try {
      assert.equal(await readFile(join(mount, 'a'), 'utf8'), 'far away\n');
      await writeFile(join(mount, 'b'), 'near\n');
      assert.equal(await readFile(join(far, 'b'), 'utf8'), 'near\n');
      await assert.rejects(readFile(join(mount, 'secret')), /EACCES/);
      await rm(join(mount, 'b'));
      assert.equal(existsSync(join(far, 'b')), false);
    } finally {
      for (let attempt = 0; attempt < 20; attempt += 1) {
        const unmounted = await runProgram('fusermount3', ['-u', mount]).catch(() =>
          runProgram('fusermount', ['-u', mount]),
        );
        if (unmounted.status === 0) break;
        await sleep(250);
      }
    }
  });
});
