/**
 * How editors set themselves up on a host, played with real ssh in their command forms: Remote-SSH of VS Code
 * (a script on the input of bash, a server in the background, a SOCKS forward to it), and JetBrains Gateway
 * (exec requests, an upload by SFTP, a server, a forward). What the grant and the policy need is at the top.
 */
import assert from 'node:assert/strict';
import { spawn, type ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { chmod, mkdir, readFile, rm, writeFile } from 'node:fs/promises';
import { createServer, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { join } from 'node:path';
import { stringify } from 'yaml';
import { DEFAULT_POLICY } from '../../server/policy/default-policy.ts';
import { programEnvironment, runProgram } from '../support/program.ts';
import { startRealTarget, type RealTarget } from '../support/real-target.ts';
import { ssh } from '../support/ssh.ts';
import { freePort } from '../support/sshd.ts';
import { temporaryFolder } from '../support/temporary-folder.ts';

const CASES = join(import.meta.dirname, '../cases/editors');
/** Where an editor needs a shell, commands, SFTP, and its server's port on the target itself. */
const GRANT = 'channels: [shell, exec, sftp, scp], forward: ["127.0.0.1:*"]';
/** An editor downloads its server and starts it: nobody can read what that does. */
const EDITORS = { ...DEFAULT_POLICY, uncertain: 'allow' };

describe('e2e: editors', function () {
  this.timeout(120_000);
  let folder: string;
  let real: RealTarget;
  let downloads: Server;
  let script: string;
  const running: ChildProcess[] = [];

  before(async () => {
    folder = await temporaryFolder();
    real = await startRealTarget(
      folder,
      stringify(
        { policies: { default: { ...DEFAULT_POLICY, holdTimeout: '2s' }, editors: EDITORS } },
        { aliasDuplicateObjects: false },
      ),
      {},
      { people: { editor: `${GRANT}, policy: editors`, careful: `${GRANT}, policy: default` } },
    );
    const bin = join(folder, 'vscode-server/bin');
    await mkdir(bin, { recursive: true });
    const server = await readFile(join(CASES, 'code-server.py'), 'utf8');
    await writeFile(join(bin, 'code-server'), `#!/usr/bin/env python3\n${server}`);
    await chmod(join(bin, 'code-server'), 0o755);
    const packed = await runProgram('tar', ['-czf', '-', '-C', folder, 'vscode-server']);
    downloads = createServer((_, answer) => answer.end(packed.stdout)).listen(0, '127.0.0.1');
    await once(downloads, 'listening');
    const { port } = downloads.address() as AddressInfo;
    const text = await readFile(join(CASES, 'vscode.sh'), 'utf8');
    // A home of its own: the target's account is that of whoever runs the tests.
    const home = `HOME="${folder}/home"\n`;
    script = home + text.replaceAll('DOWNLOAD', `http://127.0.0.1:${port}/server.tar.gz`);
    await mkdir(join(folder, 'home'));
  });
  after(async () => {
    for (const child of running) child.kill();
    downloads.close();
    await real[Symbol.asyncDispose]();
    await rm(folder, { recursive: true, force: true });
  });

  /** Starts a client that stays; resolves with its output once it has said `wanted`. */
  async function staying(args: readonly string[], input: string, wanted: RegExp): Promise<string> {
    const child = spawn('ssh', ['-F', real.sshConfig, ...args], { env: programEnvironment() });
    running.push(child);
    let said = '';
    child.stdin.write(input);
    await new Promise<void>((resolve, reject) => {
      const take = (chunk: Buffer): void => {
        said += chunk.toString();
        if (wanted.test(said)) resolve();
      };
      child.stdout.on('data', take);
      child.stderr.on('data', take);
      child.once('exit', (status) => reject(new Error(`ssh ended with ${status}: ${said}`)));
    });
    return said;
  }

  it('VS Code installs its server by a script on the input and reaches it by SOCKS', async () => {
    const socks = await freePort();
    // The script ends itself with `exit`; the forward stays with a second connection, as the editor does it.
    const installed = await ssh(
      { config: real.sshConfig, host: 'editor', args: ['-T'], input: script },
      'bash',
    );
    const said = installed.stdout.toString();
    assert.match(said, /exitCode==0==/, said + installed.stderr);
    const port = /listeningOn==(\d+)==/.exec(said)?.[1] ?? '';
    await staying(['-T', '-D', `127.0.0.1:${socks}`, 'editor', 'bash'], 'echo ready\n', /ready/);
    const url = `http://127.0.0.1:${port}/`;
    const got = await runProgram('curl', ['-sS', '--socks5', `127.0.0.1:${socks}`, url]);
    assert.equal(got.stdout.toString(), 'editor server\n', got.stderr);
    const again = await ssh(
      { config: real.sshConfig, host: 'editor', args: ['-T'], input: script },
      'bash',
    );
    assert.match(again.stdout.toString(), /Found existing installation/);
  });

  it('the shipped policy holds what starts a server that was just downloaded', async () => {
    await rm(join(folder, 'home'), { recursive: true, force: true });
    await mkdir(join(folder, 'home'));
    const held = await ssh(
      { config: real.sshConfig, host: 'careful', args: ['-T'], input: script },
      'bash',
    );
    assert.match(held.stdout.toString(), /Acquiring lock/, held.stderr);
    assert.match(held.stderr, /held by rule "uncertain": /);
    assert.equal(held.status, 126);
  });

  it('JetBrains looks at the host, uploads its worker, starts its backend and reaches it', async () => {
    const run = (command: string) => ssh({ config: real.sshConfig, host: 'editor' }, command);
    for (const command of [
      'uname -sm',
      'echo $SHELL',
      "sh -c 'echo $HOME; id -un; getconf LONG_BIT'",
      `test -d ${folder}/cache/JetBrains/RemoteDev/dist || echo missing`,
      `mkdir -p ${folder}/cache/JetBrains/RemoteDev/dist/bin`,
      'df -Pk . | tail -1',
    ]) {
      const result = await run(command);
      assert.equal(result.status, 0, `${command}: ${result.stderr}`);
    }
    const backend = `${folder}/cache/JetBrains/RemoteDev/dist/bin/remote-dev-server.sh`;
    const start = join(folder, 'remote-dev-server.sh');
    await writeFile(start, `#!/bin/sh\nexec python3 ${CASES}/code-server.py\n`);
    const batch = join(folder, 'batch');
    await writeFile(batch, `put ${start} ${backend}.part\nrename ${backend}.part ${backend}\n`);
    const put = await runProgram('sftp', ['-F', real.sshConfig, '-b', batch, 'editor']);
    assert.equal(put.status, 0, put.stderr);
    const checked = await run(`chmod +x ${backend} && sha256sum ${backend} && ls -la ${backend}`);
    assert.equal(checked.status, 0, checked.stderr);
    const command = `${backend} run ${folder} --ssh-link-host editor`;
    const said = await staying(['editor', command], '', /listening on \d+/);
    const port = /listening on (\d+)/.exec(said)?.[1] ?? '';
    const local = await freePort();
    // `-f -N`: no session at all, only the forward.
    const forward = `127.0.0.1:${local}:127.0.0.1:${port}`;
    const options = ['-F', real.sshConfig, '-N', '-o', 'ExitOnForwardFailure=yes'];
    running.push(
      spawn('ssh', [...options, '-L', forward, 'editor'], { env: programEnvironment() }),
    );
    const url = `http://127.0.0.1:${local}/`;
    const got = await runProgram('curl', ['-sS', '--retry', '30', '--retry-connrefused', url]);
    assert.equal(got.stdout.toString(), 'editor server\n', got.stderr);
  });
});
