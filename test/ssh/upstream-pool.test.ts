/** Which channels share a connection to a target, told by the target itself. */
import assert from 'node:assert/strict';
import { randomUUID } from 'node:crypto';
import { setTimeout as pause } from 'node:timers/promises';
import type { Grant } from '../../server/access/grant.ts';
import { silentLogger } from '../../server/log.ts';
import type { ChannelRequest, Dialer, DialOutcome, Pty } from '../../server/session/ports.ts';
import { MESSAGE } from '../../server/ssh/engine/wire.ts';
import { generateKeyPair } from '../../server/ssh/key.ts';
import { createDialers, type DialerLimits, type TargetDialers } from '../../server/ssh/upstream.ts';
import type { Sshd } from '../support/sshd.ts';
import { grantFor, vaultOf } from './support/bastion.ts';
import { collect } from './support/collect.ts';
import { exec, failure, KEY, opened, sshdWithKey } from './support/dialling.ts';
import { startRawServer, type RawPeer } from './support/raw-peer.ts';

const PTY: Pty = {
  term: 'xterm',
  size: { cols: 80, rows: 24, widthPx: 0, heightPx: 0 },
  modes: Buffer.of(0),
};
/** Says which connection of the target it runs on: that has a process of its own. */
const WHICH = 'echo $PPID';
/** The same for a command that stays. */
const STAY = `${WHICH}; exec cat`;

/** Until something that another process does is seen. */
async function until(isSo: () => boolean, what: string): Promise<void> {
  for (let waited = 0; !isSo(); waited += 10) {
    assert.ok(waited < 10_000, what);
    await pause(10);
  }
}

describe('connections to targets', () => {
  const closing: TargetDialers[] = [];
  afterEach(() => {
    for (const dialers of closing.splice(0)) dialers.close();
  });

  class Scene {
    readonly vault = vaultOf(KEY.privateKeyPem);
    readonly dialers: TargetDialers;
    readonly grant: Grant;

    constructor(
      target: Pick<Sshd, 'host' | 'port' | 'hostKeyLine'>,
      limits: Partial<DialerLimits> = {},
    ) {
      this.dialers = createDialers({ vault: this.vault, logger: silentLogger, limits });
      closing.push(this.dialers);
      this.grant = grantFor(target);
    }

    client(): Dialer {
      return this.dialers.create();
    }

    /** Runs a command to its end, as a session of a client of its own. */
    async run(command = WHICH, more: Partial<ChannelRequest> = {}, grant = this.grant) {
      const client = this.client();
      const outcome = await client.dial(grant, { ...exec(command), ...more }, randomUUID());
      const { stdout } = await collect(opened(outcome));
      client.close();
      return stdout.toString().trim();
    }

    /** Starts a command that stays, and gives the first line of its output. */
    async stay(client = this.client(), more: Partial<ChannelRequest> = {}) {
      const session = randomUUID();
      const outcome = await client.dial(this.grant, { ...exec(STAY), ...more }, session);
      const end = opened(outcome);
      const unit = await end.read();
      assert.ok(unit.kind === 'data');
      const which = unit.bytes.toString().trim();
      return { which, end, outcome, leave: () => client.release(session) };
    }
  }

  function isShared(outcome: DialOutcome): boolean {
    assert.ok(outcome.kind === 'open');
    return outcome.connection.isShared;
  }

  it('carry the next client of the same principal without another handshake', async () => {
    await using sshd = await sshdWithKey();
    const scene = new Scene(sshd);
    const first = await scene.run();
    assert.equal(await scene.run(), first);
    assert.equal(await scene.run(WHICH, { pty: PTY }), first);
    assert.equal(scene.vault.opened, 1);
    assert.equal(scene.dialers.connectionCount, 1);
  });

  it('carry commands of several clients at once', async () => {
    await using sshd = await sshdWithKey();
    const scene = new Scene(sshd);
    const one = await scene.stay();
    const other = await scene.stay();
    assert.equal(other.which, one.which);
    assert.deepEqual([isShared(one.outcome), isShared(other.outcome)], [false, true]);
    assert.equal(scene.vault.opened, 1);
  });

  it('are never shared with another principal, login, credential, address or pinned key', async () => {
    await using sshd = await sshdWithKey();
    const scene = new Scene(sshd);
    await scene.run();
    const { grant } = scene;
    const differing: Grant[] = [
      grantFor(sshd, { principal: 'somebody' }),
      grantFor(sshd, { credential: 'another-key' }),
      grantFor({ ...sshd, host: 'localhost' }),
      grantFor({ ...sshd, hostKeyLine: `${sshd.hostKeyLine} renamed` }),
      grantFor(sshd, { target: 'web2' }),
    ];
    for (const [index, other] of differing.entries()) {
      await scene.run(WHICH, {}, other);
      assert.equal(scene.vault.opened, index + 2);
    }
    await scene.run(WHICH, {}, grant);
    assert.equal(scene.vault.opened, differing.length + 1);
  });

  it('are made anew when the credential has changed', async () => {
    await using sshd = await sshdWithKey();
    const scene = new Scene(sshd);
    await scene.run();
    scene.vault.version = 2;
    await scene.run();
    assert.equal(scene.vault.opened, 2);
  });

  it('take no new channel and end when the directory changes; running sessions go on', async () => {
    await using sshd = await sshdWithKey();
    const scene = new Scene(sshd);
    const running = await scene.stay();
    scene.dialers.retire();
    assert.notEqual(await scene.run(), running.which);
    scene.dialers.retire();
    await running.end.write({ kind: 'data', bytes: Buffer.from('still here\n') });
    const unit = await running.end.read();
    assert.ok(unit.kind === 'data' && unit.bytes.toString() === 'still here\n');
    running.leave();
    await until(() => scene.dialers.connectionCount === 0, 'a retired connection stays');
  });

  it('end when nobody has used them for a while, but not before', async () => {
    await using sshd = await sshdWithKey();
    const scene = new Scene(sshd, { idleMs: 300 });
    const running = await scene.stay();
    await pause(450);
    assert.equal(scene.dialers.connectionCount, 1);
    running.leave();
    await until(() => scene.dialers.connectionCount === 0, 'an idle connection stays');
  });

  it('take no new channel when they are old', async () => {
    await using sshd = await sshdWithKey();
    const scene = new Scene(sshd, { maxAgeMs: 100 });
    const first = await scene.run();
    await pause(150);
    assert.notEqual(await scene.run(), first);
  });

  it('carry one session each when none is to be kept', async () => {
    await using sshd = await sshdWithKey();
    const scene = new Scene(sshd, { idleMs: 0 });
    const one = await scene.stay();
    const other = await scene.stay();
    assert.notEqual(one.which, other.which);
    one.leave();
    other.leave();
    await until(() => scene.dialers.connectionCount === 0, 'a connection stays');
  });

  it('are not shared by the terminal of another client, whose echo would wait', async () => {
    await using sshd = await sshdWithKey();
    const scene = new Scene(sshd);
    const command = await scene.stay();
    const terminal = await scene.stay(scene.client(), { pty: PTY });
    assert.notEqual(terminal.which, command.which);
    assert.notEqual((await scene.stay(scene.client(), { pty: PTY })).which, terminal.which);
    assert.equal(await scene.run(), command.which);
  });

  it('are shared by the terminals and commands of one client', async () => {
    await using sshd = await sshdWithKey();
    const scene = new Scene(sshd);
    const client = scene.client();
    const terminal = await scene.stay(client, { pty: PTY });
    assert.equal((await scene.stay(client)).which, terminal.which);
    assert.equal((await scene.stay(client, { pty: PTY })).which, terminal.which);
  });

  it('share one handshake between clients that come while it goes on', async () => {
    await using sshd = await sshdWithKey();
    const scene = new Scene(sshd);
    const all = await Promise.all(Array.from({ length: 8 }, () => scene.run()));
    assert.equal(new Set(all).size, 1);
    assert.equal(scene.vault.opened, 1);
  });

  it('tell every client that waited when the handshake fails, and try once', async () => {
    await using sshd = await sshdWithKey();
    const scene = new Scene(sshd);
    const { publicLine } = generateKeyPair('other');
    const wrong = grantFor({ ...sshd, hostKeyLine: publicLine });
    const outcomes = await Promise.all(
      [1, 2, 3].map(() => scene.client().dial(wrong, exec('id'), randomUUID())),
    );
    for (const outcome of outcomes) {
      assert.equal(failure(outcome).code, 'target.host-key-changed');
    }
    assert.equal(scene.vault.opened, 0);
  });

  it('keep a handshake alive that another client waits for', async () => {
    await using sshd = await sshdWithKey();
    const scene = new Scene(sshd);
    const impatient = scene.client();
    const lost = impatient.dial(scene.grant, exec(WHICH), randomUUID());
    const kept = scene.run();
    await pause(1);
    impatient.close();
    assert.match(await kept, /^\d+$/);
    assert.match(failure(await lost).message, /the client has gone/);
    assert.equal(scene.vault.opened, 1);
  });

  it('give up a handshake that nobody waits for any more', async () => {
    await using sshd = await sshdWithKey();
    const scene = new Scene(sshd);
    const impatient = scene.client();
    const lost = impatient.dial(scene.grant, exec(WHICH), randomUUID());
    await until(() => scene.dialers.connectionCount === 1, 'no handshake began');
    impatient.close();
    failure(await lost);
    assert.equal(scene.dialers.connectionCount, 0);
  });

  it('make room by another one when the target allows few sessions, and remember it', async () => {
    await using sshd = await sshdWithKey(['MaxSessions 3']);
    const scene = new Scene(sshd);
    const staying = [];
    for (let count = 0; count < 7; count += 1) staying.push(await scene.stay());
    const used = staying.map(({ which }) => which);
    assert.equal(new Set(used).size, 3);
    assert.deepEqual(used.slice(0, 3), [used[0], used[0], used[0]]);
    assert.equal(scene.vault.opened, 3);
    // A session that ends makes room on its own connection.
    staying[1]?.leave();
    await until(() => scene.dialers.connectionCount === 3, 'a connection went');
    await pause(100);
    assert.equal((await scene.stay()).which, used[0]);
    assert.equal(scene.vault.opened, 3);
  });

  it('carry many sessions at once on a target that allows few on each', async () => {
    await using sshd = await sshdWithKey(['MaxSessions 4']);
    const scene = new Scene(sshd);
    const all = await Promise.all(Array.from({ length: 20 }, () => scene.stay()));
    const perConnection = new Map<string, number>();
    for (const { which } of all) perConnection.set(which, (perConnection.get(which) ?? 0) + 1);
    assert.ok(perConnection.size <= 8, `${perConnection.size} connections`);
    assert.equal(Math.max(...perConnection.values()), 4);
  });

  it('are bounded in number, with words for whoever comes later', async () => {
    await using sshd = await sshdWithKey(['MaxSessions 1']);
    const scene = new Scene(sshd, { maxConnections: 2 });
    await scene.stay();
    await scene.stay();
    const late = await scene.client().dial(scene.grant, exec('id'), randomUUID());
    assert.match(failure(late).message, /all 2 connections to it are full/);
  });

  it('say why when the target takes no session at all', async () => {
    await using sshd = await sshdWithKey(['MaxSessions 0']);
    const scene = new Scene(sshd);
    const outcome = await scene.client().dial(scene.grant, exec('id'), randomUUID());
    assert.match(failure(outcome).message, /it refused a channel: open failed/);
    assert.equal(scene.vault.opened, 1);
  });

  it('are forgotten when the target has ended them, and no client notices', async () => {
    await using sshd = await sshdWithKey();
    const scene = new Scene(sshd);
    const first = await scene.run();
    process.kill(Number(first), 'SIGKILL');
    assert.notEqual(await scene.run(), first);
  });

  it('lose only the session whose client has gone', async () => {
    await using sshd = await sshdWithKey();
    const scene = new Scene(sshd);
    const leaving = scene.client();
    const one = await scene.stay(leaving);
    const other = await scene.stay();
    assert.equal(other.which, one.which);
    leaving.close();
    assert.equal((await one.end.read()).kind, 'close');
    await other.end.write({ kind: 'data', bytes: Buffer.from('x\n') });
    const unit = await other.end.read();
    assert.ok(unit.kind === 'data' && unit.bytes.toString() === 'x\n');
  });

  it('carry nothing for a session that was over before its channel came', async () => {
    await using sshd = await sshdWithKey();
    const scene = new Scene(sshd, { idleMs: 0 });
    const client = scene.client();
    const dialling = client.dial(scene.grant, exec(STAY), 'one');
    await until(() => scene.dialers.connectionCount === 1, 'no handshake began');
    client.release('one');
    assert.match(failure(await dialling).message, /the client has gone/);
    await until(() => scene.dialers.connectionCount === 0, 'its connection stays');
    // The id may come again, for instance for a second channel.
    opened(await client.dial(scene.grant, exec('true'), 'one'));
  });

  it('end when the bastion stops', async () => {
    await using sshd = await sshdWithKey();
    const scene = new Scene(sshd);
    const running = await scene.stay();
    await scene.run();
    scene.dialers.close();
    assert.deepEqual(await running.end.read(), { kind: 'close', isBroken: true });
    assert.equal(scene.dialers.connectionCount, 0);
    const late = await scene.client().dial(scene.grant, exec('id'), randomUUID());
    assert.match(failure(late).message, /the bastion is stopping/);
  });

  describe('to a target that means harm', () => {
    const hostKey = generateKeyPair('evil');

    /** Confirms the channel `remote` and grants its command. */
    async function oblige(peer: RawPeer, remote: number): Promise<void> {
      await peer.expect(MESSAGE.CHANNEL_OPEN);
      peer.send(MESSAGE.CHANNEL_OPEN_CONFIRMATION, remote, remote, 1_000_000, 32_768);
      await peer.expect(MESSAGE.CHANNEL_REQUEST);
      peer.send(MESSAGE.CHANNEL_SUCCESS, remote);
    }

    it('are left for a new one when it stops answering', async () => {
      let connections = 0;
      await using server = await startRawServer(hostKey, (peer) => {
        connections += 1;
        void oblige(peer, 0);
      });
      const target = { ...server, hostKeyLine: hostKey.publicLine };
      const scene = new Scene(target, { reuseTimeoutMs: 100 });
      const dial = (): Promise<DialOutcome> =>
        scene.client().dial(scene.grant, exec('x'), randomUUID());
      opened(await dial());
      // The second channel is never answered on the first connection.
      assert.equal(isShared(await dial()), false);
      assert.equal(connections, 2);
    });

    it('hold nobody up by what it sends after a session has ended', async () => {
      let flooded: Promise<void> = Promise.resolve();
      await using server = await startRawServer(hostKey, (peer) => {
        flooded = (async () => {
          await oblige(peer, 0);
          await peer.expect(MESSAGE.CHANNEL_CLOSE);
          for (let sent = 0; sent < 5000; sent += 1) {
            peer.send(MESSAGE.CHANNEL_REQUEST, 0, 'exit-status', false, 1);
          }
          await oblige(peer, 1);
        })();
      });
      const scene = new Scene({ ...server, hostKeyLine: hostKey.publicLine });
      const client = scene.client();
      opened(await client.dial(scene.grant, exec('x'), 'one'));
      client.release('one');
      const second = await client.dial(scene.grant, exec('x'), 'two');
      assert.equal(isShared(second), true);
      await flooded;
    });
  });
});
