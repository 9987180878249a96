/** What strangers can learn and spoil: uniform answers, floods of failures, and who may approve what. */
import assert from 'node:assert/strict';
import { readFile, rm } from 'node:fs/promises';
import { request as httpRequest } from 'node:http';
import { connect, type Socket } from 'node:net';
import { join } from 'node:path';
import type { JournalEntry } from '../../server/journal/event.ts';
import { readPrivateKey } from '../../server/ssh/engine/private-key.ts';
import { signData } from '../../server/ssh/engine/signature.ts';
import { encodeFields, encodePacket, MESSAGE } from '../../server/ssh/engine/wire.ts';
import { connectStranger } from '../ssh/support/raw-peer.ts';
import { startRealTarget, TARGET, type RealTarget } from '../support/real-target.ts';
import { ssh } from '../support/ssh.ts';
import { temporaryFolder } from '../support/temporary-folder.ts';
import { elapsed } from '../../server/session/wait.ts';

const POLICIES = `policies:
  default:
    default: allow
    uncertain: allow
    rules: [{name: look-first, action: hold, match: {command: sync}}]`;
const MISSING = 'missing';
/** Another machine, as far as the bastion can tell. */
const ELSEWHERE = '127.0.0.2';

describe('e2e: sign-ins of strangers', function () {
  this.timeout(120_000);
  let folder: string;
  let real: RealTarget;

  before(async () => {
    folder = await temporaryFolder();
    const grant = 'channels: [exec], policy: default';
    real = await startRealTarget(
      folder,
      POLICIES,
      {},
      {
        people: { pat: grant },
        about: { pat: 'roles: [admin]' },
      },
    );
  });
  after(async () => {
    await real[Symbol.asyncDispose]();
    await rm(folder, { recursive: true, force: true });
  });

  async function token(name: string): Promise<string> {
    const made = await real.bastion.cli('token', 'create', '--principal', name);
    assert.equal(made.status, 0, made.stderr);
    return made.stdout.trim();
  }

  /** Every byte that a stranger gets to see of the sign-in, by name. */
  async function transcript(userName: string): Promise<string> {
    const outcome = readPrivateKey(await readFile(join(folder, 'keys', 'stranger')));
    assert.ok(outcome.kind === 'key');
    const { blob, key } = outcome;
    const peer = await connectStranger(real.bastion.run.ssh);
    const seen: string[] = [];
    const hear = async (): Promise<void> => {
      const { type, reader } = await peer.next();
      seen.push(`${type} ${Buffer.from(reader.rest()).toString('hex')}`);
    };
    const ask = async (...fields: readonly (string | boolean | Buffer)[]): Promise<void> => {
      peer.send(MESSAGE.USERAUTH_REQUEST, userName, 'ssh-connection', ...fields);
      await hear();
    };
    peer.send(MESSAGE.SERVICE_REQUEST, 'ssh-userauth');
    await hear();
    await ask('none');
    await ask('password', false, 'secret');
    await ask('publickey', false, 'ssh-ed25519', blob);
    const fields = [userName, 'ssh-connection', 'publickey', true, 'ssh-ed25519', blob] as const;
    const head = encodePacket(MESSAGE.USERAUTH_REQUEST, ...fields);
    const signed = Buffer.concat([encodeFields([peer.transport.sessionId]), head]);
    await ask('publickey', true, 'ssh-ed25519', blob, signData(key, 'ssh-ed25519', signed));
    peer.transport.close('done');
    return seen.join('\n');
  }

  it('look the same for every target and person, whether there is one or not', async () => {
    const { user } = real.sshd;
    const known = await transcript(`${user}@${TARGET}`);
    assert.equal(known.split('\n').length, 5);
    for (const name of [`${user}@closed`, `${user}@${MISSING}`, MISSING, 'ann', '__proto__']) {
      assert.equal(await transcript(name), known, name);
    }
  });

  for (const [what, args, command] of [
    ['a command', [], 'true'],
    ['sftp', ['-s'], 'sftp'],
    ['a forward', ['-W', 'TARGET:22'], undefined],
    ['a shell', ['-T'], undefined],
  ] as const) {
    it(`tell somebody who has no grant for a target that there is none: ${what}`, async () => {
      const answers: unknown[] = [];
      for (const name of ['closed', MISSING]) {
        const given = args.map((one) => one.replace('TARGET', name));
        const login = what === 'a forward' ? TARGET : `${real.sshd.user}@${name}`;
        const options = ['-l', login, ...given];
        const { status, stderr, stdout } = await ssh(
          { config: real.sshConfig, host: 'agent', args: options },
          command,
        );
        const hide = (text: string | Buffer): string => String(text).replaceAll(name, 'NAME');
        answers.push({ status, stderr: hide(stderr), stdout: hide(stdout) });
      }
      assert.deepEqual(answers[0], answers[1]);
      // OpenSSH's own -W ends with 0 when the client's input is over.
      assert.equal((answers[0] as { status: number }).status === 0, what === 'a forward');
    });
  }

  it('that come in masses from elsewhere keep nobody out', async () => {
    const { host, port } = real.bastion.run.ssh;
    const sockets: Socket[] = [];
    for (let at = 0; at < 60; at += 1) {
      const socket = connect({ host, port, localAddress: ELSEWHERE });
      socket.on('error', () => {});
      sockets.push(socket);
    }
    const { status, stderr } = await ssh({ config: real.sshConfig, host: 'agent' }, 'true');
    assert.equal(status, 0, stderr);
    for (const socket of sockets) socket.destroy();
    const url = new URL(real.bastion.run.http.url);
    const tryLink = (localAddress: string): Promise<number> =>
      new Promise((resolve, reject) => {
        const { hostname, port: webPort } = url;
        httpRequest(
          {
            host: hostname,
            port: webPort,
            path: '/setup/guess',
            method: 'POST',
            localAddress,
            family: 4,
          },
          (response) => resolve(response.resume().statusCode ?? 0),
        )
          .on('error', reject)
          .end();
      });
    const statuses: number[] = [];
    for (let at = 0; at < 25; at += 1) statuses.push(await tryLink(ELSEWHERE));
    assert.deepEqual([statuses[19], statuses[20], statuses[24]], [401, 429, 429]);
    assert.equal(await tryLink('127.0.0.1'), 401);
  });

  it('and nobody approves their own request, by no way; somebody else does', async () => {
    const [pats, anns] = [await token('pat'), await token('ann')];
    const api = async (path: string, bearer: string, body?: object): Promise<Response> =>
      fetch(`${real.bastion.run.http.url}/api/v1${path}`, {
        method: body === undefined ? 'GET' : 'POST',
        headers: { authorization: `Bearer ${bearer}`, 'content-type': 'application/json' },
        ...(body !== undefined && { body: JSON.stringify(body) }),
      });
    const held = ssh({ config: real.sshConfig, host: 'pat' }, 'sync');
    let id: string | undefined;
    for (let look = 0; look < 200 && id === undefined; look += 1) {
      await elapsed(50);
      const { items } = (await (await api('/approvals?status=waiting', anns)).json()) as {
        items: { id: string }[];
      };
      id = items[0]?.id;
    }
    assert.ok(id !== undefined);
    for (const spelling of [id, id.toUpperCase(), ` ${id} `]) {
      const path = `/approvals/${encodeURIComponent(spelling)}/approve`;
      assert.equal((await api(path, pats, {})).status, 403, spelling);
      const own = await ssh(
        { config: real.sshConfig, host: 'pat', args: ['-l', 'pat'] },
        `approve ${spelling}`,
      );
      assert.equal(own.status, 126);
      assert.match(`${own.stderr}${own.stdout.toString()}`, /nobody decides their own request/);
    }
    assert.equal((await api(`/approvals/${id}/approve`, anns, {})).status, 200);
    assert.equal((await held).status, 0);
  });

  it('and whoever reads at the command line is written down too', async () => {
    const listed = await real.bastion.cli('sessions', 'list', '--q', 'sync');
    assert.equal(listed.status, 0, listed.stderr);
    for (let turn = 0; turn < 2; turn += 1) {
      const { stdout } = await real.bastion.cli('journal', 'tail', '--limit', '200', '--json');
      const rows = stdout
        .trim()
        .split('\n')
        .map((line) => JSON.parse(line) as JournalEntry)
        .filter(({ type }) => type === 'recording.viewed' || type === 'journal.read')
        .map(
          ({ data, source, type }) =>
            `${type} ${source?.split(':')[0] ?? ''} ${JSON.stringify(data['what'])}`,
        );
      const search = 'recording.viewed cli "search"';
      assert.deepEqual(rows, turn === 0 ? [search] : [search, 'journal.read cli "tail"']);
    }
  });
});
