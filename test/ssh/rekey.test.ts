/** Key exchanges that begin after authentication, whoever begins them. */
import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { createHash, randomBytes } from 'node:crypto';
import { once } from 'node:events';
import { rm } from 'node:fs/promises';
import { Readable } from 'node:stream';
import { pipeline } from 'node:stream/promises';
import { setTimeout as pause } from 'node:timers/promises';
import { Client } from 'ssh2';
import { sendUrgent, type Protocol } from '../../server/ssh/engine/driver.ts';
import { REKEY_BURST } from '../../server/ssh/engine/limits.ts';
import { encodePacket, MESSAGE } from '../../server/ssh/engine/wire.ts';
import { generateKeyPair } from '../../server/ssh/key.ts';
import { runProgram } from '../support/program.ts';
import { startSshd, type Sshd } from '../support/sshd.ts';
import { temporaryFolder } from '../support/temporary-folder.ts';
import { grantFor, startBastion, vaultOf, type Bastion } from './support/bastion.ts';
import { collect } from './support/collect.ts';
import { dialerFor, exec, KEY, opened } from './support/dialling.ts';
import { OTHER_CLIENTS } from './support/other-clients.ts';
import { connectClient, startRawServer } from './support/raw-peer.ts';
import { startWorld } from './support/world.ts';

const MIB = 1024 * 1024;
const HOUR_MS = 3_600_000;

/** Runs ssh through the bastion; the output comes back as SHA-256. */
async function ssh(
  bastion: Bastion,
  command: string,
  input: Buffer = Buffer.alloc(0),
  options: readonly string[] = [],
): Promise<{ readonly status: number; readonly stdout: string; readonly exchanges: number }> {
  const child = spawn('ssh', [...bastion.sshOptions, '-v', ...options, bastion.host, command]);
  const hash = createHash('sha256');
  let log = '';
  child.stdout.on('data', (chunk: Buffer) => hash.update(chunk));
  child.stderr.on('data', (chunk: Buffer) => (log += chunk.toString()));
  const fed = pipeline(Readable.from(input.length > 0 ? [input] : []), child.stdin);
  const [status] = (await once(child, 'close')) as [number];
  await fed;
  const exchanges = log.match(/SSH2_MSG_NEWKEYS received/g)?.length ?? 0;
  return { status, stdout: hash.digest('hex'), exchanges };
}

function digest(bytes: Buffer): string {
  return createHash('sha256').update(bytes).digest('hex');
}

describe('new keys in the middle of a session', () => {
  let sshd: Sshd;
  before(async () => {
    sshd = await startSshd(['RekeyLimit 1M']);
    await sshd.authorise(KEY.publicLine);
  });
  after(() => sshd.close());

  function start(afterBytes: number, afterMs: number): Promise<Bastion> {
    const rekey = { afterBytes, afterMs };
    return startBastion({
      target: sshd,
      credential: KEY.privateKeyPem,
      limits: { rekey },
      dialerLimits: { rekey },
    });
  }

  it('come after so many bytes, however often all sides ask, and nothing is lost', async function () {
    this.timeout(180_000);
    await using bastion = await start(MIB, HOUR_MS);
    const input = randomBytes(50 * MIB);
    const { status, stdout, exchanges } = await ssh(bastion, 'cat', input, ['-o', 'RekeyLimit=1M']);
    assert.deepEqual([status, stdout], [0, digest(input)]);
    assert.ok(exchanges > 30, `${exchanges} exchanges`);
  });

  it('are begun by the bastion where the client asks for none', async function () {
    this.timeout(120_000);
    await using bastion = await start(4 * MIB, HOUR_MS);
    const input = randomBytes(20 * MIB);
    const { status, stdout, exchanges } = await ssh(bastion, 'cat', input);
    assert.deepEqual([status, stdout], [0, digest(input)]);
    assert.ok(exchanges > 4, `${exchanges} exchanges`);
  });

  for (const client of OTHER_CLIENTS) {
    it(`are exchanged with ${client.name} too`, async function () {
      this.timeout(120_000);
      await using bastion = await start(MIB, HOUR_MS);
      const folder = await temporaryFolder();
      const [program = '', ...args] = await client.prepare(bastion, folder);
      const input = randomBytes(6 * MIB);
      const { status, stdout, stderr } = await runProgram(program, args, { input });
      await rm(folder, { recursive: true });
      assert.equal(status, 0, stderr);
      assert.equal(digest(stdout), digest(input));
    });
  }

  it('come after some time too', async () => {
    await using bastion = await start(1024 * MIB, 200);
    const { status, exchanges } = await ssh(
      bastion,
      'for i in 1 2 3 4; do echo $i; sleep 0.3; done',
    );
    assert.equal(status, 0);
    assert.ok(exchanges >= 3, `${exchanges} exchanges`);
  });

  it('are not exchanged again without need', async () => {
    await using bastion = await start(1024 * MIB, HOUR_MS);
    assert.equal((await ssh(bastion, 'echo once')).exchanges, 1);
  });
});

describe('a client after authentication', () => {
  it('that answers no key exchange of ours and goes on asking is cut off', async () => {
    await using world = await startWorld({ rekey: { afterBytes: 1, afterMs: HOUR_MS } });
    const client = new Client().on('error', () => {});
    const closed = new Promise<void>((resolve) => client.once('close', () => resolve()));
    client.connect({
      ...world.address,
      username: 'tester',
      privateKey: world.client.privateKeyPem,
    });
    client.once('handshake', () => deafen(client));
    await once(client, 'ready');
    const { _protocol: protocol } = client as unknown as Inside;
    // The answers pile up at our side: 256 bytes each, and 16 MiB may wait.
    for (let asked = 0; asked < 100_000; asked += 1) protocol.ping();
    await closed;
    assert.match(world.ended[0] ?? '', /too much was asked during a key exchange/);
  });

  it('that begins one key exchange after the other is served slower, not cut off', async () => {
    const eager = { afterBytes: 1, afterMs: HOUR_MS };
    await using world = await startWorld();
    const peer = await connectClient(world.address, world.client, 'tester', eager);
    // Every answer has the peer begin another exchange.
    for (let sent = 0; sent < REKEY_BURST + 20; sent += 1) {
      peer.send(MESSAGE.PING, `${sent}`);
      assert.equal((await peer.expect(MESSAGE.PONG)).reader.name(), `${sent}`);
    }
    assert.deepEqual(world.ended, []);
  });

  it('may send IGNORE in the middle of one, as asyncssh does, also where it is strict', async () => {
    await using world = await startWorld();
    const client = new Client().on('error', () => {});
    client.connect({ ...world.address, username: 'u', privateKey: world.client.privateKeyPem });
    await once(client, 'ready');
    const { _protocol: protocol } = client as unknown as Inside;
    const again = once(client, 'handshake');
    protocol.rekey();
    sendUrgent(protocol, encodePacket(MESSAGE.IGNORE, ''));
    await again;
    client.exec('x', () => {});
    await world.opened();
    client.destroy();
  });

  it('that begins one before it has authenticated is cut off', async () => {
    await using world = await startWorld();
    const client = new Client().on('error', () => {});
    const closed = new Promise<void>((resolve) => client.once('close', () => resolve()));
    client.connect({ ...world.address, username: 'tester', password: 'x' });
    client.once('handshake', () => (client as unknown as Inside)._protocol.rekey());
    await closed;
    assert.match(world.ended[0] ?? '', /key exchange before authentication/);
  });
});

/** What a test needs of ssh2's inside. */
interface Inside {
  readonly _protocol: Protocol & {
    readonly _decipher: { _onPayload: (payload: Buffer) => unknown };
    ping(): void;
  };
}

/** From now on the client doesn't hear that keys are to be exchanged. */
function deafen(client: Client): void {
  const { _decipher: decipher } = (client as unknown as Inside)._protocol;
  const listen = decipher._onPayload;
  decipher._onPayload = (payload) => (payload[0] === MESSAGE.KEXINIT ? undefined : listen(payload));
}

describe('a target', () => {
  it('gets new keys after so many bytes', async () => {
    const hostKey = generateKeyPair('target');
    const seen = { exchanges: 0 };
    await using server = await startRawServer(
      hostKey,
      (peer) => {
        void (async () => {
          await peer.expect(MESSAGE.CHANNEL_OPEN);
          peer.send(MESSAGE.CHANNEL_OPEN_CONFIRMATION, 0, 0, 1_000_000, 32_768);
          await peer.expect(MESSAGE.CHANNEL_REQUEST);
          peer.send(MESSAGE.CHANNEL_SUCCESS, 0);
          for (let sent = 0; sent < 40; sent += 1) {
            peer.send(MESSAGE.CHANNEL_DATA, 0, Buffer.alloc(32_000));
          }
          // The first exchange was that of the handshake.
          while (seen.exchanges < 2) await pause(5);
          peer.send(MESSAGE.CHANNEL_CLOSE, 0);
        })();
      },
      true,
      () => (seen.exchanges += 1),
    );
    const rekey = { afterBytes: 300_000, afterMs: HOUR_MS };
    const dialer = dialerFor(vaultOf(KEY.privateKeyPem), 10_000, { rekey });
    const grant = grantFor({ ...server, hostKeyLine: hostKey.publicLine });
    const { stdout } = await collect(opened(await dialer.dial(grant, exec('x'))));
    assert.equal(stdout.length, 40 * 32_000);
  });
});
