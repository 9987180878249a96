import assert from 'node:assert/strict';
import { once } from 'node:events';
import { createServer, type AddressInfo } from 'node:net';
import { Server } from 'ssh2';
import { silentLogger } from '../../server/log.ts';
import type {
  ChannelRequest,
  DialOutcome,
  UpstreamEnd,
  Vault,
} from '../../server/session/ports.ts';
import { SallyportError } from '../../server/errors.ts';
import { encodePacket, MESSAGE } from '../../server/ssh/engine/wire.ts';
import { generateKeyPair, parsePublicLine, scanHostKey } from '../../server/ssh/key.ts';
import { createDialers } from '../../server/ssh/upstream.ts';
import { freePort, startSshd, type Sshd } from '../support/sshd.ts';
import { grantFor, vaultOf } from './support/bastion.ts';
import { collect } from './support/collect.ts';
import { startRawServer, type RawPeer } from './support/raw-peer.ts';

const KEY = generateKeyPair('web1');

function exec(command: string | Buffer): ChannelRequest {
  return { kind: 'exec', command: Buffer.from(command), pty: null, env: [] };
}

function opened(outcome: DialOutcome): UpstreamEnd {
  if (outcome.kind === 'failed') throw outcome.error;
  return outcome.end;
}

function failure(outcome: DialOutcome): SallyportError {
  if (outcome.kind === 'open') throw new Error('the target was opened');
  return outcome.error;
}

function dialerFor(vault: Vault = vaultOf(KEY.privateKeyPem), connectTimeoutMs = 10_000) {
  return createDialers({ vault, logger: silentLogger, limits: { connectTimeoutMs } }).create();
}

async function sshdWithKey(extra: readonly string[] = []): Promise<Sshd> {
  const sshd = await startSshd(extra);
  await sshd.authorise(KEY.publicLine);
  return sshd;
}

describe('dialling a target', () => {
  it('runs a command, with its variables, and gives its streams, status and end', async () => {
    await using sshd = await sshdWithKey();
    const dialer = dialerFor();
    const request = {
      ...exec('echo "$LC_TEST"; echo err >&2; exit 5'),
      env: [{ name: 'LC_TEST', value: 'grün' }],
    };
    const { stdout, stderr, events } = await collect(
      opened(await dialer.dial(grantFor(sshd), request)),
    );
    assert.equal(stdout.toString(), 'grün\n');
    assert.equal(stderr.toString(), 'err\n');
    assert.deepEqual([...events].sort(), ['close', 'eof', 'exit 5']);
    assert.equal(events.at(-1), 'close');
    dialer.close();
  });

  it('gives a terminal with the size and modes of the client, and resizes it in order', async () => {
    await using sshd = await sshdWithKey();
    const dialer = dialerFor();
    // VERASE = 0x08, ECHO off, IUTF8 on.
    const modes = Buffer.from([3, 0, 0, 0, 8, 53, 0, 0, 0, 0, 42, 0, 0, 0, 1, 0]);
    const size = { cols: 101, rows: 31, widthPx: 0, heightPx: 0 };
    const end = opened(
      await dialer.dial(grantFor(sshd), {
        ...exec('stty -a; echo "$TERM"; read x; stty size; exit 0'),
        pty: { term: 'vt220', size, modes },
      }),
    );
    let text = '';
    while (!text.includes('vt220')) {
      const unit = await end.read();
      if (unit.kind === 'data') text += unit.bytes.toString();
    }
    await end.write({ kind: 'resize', size: { ...size, cols: 77, rows: 22 } });
    await end.write({ kind: 'data', bytes: Buffer.from('go\n') });
    text += (await collect(end)).stdout.toString();
    assert.match(text, /rows 31; columns 101/);
    assert.match(text, /erase = \^H/);
    assert.match(text, /-echo /);
    assert.match(text, /iutf8/);
    assert.match(text, /vt220\r\n/);
    assert.match(text, /22 77\r\n$/);
    dialer.close();
  });

  it('shares one connection for several channels of a target', async () => {
    await using sshd = await sshdWithKey();
    const vault = vaultOf(KEY.privateKeyPem);
    const dialer = dialerFor(vault);
    const grant = grantFor(sshd);
    const ends = await Promise.all([1, 2, 3].map((n) => dialer.dial(grant, exec(`echo ${n}`))));
    const outputs = await Promise.all(ends.map((outcome) => collect(opened(outcome))));
    assert.deepEqual(
      outputs.map(({ stdout }) => stdout.toString()),
      ['1\n', '2\n', '3\n'],
    );
    assert.equal(vault.opened, 1);
    dialer.close();
  });

  it('opens a second connection when the target allows only one session on each', async () => {
    await using sshd = await sshdWithKey(['MaxSessions 1']);
    const vault = vaultOf(KEY.privateKeyPem);
    const dialer = dialerFor(vault);
    const grant = grantFor(sshd);
    const first = opened(await dialer.dial(grant, exec('cat')));
    const second = opened(await dialer.dial(grant, exec('echo second')));
    assert.equal((await collect(second)).stdout.toString(), 'second\n');
    await first.write({ kind: 'eof' });
    assert.deepEqual([...(await collect(first)).events].sort(), ['close', 'eof', 'exit 0']);
    assert.equal(vault.opened, 2);
    dialer.close();
  });

  it('sends the exact bytes of a command', async () => {
    await using sshd = await sshdWithKey();
    const dialer = dialerFor();
    const bytes = Buffer.concat([
      Buffer.from("printf '%s' '"),
      Buffer.from([0xff, 0xc3, 0x28]),
      Buffer.from("'"),
    ]);
    const { stdout } = await collect(opened(await dialer.dial(grantFor(sshd), exec(bytes))));
    assert.deepEqual(stdout, Buffer.from([0xff, 0xc3, 0x28]));
    dialer.close();
  });

  it('forgets a connection that the target ended, and makes a new one', async () => {
    const vault = vaultOf(KEY.privateKeyPem);
    const dialer = dialerFor(vault);
    await using sshd = await sshdWithKey();
    const grant = grantFor(sshd);
    const end = opened(await dialer.dial(grant, exec('kill -9 $PPID; sleep 5')));
    assert.equal((await collect(end)).events.at(-1), 'close');
    await collect(opened(await dialer.dial(grant, exec('true'))));
    assert.equal(vault.opened, 2);
    dialer.close();
  });

  it('ends every channel when it is closed', async () => {
    await using sshd = await sshdWithKey();
    const dialer = dialerFor();
    const end = opened(await dialer.dial(grantFor(sshd), exec('sleep 60')));
    dialer.close();
    assert.deepEqual((await collect(end)).events, ['close']);
    const late = failure(await dialer.dial(grantFor(sshd), exec('true')));
    assert.equal(late.code, 'target.refused');
  });
});

describe('a target that cannot be used', () => {
  it('is unreachable when nothing listens', async () => {
    const port = await freePort();
    const target = { host: '127.0.0.1', port, hostKeyLine: KEY.publicLine };
    const error = failure(await dialerFor().dial(grantFor(target), exec('true')));
    assert.equal(error.code, 'target.unreachable');
    assert.match(
      error.message,
      new RegExp(`web1 \\(127\\.0\\.0\\.1:${port}\\).*connection refused`),
    );
  });

  it('is unreachable when its name has no address', async () => {
    const target = { host: 'nowhere.invalid', port: 22, hostKeyLine: KEY.publicLine };
    const error = failure(await dialerFor().dial(grantFor(target), exec('true')));
    assert.equal(error.code, 'target.unreachable');
  });

  it('is unreachable when it accepts and says nothing', async () => {
    const server = createServer((socket) => socket.on('error', () => {})).listen(0, '127.0.0.1');
    await once(server, 'listening');
    const { port } = server.address() as AddressInfo;
    const target = { host: '127.0.0.1', port, hostKeyLine: KEY.publicLine };
    const dialer = dialerFor(vaultOf(KEY.privateKeyPem), 200);
    const error = failure(await dialer.dial(grantFor(target), exec('true')));
    assert.equal(error.code, 'target.unreachable');
    assert.match(error.message, /no SSH connection within 0\.2 s/);
    server.close();
  });

  it('is refused when it is no SSH server', async () => {
    const server = createServer((socket) => {
      socket.on('error', () => {}).end('220 mail ready\r\n'.repeat(2000));
    }).listen(0, '127.0.0.1');
    await once(server, 'listening');
    const { port } = server.address() as AddressInfo;
    const target = { host: '127.0.0.1', port, hostKeyLine: KEY.publicLine };
    const error = failure(await dialerFor().dial(grantFor(target), exec('true')));
    assert.equal(error.code, 'target.refused');
    server.close();
  });

  it('is refused with both fingerprints when its host key has changed, and sees no credential', async () => {
    await using sshd = await sshdWithKey();
    const other = generateKeyPair('other');
    const vault = vaultOf(KEY.privateKeyPem);
    const grant = grantFor({ ...sshd, hostKeyLine: other.publicLine });
    const error = failure(await dialerFor(vault).dial(grant, exec('true')));
    assert.equal(error.code, 'target.host-key-changed');
    const shown = parsePublicLine(sshd.hostKeyLine);
    assert.ok(shown.kind === 'key' && error.message.includes(shown.fingerprint));
    assert.ok(error.message.includes(other.fingerprint));
    assert.match(error.hint, /sallyport target scan web1/);
    assert.equal(vault.opened, 0);
  });

  it('is not even dialled without a pinned host key', async () => {
    const target = { host: '127.0.0.1', port: await freePort(), hostKeyLine: null };
    const error = failure(await dialerFor().dial(grantFor(target), exec('true')));
    assert.equal(error.code, 'target.refused');
    assert.match(error.hint, /sallyport target scan web1/);
  });

  it('is refused when it does not take the credential', async () => {
    await using sshd = await startSshd();
    const error = failure(await dialerFor().dial(grantFor(sshd), exec('true')));
    assert.equal(error.code, 'target.refused');
    assert.match(error.message, /refused the login .* with credential web1-key/);
  });

  it('leaves the error of the vault as it is', async () => {
    await using sshd = await startSshd();
    const locked = new SallyportError('vault.locked', 'the master key is missing', 'set it');
    const vault = { open: () => Promise.reject(locked) };
    assert.equal(failure(await dialerFor(vault).dial(grantFor(sshd), exec('true'))), locked);
  });

  it('is refused when the credential is no key', async () => {
    await using sshd = await startSshd();
    const error = failure(
      await dialerFor(vaultOf(Buffer.from('secret'))).dial(grantFor(sshd), exec('true')),
    );
    assert.equal(error.code, 'target.refused');
    assert.match(error.message, /credential web1-key cannot be used/);
    assert.doesNotMatch(error.message, /secret/);
  });
});

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

describe('a target that takes passwords', () => {
  const hostKey = generateKeyPair('host');

  /** Takes `secret` by the one method, and says `hello` to every command. */
  async function passwordTarget(method: 'password' | 'keyboard-interactive', prompts: number) {
    const server = new Server({ hostKeys: [hostKey.privateKeyPem] }, (client) => {
      client.on('error', () => {});
      client.on('authentication', (context) => {
        if (context.method !== method) return context.reject([method]);
        if (context.method === 'password') {
          return context.password === 'secret' ? context.accept() : context.reject([method]);
        }
        const asked = Array.from({ length: prompts }, () => ({
          prompt: 'Password: ',
          echo: false,
        }));
        context.prompt(asked, (answers) =>
          answers.every((one) => one === 'secret') ? context.accept() : context.reject([method]),
        );
      });
      client.on('session', (accept) => {
        accept().on('exec', (acceptExec) => {
          const channel = acceptExec();
          channel.write('hello');
          channel.exit(0);
          channel.end();
        });
      });
    });
    server.listen(0, '127.0.0.1');
    await once(server, 'listening');
    const { port } = server.address() as AddressInfo;
    return {
      host: '127.0.0.1',
      port,
      hostKeyLine: hostKey.publicLine,
      [Symbol.asyncDispose]: async () => {
        server.close();
        await once(server, 'close');
      },
    };
  }

  function passwordVault(password: string, given: Buffer[] = []): Vault {
    return {
      open: () => {
        const bytes = Buffer.from(password);
        given.push(bytes);
        const dispose = (): void => void bytes.fill(0);
        return Promise.resolve({ kind: 'password', bytes, [Symbol.dispose]: dispose });
      },
    };
  }

  for (const method of ['password', 'keyboard-interactive'] as const) {
    it(`is opened by ${method}, and the password is wiped`, async () => {
      await using target = await passwordTarget(method, 1);
      const given: Buffer[] = [];
      const dialer = dialerFor(passwordVault('secret', given));
      const { stdout } = await collect(opened(await dialer.dial(grantFor(target), exec('x'))));
      assert.equal(stdout.toString(), 'hello');
      assert.deepEqual(given, [Buffer.alloc(6)]);
      dialer.close();
    });

    it(`is refused by ${method} with the wrong password, which is not shown`, async () => {
      await using target = await passwordTarget(method, 1);
      const dialer = dialerFor(passwordVault('wrong'));
      const error = failure(await dialer.dial(grantFor(target), exec('x')));
      assert.equal(error.code, 'target.refused');
      assert.doesNotMatch(error.message, /wrong/);
    });
  }

  it('cannot ask a thousand questions', async () => {
    await using target = await passwordTarget('keyboard-interactive', 1000);
    const error = failure(
      await dialerFor(passwordVault('secret')).dial(grantFor(target), exec('x')),
    );
    assert.match(error.message, /too many questions/);
  });
});

describe('scanning a host key', () => {
  it('shows the key of a real server as the line that pins it', async () => {
    await using sshd = await startSshd();
    const { hostKeyLine, fingerprint } = await scanHostKey(sshd.host, sshd.port, 10_000);
    assert.equal(hostKeyLine, sshd.hostKeyLine);
    const parsed = parsePublicLine(sshd.hostKeyLine);
    assert.ok(parsed.kind === 'key' && parsed.fingerprint === fingerprint);
  });

  it('rejects when nothing listens or nothing is said', async () => {
    await assert.rejects(scanHostKey('127.0.0.1', await freePort(), 10_000), {
      code: 'target.unreachable',
    });
    const server = createServer((socket) => socket.on('error', () => {})).listen(0, '127.0.0.1');
    await once(server, 'listening');
    const { port } = server.address() as AddressInfo;
    await assert.rejects(scanHostKey('127.0.0.1', port, 200), { code: 'target.unreachable' });
    server.close();
  });
});
