/** Forwards that lead on from the target, as real clients ask for them and a real sshd serves them. */
import assert from 'node:assert/strict';
import { createHash, randomBytes } from 'node:crypto';
import { createServer as createHttpServer } from 'node:http';
import { connect } from 'node:net';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import {
  startForwardScene,
  reachable,
  Running,
  talk,
  until,
  type ForwardScene,
} from '../support/forward-scene.ts';
import { runProgram, type ProgramResult } from '../support/program.ts';
import { TARGET } from '../support/real-target.ts';
import { ssh } from '../support/ssh.ts';
import { freePort } from '../support/sshd.ts';

describe('e2e: forwards', function () {
  this.timeout(120_000);
  let scene: ForwardScene;

  before(async () => {
    scene = await startForwardScene();
  });
  after(() => scene[Symbol.asyncDispose]());

  it('-L leads to what the target reaches, byte for byte, half-closed as it is', async () => {
    const port = await freePort();
    await using _running = new Running(scene.real.sshConfig, [
      '-N',
      '-L',
      `${port}:127.0.0.1:${scene.echoPort}`,
      'agent',
    ]);
    await reachable(port);
    const sent = randomBytes(3_000_000);
    const got = await talk(connect({ host: '127.0.0.1', port, allowHalfOpen: true }), sent);
    const hash = (bytes: Buffer): string => createHash('sha256').update(bytes).digest('hex');
    assert.equal(hash(got), hash(sent));
    const end = await until('its end', async () =>
      (await scene.journal()).find(
        ({ type, data }) => type === 'forward.ended' && data['bytesIn'] === sent.length,
      ),
    );
    assert.equal(end.data['bytesOut'], sent.length);
    assert.equal(end.data['to'], `127.0.0.1:${scene.echoPort}`);
    assert.equal(end.principal, 'bot');
    assert.equal(end.target, TARGET);
    assert.ok((end.data['bytesOutPerS'] as { peak: number }).peak > 0);
    const opened = (await scene.journal()).find(
      ({ type, session }) => type === 'forward.opened' && session === end.session,
    );
    assert.equal(opened?.data['from'], 'client');
    const session = JSON.parse(await scene.api.get(`sessions/${end.session}`)) as {
      kind: string;
      status: string;
      bytesOut: number;
      commandCount: number;
    };
    assert.deepEqual(
      [session.kind, session.status, session.bytesOut, session.commandCount],
      ['forward', 'closed', sent.length, 1],
    );
    const [command] = await scene.api.commands(end.session ?? '');
    assert.deepEqual(
      [command?.text, command?.decision, command?.language],
      [`forward 127.0.0.1:${scene.echoPort}`, 'allow', 'forward'],
    );
    const text = await scene.api.get(`sessions/${end.session}/recording?format=txt`);
    assert.match(text, new RegExp(`opened: from client to 127\\.0\\.0\\.1:${scene.echoPort}`));
    assert.match(text, /ended: .*; 3000000 bytes \(at most \d+ a second\) from the client/);
    assert.equal((await scene.real.bastion.cli('verify', end.session ?? '')).status, 0);
  });

  it('-D leads curl to it, by another spelling of the address as well', async () => {
    const http = createHttpServer((_request, response) => response.end('hello'));
    await scene.instead(http, async () => {
      const port = await freePort();
      await using _running = new Running(scene.real.sshConfig, ['-N', '-D', String(port), 'agent']);
      await reachable(port);
      for (const host of ['127.0.0.1', '127.1', '0x7f000001', '[::ffff:127.0.0.1]']) {
        const got = await runProgram('curl', [
          '-sS',
          '--socks5-hostname',
          `127.0.0.1:${port}`,
          '--max-time',
          '10',
          `http://${host}:${scene.echoPort}/`,
        ]);
        assert.equal(got.stdout.toString(), 'hello', `${host}: ${got.stderr}`);
      }
      const refused = await runProgram('curl', [
        '-sS',
        '--socks5-hostname',
        `127.0.0.1:${port}`,
        `http://localhost:${scene.echoPort}/`,
      ]);
      assert.notEqual(refused.status, 0);
      http.closeAllConnections();
    });
  });

  it('-W and a direct connection look alike', async () => {
    const result = await ssh({
      config: scene.real.sshConfig,
      host: 'agent',
      args: ['-o', 'LogLevel=INFO', '-W', `127.0.0.1:${scene.echoPort}`],
      input: 'over there',
    });
    assert.equal(result.status, 0, result.stderr);
    assert.equal(result.stdout.toString(), 'over there');
  });

  it('-W through a jump leads on from the target', async () => {
    const proxy = `ssh -F ${scene.real.sshConfig} -o BatchMode=yes -W ${TARGET}:22 agent`;
    const result = await ssh({
      config: scene.real.sshConfig,
      host: `${scene.real.sshd.user}@${TARGET}`,
      args: ['-o', `ProxyCommand=${proxy}`, '-W', `127.0.0.1:${scene.echoPort}`],
      input: 'over there',
    });
    assert.equal(result.status, 0, result.stderr);
    assert.equal(result.stdout.toString(), 'over there');
    await until('its end', async () => {
      const end = await scene.ended('client', `127.0.0.1:${scene.echoPort}`);
      const session = JSON.parse(await scene.api.get(`sessions/${end.session}`)) as { via: string };
      return session.via === 'jump' ? true : null;
    });
  });

  const refusals: readonly [name: string, where: string, text: RegExp][] = [
    [
      'a place that the grant does not name',
      'db1:5432',
      /channel 0: open failed: administratively prohibited: sallyport: your grant for web1 doesn't name the forward db1:5432; ask for one that does\r?\n/,
    ],
    [
      'the loopback under another name',
      'localhost:8081',
      /doesn't name the forward localhost:8081; ask/,
    ],
    [
      'a place that the policy denies',
      'DENIED.example.:80',
      /open failed: administratively prohibited: sallyport: denied by rule "closed": not from here \(command 1 of session [0-9a-f-]{36}\)/,
    ],
    [
      'a host that is none',
      '999.1.1.1:80',
      /prohibited: sallyport: the host is neither a name nor an address/,
    ],
    [
      'a place where nobody answers',
      '127.0.0.1:2',
      /open failed: connect failed: sallyport: web1 could not connect to 127\.0\.0\.1:2: Connection refused/,
    ],
    [
      'a name that the target does not know',
      'nowhere.invalid:80',
      /open failed: connect failed: sallyport: web1 could not connect to nowhere\.invalid:80: /,
    ],
  ];
  for (const [name, where, text] of refusals) {
    it(`says so: ${name}`, async () => {
      const result = await scene.agent(['-W', where]);
      assert.notEqual(result.status, 0);
      assert.match(result.stderr, text);
    });
  }

  it('tells somebody without any grant for forwards the same way', async () => {
    const result = await ssh({
      config: scene.real.sshConfig,
      host: 'person',
      args: ['-o', 'LogLevel=INFO', '-W', 'db1:5432'],
    });
    assert.match(result.stderr, /your grant for web1 doesn't name the forward db1:5432/);
    const stranger = await ssh({
      config: scene.real.sshConfig,
      host: 'person',
      args: ['-o', 'LogLevel=INFO', '-l', 'x@nosuch', '-W', 'db1:5432'],
    });
    assert.match(
      stranger.stderr,
      /there is no target "nosuch" that you may reach as \w+; forwards/,
    );
    const refused = (await scene.journal()).filter(({ type }) => type === 'forward.refused');
    assert.ok(
      refused.some(({ data, principal }) => principal === 'ann' && data['place'] === 'db1:5432'),
    );
  });

  it('still takes host:22 for a jump, unless the grant names it', async () => {
    const jump = await scene.agent(['-W', 'unknown.example:22']);
    assert.match(jump.stdout.toString(), /^SSH-2\.0-/);
    const forward = await scene.agent(['-W', 'free.example:22']);
    assert.match(forward.stderr, /web1 could not connect to free\.example:22/);
  });

  it('holds a forward until somebody approves it', async () => {
    const running = scene.agent(['-W', 'held.example:5432']);
    const approved = await scene.decide(
      `approve ${await scene.waiting('forward held.example:5432')}`,
    );
    assert.equal(approved.status, 0, approved.stderr);
    assert.match((await running).stderr, /web1 could not connect to held\.example:5432/);
    const denied = scene.agent(['-W', 'held.example:5432']);
    await scene.decide(`deny ${await scene.waiting('forward held.example:5432')} not now`);
    assert.match(
      (await denied).stderr,
      /administratively prohibited: sallyport: refused by ann: not now/,
    );
  });

  it('opens nothing else on a connection that waits for an approval', async () => {
    const control = join(scene.folder, 'held.sock');
    await using _master = new Running(scene.real.sshConfig, ['-N', '-M', '-S', control, 'agent']);
    await until('the master', async () =>
      (await runProgram('ssh', ['-S', control, '-O', 'check', 'agent'])).status === 0 ? true : null,
    );
    const on = (args: readonly string[], command?: string): Promise<ProgramResult> =>
      scene.agent(['-S', control, ...args], command);
    const mark = join(scene.folder, 'second');
    const first = on([], 'echo first');
    const id = await scene.waiting('echo first');
    const second = on([], `touch ${mark}; echo second`);
    const forward = on(['-W', `127.0.0.1:${scene.echoPort}`]);
    await until('the second one, waiting', async () => {
      const { stdout } = await runProgram('sh', ['-c', `cat ${mark} 2>/dev/null || true`]);
      const started = (await scene.journal()).some(
        ({ type, data }) =>
          type === 'session.started' && data['command'] === `touch ${mark}; echo second`,
      );
      assert.equal(stdout.length, 0);
      return started ? true : null;
    });
    await sleep(500);
    assert.equal(
      (await runProgram('test', ['-e', mark])).status,
      1,
      'it ran while the first waited',
    );
    const decided = await scene.decide(`approve ${id}`);
    assert.equal(decided.status, 0, decided.stderr);
    assert.equal((await first).stdout.toString(), 'first\n');
    const { stdout, stderr } = await second;
    assert.equal(stdout.toString(), 'second\n');
    assert.match(
      stderr,
      new RegExp(
        `^sallyport: waiting: another command of this connection waits for approval ${id}$`,
        'm',
      ),
    );
    await forward;
  });
});
