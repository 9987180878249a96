/** What comes before the first key: hostile clients of the gateway, and hostile targets. */
import assert from 'node:assert/strict';
import { randomBytes } from 'node:crypto';
import { createHybridExchange, HYBRID_EXCHANGE } from '../../server/ssh/engine/hybrid-exchange.ts';
import { KEM_CIPHERTEXT_BYTES, KEM_PUBLIC_BYTES } from '../../server/ssh/engine/ml-kem.ts';
import { encodeFields, MESSAGE } from '../../server/ssh/engine/wire.ts';
import { generateKeyPair, parsePublicLine } from '../../server/ssh/key.ts';
import type { SallyportError } from '../../server/errors.ts';
import { runProgram } from '../support/program.ts';
import { grantFor } from './support/bastion.ts';
import { dialerFor, exec, failure } from './support/dialling.ts';
import {
  connectPlain,
  KEX_MESSAGE,
  kexInit,
  startPlainServer,
  STRICT_CLIENT,
  STRICT_SERVER,
  type PlainPeer,
} from './support/plain-peer.ts';
import { connectClient } from './support/raw-peer.ts';
import { startWorld, type World } from './support/world.ts';

const CURVE = 'curve25519-sha256';
const HOST_KEYS = ['ssh-ed25519'];
const ZERO_POINT = Buffer.alloc(32);
const IGNORE = Buffer.concat([Buffer.of(MESSAGE.IGNORE), encodeFields(['x'])]);

/** Messages of a key exchange that no honest side sends. */
function wrongMessages(isReply: boolean): readonly (readonly [string, string, Buffer])[] {
  const size = isReply ? KEM_CIPHERTEXT_BYTES : KEM_PUBLIC_BYTES;
  const kem = isReply
    ? randomBytes(size)
    : createHybridExchange(false).message().subarray(0, KEM_PUBLIC_BYTES);
  const good = Buffer.concat([kem, randomBytes(32)]);
  return [
    [HYBRID_EXCHANGE, 'nothing', Buffer.alloc(0)],
    [HYBRID_EXCHANGE, 'one byte less', good.subarray(0, -1)],
    [HYBRID_EXCHANGE, 'one byte more', Buffer.concat([good, Buffer.of(1)])],
    [HYBRID_EXCHANGE, 'the first half alone', kem],
    [HYBRID_EXCHANGE, 'thirty thousand bytes', Buffer.alloc(30_000, 1)],
    [HYBRID_EXCHANGE, 'a point of low order', Buffer.concat([kem, ZERO_POINT])],
    [CURVE, 'nothing', Buffer.alloc(0)],
    [CURVE, 'one byte less', Buffer.alloc(31, 9)],
    [CURVE, 'one byte more', Buffer.alloc(33, 9)],
    [CURVE, 'a point of low order', ZERO_POINT],
    [CURVE, 'thirty thousand bytes', Buffer.alloc(30_000, 1)],
  ];
}

describe('a client that exchanges keys', () => {
  let world: World;
  before(async () => {
    world = await startWorld();
  });
  after(() => world[Symbol.asyncDispose]());

  /** Still there, and with its wits about it. */
  async function stillServes(): Promise<void> {
    const peer = await connectClient(world.address, world.client);
    await peer.openSession();
    peer.transport.close('done');
  }

  async function strictPeer(kex: string = CURVE): Promise<PlainPeer> {
    const peer = await connectPlain(world.address);
    peer.identify();
    peer.send(kexInit({ kex: [kex, STRICT_CLIENT], hostKeys: HOST_KEYS }));
    return peer;
  }

  const unreduced = Buffer.concat([Buffer.alloc(KEM_PUBLIC_BYTES, 0xff), randomBytes(32)]);
  for (const [kex, what, message] of [
    ...wrongMessages(false),
    [HYBRID_EXCHANGE, 'an ML-KEM key that is not reduced', unreduced] as const,
  ]) {
    it(`is cut off for ${what} in ${kex}`, async () => {
      const before = world.ended.length;
      const peer = await strictPeer(kex);
      peer.sendMessage(KEX_MESSAGE.init, message);
      assert.equal(await peer.expect(KEX_MESSAGE.reply), null);
      assert.match(world.ended[before] ?? '', /DH secret/);
      await stillServes();
    });
  }

  for (const [what, inject] of [
    ['IGNORE', IGNORE],
    ['DEBUG', Buffer.concat([Buffer.of(MESSAGE.DEBUG), encodeFields([false, 'x', ''])])],
    ['UNIMPLEMENTED', Buffer.concat([Buffer.of(MESSAGE.UNIMPLEMENTED), encodeFields([0])])],
    ['an empty packet', Buffer.alloc(0)],
    ['SERVICE_REQUEST', Buffer.concat([Buffer.of(5), encodeFields(['ssh-userauth'])])],
    ['EXT_INFO', Buffer.concat([Buffer.of(MESSAGE.EXT_INFO), encodeFields([0])])],
  ] as const) {
    it(`is cut off in strict key exchange for ${what} before KEXINIT (Terrapin)`, async () => {
      const peer = await connectPlain(world.address);
      peer.identify();
      peer.send(inject);
      peer.send(kexInit({ kex: [CURVE, STRICT_CLIENT], hostKeys: HOST_KEYS }));
      peer.sendMessage(KEX_MESSAGE.init, randomBytes(32));
      assert.equal(await peer.expect(KEX_MESSAGE.reply), null);
    });

    it(`is cut off in strict key exchange for ${what} after KEXINIT (Terrapin)`, async () => {
      const peer = await strictPeer();
      peer.send(inject);
      peer.sendMessage(KEX_MESSAGE.init, randomBytes(32));
      assert.equal(await peer.expect(KEX_MESSAGE.reply), null);
    });
  }

  it('that knows no strict key exchange may send IGNORE', async () => {
    const peer = await connectPlain(world.address);
    peer.identify();
    peer.send(IGNORE);
    peer.send(kexInit({ kex: [CURVE], hostKeys: HOST_KEYS }));
    peer.send(IGNORE);
    peer.sendMessage(KEX_MESSAGE.init, randomBytes(32));
    assert.notEqual(await peer.expect(KEX_MESSAGE.reply), null);
    peer.socket.destroy();
  });

  it('is offered strict key exchange, whatever it calls itself', async () => {
    for (const ident of ['SSH-2.0-OpenSSH_9.9', 'SSH-2.0-dropbear_2022.83', 'SSH-2.0-x']) {
      const peer = await connectPlain(world.address);
      peer.identify(ident);
      const offer = (await peer.expect(MESSAGE.KEXINIT)) ?? Buffer.alloc(0);
      assert.ok(offer.includes(STRICT_SERVER));
      assert.ok(offer.includes(`${HYBRID_EXCHANGE},`), 'ML-KEM comes first');
      peer.socket.destroy();
    }
  });

  it('is cut off for a second KEXINIT, one that is cut, and one that offers nothing', async () => {
    const offer = kexInit({ kex: [CURVE, STRICT_CLIENT], hostKeys: HOST_KEYS });
    for (const payloads of [
      [offer, offer],
      [offer.subarray(0, 40)],
      [kexInit({ kex: ['nothing@example.com'], hostKeys: HOST_KEYS })],
      [Buffer.of(MESSAGE.KEXINIT)],
    ]) {
      const peer = await connectPlain(world.address);
      peer.identify();
      for (const payload of payloads) peer.send(payload);
      await peer.closed;
    }
    await stillServes();
  });

  it('that is the real ssh takes the best exchange that both know, without a warning', async () => {
    const known = (await runProgram('ssh', ['-Q', 'kex'])).stdout.toString().split('\n');
    const best = [HYBRID_EXCHANGE, CURVE].find((name) => known.includes(name));
    const { host, port } = world.address;
    const args = `-F none -v -p ${port} -o BatchMode=yes -o StrictHostKeyChecking=no
      -o UserKnownHostsFile=/dev/null -o IdentityAgent=none x@${host}`;
    const { stderr } = await runProgram('ssh', args.split(/\s+/));
    assert.match(stderr, new RegExp(`kex: algorithm: ${best}\r?\n`));
    assert.doesNotMatch(stderr, /post-quantum/);
  });

  it('may send its identification byte by byte', async () => {
    const peer = await connectPlain(world.address);
    for (const character of 'SSH-2.0-slow\r\n') {
      peer.socket.write(character);
      await new Promise((resolve) => setImmediate(resolve));
    }
    assert.notEqual(await peer.expect(MESSAGE.KEXINIT), null);
    peer.socket.destroy();
  });

  it('is cut off when its identification has no end, or is none', async () => {
    for (const text of ['SSH-2.0-'.padEnd(20_000, 'x'), 'GET / HTTP/1.1\r\n', 'SSH-1.5-x\r\n']) {
      const peer = await connectPlain(world.address);
      peer.socket.write(text);
      await peer.closed;
    }
    await stillServes();
  });
});

describe('a target that exchanges keys', () => {
  const hostKey = generateKeyPair('target');
  const parsed = parsePublicLine(hostKey.publicLine);
  assert.ok(parsed.kind === 'key');
  const { blob } = parsed;

  async function refusalOf(onClient: (peer: PlainPeer) => Promise<void>): Promise<SallyportError> {
    await using server = await startPlainServer((peer) => void onClient(peer));
    const grant = grantFor({ ...server, hostKeyLine: hostKey.publicLine });
    const dialer = dialerFor();
    const error = failure(await dialer.dial(grant, exec('true')));
    dialer.close();
    return error;
  }

  function reply(peer: PlainPeer, message: Buffer): void {
    const signature = encodeFields(['ssh-ed25519', Buffer.alloc(64)]);
    peer.sendMessage(KEX_MESSAGE.reply, blob, message, signature);
    peer.send(Buffer.of(KEX_MESSAGE.newKeys));
  }

  for (const [kex, what, message] of wrongMessages(true)) {
    it(`is refused for ${what} in ${kex}`, async () => {
      const error = await refusalOf(async (peer) => {
        peer.identify();
        peer.send(kexInit({ kex: [kex, STRICT_SERVER], hostKeys: HOST_KEYS }));
        await peer.expect(KEX_MESSAGE.init);
        reply(peer, message);
      });
      assert.equal(error.code, 'target.refused');
      assert.match(error.message, /DH secret/);
    });
  }

  it('is refused when it does not hold the key that it shows', async () => {
    const error = await refusalOf(async (peer) => {
      peer.identify();
      peer.send(kexInit({ kex: [HYBRID_EXCHANGE, STRICT_SERVER], hostKeys: HOST_KEYS }));
      const init = (await peer.expect(KEX_MESSAGE.init)) ?? Buffer.alloc(0);
      const exchange = createHybridExchange(true);
      exchange.secret(init.subarray(5));
      reply(peer, exchange.message());
    });
    assert.match(error.message, /signature verification failed/);
  });

  for (const place of ['before KEXINIT', 'after KEXINIT', 'before the reply'] as const) {
    it(`is refused in strict key exchange for IGNORE ${place} (Terrapin)`, async () => {
      const error = await refusalOf(async (peer) => {
        peer.identify();
        if (place === 'before KEXINIT') peer.send(IGNORE);
        peer.send(kexInit({ kex: [CURVE, STRICT_SERVER], hostKeys: HOST_KEYS }));
        if (place === 'after KEXINIT') peer.send(IGNORE);
        await peer.expect(KEX_MESSAGE.init);
        if (place === 'before the reply') peer.send(IGNORE);
        reply(peer, randomBytes(32));
      });
      assert.equal(error.code, 'target.refused');
      assert.match(error.message, /strict KEX|unexpected packet|instead of/i);
    });
  }

  it('is asked for strict key exchange, and for ML-KEM first', async () => {
    const seen: Buffer[] = [];
    await refusalOf(async (peer) => {
      peer.identify();
      seen.push((await peer.expect(MESSAGE.KEXINIT)) ?? Buffer.alloc(0));
      peer.socket.destroy();
    });
    assert.ok(seen[0]?.includes(STRICT_CLIENT));
    assert.ok(seen[0]?.includes(`${HYBRID_EXCHANGE},`));
  });

  it('may greet before it identifies itself, in pieces, but not for ever', async () => {
    const error = await refusalOf((peer) => {
      const text = 'Welcome\r\nto the\r\nmachine\r\nSSH-2.0-x\r\n';
      for (const piece of text.match(/.{1,3}/gs) ?? []) peer.socket.write(piece);
      peer.send(kexInit({ kex: ['none@example.com'], hostKeys: HOST_KEYS }));
      return Promise.resolve();
    });
    assert.match(error.message, /no matching key exchange/);
    const endless = await refusalOf((peer) => {
      for (let sent = 0; sent < 200; sent += 1) peer.socket.write(`${'x'.repeat(200)}\r\n`);
      return Promise.resolve();
    });
    assert.match(endless.message, /no SSH identification/);
  });
});
