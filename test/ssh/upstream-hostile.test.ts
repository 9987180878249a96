import assert from 'node:assert/strict';
import type { DialOutcome } from '../../server/session/ports.ts';
import { encodePacket, MESSAGE } from '../../server/ssh/engine/wire.ts';
import { generateKeyPair } from '../../server/ssh/key.ts';
import { grantFor } from './support/bastion.ts';
import { collect } from './support/collect.ts';
import { startRawServer, type RawPeer } from './support/raw-peer.ts';
import { dialerFor, exec, failure, opened } from './support/dialling.ts';

describe('a target that means harm', () => {
  const hostKey = generateKeyPair('evil');
  const servers: AsyncDisposable[] = [];

  async function against(onClient: (peer: RawPeer) => void | Promise<void>): Promise<DialOutcome> {
    const server = await startRawServer(hostKey, (peer) => void onClient(peer));
    servers.push(server);
    const grant = grantFor({ ...server, hostKeyLine: hostKey.publicLine });
    return dialerFor().dial(grant, exec('true'));
  }

  afterEach(async () => {
    for (const server of servers.splice(0)) await server[Symbol.asyncDispose]();
  });

  /** Confirms the channel and grants the exec request, then does `then`. */
  function obliging(then: (peer: RawPeer) => void | Promise<void>) {
    return async (peer: RawPeer): Promise<void> => {
      await peer.expect(MESSAGE.CHANNEL_OPEN);
      peer.send(MESSAGE.CHANNEL_OPEN_CONFIRMATION, 0, 0, 1_000_000, 32_768);
      await peer.expect(MESSAGE.CHANNEL_REQUEST);
      peer.send(MESSAGE.CHANNEL_SUCCESS, 0);
      await then(peer);
    };
  }

  it('cannot ask for packets of no bytes', async () => {
    const outcome = await against(async (peer) => {
      await peer.expect(MESSAGE.CHANNEL_OPEN);
      peer.send(MESSAGE.CHANNEL_OPEN_CONFIRMATION, 0, 0, 1000, 0);
    });
    assert.equal(failure(outcome).code, 'target.refused');
  });

  it('cannot send more than the window', async () => {
    let cutOff: Promise<string> = Promise.resolve('');
    const outcome = await against(
      obliging((peer) => {
        cutOff = peer.over;
        for (let sent = 0; sent < 80; sent += 1) {
          peer.send(MESSAGE.CHANNEL_DATA, 0, Buffer.alloc(32_000));
        }
      }),
    );
    // Reading would open the window again.
    assert.match(await cutOff, /window overrun/);
    assert.deepEqual((await collect(opened(outcome))).events, ['close']);
  });

  it('cannot open channels, and is answered', async () => {
    let answered = 0;
    const outcome = await against(
      obliging(async (peer) => {
        peer.send(MESSAGE.CHANNEL_OPEN, 'x11', 9, 1000, 1000);
        const { reader } = await peer.expect(MESSAGE.CHANNEL_OPEN_FAILURE);
        answered = reader.uint32();
        peer.transport.close('done');
      }),
    );
    assert.deepEqual((await collect(opened(outcome))).events, ['close']);
    assert.equal(answered, 9);
  });

  it('has signal names relayed as sent, and cleaned of what is no name', async () => {
    const outcome = await against(
      obliging((peer) => {
        peer.send(98, 0, 'exit-signal', false, 'BUS', true, 'bus \u001b]0;x\u0007error', '');
        peer.send(98, 0, 'exit-signal', false, '\u001b[31m', false, '', '');
        peer.send(98, 0, 'exit-signal', false, 'sig@example.com', false, '', '');
        peer.send(MESSAGE.CHANNEL_CLOSE, 0);
      }),
    );
    const end = opened(outcome);
    assert.deepEqual(await end.read(), {
      kind: 'exit-signal',
      name: 'BUS',
      coreDumped: true,
      message: 'bus ?]0;x?error',
    });
    assert.deepEqual((await collect(end)).events, [
      'exit-signal UNKNOWN',
      'exit-signal sig@example.com',
      'close',
    ]);
  });

  it('has the order of exit and eof kept as it sent them', async () => {
    const outcome = await against(
      obliging((peer) => {
        peer.send(MESSAGE.CHANNEL_DATA, 0, 'a');
        peer.send(MESSAGE.CHANNEL_EOF, 0);
        peer.send(98, 0, 'exit-status', false, 3);
        peer.send(MESSAGE.CHANNEL_CLOSE, 0);
      }),
    );
    const { stdout, events } = await collect(opened(outcome));
    assert.equal(stdout.toString(), 'a');
    assert.deepEqual(events, ['eof', 'exit 3', 'close']);
  });

  it('has its words cleaned of control characters', async () => {
    const outcome = await against(async (peer) => {
      await peer.expect(MESSAGE.CHANNEL_OPEN);
      peer.send(MESSAGE.CHANNEL_OPEN_FAILURE, 0, 1, 'no \u001b[2J\r\nroot$ ', '');
    });
    const { message } = failure(outcome);
    // oxlint-disable-next-line no-control-regex -- control characters are what is looked for
    assert.doesNotMatch(message, /[\u0000-\u001f]/);
    assert.match(message, /no \?\[2J\?\?root\$/);
  });

  it('that reads no input still learns within seconds that the client has gone', async () => {
    let closed: Promise<unknown> = Promise.resolve();
    const outcome = await against(
      obliging((peer) => {
        closed = peer.expect(MESSAGE.CHANNEL_CLOSE);
      }),
    );
    const end = opened(outcome);
    void end.write({ kind: 'data', bytes: Buffer.alloc(4 * 1024 * 1024) });
    void end.write({ kind: 'close' });
    await closed;
  });

  it('cannot send banners for ever', async () => {
    const outcome = await against((peer) => {
      for (let sent = 0; sent < 10_000; sent += 1) {
        peer.transport.send(encodePacket(MESSAGE.USERAUTH_BANNER, 'x'.repeat(1000), ''));
      }
      peer.transport.close('done');
    });
    assert.equal(failure(outcome).code, 'target.refused');
  });
});
