/** What passes through both legs must be what a direct connection gives, against both kinds of target. */
import assert from 'node:assert/strict';
import { spawn, spawnSync } from 'node:child_process';
import { createHash, randomBytes } from 'node:crypto';
import { once } from 'node:events';
import { existsSync } from 'node:fs';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { Readable } from 'node:stream';
import { pipeline } from 'node:stream/promises';
import { setTimeout as pause } from 'node:timers/promises';
import type { ChannelRequest, UpstreamEnd } from '../../server/session/ports.ts';
import { startDemoTarget } from '../../server/ssh/demo-target.ts';
import { MESSAGE } from '../../server/ssh/engine/wire.ts';
import { generateKeyPair, parsePublicLine } from '../../server/ssh/key.ts';
import { startSshd } from '../support/sshd.ts';
import { grantFor, startBastion, vaultOf, type Bastion } from './support/bastion.ts';
import { collect, type Collected } from './support/collect.ts';
import { dialerFor } from './support/dialling.ts';
import { connectClient } from './support/raw-peer.ts';

const KEY = generateKeyPair('web1');
const MIB = 1024 * 1024;

interface Target extends AsyncDisposable {
  readonly host: string;
  readonly port: number;
  readonly hostKeyLine: string;
}

async function realTarget(): Promise<Target> {
  const sshd = await startSshd();
  await sshd.authorise(KEY.publicLine);
  return sshd;
}

async function demoTarget(): Promise<Target> {
  const host = generateKeyPair('demo');
  const parsed = parsePublicLine(KEY.publicLine);
  assert.equal(parsed.kind, 'key');
  const demo = await startDemoTarget({
    hostKeyPem: host.privateKeyPem,
    authorizedKeyBlob: parsed.kind === 'key' ? parsed.blob : Buffer.alloc(0),
    shell: '/bin/bash',
    listen: { host: '127.0.0.1', port: 0 },
  });
  return { ...demo, hostKeyLine: host.publicLine, [Symbol.asyncDispose]: () => demo.close() };
}

interface Run {
  readonly status: number | null;
  readonly stdout: string;
  readonly stderr: string;
  readonly sizes: readonly [number, number];
}

/** The ssh command through the bastion; the streams come back as SHA-256. */
async function ssh(
  bastion: Bastion,
  args: readonly string[],
  input: Buffer | null = null,
  options: readonly string[] = [],
): Promise<Run> {
  const child = spawn('ssh', [...bastion.sshOptions, ...options, `x@${bastion.host}`, ...args], {
    stdio: [input === null ? 'ignore' : 'pipe', 'pipe', 'pipe'],
  });
  const hashes = [createHash('sha256'), createHash('sha256')] as const;
  const sizes: [number, number] = [0, 0];
  const { stdout, stderr } = child;
  assert.ok(stdout !== null && stderr !== null);
  stdout.on('data', (chunk: Buffer) => {
    hashes[0].update(chunk);
    sizes[0] += chunk.length;
  });
  stderr.on('data', (chunk: Buffer) => {
    hashes[1].update(chunk);
    sizes[1] += chunk.length;
  });
  // A remote command that doesn't read its input breaks the pipe, which is no fault.
  if (child.stdin !== null && input !== null) {
    await pipeline(Readable.from([input]), child.stdin).catch(() => {});
  }
  const [status] = (await once(child, 'close')) as [number | null];
  return { status, stdout: hashes[0].digest('hex'), stderr: hashes[1].digest('hex'), sizes };
}

function digest(content: string | Buffer): string {
  return createHash('sha256').update(content).digest('hex');
}

/** What the command itself prints, without SSH. */
function digestOf(command: string): string {
  const { stdout } = spawnSync('bash', ['-c', command], { maxBuffer: 64 * MIB });
  return digest(stdout);
}

/** The dialers of a test, closed after it. */
const dialers: { close(): void }[] = [];

/** Opens one channel at the bastion as a client that sees every unit. */
async function through(bastion: Bastion, request: Partial<ChannelRequest>): Promise<UpstreamEnd> {
  const dialer = dialerFor(vaultOf(bastion.client.privateKeyPem));
  dialers.push(dialer);
  const outcome = await dialer.dial(grantFor(bastion), {
    kind: 'exec',
    command: null,
    pty: null,
    env: [],
    ...request,
  });
  if (outcome.kind === 'failed') throw outcome.error;
  return outcome.end;
}

async function run(bastion: Bastion, command: string): Promise<Collected> {
  return collect(await through(bastion, { command: Buffer.from(command) }));
}

for (const [name, start, rounds] of [
  ['a real sshd', realTarget, 10],
  ['the demo target', demoTarget, 3],
] as const) {
  describe(`through the bastion to ${name}`, () => {
    let target: Target;
    let bastion: Bastion;
    before(async () => {
      target = await start();
      bastion = await startBastion({ target, credential: KEY.privateKeyPem });
    });
    afterEach(() => {
      for (const dialer of dialers.splice(0)) dialer.close();
    });
    after(async () => {
      await bastion.close();
      await target[Symbol.asyncDispose]();
    });

    it(`keeps large stdout and stderr whole when both flow at once, ${rounds} of ${rounds}`, async function () {
      this.timeout(120_000);
      const [first, second] = ['seq 1 3000000', 'seq 5000001 8000000'];
      const expected = [digestOf(first), digestOf(second)];
      for (let round = 0; round < rounds; round += 1) {
        const { status, stdout, stderr } = await ssh(bastion, [`${first} & ${second} >&2 & wait`]);
        assert.deepEqual([status, stdout, stderr], [0, ...expected], `round ${round}`);
      }
    });

    it('keeps stderr whole that starts while stdout still waits', async () => {
      const command = 'seq 1 1000000; sleep .2; seq 5000001 6000000 >&2; sleep .2; seq 3 500000';
      const { status, stdout, stderr } = await ssh(bastion, [command]);
      const expected = [digestOf('seq 1 1000000; seq 3 500000'), digestOf('seq 5000001 6000000')];
      assert.deepEqual([status, stdout, stderr], [0, ...expected]);
    });

    it('gives every exit status', async () => {
      for (const status of [0, 1, 2, 7, 126, 127, 128, 137, 254, 255]) {
        assert.equal((await ssh(bastion, [`exit ${status}`])).status, status);
      }
    });

    for (const signal of ['KILL', 'TERM', 'BUS', 'SYS', 'SEGV']) {
      it(`tells that a command died of ${signal}`, async () => {
        const { events } = await run(bastion, `ulimit -c 0; kill -${signal} $$`);
        const names = events.map((event) => event.replace('sig@openssh.com', ''));
        // OpenSSH has no name for signals outside RFC 4254; it says so in its own way.
        const wanted = name === 'a real sshd' && ['BUS', 'SYS'].includes(signal);
        assert.ok(
          wanted
            ? names.some((one) => one.startsWith('exit-signal'))
            : names.includes(`exit-signal ${signal}`),
          names.join(),
        );
        assert.equal(events.at(-1), 'close');
      });
    }

    it('gives output, status and end of a command that ends at once', async () => {
      for (let round = 0; round < 20; round += 1) {
        const { stdout, events } = await run(bastion, 'echo x; exit 3');
        assert.equal(stdout.toString(), 'x\n');
        assert.ok(events.includes('exit 3') && events.includes('eof'));
      }
    });

    it('lets a client without input (ssh -n) finish', async () => {
      const { status, stdout } = await ssh(bastion, ['cat; echo done'], null, ['-n']);
      assert.deepEqual([status, stdout], [0, digest('done\n')]);
    });

    it('carries 50 MB of input unchanged', async function () {
      this.timeout(120_000);
      const input = randomBytes(50 * MIB);
      const { status, stdout } = await ssh(bastion, ['sha256sum'], input);
      assert.deepEqual([status, stdout], [0, digest(`${digest(input)}  -\n`)]);
    });

    it('carries 50 MB there and back unchanged', async function () {
      this.timeout(120_000);
      const input = randomBytes(50 * MIB);
      const { status, stdout } = await ssh(bastion, ['cat'], input);
      assert.deepEqual([status, stdout], [0, digest(input)]);
    });

    it('ends a command that does not read the input', async () => {
      const { status, stdout } = await ssh(bastion, ['echo no; exit 4'], Buffer.alloc(20 * MIB));
      assert.deepEqual([status, stdout], [4, digest('no\n')]);
    });

    it('waits for a background job that holds stdout, and has the status before', async () => {
      const end = await through(bastion, {
        command: Buffer.from('(sleep 1; echo late) & echo early; exit 6'),
      });
      const { stdout, events } = await collect(end);
      assert.equal(stdout.toString(), 'early\nlate\n');
      assert.deepEqual(events, ['exit 6', 'eof', 'close']);
    });

    it('runs an exec string of 200 KB', async () => {
      const word = 'x'.repeat(100_000);
      const { status, stdout } = await ssh(bastion, [`echo ${word}`, word]);
      // The shell that runs it takes 128 KiB in one argument.
      assert.ok(
        status === 0 ? stdout === digest(`${word} ${word}\n`) : status !== null && status > 0,
      );
    });

    it('survives key exchanges in the middle of the data', async function () {
      this.timeout(120_000);
      const input = randomBytes(20 * MIB);
      const options = ['-o', 'RekeyLimit=1M'];
      const { status, stdout } = await ssh(bastion, ['cat'], input, options);
      assert.deepEqual([status, stdout], [0, digest(input)]);
    });

    it('runs twelve commands at once over one connection', async () => {
      const folder = await mkdtemp(join(tmpdir(), 'mux-'));
      const socket = join(folder, 'm');
      // The bastion lives in this process, so nothing here may wait for ssh in one piece.
      const master = spawn('ssh', [
        ...bastion.sshOptions,
        '-M',
        '-S',
        socket,
        '-N',
        `x@${bastion.host}`,
      ]);
      while (!existsSync(socket)) await pause(20);
      const shared = ['-o', `ControlPath=${socket}`];
      const runs = Array.from({ length: 12 }, (_, n) =>
        ssh(bastion, [`seq ${n} 50000; exit ${n}`], null, shared),
      );
      for (const [n, { status, stdout }] of (await Promise.all(runs)).entries()) {
        assert.deepEqual([status, stdout], [n, digestOf(`seq ${n} 50000`)]);
      }
      master.kill();
      await once(master, 'exit');
      await rm(folder, { recursive: true });
    });

    it('gives a terminal that keeps all its output', async () => {
      const { status, stdout } = await ssh(bastion, ['seq 1 100000'], null, ['-tt']);
      assert.deepEqual([status, stdout], [0, digestOf("seq 1 100000 | sed 's/$/\\r/'")]);
    });

    it('gives an interactive shell that takes input, a resize and Ctrl-C', async () => {
      const size = { cols: 90, rows: 25, widthPx: 0, heightPx: 0 };
      const end = await through(bastion, {
        kind: 'shell',
        pty: { term: 'xterm', size, modes: Buffer.of(0) },
      });
      let text = '';
      const until = async (mark: string): Promise<void> => {
        while (!text.includes(mark)) {
          const unit = await end.read();
          assert.notEqual(unit.kind, 'close', text);
          if (unit.kind === 'data') text += unit.bytes.toString();
        }
        text = '';
      };
      const type = (keys: string): Promise<void> =>
        end.write({ kind: 'data', bytes: Buffer.from(keys) });
      await type('PS1=; stty size; echo "[$TERM]"\r');
      await until('25 90');
      await end.write({ kind: 'resize', size: { ...size, cols: 120, rows: 50 } });
      await type('stty size\r');
      await until('50 120');
      // The program says itself that it runs, so the key can't come before it.
      const folder = await mkdtemp(join(tmpdir(), 'ctrl-c-'));
      const program = join(folder, 'program');
      const loop = `trap 'echo caught; exit' INT; echo start; while :; do sleep .05; done`;
      await writeFile(program, loop);
      await type(`bash ${program}\r`);
      await until('start');
      await type('\u0003');
      await until('caught');
      await type('exit 9\r');
      const { events } = await collect(end);
      assert.ok(events.includes('exit 9'), events.join());
      await rm(folder, { recursive: true });
    });

    // sshd passes no signals to the commands of root, who may be running this.
    if (name === 'the demo target') {
      it('passes a signal on', async () => {
        const loop = 'trap "echo got; exit 8" USR1; echo ready; while :; do sleep .05; done';
        const end = await through(bastion, { command: Buffer.from(loop) });
        const first = await end.read();
        assert.equal(first.kind === 'data' && first.bytes.toString(), 'ready\n');
        await end.write({ kind: 'signal', name: 'USR1' });
        const { stdout, events } = await collect(end);
        assert.equal(stdout.toString(), 'got\n');
        assert.ok(events.includes('exit 8'));
      });
    }

    it('ends the terminal program of a client that vanishes', async () => {
      const folder = await mkdtemp(join(tmpdir(), 'gone-'));
      const file = join(folder, 'hup');
      const command = `trap 'echo gone > ${file}; exit' HUP; echo up; while :; do sleep .05; done`;
      const child = spawn('ssh', [...bastion.sshOptions, '-tt', `x@${bastion.host}`, command]);
      await once(child.stdout, 'data');
      child.kill('SIGKILL');
      const gone = join(folder, 'hup');
      while (!existsSync(gone)) await pause(50);
      await rm(folder, { recursive: true });
    });

    it('holds little for a client that is stopped while output flows', async function () {
      this.timeout(60_000);
      const child = spawn('ssh', [...bastion.sshOptions, `x@${bastion.host}`, 'cat /dev/zero'], {
        stdio: ['ignore', 'pipe', 'ignore'],
      });
      await once(child.stdout, 'data');
      child.stdout.resume();
      child.kill('SIGSTOP');
      await pause(500);
      const before = process.memoryUsage().rss;
      await pause(3000);
      const grown = process.memoryUsage().rss - before;
      child.kill('SIGKILL');
      await once(child, 'exit');
      assert.ok(grown < 32 * MIB, `grown by ${grown} bytes`);
    });

    it('holds little for a client with a window of 4 GiB that stops reading', async function () {
      this.timeout(60_000);
      const peer = await connectClient(bastion, bastion.client);
      const id = await peer.openSession(0xffffffff);
      peer.send(MESSAGE.CHANNEL_REQUEST, id, 'exec', true, 'cat /dev/zero');
      await peer.expect(MESSAGE.CHANNEL_DATA);
      peer.socket.pause();
      await pause(500);
      const before = process.memoryUsage().rss;
      await pause(3000);
      const grown = process.memoryUsage().rss - before;
      peer.socket.destroy();
      assert.ok(grown < 32 * MIB, `grown by ${grown} bytes`);
    });

    it('leaves no connection behind', async () => {
      while (bastion.gateway.connectionCount > 0) await pause(50);
    });
  });
}

describe('a real ssh client', () => {
  it('gets a session for a command of one megabyte, so that it can be told what is wrong', async () => {
    await using target = await realTarget();
    let length = 0;
    await using bastion = await startBastion({
      target,
      credential: KEY.privateKeyPem,
      onRequest: (request) => (length = request.command?.length ?? 0),
    });
    const peer = await connectClient(bastion, bastion.client);
    const id = await peer.openSession();
    peer.send(MESSAGE.CHANNEL_REQUEST, id, 'exec', true, Buffer.alloc(MIB, 'x'));
    await peer.expect(MESSAGE.CHANNEL_SUCCESS);
    assert.equal(length, MIB);
  });

  it('reads the reason on stderr when the target cannot be reached', async () => {
    const target = { host: '127.0.0.1', port: 1, hostKeyLine: KEY.publicLine };
    await using bastion = await startBastion({ target, credential: KEY.privateKeyPem });
    const child = spawn('ssh', [...bastion.sshOptions, `x@${bastion.host}`, 'true']);
    let text = '';
    child.stderr.on('data', (chunk: Buffer) => (text += chunk.toString()));
    const [status] = (await once(child, 'close')) as [number];
    assert.equal(status, 255);
    assert.match(text, /^sallyport: web1 \(127\.0\.0\.1:1\) cannot be reached: connection refused/);
  });
});
