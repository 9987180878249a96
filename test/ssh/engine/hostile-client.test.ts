/** What the gateway answers to clients that do more than ssh does, and what it announces to ssh. */
import assert from 'node:assert/strict';
import { once } from 'node:events';
import { readFile } from 'node:fs/promises';
import type { AddressInfo } from 'node:net';
import { join } from 'node:path';
import { Client, Server } from 'ssh2';
import { sendPayload, type Protocol } from '../../../server/ssh/engine/driver.ts';
import { encodeFields, encodePacket, MESSAGE } from '../../../server/ssh/engine/wire.ts';
import { generateKeyPair, parsePublicLine } from '../../../server/ssh/key.ts';
import { runProgram } from '../../support/program.ts';
import { startSshd } from '../../support/sshd.ts';
import { temporaryFolder } from '../../support/temporary-folder.ts';
import { grantFor, vaultOf } from '../support/bastion.ts';
import { collect } from '../support/collect.ts';
import { dialerFor, exec, failure, opened } from '../support/dialling.ts';
import { connectClient, connectStranger } from '../support/raw-peer.ts';
import { startWorld } from '../support/world.ts';

/** What ssh2 has inside: the protocol, and how many packets it has sent. */
interface Inside {
  readonly _protocol: Protocol & { readonly _cipher: { readonly outSeqno: number } };
}

function blobOf(publicLine: string): Buffer {
  const outcome = parsePublicLine(publicLine);
  assert.ok(outcome.kind === 'key');
  return outcome.blob;
}

describe('a client that sends everything at once', () => {
  it('has its authentication requests answered in their order (#1481)', async () => {
    await using world = await startWorld();
    const peer = await connectStranger(world.address);
    const offer = (blob: Buffer): void => {
      const fields = ['u', 'ssh-connection', 'publickey', false, 'ssh-ed25519', blob] as const;
      peer.send(MESSAGE.USERAUTH_REQUEST, ...fields);
    };
    const known = blobOf(world.client.publicLine);
    const unknown = blobOf(generateKeyPair('x').publicLine);
    peer.send(MESSAGE.SERVICE_REQUEST, 'ssh-userauth');
    peer.send(MESSAGE.USERAUTH_REQUEST, 'u', 'ssh-connection', 'none');
    for (const blob of [unknown, known, unknown, known]) offer(blob);
    const answers: number[] = [];
    for (let left = 6; left > 0; left -= 1) answers.push((await peer.next()).type);
    const { SERVICE_ACCEPT, USERAUTH_FAILURE: no, USERAUTH_PK_OK: yes } = MESSAGE;
    assert.deepEqual(answers, [SERVICE_ACCEPT, no, no, yes, no, yes]);
  });

  it('is told the number of the packet that nobody understands', async () => {
    await using world = await startWorld();
    const told: number[] = [];
    const client = new Client().on('error', () => {});
    client.connect({
      ...world.address,
      username: 'u',
      privateKey: world.client.privateKeyPem,
      debug: (text) => {
        const [, number] = /Received UNIMPLEMENTED \(seqno (\d+)\)/.exec(text) ?? [];
        if (number !== undefined) told.push(Number(number));
      },
    });
    await once(client, 'ready');
    const { _protocol: protocol } = client as unknown as Inside;
    const sent = [8, 21, 30, 49, 54, 70, 101, 255].map((type) => {
      const number = protocol._cipher.outSeqno;
      sendPayload(protocol, encodePacket(type, 'x'));
      return number;
    });
    // The answer to this comes after those.
    await new Promise((resolve) => client.exec('x', resolve));
    assert.deepEqual(told, sent);
    client.destroy();
  });

  for (const type of [
    MESSAGE.GLOBAL_REQUEST,
    MESSAGE.CHANNEL_OPEN,
    MESSAGE.CHANNEL_OPEN_FAILURE,
    MESSAGE.PING,
  ]) {
    it(`is cut off for a cut packet of type ${type}`, async () => {
      await using world = await startWorld();
      const peer = await connectClient(world.address, world.client);
      peer.transport.send(Buffer.of(type, 0, 0));
      await peer.over;
      assert.match(world.ended[0] ?? '', /malformed packet/);
    });
  }

  it('is cut off for an empty packet', async () => {
    await using world = await startWorld();
    const peer = await connectClient(world.address, world.client);
    peer.transport.send(Buffer.alloc(0));
    await peer.over;
    assert.match(world.ended[0] ?? '', /empty packet/);
  });

  it('has hostkeys-00 with 32 kB of keys refused unread', async () => {
    await using world = await startWorld();
    const peer = await connectClient(world.address, world.client);
    const keys = encodeFields([Buffer.alloc(32_000, 'ssh-ed25519 AAAA')]);
    peer.send(MESSAGE.GLOBAL_REQUEST, 'hostkeys-00@openssh.com', true, keys);
    await peer.expect(MESSAGE.REQUEST_FAILURE);
    await peer.openSession();
  });
});

describe('what both sides announce (EXT_INFO)', () => {
  it('tells ssh every signature algorithm by a name of its own, and the ping', async () => {
    await using world = await startWorld();
    const folder = await temporaryFolder();
    const { host, port } = world.address;
    const args = `-F none -v -p ${port} -o BatchMode=yes -o StrictHostKeyChecking=no
      -o UserKnownHostsFile=${join(folder, 'known')} -o IdentityAgent=none x@${host}`;
    const { stderr } = await runProgram('ssh', args.split(/\s+/));
    const [, names = ''] = /server-sig-algs=<([^>]*)>/.exec(stderr) ?? [];
    assert.deepEqual(names.split(','), [
      'ssh-ed25519',
      'ecdsa-sha2-nistp256',
      'ecdsa-sha2-nistp384',
      'ecdsa-sha2-nistp521',
      'rsa-sha2-512',
      'rsa-sha2-256',
      'sk-ssh-ed25519@openssh.com',
      'sk-ecdsa-sha2-nistp256@openssh.com',
    ]);
    assert.match(stderr, /ping@openssh\.com/);
  });

  async function rsaKey(): Promise<{ readonly pem: Buffer; readonly publicLine: string }> {
    const file = join(await temporaryFolder(), 'rsa');
    const made = await runProgram('ssh-keygen', ['-q', '-t', 'rsa', '-N', '', '-f', file]);
    assert.equal(made.status, 0, made.stderr);
    return { pem: await readFile(file), publicLine: await readFile(`${file}.pub`, 'utf8') };
  }

  it('signs with SHA-512 for a target that announces it', async () => {
    const { pem, publicLine } = await rsaKey();
    await using sshd = await startSshd(['PubkeyAcceptedAlgorithms rsa-sha2-512']);
    await sshd.authorise(publicLine);
    const dialer = dialerFor(vaultOf(pem));
    const end = opened(await dialer.dial(grantFor(sshd), exec('echo in')));
    assert.equal((await collect(end)).stdout.toString(), 'in\n');
    dialer.close();
  });

  it('signs with SHA-256 for a target that announces only that', async () => {
    const { pem } = await rsaKey();
    const hostKey = generateKeyPair('host');
    const hashes: (string | undefined)[] = [];
    // ssh2 forgets a comma: its list holds rsa-sha2-256 but no rsa-sha2-512.
    const server = new Server({ hostKeys: [hostKey.privateKeyPem] }, (client) => {
      client.on('error', () => {});
      client.on('authentication', (context) => {
        if (context.method === 'publickey') hashes.push(context.hashAlgo);
        context.reject(['publickey']);
      });
    });
    server.listen(0, '127.0.0.1');
    await once(server, 'listening');
    const { port } = server.address() as AddressInfo;
    const dialer = dialerFor(vaultOf(pem));
    const target = { host: '127.0.0.1', port, hostKeyLine: hostKey.publicLine };
    failure(await dialer.dial(grantFor(target), exec('x')));
    assert.deepEqual(hashes, ['sha256']);
    dialer.close();
    server.close();
  });
});
