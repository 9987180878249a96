/** What ssh-audit says of both legs. */
import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { readFile } from 'node:fs/promises';
import { setTimeout as pause } from 'node:timers/promises';
import { generateKeyPair } from '../../server/ssh/key.ts';
import { runProgram } from '../support/program.ts';
import { freePort } from '../support/sshd.ts';
import { grantFor } from './support/bastion.ts';
import { dialerFor, exec } from './support/dialling.ts';
import { startWorld } from './support/world.ts';

/** Names that the version of Debian 12 has never heard of; both say what is best about a connection. */
const NEWER =
  /^\(kex\) (mlkem768x25519-sha256|kex-strict-[cs]-v00@openssh\.com) .*unknown algorithm$/;

/** Everything but praise; lines that go on belong to the algorithm before. */
function complaintsIn(report: string): readonly string[] {
  let algorithm = '';
  return report.split('\n').flatMap((line) => {
    if (/^\([a-z]+\)/.test(line)) algorithm = line.split(' -- ')[0]?.trim() ?? '';
    const isComplaint =
      /\[(warn|fail)\]|^\((cve|rec)\) [^+]/.test(line) && !NEWER.test(line.trim());
    return isComplaint ? [`${algorithm}: ${line.trim()}`] : [];
  });
}

/** The algorithms of one kind, in order. */
function offeredIn(report: string, kind: string): readonly string[] {
  return [...report.matchAll(new RegExp(`^\\(${kind}\\) (\\S+)`, 'gm'))].map(
    ([, name]) => name ?? '',
  );
}

describe('ssh-audit', () => {
  it('finds nothing weak in what the bastion offers to clients', async () => {
    await using world = await startWorld();
    const { host, port } = world.address;
    const { stdout, status } = await runProgram('ssh-audit', ['-n', '-p', `${port}`, host]);
    const report = stdout.toString();
    assert.deepEqual(complaintsIn(report), []);
    assert.deepEqual(offeredIn(report, 'kex'), [
      'mlkem768x25519-sha256',
      'curve25519-sha256',
      'curve25519-sha256@libssh.org',
      'kex-strict-s-v00@openssh.com',
    ]);
    assert.deepEqual(offeredIn(report, 'key'), ['ssh-ed25519']);
    assert.deepEqual(offeredIn(report, 'mac'), [
      'hmac-sha2-256-etm@openssh.com',
      'hmac-sha2-512-etm@openssh.com',
    ]);
    assert.ok(offeredIn(report, 'enc').includes('aes256-gcm@openssh.com'));
    // 2 = warnings, 3 = failures; the newer names alone are warnings to it.
    assert.ok(status === 0 || status === 2, `status ${status}`);
  });

  it('finds nothing weak in what the bastion offers to targets', async () => {
    const port = await freePort();
    const audit = spawn('ssh-audit', ['-n', '-c', '-p', `${port}`, '-t', '30']);
    let report = '';
    audit.stdout.on('data', (chunk: Buffer) => (report += chunk.toString()));
    const ended = once(audit, 'close');
    await untilListening(port);
    const hostKeyLine = generateKeyPair('target').publicLine;
    const dialer = dialerFor();
    const grant = grantFor({ host: '127.0.0.1', port, hostKeyLine });
    const outcome = await dialer.dial(grant, exec('true'));
    assert.equal(outcome.kind, 'failed');
    dialer.close();
    await ended;
    assert.deepEqual(complaintsIn(report), []);
    assert.equal(offeredIn(report, 'kex')[0], 'mlkem768x25519-sha256');
    assert.ok(offeredIn(report, 'kex').includes('kex-strict-c-v00@openssh.com'));
    assert.equal(offeredIn(report, 'key')[0], 'ssh-ed25519');
  });
});

/** ssh-audit takes one connection, so nobody may knock: the kernel is asked. */
async function untilListening(port: number): Promise<void> {
  const wanted = `:${port.toString(16).toUpperCase().padStart(4, '0')} `;
  for (let asked = 0; asked < 400; asked += 1) {
    const tables = await Promise.all(
      ['tcp', 'tcp6'].map((name) => readFile(`/proc/net/${name}`, 'utf8')),
    );
    const isThere = tables.some((table) =>
      table.split('\n').some((line) => line.includes(wanted) && / 0A /.test(line)),
    );
    if (isThere) return;
    await pause(50);
  }
  throw new Error('ssh-audit does not listen');
}
