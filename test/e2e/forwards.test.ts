/** Forwards through the bastion, as real clients ask for them and a real sshd serves them. */
import assert from 'node:assert/strict';
import { spawn, spawnSync, type ChildProcess } from 'node:child_process';
import { createHash, randomBytes } from 'node:crypto';
import { once } from 'node:events';
import { chmod, rm, writeFile } from 'node:fs/promises';
import { createServer as createHttpServer } from 'node:http';
import { connect, createServer, type AddressInfo, type Server, type Socket } from 'node:net';
import { userInfo } from 'node:os';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import type { JournalEntry } from '../../server/journal/event.ts';
import { apiOf, type Api } from '../support/api.ts';
import { programEnvironment, runProgram, type ProgramResult } from '../support/program.ts';
import { startRealTarget, TARGET, type RealTarget } from '../support/real-target.ts';
import { ssh, sshInteractive } from '../support/ssh.ts';
import { freePort } from '../support/sshd.ts';
import { temporaryFolder } from '../support/temporary-folder.ts';

const PATIENCE_MS = 20_000;

/** Resolves when `look` finds something. */
async function until<T>(what: string, look: () => Promise<T | null | undefined>): Promise<T> {
  const deadline = Date.now() + PATIENCE_MS;
  for (;;) {
    const found = await look();
    if (found !== null && found !== undefined) return found;
    if (Date.now() > deadline) throw new Error(`${what}: not within ${PATIENCE_MS} ms`);
    await sleep(50);
  }
}

async function listening(server: Server, port = 0): Promise<number> {
  server.listen(port, '127.0.0.1');
  await once(server, 'listening');
  return (server.address() as AddressInfo).port;
}

/** Sends back all that it got, once that has ended. */
function echoAtEnd(): Server {
  return createServer({ allowHalfOpen: true }, (socket) => {
    const parts: Buffer[] = [];
    socket.on('error', () => {});
    socket.on('data', (part: Buffer) => parts.push(part));
    socket.on('end', () => socket.end(Buffer.concat(parts)));
  });
}

/** All that comes after `sent` and the end of it were sent. */
async function talk(socket: Socket, sent: Buffer | string): Promise<Buffer> {
  const parts: Buffer[] = [];
  socket.on('data', (part: Buffer) => parts.push(part));
  const ended = once(socket, 'end');
  socket.end(sent);
  await ended;
  return Buffer.concat(parts);
}

/** Waits until something accepts connections there. */
function reachable(port: number): Promise<true> {
  return until(`port ${port}`, async () => {
    const socket = connect({ host: '127.0.0.1', port });
    const answer = await Promise.race([
      once(socket, 'connect').then(() => true as const),
      once(socket, 'error').then(() => null),
    ]).catch(() => null);
    socket.destroy();
    return answer;
  });
}

/** An `ssh` that runs until it is told to stop. */
class Running implements AsyncDisposable {
  readonly #child: ChildProcess;
  #said = '';

  constructor(config: string, args: readonly string[], env: Readonly<Record<string, string>> = {}) {
    this.#child = spawn(
      'ssh',
      ['-F', config, '-o', 'BatchMode=yes', '-o', 'LogLevel=INFO', ...args],
      { env: programEnvironment(env), stdio: ['ignore', 'pipe', 'pipe'] },
    );
    for (const stream of [this.#child.stdout, this.#child.stderr]) {
      stream?.on('data', (part: Buffer) => (this.#said += part.toString()));
    }
  }

  get said(): string {
    return this.#said;
  }

  says(wanted: RegExp): Promise<RegExpExecArray> {
    return until(`${wanted}, but it says ${this.#said}`, async () => wanted.exec(this.#said)).catch(
      (error: unknown) => {
        throw new Error(`${String(error)}; it said: ${this.#said}`);
      },
    );
  }

  async [Symbol.asyncDispose](): Promise<void> {
    if (this.#child.exitCode === null && this.#child.signalCode === null) {
      this.#child.kill('SIGTERM');
      await once(this.#child, 'exit');
    }
  }
}

describe('e2e: forwards', function () {
  this.timeout(120_000);
  let folder: string;
  let real: RealTarget;
  let api: Api;
  let echo: Server;
  let echoPort: number;
  let xauthLog: string;

  before(async () => {
    folder = await temporaryFolder();
    echo = echoAtEnd();
    echoPort = await listening(echo);
    xauthLog = join(folder, 'xauth.log');
    const xauth = join(folder, 'xauth');
    await writeFile(xauth, `#!/bin/sh\ncat >> ${xauthLog}\n`);
    await chmod(xauth, 0o755);
    const entries = [
      `127.0.0.1:${echoPort}`,
      '127.0.0.1:2',
      'held.example:5432',
      'denied.example:*',
      'nowhere.invalid:80',
      'free.example:22',
      `unix:${folder}/server.sock`,
      `listen:unix:${folder}/listening.sock`,
      'listen:127.0.0.1:*',
      'agent',
      'x11',
    ];
    real = await startRealTarget(
      folder,
      `  - {principals: [bot], targets: [${TARGET}], logins: [${userInfo().username}], channels: [exec, shell], policy: forwards, forward: ${JSON.stringify(entries)}}
policies:
  default:
    default: allow
    uncertain: allow
    rules:
      - {name: first, action: hold, match: {command: "echo first"}}
  forwards:
    default: allow
    holdTimeout: 20s
    rules:
      - {name: database, action: hold, match: {command: "forward held.example:5432"}, reason: "customer data"}
      - {name: first, action: hold, match: {command: "echo first"}}
      - {name: closed, action: deny, match: {command: "forward denied.example:*"}, reason: "not from here"}
`,
      {},
      { sshd: ['X11Forwarding yes', `XAuthLocation ${xauth}`, 'AllowAgentForwarding yes'] },
    );
    api = await apiOf(real.bastion);
  });
  after(async () => {
    await real[Symbol.asyncDispose]();
    echo.close();
    await rm(folder, { recursive: true, force: true });
  });

  const agent = (args: readonly string[], command?: string): Promise<ProgramResult> =>
    ssh({ config: real.sshConfig, host: 'agent', args: ['-o', 'LogLevel=INFO', ...args] }, command);

  /** The newest events of forwards and sessions, oldest first. */
  async function journal(): Promise<readonly JournalEntry[]> {
    const types =
      'forward.opened,forward.ended,forward.refused,forward.listening,session.started,command.decided';
    const page = JSON.parse(await api.get(`journal?limit=200&type=${types}`)) as {
      items: JournalEntry[];
    };
    return page.items.toSorted((one, other) => one.seq - other.seq);
  }

  /** As somebody who may decide. */
  const decide = (words: string): Promise<ProgramResult> =>
    ssh({ config: real.sshConfig, host: 'person', args: ['-l', 'bastion'] }, words);

  const waiting = (text: string): Promise<string> =>
    until(`an approval of ${text}`, async () => {
      const { items } = JSON.parse(await api.get('approvals')) as {
        items: { id: string; text: string; status: string }[];
      };
      return items.find((one) => one.text === text && one.status === 'waiting')?.id;
    });

  const ended = (from: string, to: string): Promise<JournalEntry> =>
    until(`the end of the forward to ${to}`, async () =>
      (await journal()).findLast(
        ({ type, data }) => type === 'forward.ended' && data['from'] === from && data['to'] === to,
      ),
    );

  it('-L leads to what the target reaches, byte for byte, half-closed as it is', async () => {
    const port = await freePort();
    await using _running = new Running(real.sshConfig, [
      '-N',
      '-L',
      `${port}:127.0.0.1:${echoPort}`,
      'agent',
    ]);
    await reachable(port);
    const sent = randomBytes(3_000_000);
    const got = await talk(connect({ host: '127.0.0.1', port, allowHalfOpen: true }), sent);
    const hash = (bytes: Buffer): string => createHash('sha256').update(bytes).digest('hex');
    assert.equal(hash(got), hash(sent));
    const end = await until('its end', async () =>
      (await journal()).find(
        ({ type, data }) => type === 'forward.ended' && data['bytesIn'] === sent.length,
      ),
    );
    assert.equal(end.data['bytesOut'], sent.length);
    assert.equal(end.data['to'], `127.0.0.1:${echoPort}`);
    assert.equal(end.principal, 'bot');
    assert.equal(end.target, TARGET);
    assert.ok((end.data['bytesOutPerS'] as { peak: number }).peak > 0);
    const opened = (await journal()).find(
      ({ type, session }) => type === 'forward.opened' && session === end.session,
    );
    assert.equal(opened?.data['from'], 'client');
    const session = JSON.parse(await api.get(`sessions/${end.session}`)) as {
      kind: string;
      status: string;
      bytesOut: number;
      commandCount: number;
    };
    assert.deepEqual(
      [session.kind, session.status, session.bytesOut, session.commandCount],
      ['forward', 'closed', sent.length, 1],
    );
    const [command] = await api.commands(end.session ?? '');
    assert.deepEqual(
      [command?.text, command?.decision, command?.language],
      [`forward 127.0.0.1:${echoPort}`, 'allow', 'forward'],
    );
    const text = await api.get(`sessions/${end.session}/recording?format=txt`);
    assert.match(text, new RegExp(`opened: from client to 127\\.0\\.0\\.1:${echoPort}`));
    assert.match(text, /ended: .*; 3000000 bytes \(at most \d+ a second\) from the client/);
    assert.equal((await real.bastion.cli('verify', end.session ?? '')).status, 0);
  });

  it('-D leads curl to it, by another spelling of the address as well', async () => {
    const http = createHttpServer((_request, response) => response.end('hello'));
    // The port of the echo server is what the grant names.
    echo.close();
    await listening(http, echoPort);
    try {
      const port = await freePort();
      await using _running = new Running(real.sshConfig, ['-N', '-D', String(port), 'agent']);
      await reachable(port);
      for (const host of ['127.0.0.1', '127.1', '0x7f000001', '[::ffff:127.0.0.1]']) {
        const got = await runProgram('curl', [
          '-sS',
          '--socks5-hostname',
          `127.0.0.1:${port}`,
          '--max-time',
          '10',
          `http://${host}:${echoPort}/`,
        ]);
        assert.equal(got.stdout.toString(), 'hello', `${host}: ${got.stderr}`);
      }
      const refused = await runProgram('curl', [
        '-sS',
        '--socks5-hostname',
        `127.0.0.1:${port}`,
        `http://localhost:${echoPort}/`,
      ]);
      assert.notEqual(refused.status, 0);
    } finally {
      http.close();
      http.closeAllConnections();
      echo = echoAtEnd();
      await listening(echo, echoPort);
    }
  });

  it('-W and a direct connection look alike', async () => {
    const result = await ssh({
      config: real.sshConfig,
      host: 'agent',
      args: ['-o', 'LogLevel=INFO', '-W', `127.0.0.1:${echoPort}`],
      input: 'over there',
    });
    assert.equal(result.status, 0, result.stderr);
    assert.equal(result.stdout.toString(), 'over there');
  });

  it('-W through a jump leads on from the target', async () => {
    const proxy = `ssh -F ${real.sshConfig} -o BatchMode=yes -W ${TARGET}:22 agent`;
    const result = await ssh({
      config: real.sshConfig,
      host: `${real.sshd.user}@${TARGET}`,
      args: ['-o', `ProxyCommand=${proxy}`, '-W', `127.0.0.1:${echoPort}`],
      input: 'over there',
    });
    assert.equal(result.status, 0, result.stderr);
    assert.equal(result.stdout.toString(), 'over there');
    const end = await ended('client', `127.0.0.1:${echoPort}`);
    const session = JSON.parse(await api.get(`sessions/${end.session}`)) as { via: string };
    assert.equal(session.via, 'jump');
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
      const result = await agent(['-W', where]);
      assert.notEqual(result.status, 0);
      assert.match(result.stderr, text);
    });
  }

  it('tells somebody without any grant for forwards the same way', async () => {
    const result = await ssh({
      config: real.sshConfig,
      host: 'person',
      args: ['-o', 'LogLevel=INFO', '-W', 'db1:5432'],
    });
    assert.match(result.stderr, /your grant for web1 doesn't name the forward db1:5432/);
    const stranger = await ssh({
      config: real.sshConfig,
      host: 'person',
      args: ['-o', 'LogLevel=INFO', '-l', 'x@nosuch', '-W', 'db1:5432'],
    });
    assert.match(
      stranger.stderr,
      /there is no target "nosuch" that you may reach as \w+; forwards/,
    );
    const refused = (await journal()).filter(({ type }) => type === 'forward.refused');
    assert.ok(
      refused.some(({ data, principal }) => principal === 'ann' && data['place'] === 'db1:5432'),
    );
  });

  it('still takes host:22 for a jump, unless the grant names it', async () => {
    const jump = await agent(['-W', 'unknown.example:22']);
    assert.match(jump.stdout.toString(), /^SSH-2\.0-/);
    const forward = await agent(['-W', 'free.example:22']);
    assert.match(forward.stderr, /web1 could not connect to free\.example:22/);
  });

  it('holds a forward until somebody approves it', async () => {
    const running = agent(['-W', 'held.example:5432']);
    const approved = await decide(`approve ${await waiting('forward held.example:5432')}`);
    assert.equal(approved.status, 0, approved.stderr);
    assert.match((await running).stderr, /web1 could not connect to held\.example:5432/);
    const denied = agent(['-W', 'held.example:5432']);
    await decide(`deny ${await waiting('forward held.example:5432')} not now`);
    assert.match(
      (await denied).stderr,
      /administratively prohibited: sallyport: refused by ann: not now/,
    );
  });

  it('opens nothing else on a connection that waits for an approval', async () => {
    const control = join(folder, 'held.sock');
    await using _master = new Running(real.sshConfig, ['-N', '-M', '-S', control, 'agent']);
    await until('the master', async () =>
      (await runProgram('ssh', ['-S', control, '-O', 'check', 'agent'])).status === 0 ? true : null,
    );
    const on = (args: readonly string[], command?: string): Promise<ProgramResult> =>
      agent(['-S', control, ...args], command);
    const mark = join(folder, 'second');
    const first = on([], 'echo first');
    const id = await waiting('echo first');
    const second = on([], `touch ${mark}; echo second`);
    const forward = on(['-W', `127.0.0.1:${echoPort}`]);
    await until('the second one, waiting', async () => {
      const { stdout } = await runProgram('sh', ['-c', `cat ${mark} 2>/dev/null || true`]);
      const started = (await journal()).some(
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
    const decided = await decide(`approve ${id}`);
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

  it('-R has the target listen, at a port of its choice, and takes it back', async () => {
    const control = join(folder, 'r.sock');
    await using running = new Running(real.sshConfig, [
      '-N',
      '-M',
      '-S',
      control,
      '-o',
      'ExitOnForwardFailure=yes',
      '-R',
      `0:127.0.0.1:${echoPort}`,
      'agent',
    ]);
    const [, port = ''] = await running.says(/Allocated port (\d+) for remote forward/);
    const got = await talk(
      connect({ host: '127.0.0.1', port: Number(port), allowHalfOpen: true }),
      'backwards',
    );
    assert.equal(got.toString(), 'backwards');
    const end = await ended('listen:localhost:0', 'client');
    assert.deepEqual([end.data['bytesIn'], end.data['bytesOut']], [9, 9]);
    const listen = (await journal()).find(({ type }) => type === 'forward.listening');
    assert.equal(listen?.data['port'], Number(port));
    const cancelled = await runProgram('ssh', [
      '-F',
      real.sshConfig,
      '-S',
      control,
      '-O',
      'cancel',
      '-R',
      `0:127.0.0.1:${echoPort}`,
      'agent',
    ]);
    assert.equal(cancelled.status, 0, cancelled.stderr);
    await until('nothing listens any more', async () => {
      const socket = connect({ host: '127.0.0.1', port: Number(port) });
      const [what] = await Promise.race([
        once(socket, 'connect').then(() => ['open']),
        once(socket, 'error').then(() => ['refused']),
      ]).catch(() => ['refused']);
      socket.destroy();
      return what === 'refused' ? true : null;
    });
  });

  it('-R to other addresses is refused, and the session says why', async () => {
    const result = await agent(['-R', `0.0.0.0:0:127.0.0.1:${echoPort}`], 'echo on');
    assert.equal(result.status, 0);
    assert.equal(result.stdout.toString(), 'on\n');
    assert.match(result.stderr, /remote port forwarding failed for listen port 0/);
    assert.match(
      result.stderr,
      /sallyport: your grant for web1 doesn't name the forward listen:\*:0; ask for one that does\n/,
    );
    const strict = await agent(['-N', '-o', 'ExitOnForwardFailure=yes', '-R', '*:0:127.0.0.1:1']);
    assert.equal(strict.status, 255);
  });

  it('Unix sockets lead both ways', async () => {
    const server = echoAtEnd();
    server.listen(join(folder, 'server.sock'));
    await once(server, 'listening');
    const local = join(folder, 'local.sock');
    const remote = join(folder, 'listening.sock');
    try {
      await using _running = new Running(real.sshConfig, [
        '-N',
        '-L',
        `${local}:${folder}/./server.sock`,
        '-R',
        `${remote}:${folder}/server.sock`,
        'agent',
      ]);
      for (const path of [local, remote]) {
        const got = await until(path, async () => {
          const socket = connect({ path, allowHalfOpen: true });
          const isOpen = await Promise.race([
            once(socket, 'connect').then(() => true),
            once(socket, 'error').then(() => false),
          ]).catch(() => false);
          return isOpen ? talk(socket, path) : null;
        });
        assert.equal(got.toString(), path);
      }
    } finally {
      server.close();
    }
    const other = join(folder, 'other.sock');
    await using refused = new Running(real.sshConfig, ['-N', '-L', `${other}:/run/other`, 'agent']);
    const socket = await until(other, async () => {
      const tried = connect({ path: other });
      const isOpen = await Promise.race([
        once(tried, 'connect').then(() => true),
        once(tried, 'error').then(() => false),
      ]).catch(() => false);
      return isOpen ? tried : null;
    });
    await refused.says(
      /prohibited: sallyport: your grant for web1 doesn't name the forward unix:\/run\/other;/,
    );
    socket.destroy();
  });

  it('-A lets programs on the target use the agent, and only where it is granted', async () => {
    const socket = join(folder, 'agent.sock');
    const started = spawnSync('ssh-agent', ['-a', socket, '-s']);
    const [, pid = ''] = /SSH_AGENT_PID=(\d+)/.exec(started.stdout.toString()) ?? [];
    try {
      const env = programEnvironment({ SSH_AUTH_SOCK: socket });
      spawnSync('ssh-add', ['-q', join(folder, 'keys', 'stranger')], { env });
      const args = ['-o', `IdentityAgent=${socket}`, '-o', `ForwardAgent=${socket}`];
      const listed = await agent(args, 'ssh-add -L');
      assert.equal(listed.status, 0, listed.stderr);
      assert.match(listed.stdout.toString(), /ssh-ed25519 AAAA\S+ stranger/);
      const end = await ended('agent', 'client');
      assert.ok((end.data['bytesOut'] as number) > 0);
      const [, command] = await api.commands(
        (await journal()).findLast(
          ({ type, data }) => type === 'session.started' && data['command'] === 'ssh-add -L',
        )?.session ?? '',
      );
      assert.deepEqual([command?.text, command?.decision], ['forward agent', 'allow']);
      const person = await ssh(
        { config: real.sshConfig, host: 'person', args },
        'test -z "$SSH_AUTH_SOCK" && echo none',
      );
      assert.deepEqual([person.status, person.stdout.toString(), person.stderr], [0, 'none\n', '']);
      await using terminal = sshInteractive({ config: real.sshConfig, host: 'person', args });
      await terminal.expect(
        "sallyport: your grant for web1 doesn't name the forward agent, so programs there can't use",
      );
    } finally {
      process.kill(Number(pid));
    }
  });

  it('-X shows windows of the target on the display, and only where it is granted', async () => {
    const display = createServer((socket) => {
      socket.once('data', (part: Buffer) => socket.end(`display got ${part.length} bytes`));
    });
    const port = await listening(display, 6000 + 700 + Math.floor(Math.random() * 200));
    try {
      const script = `cookie=$(sed -n 's/^add unix:[0-9.]* MIT-MAGIC-COOKIE-1 //p' ${xauthLog} | tail -1)
exec node -e '
const [, n] = /:(\\d+)/.exec(process.env.DISPLAY);
const cookie = Buffer.from(process.argv[1], "hex");
const head = Buffer.from([0x6c, 0, 11, 0, 0, 0, 18, 0, cookie.length, 0, 0, 0]);
const socket = require("net").connect(6000 + Number(n), "127.0.0.1");
socket.write(Buffer.concat([head, Buffer.from("MIT-MAGIC-COOKIE-1\\0\\0"), cookie]));
socket.pipe(process.stdout);' "$cookie"`;
      const env = programEnvironment({ DISPLAY: `127.0.0.1:${port - 6000}` });
      const file = join(folder, 'window.sh');
      await writeFile(file, script);
      const shown = await ssh(
        { config: real.sshConfig, host: 'agent', args: ['-Y'], env },
        `sh ${file}`,
      );
      assert.match(shown.stdout.toString(), /display got 48 bytes/, shown.stderr);
      const end = await ended('x11', 'client');
      assert.equal(end.data['bytesOut'], 48);
      const person = await ssh(
        { config: real.sshConfig, host: 'person', args: ['-Y', '-o', 'LogLevel=INFO'], env },
        'echo "display=$DISPLAY"',
      );
      assert.equal(person.stdout.toString(), 'display=\n');
      assert.match(person.stderr, /X11 forwarding request failed on channel 0/);
    } finally {
      display.close();
    }
  });

  it('never forwards a network', async () => {
    const result = await agent(
      ['-o', 'Tunnel=yes', '-w', '9:9', '-o', 'ExitOnForwardFailure=yes'],
      'true',
    );
    assert.notEqual(result.stdout.toString(), 'x');
    assert.ok(!/unhandled|uncaught/i.test(real.bastion.logs()));
  });
});
