import assert from 'node:assert/strict';
import type { InputUnit } from '../../server/session/ports.ts';
import {
  dialled,
  decided,
  exitOf,
  input,
  start,
  stdout,
  steps,
  text,
  until,
} from '../support/running-session.ts';
import { CONNECTION, fakeWorld, type FakeWorld } from '../support/session-fakes.ts';

describe('session: a command', () => {
  it('begins the record, commits the decision, and only then dials', async () => {
    const { world, client, over } = start('df -h');
    await until(() => dialled(world));
    world.upstream.send(
      stdout('out'),
      { kind: 'eof' },
      { kind: 'exit', status: 3 },
      { kind: 'close' },
    );
    await over;
    const order = steps(world).filter((one) => one !== 'event');
    assert.deepEqual(order, ['begin', 'decided', 'dial', 'journal', 'ended', 'end']);
    const opened = world.steps.find((one) => one.step === 'journal');
    assert.ok(opened?.step === 'journal');
    assert.equal(opened.event.type, 'upstream.opened');
    const use = { login: 'deploy', credential: 'c', grant: 'g' };
    const carrier = { connection: 'c1', shared: false, from: CONNECTION.from };
    assert.deepEqual(opened.event.data, { ...carrier, ...use });
    assert.ok(
      steps(world).indexOf('event') < steps(world).indexOf('dial'),
      'the marker comes first',
    );
    assert.deepEqual(client.written, [
      stdout('out'),
      { kind: 'eof' },
      { kind: 'exit', status: 3 },
      { kind: 'close' },
    ]);
    const end = world.steps.at(-1);
    assert.ok(end?.step === 'end' && end.end.exitStatus === 3 && end.end.status === 'closed');
  });

  it('sends the exact bytes and only allowed variables', async () => {
    const bytes = Buffer.from([0x65, 0x63, 0x68, 0x6f, 0x20, 0x27, 0xc3, 0xa9, 0x27]);
    const { world, client, over } = start(bytes, {
      env: [
        { name: 'LANG', value: 'C' },
        { name: 'LC_TIME', value: 'C' },
        { name: 'LD_PRELOAD', value: '/x.so' },
        { name: 'BASH_ENV', value: '/x' },
      ],
    });
    await until(() => dialled(world));
    const dial = world.steps.find((one) => one.step === 'dial');
    assert.ok(dial?.step === 'dial');
    assert.ok(dial.request.command?.equals(bytes));
    assert.deepEqual(
      dial.request.env.map((one) => one.name),
      ['LANG', 'LC_TIME'],
    );
    world.upstream.send({ kind: 'exit', status: 0 }, { kind: 'close' });
    await over;
    assert.equal(exitOf(client.written), 0);
  });

  it('asks for no terminal modes that would make lines unreadable', async () => {
    const world = fakeWorld();
    const { over } = start('top', { pty: true, world, modes: Buffer.from([71, 0, 0, 0, 1, 0]) });
    await until(() => dialled(world));
    const dial = world.steps.find((one) => one.step === 'dial');
    assert.ok(dial?.step === 'dial');
    assert.deepEqual([...(dial.request.pty?.modes ?? [])], [0]);
    world.upstream.send({ kind: 'exit', status: 0 }, { kind: 'close' });
    await over;
  });

  it('delivers nothing that is not durable yet', async () => {
    const { world, client, over } = start('cat');
    await until(() => dialled(world));
    const hold = world.holdDurability();
    world.upstream.send(stdout('early'), { kind: 'exit', status: 0 }, { kind: 'close' });
    await new Promise((resolve) => setTimeout(resolve, 30));
    assert.deepEqual(client.written, []);
    hold.release();
    await over;
    assert.equal(text(client.written, 'stdout'), 'early');
  });

  it('denies with status 126 and the rule, and dials nothing', async () => {
    const { world, client, session, over } = start('cd / && rm -rf /data/x');
    await over;
    assert.ok(!dialled(world));
    assert.equal(
      text(client.written, 'stderr'),
      `sallyport: denied by rule "no-wipe": production data (\`rm -rf /data/x\`) (command 1 of session ${session.id})\n`,
    );
    assert.equal(exitOf(client.written), 126);
    assert.deepEqual(
      client.written.slice(-3).map((unit) => unit.kind),
      ['exit', 'eof', 'close'],
    );
    assert.equal(decided(world)[0]?.decision.verdict, 'deny');
    const markers = world.steps.filter((one) => one.step === 'event' && one.event.code === 'm');
    assert.equal(markers.length, 1);
  });

  const unreadable: [string, Buffer, 'deny' | 'hold', RegExp][] = [
    ['a NUL byte', Buffer.from('ls\0-l'), 'deny', /NUL/],
    ['70,000 bytes', Buffer.from(`echo ${'x'.repeat(70_000)}`), 'deny', /70005 bytes/],
    ['1 MB', Buffer.from(`echo ${'x'.repeat(1_000_000)}`), 'deny', /1000005 bytes/],
    ['bytes that are not UTF-8', Buffer.from([0x6c, 0x73, 0x20, 0xff]), 'hold', /UTF-8/],
  ];
  for (const [what, bytes, verdict, why] of unreadable) {
    it(`does not run ${what}`, async () => {
      const { world, client, over } = start(bytes);
      if (verdict === 'hold') {
        await until(() => steps(world).includes('approval'));
        world.decide({ kind: 'refused', by: 'alice', reason: null });
      }
      await over;
      assert.ok(!dialled(world));
      assert.equal(exitOf(client.written), 126);
      assert.equal(decided(world)[0]?.decision.verdict, verdict);
      assert.match(decided(world)[0]?.decision.reason ?? '', why);
      assert.ok((decided(world)[0]?.text.length ?? 0) <= 65_537);
    });
  }

  it('refuses when the record can not be begun', async () => {
    const world = fakeWorld();
    world.failRecording();
    const { client, over } = start('ls', { world });
    await over;
    assert.ok(!dialled(world));
    assert.equal(text(client.written, 'stderr'), 'sallyport: the disk is full; free some space\n');
    assert.equal(exitOf(client.written), 255);
  });

  it('ends when the record fails, and the client gets nothing unrecorded', async () => {
    const { world, client, over } = start('cat big');
    await until(() => dialled(world));
    world.upstream.send(stdout('kept'));
    await until(() => client.written.length > 0);
    world.failRecording();
    world.upstream.send(stdout('lost'), stdout('lost'));
    await over;
    assert.equal(text(client.written, 'stdout'), 'kept');
    assert.match(text(client.written, 'stderr'), /the disk is full/);
    assert.equal(exitOf(client.written), 255);
    assert.ok(world.upstream.written.some((unit) => unit.kind === 'close'));
  });

  it('says which way failed when the connection to the target ends without a status', async () => {
    const { world, client, over } = start('ls');
    await until(() => dialled(world));
    world.upstream.send({ kind: 'close', isBroken: true });
    await over;
    assert.match(text(client.written, 'stderr'), /the connection to web1 ended/);
    assert.equal(exitOf(client.written), 255);
    const end = world.steps.at(-1);
    assert.ok(end?.step === 'end' && end.end.status === 'failed');
  });

  it('gives the client what a target does that closes without a status', async () => {
    const { world, client, over } = start('ls');
    await until(() => dialled(world));
    world.upstream.send(stdout('x'), { kind: 'close' });
    await over;
    assert.deepEqual(client.written, [stdout('x'), { kind: 'close' }]);
    const end = world.steps.at(-1);
    assert.ok(end?.step === 'end' && end.end.status === 'closed' && end.end.exitStatus === null);
  });

  it('closes the target and completes the record when the client vanishes', async () => {
    const { world, client, session, over } = start('sleep 100');
    await until(() => dialled(world));
    client.send({ kind: 'close' });
    session.clientGone();
    await over;
    assert.ok(world.upstream.written.some((unit) => unit.kind === 'close'));
    const end = world.steps.at(-1);
    assert.ok(end?.step === 'end' && end.end.why === 'the client went away');
  });

  it('still gives the status to a client that closed its channel first', async () => {
    const { world, client, over } = start('exec >&-; sleep 1; exit 4');
    await until(() => dialled(world));
    world.upstream.send({ kind: 'eof' });
    client.send({ kind: 'eof' }, { kind: 'close' });
    await until(() => world.upstream.written.some((unit) => unit.kind === 'close'));
    world.upstream.send({ kind: 'exit', status: 4 }, { kind: 'close' });
    await over;
    assert.equal(exitOf(client.written), 4);
  });

  it('ends with a notice when somebody terminates it', async () => {
    const { world, client, over } = start('sleep 100');
    await until(() => dialled(world));
    world.terminate('alice');
    await over;
    assert.match(text(client.written, 'stderr'), /^sallyport: session ended by alice\n$/);
    assert.equal(exitOf(client.written), 255);
  });

  it('keeps the order of what the client sends', async () => {
    const { world, client, over } = start('cat');
    await until(() => dialled(world));
    const sent: InputUnit[] = [
      input('a'),
      { kind: 'signal', name: 'USR1' },
      input('b'),
      { kind: 'eof' },
    ];
    client.send(...sent);
    await until(() => world.upstream.written.length === 4);
    assert.deepEqual(world.upstream.written, sent);
    world.upstream.send(
      { kind: 'exit-signal', name: 'USR1', coreDumped: false, message: '' },
      { kind: 'close' },
    );
    await over;
    const end = world.steps.at(-1);
    assert.ok(end?.step === 'end' && end.end.exitStatus === 138);
  });
});

describe('session: a held command', () => {
  const heldNotice =
    'sallyport: held by rule "power": waiting for approval K7M2QX ' +
    '(http://localhost/approvals#K7M2QX, or: ssh bastion approve K7M2QX)\n';
  const DEADLINE = 'sallyport: it is refused unless somebody approves by TIME, in 10 min\n';
  /** With the time of the deadline left out. */
  const told = (written: Parameters<typeof text>[0]): string =>
    text(written, 'stderr').replace(/\d{4}-\d\d-\d\d \d\d:\d\d:\d\d UTC/, 'TIME');

  it('waits, and runs once it is approved', async () => {
    const { world, client, over } = start('sudo shutdown now');
    await until(() => text(client.written, 'stderr').includes('unless'));
    assert.equal(told(client.written), heldNotice + DEADLINE);
    assert.ok(!dialled(world));
    world.decide({ kind: 'approved', by: 'alice', reason: null });
    await until(() => dialled(world));
    world.upstream.send({ kind: 'exit', status: 0 }, { kind: 'close' });
    await over;
    assert.equal(told(client.written), `${heldNotice}${DEADLINE}sallyport: approved by alice\n`);
  });

  const refusals: [string, Parameters<FakeWorld['decide']>[0], string][] = [
    [
      'refused',
      { kind: 'refused', by: 'alice', reason: 'not now' },
      'sallyport: refused by alice: not now\n',
    ],
    ['expired', { kind: 'expired' }, 'sallyport: approval K7M2QX expired\n'],
  ];
  for (const [what, outcome, last] of refusals) {
    it(`is not run when it is ${what}`, async () => {
      const { world, client, over } = start('shutdown');
      await until(() => text(client.written, 'stderr').includes('unless'));
      world.decide(outcome);
      await over;
      assert.equal(told(client.written), heldNotice + DEADLINE + last);
      assert.equal(exitOf(client.written), 126);
      assert.ok(!dialled(world));
    });
  }

  it('is given up by Ctrl-C', async () => {
    const { world, client, over } = start('shutdown', { pty: true });
    await until(() => steps(world).includes('approval'));
    client.send(input('x\u0003'));
    await over;
    assert.equal(exitOf(client.written), 126);
    assert.ok(!dialled(world));
  });

  it('never runs for a client that has gone, even if it is approved later', async () => {
    const { world, client, over } = start('shutdown');
    await until(() => steps(world).includes('approval'));
    client.send({ kind: 'close' });
    world.decide({ kind: 'approved', by: 'alice', reason: null });
    await over;
    assert.ok(!dialled(world));
  });

  it('never runs after it was terminated, even if it is approved later', async () => {
    const { world, over } = start('shutdown');
    await until(() => steps(world).includes('approval'));
    world.terminate('bob');
    world.decide({ kind: 'approved', by: 'alice', reason: null });
    await over;
    assert.ok(!dialled(world));
  });
});
