/** What a target may do to us, as a client, before and after it let us in. */
import assert from 'node:assert/strict';
import { setTimeout as pause } from 'node:timers/promises';
import type { SallyportError } from '../../../server/errors.ts';
import type { UpstreamEnd, Vault } from '../../../server/session/ports.ts';
import { REKEY_BURST } from '../../../server/ssh/engine/limits.ts';
import { REKEY_LIMITS } from '../../../server/ssh/engine/rekey.ts';
import { encodePacket, MESSAGE } from '../../../server/ssh/engine/wire.ts';
import { generateKeyPair } from '../../../server/ssh/key.ts';
import { grantFor, vaultOf } from '../support/bastion.ts';
import { collect } from '../support/collect.ts';
import { dialerFor, exec, failure, KEY, opened } from '../support/dialling.ts';
import { startRawLogin, startRawServer, type RawPeer } from '../support/raw-peer.ts';

const HOST_KEY = generateKeyPair('evil');
const EXTENDED = 1;
const PASSWORD: Vault = {
  current: () => Promise.resolve({ kind: 'password', version: 1 }),
  open: () =>
    Promise.resolve({
      kind: 'password',
      bytes: Buffer.from('secret'),
      [Symbol.dispose]: () => {},
    }),
};

describe('a hostile target, once we are in', () => {
  const held: AsyncDisposable[] = [];
  afterEach(async () => {
    for (const one of held.splice(0)) await one[Symbol.asyncDispose]();
  });

  /** Runs a command on a target that confirms and grants it; both ends are the test's then. */
  async function inside(rekey = REKEY_LIMITS): Promise<{ peer: RawPeer; end: UpstreamEnd }> {
    let meet: (peer: RawPeer) => void = () => {};
    const met = new Promise<RawPeer>((resolve) => (meet = resolve));
    const server = await startRawServer(
      HOST_KEY,
      (peer) => meet(peer),
      true,
      () => {},
      rekey,
    );
    const dialer = dialerFor();
    held.push(server, { [Symbol.asyncDispose]: () => Promise.resolve(dialer.close()) });
    const grant = grantFor({ ...server, hostKeyLine: HOST_KEY.publicLine });
    const dialling = dialer.dial(grant, exec('x'));
    const peer = await met;
    await peer.expect(MESSAGE.CHANNEL_OPEN);
    peer.send(MESSAGE.CHANNEL_OPEN_CONFIRMATION, 0, 0, 1_000_000, 32_768);
    await peer.expect(MESSAGE.CHANNEL_REQUEST);
    peer.send(MESSAGE.CHANNEL_SUCCESS, 0);
    return { peer, end: opened(await dialling) };
  }

  it('has ten thousand channels refused, each by its number', async () => {
    const { peer } = await inside();
    for (let asked = 0; asked < 10_000; asked += 1) {
      peer.send(MESSAGE.CHANNEL_OPEN, 'session', asked, 1000, 1000);
    }
    for (let asked = 0; asked < 10_000; asked += 1) {
      const { reader } = await peer.expect(MESSAGE.CHANNEL_OPEN_FAILURE);
      assert.equal(reader.uint32(), asked);
    }
  });

  it('has every global request refused, hostkeys-00 with 32 kB unread', async () => {
    const { peer } = await inside();
    const keys = Buffer.alloc(32_000, 'ssh-ed25519 AAAA');
    peer.send(MESSAGE.GLOBAL_REQUEST, 'hostkeys-00@openssh.com', true, keys);
    await peer.expect(MESSAGE.REQUEST_FAILURE);
    peer.send(MESSAGE.GLOBAL_REQUEST, 'tcpip-forward', true, '0.0.0.0', 80);
    await peer.expect(MESSAGE.REQUEST_FAILURE);
    peer.send(MESSAGE.GLOBAL_REQUEST, 'hostkeys-prove-00@openssh.com', false, keys);
    peer.send(MESSAGE.PING, 'still there');
    assert.equal((await peer.expect(MESSAGE.PONG)).reader.name(), 'still there');
  });

  it('may say what nobody understands, and is heard all the same', async () => {
    const { peer } = await inside();
    for (const type of [8, 21, 30, 49, 54, 70, 101, 191, 255]) {
      peer.send(type, 'x');
      peer.send(MESSAGE.PING, `${type}`);
      assert.equal((await peer.expect(MESSAGE.PONG)).reader.name(), `${type}`);
    }
  });

  it('that begins one key exchange after the other is served slower, not cut off', async () => {
    const { peer } = await inside({ afterBytes: 1, afterMs: 3_600_000 });
    for (let sent = 0; sent < REKEY_BURST + 20; sent += 1) {
      peer.send(MESSAGE.PING, `${sent}`);
      assert.equal((await peer.expect(MESSAGE.PONG)).reader.name(), `${sent}`);
    }
  });

  it('that asks without end and reads no answer is not read either', async () => {
    const { peer } = await inside();
    peer.socket.pause();
    for (let asked = 0; asked < 400_000; asked += 1) {
      peer.send(MESSAGE.GLOBAL_REQUEST, 'keepalive@openssh.com', true);
    }
    await pause(1500);
    assert.ok(peer.socket.writableLength > 0, 'we stopped reading');
    peer.socket.destroy();
  });

  it('that says how the command ended without end is not read until somebody listens', async () => {
    const { peer, end } = await inside();
    const count = 200_000;
    for (let sent = 0; sent < count; sent += 1) {
      peer.send(MESSAGE.CHANNEL_REQUEST, 0, 'exit-status', false, sent);
    }
    peer.send(MESSAGE.CHANNEL_CLOSE, 0);
    await pause(500);
    assert.ok(peer.socket.writableLength > 0, 'we stopped reading');
    const { events } = await collect(end);
    assert.equal(events.length, count + 1);
  });

  it('hears of no window after it has closed or ended (#1483)', async () => {
    const { peer, end } = await inside();
    for (const last of [MESSAGE.CHANNEL_EOF, MESSAGE.CHANNEL_CLOSE]) {
      for (let sent = 0; sent < 30; sent += 1) {
        peer.send(MESSAGE.CHANNEL_DATA, 0, Buffer.alloc(30_000));
      }
      peer.send(last, 0);
      if (last === MESSAGE.CHANNEL_EOF) break;
    }
    // Reading comes late, so everything has arrived by then.
    peer.send(MESSAGE.PING, 'all sent');
    await peer.expect(MESSAGE.PONG);
    assert.equal((await readUntil(end, 'eof')).length, 900_000);
    peer.send(MESSAGE.PING, 'all read');
    const next = await peer.next();
    assert.equal(next.type, MESSAGE.PONG, 'no WINDOW_ADJUST came before');
  });

  for (const [what, send] of [
    ['a window beyond 32 bits', (peer) => peer.send(MESSAGE.CHANNEL_WINDOW_ADJUST, 0, 0xffffffff)],
    [
      'a channel that nobody asked for',
      (peer) => peer.send(MESSAGE.CHANNEL_OPEN_CONFIRMATION, 7, 7, 1000, 1000),
    ],
    ['a packet of 40 kB', (peer) => peer.send(MESSAGE.IGNORE, Buffer.alloc(40_000))],
    ['an empty packet', (peer) => peer.transport.send(Buffer.alloc(0))],
    [
      'more stderr than the window',
      (peer) => {
        for (let sent = 0; sent < 80; sent += 1) {
          peer.send(MESSAGE.CHANNEL_EXTENDED_DATA, 0, EXTENDED, Buffer.alloc(30_000));
        }
      },
    ],
    ...[
      MESSAGE.GLOBAL_REQUEST,
      MESSAGE.CHANNEL_OPEN,
      MESSAGE.CHANNEL_OPEN_CONFIRMATION,
      MESSAGE.CHANNEL_OPEN_FAILURE,
      MESSAGE.CHANNEL_DATA,
      MESSAGE.CHANNEL_REQUEST,
      MESSAGE.EXT_INFO,
      MESSAGE.PING,
    ].map(
      (type) =>
        [
          `a cut packet of type ${type}`,
          (peer: RawPeer) => peer.transport.send(Buffer.of(type, 0, 0)),
        ] as const,
    ),
  ] as [string, (peer: RawPeer) => void][]) {
    it(`is cut off for ${what}, and the session sees the end`, async () => {
      const { peer, end } = await inside();
      send(peer);
      await peer.over;
      assert.equal((await collect(end)).events.at(-1), 'close');
    });
  }
});

describe('a hostile target that authenticates us', () => {
  async function refusalOf(
    onClient: (peer: RawPeer) => void,
    vault: Vault = vaultOf(KEY.privateKeyPem),
  ): Promise<SallyportError> {
    await using server = await startRawLogin(HOST_KEY, onClient);
    const dialer = dialerFor(vault);
    const grant = grantFor({ ...server, hostKeyLine: HOST_KEY.publicLine });
    const error = failure(await dialer.dial(grant, exec('x')));
    dialer.close();
    return error;
  }

  it('cannot say that we are in before we have shown a credential', async () => {
    const { message } = await refusalOf((peer) => peer.send(MESSAGE.USERAUTH_SUCCESS));
    assert.match(message, /unexpected packet of type 52/);
  });

  for (const [what, type] of [
    ['open a channel', MESSAGE.CHANNEL_OPEN],
    ['ask for a forward', MESSAGE.GLOBAL_REQUEST],
    ['ask questions', MESSAGE.USERAUTH_INFO_REQUEST],
    ['be a client', MESSAGE.USERAUTH_REQUEST],
    ['exchange keys again', MESSAGE.KEXINIT],
  ] as const) {
    it(`cannot ${what} before we are in`, async () => {
      const error = await refusalOf((peer) => peer.send(type, 'x', 1, 2, 3, 4, 5));
      assert.equal(error.code, 'target.refused');
      assert.match(error.message, /unexpected packet|key exchange before authentication/);
    });
  }

  it('cannot send banners for ever', async () => {
    const { message } = await refusalOf((peer) => {
      const banner = encodePacket(MESSAGE.USERAUTH_BANNER, 'x'.repeat(30_000), '');
      for (let sent = 0; sent < 100; sent += 1) peer.transport.send(banner);
    });
    assert.match(message, /unexpected packet of type 53/);
  });

  /** Takes a login to its questions. */
  async function toQuestions(peer: RawPeer): Promise<void> {
    await peer.expect(MESSAGE.SERVICE_REQUEST);
    peer.send(MESSAGE.SERVICE_ACCEPT, 'ssh-userauth');
    await peer.expect(MESSAGE.USERAUTH_REQUEST);
    peer.send(MESSAGE.USERAUTH_FAILURE, 'keyboard-interactive', false);
    await peer.expect(MESSAGE.USERAUTH_REQUEST);
  }

  it('cannot ask one question after the other', async () => {
    let answered = 0;
    const { message } = await refusalOf((peer) => {
      void (async () => {
        await toQuestions(peer);
        for (;;) {
          peer.send(MESSAGE.USERAUTH_INFO_REQUEST, '', '', '', 1, 'Password: ', false);
          await peer.expect(MESSAGE.USERAUTH_INFO_RESPONSE);
          answered += 1;
        }
      })().catch(() => {});
    }, PASSWORD);
    assert.match(message, /too many questions/);
    assert.equal(answered, 4);
  });

  it('does not get the password for a question whose answer it would show', async () => {
    const answers: string[] = [];
    await refusalOf((peer) => {
      void (async () => {
        await toQuestions(peer);
        peer.send(MESSAGE.USERAUTH_INFO_REQUEST, '', '', '', 2, 'Name: ', true, 'Word: ', false);
        const { reader } = await peer.expect(MESSAGE.USERAUTH_INFO_RESPONSE);
        for (let left = reader.uint32(); left > 0; left -= 1) answers.push(reader.name());
        peer.transport.close('done');
      })();
    }, PASSWORD);
    assert.deepEqual(answers, ['', 'secret']);
  });

  for (const isPartial of [false, true]) {
    const done = isPartial ? 'that asks for more' : 'that refuses us';
    it(`${done} cannot write what it likes into our messages, nor without end`, async () => {
      const { message } = await refusalOf((peer) => {
        void (async () => {
          await peer.expect(MESSAGE.SERVICE_REQUEST);
          peer.send(MESSAGE.SERVICE_ACCEPT, 'ssh-userauth');
          await peer.expect(MESSAGE.USERAUTH_REQUEST);
          peer.send(MESSAGE.USERAUTH_FAILURE, '\u001b[2J\r\nx,'.repeat(3000), isPartial);
        })();
      });
      assert.ok(message.length < 1000, `${message.length} characters`);
      // oxlint-disable-next-line no-control-regex -- control characters are what is looked for
      assert.doesNotMatch(message, /[\u0000-\u001f]/);
    });
  }
});

/** Everything up to a unit of this kind. */
async function readUntil(end: UpstreamEnd, kind: 'eof' | 'close'): Promise<Buffer> {
  const parts: Buffer[] = [];
  for (;;) {
    const unit = await end.read();
    if (unit.kind === 'data') parts.push(unit.bytes);
    if (unit.kind === kind) return Buffer.concat(parts);
  }
}
