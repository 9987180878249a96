import assert from 'node:assert/strict';
import { generateKeyPairSync } from 'node:crypto';
import { once } from 'node:events';
import { connect } from 'node:net';
import { setTimeout as pause } from 'node:timers/promises';
import { Client, type ConnectConfig } from 'ssh2';
import { systemClock } from '../../server/clock.ts';
import { SallyportError } from '../../server/errors.ts';
import { silentLogger, type LogFields } from '../../server/log.ts';
import { blobOf, signData } from '../../server/ssh/engine/signature.ts';
import { encodeFields, encodePacket, MESSAGE } from '../../server/ssh/engine/wire.ts';
import { startGateway } from '../../server/ssh/gateway.ts';
import { GATEWAY_LIMITS } from '../../server/ssh/limits.ts';
import { generateKeyPair } from '../../server/ssh/key.ts';
import { connectClient, connectStranger } from './support/raw-peer.ts';
import {
  keyOf,
  rawSocket,
  request,
  signedRequest,
  toUserauth,
  untilEmpty,
} from './support/stranger.ts';
import { startWorld } from './support/world.ts';

describe('the gateway before authentication', () => {
  it('names itself, and nothing of its host', async () => {
    await using world = await startWorld();
    const socket = await rawSocket(world.address);
    const [chunk] = (await once(socket, 'data')) as [Buffer];
    assert.match(chunk.toString('latin1'), /^SSH-2\.0-Sallyport_\d+\.\d+\.\d+\r\n/);
    socket.destroy();
  });

  it('closes a connection that stays silent', async () => {
    await using world = await startWorld({ loginGraceMs: 150 });
    const socket = await rawSocket(world.address);
    socket.resume();
    await once(socket, 'close');
    assert.deepEqual(world.ended, ['not authenticated in time']);
    await untilEmpty(world);
  });

  it('closes a connection that exchanges keys and then waits', async () => {
    await using world = await startWorld({ loginGraceMs: 400 });
    const peer = await connectStranger(world.address);
    await peer.over;
    assert.deepEqual(world.ended, ['not authenticated in time']);
  });

  it('leaves an authenticated connection alone when the grace is over', async () => {
    await using world = await startWorld({ loginGraceMs: 400 });
    const peer = await connectClient(world.address, world.client);
    const late = await rawSocket(world.address);
    late.resume();
    await once(late, 'close');
    await peer.openSession();
  });

  it('closes one that neither reads nor closes after its end', async () => {
    await using world = await startWorld({ loginGraceMs: 100 });
    const socket = await rawSocket(world.address);
    socket.pause();
    await untilEmpty(world);
    socket.destroy();
  });

  it('takes only so many strangers of one source, and others when they are gone', async () => {
    const logged: (LogFields | undefined)[] = [];
    const logger = {
      ...silentLogger,
      warn: (_: string, fields?: LogFields) => logged.push(fields),
    };
    await using world = await startWorld({ maxUnauthenticatedPerSource: 3 }, logger);
    const sockets = await Promise.all([1, 2, 3].map(() => rawSocket(world.address)));
    for (const socket of sockets) await once(socket, 'data');
    for (let refused = 0; refused < 2; refused += 1) {
      const socket = await rawSocket(world.address);
      socket.resume();
      await once(socket, 'close');
    }
    assert.equal(logged.length, 1, 'a flood is logged once');
    for (const socket of sockets) socket.destroy();
    await untilEmpty(world);
    await connectClient(world.address, world.client);
    await Promise.all([1, 2, 3].map(() => connectClient(world.address, world.client)));
  });

  it('slows a source down whose keys were refused, and still lets the right key in', async () => {
    const penalties = { ...GATEWAY_LIMITS.penalties, refusedMs: 60_000, firstDelayMs: 50 };
    await using world = await startWorld({ penalties });
    const { blob } = keyOf(generateKeyPair('x').privateKeyPem);
    for (let round = 0; round < 2; round += 1) {
      const peer = await toUserauth(world);
      peer.transport.send(request('u', 'ssh-ed25519', blob, null));
      await peer.expect(MESSAGE.USERAUTH_FAILURE);
      peer.transport.close('done');
      await untilEmpty(world);
    }
    await connectClient(world.address, world.client);
    await connectClient(world.address, world.client);
  });

  it('ends connections at once that it was to answer later', async () => {
    const penalties = {
      ...GATEWAY_LIMITS.penalties,
      lateMs: 600_000,
      firstDelayMs: 600_000,
      maxDelayMs: 600_000,
    };
    await using world = await startWorld({ penalties, loginGraceMs: 50 });
    const first = await rawSocket(world.address);
    first.resume();
    await once(first, 'close');
    const late = await rawSocket(world.address);
    late.resume();
    const over = once(late, 'close');
    while (world.gateway.connectionCount > 0) await pause(20);
    await world.gateway.close();
    await over;
  });

  it('refuses connections of a source that come too fast', async () => {
    await using world = await startWorld({ connectionsPerSecond: 0.001, connectionBurst: 2 });
    const first = await rawSocket(world.address);
    const second = await rawSocket(world.address);
    await Promise.all([once(first, 'data'), once(second, 'data')]);
    const third = await rawSocket(world.address);
    third.resume();
    await once(third, 'close');
    first.destroy();
    second.destroy();
  });

  for (const [what, payload] of [
    [
      'a global request',
      encodePacket(80, 'hostkeys-00@openssh.com', true, Buffer.alloc(30_000, 'a')),
    ],
    ['a channel open', encodePacket(90, 'session', 0, 1000, 1000)],
    ['channel data', encodePacket(94, 0, 'x')],
    ['answers that nobody asked for', encodePacket(61, 33_000_000)],
    ['a second key exchange', Buffer.concat([Buffer.of(20), Buffer.alloc(60)])],
    [
      'an authentication request without the service',
      encodePacket(50, 'u', 'ssh-connection', 'none'),
    ],
    ['a service that does not exist', encodePacket(5, 'ssh-connection')],
    ['a message of the server', encodePacket(52)],
  ] as const) {
    it(`cuts off a stranger that sends ${what}`, async () => {
      await using world = await startWorld();
      const peer = await connectStranger(world.address);
      peer.transport.send(payload);
      await peer.over;
      assert.deepEqual(world.calls, ['ended']);
    });
  }

  it('cuts off a stranger whose packet is larger than 35000 bytes', async () => {
    await using world = await startWorld();
    const peer = await connectStranger(world.address);
    peer.send(MESSAGE.IGNORE, Buffer.alloc(40_000));
    await peer.over;
    assert.match(world.ended[0] ?? '', /Bad packet length/);
  });

  for (const [algorithms, ident] of [
    [{ compress: ['zlib'] }, 'ssh2js'],
    [{ kex: ['diffie-hellman-group14-sha256'] }, 'ssh2js'],
    [{ kex: ['diffie-hellman-group-exchange-sha256'] }, 'ssh2js'],
    [{ kex: ['ecdh-sha2-nistp256'] }, 'ssh2js'],
    [{ cipher: ['chacha20-poly1305@openssh.com'] }, 'OpenSSH_9.9'],
    [{ cipher: ['aes256-cbc'] }, 'ssh2js'],
    [{ cipher: ['aes128-ctr'], hmac: ['hmac-sha1'] }, 'ssh2js'],
  ] as const) {
    it(`does not agree to ${JSON.stringify(algorithms)} with ${ident}`, async () => {
      await using world = await startWorld();
      const client = new Client();
      const config = { ...world.address, username: 'u', password: 'p', algorithms, ident };
      client.connect(config as unknown as ConnectConfig);
      const [error] = (await once(client, 'error')) as [Error];
      assert.match(error.message, /no matching|handshake/i);
      client.on('error', () => {}).end();
    });
  }

  for (const cipher of [
    'aes128-gcm@openssh.com',
    'aes256-gcm@openssh.com',
    'aes256-ctr',
    // What Dropbear has.
    'chacha20-poly1305@openssh.com',
  ] as const) {
    it(`agrees to ${cipher}`, async () => {
      await using world = await startWorld();
      const client = new Client();
      client.connect({
        ...world.address,
        username: 'u',
        privateKey: world.client.privateKeyPem,
        algorithms: { cipher: [cipher] },
      });
      await once(client, 'ready');
      client.end();
    });
  }
});

describe('authentication at the gateway', () => {
  it('offers public keys and nothing else', async () => {
    await using world = await startWorld();
    for (const method of ['none', 'password', 'keyboard-interactive', 'hostbased', 'nonsense']) {
      const peer = await toUserauth(world);
      peer.send(MESSAGE.USERAUTH_REQUEST, 'u', 'ssh-connection', method, false, 'secret');
      const { reader } = await peer.expect(MESSAGE.USERAUTH_FAILURE);
      assert.equal(reader.name(), 'publickey', method);
      peer.transport.close('done');
    }
  });

  it('answers a bare offer, which proves nothing', async () => {
    await using world = await startWorld();
    const { blob } = keyOf(world.client.privateKeyPem);
    const peer = await toUserauth(world);
    peer.transport.send(request('u', 'ssh-ed25519', blob, null));
    await peer.expect(MESSAGE.USERAUTH_PK_OK);
    peer.send(MESSAGE.CHANNEL_OPEN, 'session', 0, 1000, 1000);
    await peer.over;
    assert.deepEqual(world.calls, ['offered u', 'ended']);
  });

  it('asks about a key only after its signature was verified', async () => {
    await using world = await startWorld();
    const { blob } = keyOf(world.client.privateKeyPem);
    const other = generateKeyPair('other').privateKeyPem;
    const peer = await toUserauth(world);
    const { sessionId } = peer.transport;
    const pem = world.client.privateKeyPem;
    const right = signedRequest('u', 'ssh-ed25519', pem, sessionId);
    const wrongs = [
      request('u', 'ssh-ed25519', blob, encodeFields(['ssh-ed25519', Buffer.alloc(64)])),
      request('u', 'ssh-ed25519', blob, Buffer.alloc(0)),
      signedRequest('u', 'ssh-ed25519', pem, Buffer.alloc(32, 1)),
      request('u', 'ssh-ed25519', blob, signData(keyOf(other).key, 'ssh-ed25519', right)),
    ];
    for (const wrong of wrongs) {
      peer.transport.send(wrong);
      await peer.expect(MESSAGE.USERAUTH_FAILURE);
    }
    assert.deepEqual(world.calls, []);
    peer.transport.send(right);
    await peer.expect(MESSAGE.USERAUTH_SUCCESS);
    assert.deepEqual(world.calls, ['proven u']);
  });

  it('refuses SHA-1 signatures of RSA keys, and takes SHA-2', async () => {
    await using world = await startWorld();
    const { privateKey } = generateKeyPairSync('rsa', { modulusLength: 2048 });
    const pem = Buffer.from(privateKey.export({ type: 'pkcs8', format: 'pem' }));
    const blob = blobOf(privateKey) ?? Buffer.alloc(0);
    const peer = await toUserauth(world);
    peer.transport.send(request('u', 'ssh-rsa', blob, null));
    await peer.expect(MESSAGE.USERAUTH_FAILURE);
    assert.deepEqual(world.calls, [], 'a refused algorithm is not even asked about');
    peer.transport.send(signedRequest('u', 'rsa-sha2-512', pem, peer.transport.sessionId));
    await peer.expect(MESSAGE.USERAUTH_FAILURE);
    assert.deepEqual(world.calls, ['proven u'], 'the handler does not know this key');
  });

  it('tells who keeps the journal of what nobody can judge', async () => {
    await using world = await startWorld();
    const pem = world.client.privateKeyPem;
    const { blob } = keyOf(pem);
    const { privateKey } = generateKeyPairSync('rsa', { modulusLength: 2048 });
    const rsa = blobOf(privateKey) ?? Buffer.alloc(0);
    const wrong = encodeFields(['ssh-ed25519', Buffer.alloc(64)]);
    const certificate = 'ssh-ed25519-cert-v01@openssh.com';
    const peer = await toUserauth(world);
    for (const sent of [
      request('u', 'ssh-ed25519', blob.subarray(0, 20), null),
      request('u', 'ssh-ed25519', Buffer.alloc(0), null),
      request('u', certificate, encodeFields([certificate, Buffer.alloc(7)]), null),
      request('u', 'ssh-rsa', rsa, null),
      request('u', 'ssh-ed25519', blob, wrong),
      encodePacket(MESSAGE.USERAUTH_REQUEST, 'u', 'ssh-connection', 'password', false, 'secret'),
    ]) {
      peer.transport.send(sent);
      await peer.expect(MESSAGE.USERAUTH_FAILURE);
    }
    const words = [/ssh-ed25519/, /ssh-ed25519/, /certificate/, /ssh-rsa/, /signature/, /password/];
    assert.equal(world.refusals.length, words.length);
    for (const [at, expected] of words.entries()) assert.match(world.refusals[at] ?? '', expected);
    assert.ok(!world.refusals.join('').includes('secret'));
    assert.deepEqual(world.calls, []);
  });

  it('cuts off the seventh attempt', async () => {
    await using world = await startWorld();
    const { blob } = keyOf(generateKeyPair('x').privateKeyPem);
    const peer = await toUserauth(world);
    for (let attempt = 1; attempt <= 6; attempt += 1) {
      peer.transport.send(request('u', 'ssh-ed25519', blob, null));
      await peer.expect(MESSAGE.USERAUTH_FAILURE);
    }
    peer.transport.send(request('u', 'ssh-ed25519', blob, null));
    assert.match(await peer.over, /too many authentication failures/);
    assert.equal(world.calls.filter((call) => call === 'offered u').length, 6);
  });

  it('cuts off attempts that come without waiting for answers', async () => {
    await using world = await startWorld();
    const { blob } = keyOf(generateKeyPair('x').privateKeyPem);
    const peer = await toUserauth(world);
    for (let attempt = 0; attempt < 200; attempt += 1) {
      peer.transport.send(request('u', 'ssh-ed25519', blob, null));
    }
    await peer.over;
    assert.ok(world.calls.length <= 7, `${world.calls.length} calls`);
  });

  it('refuses user names that are too long, not UTF-8, or change', async () => {
    await using world = await startWorld();
    const { blob } = keyOf(world.client.privateKeyPem);
    for (const name of ['x'.repeat(1025), Buffer.from([0x75, 0xff])]) {
      const peer = await toUserauth(world);
      peer.send(MESSAGE.USERAUTH_REQUEST, name, 'ssh-connection', 'none');
      await peer.over;
    }
    const peer = await toUserauth(world);
    peer.send(MESSAGE.USERAUTH_REQUEST, 'one', 'ssh-connection', 'none');
    await peer.expect(MESSAGE.USERAUTH_FAILURE);
    peer.transport.send(request('two', 'ssh-ed25519', blob, null));
    await peer.over;
  });
});

describe('starting and stopping the gateway', () => {
  it('says which address is taken and which setting changes it', async () => {
    await using world = await startWorld();
    const second = startGateway({
      listen: world.address,
      hostKeys: [generateKeyPair('x').privateKeyPem],
      connections: {
        accept: () => assert.fail('nobody connects'),
        jump: () => Promise.resolve(null),
      },
      logger: silentLogger,
      clock: systemClock,
    });
    await assert.rejects(second, (thrown) => {
      assert.ok(thrown instanceof SallyportError);
      assert.equal(thrown.code, 'listen.failed');
      assert.match(thrown.message, new RegExp(`127\\.0\\.0\\.1:${world.address.port}`));
      assert.match(thrown.hint, /SALLYPORT_SSH_LISTEN/);
      return true;
    });
  });

  it('says that a host key is corrupt', async () => {
    const starting = startGateway({
      listen: { host: '127.0.0.1', port: 0 },
      hostKeys: [Buffer.from('-----BEGIN OPENSSH PRIVATE KEY-----\nAAAA\n')],
      connections: {
        accept: () => assert.fail('nobody connects'),
        jump: () => Promise.resolve(null),
      },
      logger: silentLogger,
      clock: systemClock,
    });
    await assert.rejects(starting, { code: 'key.corrupt' });
  });

  it('takes no new connections and keeps the running ones until it is closed', async () => {
    await using world = await startWorld();
    const peer = await connectClient(world.address, world.client);
    await world.gateway.stopAccepting();
    const refused = connect(world.address);
    await assert.rejects(once(refused, 'connect'));
    await peer.openSession();
    await world.gateway.close();
    assert.equal(world.gateway.connectionCount, 0);
    assert.match(await peer.over, /the bastion is stopping/);
  });
});
