/** What targets hand back to clients: listening, sockets, agents and displays, with a real client and a real sshd. */
import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { once } from 'node:events';
import { writeFile } from 'node:fs/promises';
import { connect, createServer } from 'node:net';
import { join } from 'node:path';
import {
  echoAtEnd,
  listening,
  Running,
  startForwardScene,
  talk,
  until,
  type ForwardScene,
} from '../support/forward-scene.ts';
import { programEnvironment, runProgram } from '../support/program.ts';
import { ssh, sshInteractive } from '../support/ssh.ts';

describe('e2e: forwards back to the client', function () {
  this.timeout(120_000);
  let scene: ForwardScene;

  before(async () => {
    scene = await startForwardScene();
  });
  after(() => scene[Symbol.asyncDispose]());

  it('-R has the target listen, at a port of its choice, and takes it back', async () => {
    const control = join(scene.folder, 'r.sock');
    await using running = new Running(scene.real.sshConfig, [
      '-N',
      '-M',
      '-S',
      control,
      '-o',
      'ExitOnForwardFailure=yes',
      '-R',
      `0:127.0.0.1:${scene.echoPort}`,
      'agent',
    ]);
    const [, port = ''] = await running.says(/Allocated port (\d+) for remote forward/);
    const got = await talk(
      connect({ host: '127.0.0.1', port: Number(port), allowHalfOpen: true }),
      'backwards',
    );
    assert.equal(got.toString(), 'backwards');
    const end = await scene.ended('listen:localhost:0', 'client');
    assert.deepEqual([end.data['bytesIn'], end.data['bytesOut']], [9, 9]);
    const listen = (await scene.journal()).find(({ type }) => type === 'forward.listening');
    assert.equal(listen?.data['port'], Number(port));
    const cancelled = await runProgram('ssh', [
      '-F',
      scene.real.sshConfig,
      '-S',
      control,
      '-O',
      'cancel',
      '-R',
      `0:127.0.0.1:${scene.echoPort}`,
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
    const result = await scene.agent(['-R', `0.0.0.0:0:127.0.0.1:${scene.echoPort}`], 'echo on');
    assert.equal(result.status, 0);
    assert.equal(result.stdout.toString(), 'on\n');
    assert.match(result.stderr, /remote port forwarding failed for listen port 0/);
    assert.match(
      result.stderr,
      /sallyport: your grant for web1 doesn't name the forward listen:\*:0; ask for one that does\n/,
    );
    const strict = await scene.agent([
      '-N',
      '-o',
      'ExitOnForwardFailure=yes',
      '-R',
      '*:0:127.0.0.1:1',
    ]);
    assert.equal(strict.status, 255);
  });

  it('Unix sockets lead both ways', async () => {
    const server = echoAtEnd();
    server.listen(join(scene.folder, 'server.sock'));
    await once(server, 'listening');
    const local = join(scene.folder, 'local.sock');
    const remote = join(scene.folder, 'listening.sock');
    try {
      await using _running = new Running(scene.real.sshConfig, [
        '-N',
        '-L',
        `${local}:${scene.folder}/./server.sock`,
        '-R',
        `${remote}:${scene.folder}/server.sock`,
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
    const other = join(scene.folder, 'other.sock');
    await using refused = new Running(scene.real.sshConfig, [
      '-N',
      '-L',
      `${other}:/run/other`,
      'agent',
    ]);
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
    const socket = join(scene.folder, 'agent.sock');
    const started = spawnSync('ssh-agent', ['-a', socket, '-s']);
    const [, pid = ''] = /SSH_AGENT_PID=(\d+)/.exec(started.stdout.toString()) ?? [];
    try {
      const env = programEnvironment({ SSH_AUTH_SOCK: socket });
      spawnSync('ssh-add', ['-q', join(scene.folder, 'keys', 'stranger')], { env });
      const args = ['-o', `IdentityAgent=${socket}`, '-o', `ForwardAgent=${socket}`];
      const listed = await scene.agent(args, 'ssh-add -L');
      assert.equal(listed.status, 0, listed.stderr);
      assert.match(listed.stdout.toString(), /ssh-ed25519 AAAA\S+ stranger/);
      const end = await scene.ended('agent', 'client');
      assert.ok((end.data['bytesOut'] as number) > 0);
      const [, command] = await scene.api.commands(
        (await scene.journal()).findLast(
          ({ type, data }) => type === 'session.started' && data['command'] === 'ssh-add -L',
        )?.session ?? '',
      );
      assert.deepEqual([command?.text, command?.decision], ['forward agent', 'allow']);
      const person = await ssh(
        { config: scene.real.sshConfig, host: 'person', args },
        'test -z "$SSH_AUTH_SOCK" && echo none',
      );
      assert.deepEqual([person.status, person.stdout.toString(), person.stderr], [0, 'none\n', '']);
      await using terminal = sshInteractive({ config: scene.real.sshConfig, host: 'person', args });
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
      const script = `cookie=$(sed -n 's/^add unix:[0-9.]* MIT-MAGIC-COOKIE-1 //p' ${scene.xauthLog} | tail -1)
exec node -e '
const [, n] = /:(\\d+)/.exec(process.env.DISPLAY);
const cookie = Buffer.from(process.argv[1], "hex");
const head = Buffer.from([0x6c, 0, 11, 0, 0, 0, 18, 0, cookie.length, 0, 0, 0]);
const socket = require("net").connect(6000 + Number(n), "127.0.0.1");
socket.write(Buffer.concat([head, Buffer.from("MIT-MAGIC-COOKIE-1\\0\\0"), cookie]));
socket.pipe(process.stdout);' "$cookie"`;
      const env = programEnvironment({ DISPLAY: `127.0.0.1:${port - 6000}` });
      const file = join(scene.folder, 'window.sh');
      await writeFile(file, script);
      const shown = await ssh(
        { config: scene.real.sshConfig, host: 'agent', args: ['-Y'], env },
        `sh ${file}`,
      );
      assert.match(shown.stdout.toString(), /display got 48 bytes/, shown.stderr);
      const end = await scene.ended('x11', 'client');
      assert.equal(end.data['bytesOut'], 48);
      const person = await ssh(
        { config: scene.real.sshConfig, host: 'person', args: ['-Y', '-o', 'LogLevel=INFO'], env },
        'echo "display=$DISPLAY"',
      );
      assert.equal(person.stdout.toString(), 'display=\n');
      assert.match(person.stderr, /X11 forwarding request failed on channel 0/);
    } finally {
      display.close();
    }
  });

  it('never forwards a network', async () => {
    const result = await scene.agent(
      ['-o', 'Tunnel=yes', '-w', '9:9', '-o', 'ExitOnForwardFailure=yes'],
      'true',
    );
    assert.notEqual(result.stdout.toString(), 'x');
    assert.ok(!/unhandled|uncaught/i.test(scene.real.bastion.logs()));
  });
});
