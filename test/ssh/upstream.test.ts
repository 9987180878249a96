import assert from 'node:assert/strict';
import { once } from 'node:events';
import { createServer, type AddressInfo } from 'node:net';
import { SallyportError } from '../../server/errors.ts';
import { generateKeyPair, parsePublicLine } from '../../server/ssh/key.ts';
import { freePort, startSshd } from '../support/sshd.ts';
import { grantFor, vaultOf } from './support/bastion.ts';
import { collect } from './support/collect.ts';
import { dialerFor, exec, failure, KEY, opened, sshdWithKey } from './support/dialling.ts';

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
    const vault = { ...vaultOf(KEY.privateKeyPem), open: () => Promise.reject(locked) };
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
