import assert from 'node:assert/strict';
import { once } from 'node:events';
import { createServer, type AddressInfo } from 'node:net';
import { Server } from 'ssh2';
import type { Vault } from '../../server/session/ports.ts';
import { generateKeyPair, parsePublicLine, scanHostKey } from '../../server/ssh/key.ts';
import { freePort, startSshd } from '../support/sshd.ts';
import { grantFor } from './support/bastion.ts';
import { collect } from './support/collect.ts';
import { dialerFor, exec, failure, opened } from './support/dialling.ts';

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
      current: () => Promise.resolve({ kind: 'password', version: 1 }),
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
