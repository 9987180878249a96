/** Well encrypted nonsense, before and after authentication, from clients and targets: nothing may throw. */
import assert from 'node:assert/strict';
import { setTimeout as pause } from 'node:timers/promises';
import { HYBRID_EXCHANGE } from '../../../server/ssh/engine/hybrid-exchange.ts';
import { encodeFields, MESSAGE } from '../../../server/ssh/engine/wire.ts';
import { generateKeyPair } from '../../../server/ssh/key.ts';
import { grantFor } from '../support/bastion.ts';
import { dialerFor, exec } from '../support/dialling.ts';
import { connectPlain, KEX_MESSAGE, kexInit, STRICT_CLIENT } from '../support/plain-peer.ts';
import {
  connectClient,
  connectStranger,
  startRawLogin,
  startRawServer,
  type RawPeer,
} from '../support/raw-peer.ts';
import { startWorld } from '../support/world.ts';

/** Rounds of each kind; more are run by hand: `RANDOM_ROUNDS=2000 RANDOM_SEED=2`. */
const ROUNDS = Number(process.env['RANDOM_ROUNDS'] ?? 60);
const SEED = Number(process.env['RANDOM_SEED'] ?? 1);
const MAX_MESSAGES = 12;
const MAX_FIELDS = 8;

const NOBODY_KNOWS = [8, 21, 30, 31, 32, 34, 255];
const TYPES = Object.values<number>(MESSAGE)
  .filter((type) => type !== MESSAGE.DISCONNECT)
  .concat(NOBODY_KNOWS);
/** `@` stands for `@openssh.com`. */
const NAMES = `session direct-tcpip forwarded-tcpip direct-streamlocal@ forwarded-streamlocal@ x11
  auth-agent@ tun@ exec shell pty-req env subsystem sftp x11-req auth-agent-req@ signal break
  window-change exit-status exit-signal eow@ tcpip-forward cancel-tcpip-forward streamlocal-forward@
  hostkeys-00@ keepalive@ no-more-sessions@ publickey password keyboard-interactive none
  ssh-connection ssh-userauth ssh-ed25519 rsa-sha2-512 server-sig-algs ssh-ed25519-cert-v01@
  sk-ssh-ed25519@`;
const WORDS = NAMES.replaceAll(/@/g, '@openssh.com').split(/\s+/).concat(['', '\0', '\u001b[2J']);
const NUMBERS = [0, 1, 2, 0xff, 256, 32_768, 35_000, 0x7fffffff, 0xfffffffe, 0xffffffff];

/** The same numbers for the same seed. */
function mulberry32(seed: number): (below: number) => number {
  let state = seed;
  return (below) => {
    state = (state + 0x6d2b79f5) | 0;
    let mixed = Math.imul(state ^ (state >>> 15), 1 | state);
    mixed = (mixed + Math.imul(mixed ^ (mixed >>> 7), 61 | mixed)) ^ mixed;
    return ((mixed ^ (mixed >>> 14)) >>> 0) % below;
  };
}

type Random = ReturnType<typeof mulberry32>;

function one<T>(random: Random, of: readonly T[]): T {
  const found = of[random(of.length)];
  assert.ok(found !== undefined);
  return found;
}

function randomBytes(random: Random, below: number): Buffer {
  return Buffer.from(Array.from({ length: random(below) }, () => random(256)));
}

function field(random: Random): Buffer {
  const kind = random(8);
  if (kind < 2) return encodeFields([random(4)]);
  if (kind === 2) return encodeFields([one(random, NUMBERS)]);
  if (kind < 6) return encodeFields([one(random, WORDS)]);
  return kind === 6 ? encodeFields([randomBytes(random, 60)]) : randomBytes(random, 20);
}

function send(peer: RawPeer, random: Random): void {
  for (let left = 1 + random(MAX_MESSAGES); left > 0; left -= 1) {
    const fields = Array.from({ length: random(MAX_FIELDS) }, () => field(random));
    peer.transport.send(Buffer.concat([Buffer.of(one(random, TYPES)), ...fields]));
  }
}

describe('random messages', () => {
  const random = mulberry32(SEED);

  it(`of ${ROUNDS} strangers and ${ROUNDS} clients leave the gateway as it was`, async function () {
    this.timeout(60_000 + ROUNDS * 100);
    await using world = await startWorld();
    for (let round = 0; round < ROUNDS; round += 1) {
      const stranger = await connectStranger(world.address);
      const client = await connectClient(world.address, world.client);
      if (random(2) === 0) {
        const id = await client.openSession();
        client.send(MESSAGE.CHANNEL_REQUEST, id, 'exec', false, 'x');
      }
      send(stranger, random);
      send(client, random);
      await pause(5);
      for (const peer of [stranger, client]) peer.socket.destroy();
    }
    const client = await connectClient(world.address, world.client);
    await client.openSession();
    client.transport.close('done');
  });

  it(`of ${ROUNDS} strangers before any key leave the gateway as it was`, async function () {
    this.timeout(60_000 + ROUNDS * 100);
    await using world = await startWorld();
    const lists = WORDS.concat(HYBRID_EXCHANGE, 'curve25519-sha256', STRICT_CLIENT);
    for (let round = 0; round < ROUNDS; round += 1) {
      const peer = await connectPlain(world.address);
      peer.identify(one(random, ['SSH-2.0-OpenSSH_9.9', 'SSH-2.0-x y', 'SSH-1.99-z', 'SSH-2.0-']));
      const kex = Array.from({ length: random(6) }, () => one(random, lists));
      const offer = kexInit({ kex: [...kex, 'curve25519-sha256'], hostKeys: ['ssh-ed25519'] });
      // Whole, cut, or with a few bytes changed.
      for (let left = random(4); left > 0; left -= 1) offer[random(offer.length)] = random(256);
      peer.send(random(4) === 0 ? offer.subarray(0, random(offer.length)) : offer);
      for (let left = random(4); left > 0; left -= 1) {
        const type = one(random, [...TYPES, KEX_MESSAGE.init, KEX_MESSAGE.newKeys]);
        peer.send(Buffer.concat([Buffer.of(type), field(random), field(random)]));
      }
      peer.socket.write(randomBytes(random, 200));
      await pause(2);
      peer.socket.destroy();
    }
    const client = await connectClient(world.address, world.client);
    await client.openSession();
    client.transport.close('done');
  });

  it(`of ${ROUNDS} targets end in an outcome`, async function () {
    this.timeout(60_000 + ROUNDS * 100);
    const hostKey = generateKeyPair('target');
    const obliging = (peer: RawPeer): void => {
      peer.send(MESSAGE.CHANNEL_OPEN_CONFIRMATION, 0, 0, 1_000_000, 32_768);
      peer.send(MESSAGE.CHANNEL_SUCCESS, 0);
      send(peer, random);
    };
    const finish = (peer: RawPeer): void => void pause(20).then(() => peer.socket.destroy());
    await using inside = await startRawServer(hostKey, (peer) => {
      obliging(peer);
      finish(peer);
    });
    await using outside = await startRawLogin(hostKey, (peer) => {
      send(peer, random);
      finish(peer);
    });
    for (let round = 0; round < ROUNDS; round += 1) {
      for (const server of [inside, outside]) {
        const dialer = dialerFor();
        const grant = grantFor({ ...server, hostKeyLine: hostKey.publicLine });
        const outcome = await dialer.dial(grant, exec('x'));
        if (outcome.kind === 'open') {
          while ((await outcome.end.read()).kind !== 'close');
        }
        dialer.close();
      }
    }
  });
});
