/** What people do to a running session, and what happens meanwhile. */
import assert from 'node:assert/strict';
import type { InputUnit, OutputUnit } from '../../server/session/ports.ts';
import { Valve } from '../../server/session/valve.ts';
import {
  decided,
  dialled,
  exitOf,
  input,
  start,
  stdout,
  steps,
  text,
  until,
  type Running,
} from '../support/running-session.ts';
import { FakeEnd, type FakeWorld, settled } from '../support/session-fakes.ts';

const END: readonly OutputUnit[] = [{ kind: 'exit', status: 0 }, { kind: 'close' }];

function pause(world: FakeWorld, forMs = 60_000, seq = 1): void {
  world.control({ kind: 'pause', by: 'ann', seq, reason: 'look', forMs });
}

function resume(world: FakeWorld): void {
  world.control({ kind: 'resume', by: 'ann', reason: null });
}

function said({ client }: Running): string {
  return text(client.written, 'stderr');
}

function toTarget(world: FakeWorld): string {
  return world.upstream.written
    .map((unit) => (unit.kind === 'data' ? unit.bytes.toString() : `<${unit.kind}>`))
    .join('');
}

/** Time for whatever might wrongly happen. */
async function aMoment(): Promise<void> {
  for (let turn = 0; turn < 20; turn += 1) await settled();
  await new Promise((resolve) => setTimeout(resolve, 30));
}

async function running(command: string | null = 'cat', pty = false): Promise<Running> {
  const one = start(command, { pty });
  await until(() => dialled(one.world));
  return one;
}

/** Counts what is read of an end from now on. */
function countReads(end: FakeEnd<{ kind: string }, unknown>): () => number {
  let reads = 0;
  const read = end.read.bind(end);
  end.read = () => {
    reads += 1;
    return read();
  };
  return () => reads;
}

describe('a notice to a running session', () => {
  it('goes to standard error, one harmless line, and into the record', async () => {
    const one = await running();
    one.world.control({ kind: 'notice', by: 'ann', text: 'stop\u001b[2J \u202enow\r\nplease' });
    await until(() => said(one) !== '');
    assert.equal(said(one), 'sallyport: notice from ann: stop [2J  now  please\n');
    assert.equal(text(one.client.written, 'stdout'), '');
    const events = one.world.steps.flatMap((step) => (step.step === 'event' ? [step.event] : []));
    assert.ok(events.some((event) => event.code === 'o' && event.text.includes('from ann: stop')));
    one.world.upstream.send(...END);
    await one.over;
  });
});

describe('a paused session', () => {
  it('passes nothing in either direction, and then everything in its order', async () => {
    const one = await running();
    const { client, world } = one;
    world.upstream.send(stdout('before\n'));
    await until(() => text(client.written, 'stdout') === 'before\n');
    pause(world);
    await until(() => said(one) === 'sallyport: paused by ann: look\n');
    world.upstream.send(stdout('one\n'), stdout('two\n'), ...END);
    client.send(input('typed '), input('meanwhile'), { kind: 'eof' });
    await aMoment();
    assert.equal(text(client.written, 'stdout'), 'before\n');
    assert.equal(exitOf(client.written), null);
    assert.equal(toTarget(world), '');
    resume(world);
    await one.over;
    assert.equal(text(client.written, 'stdout'), 'before\none\ntwo\n');
    assert.match(said(one), /paused by ann: look\nsallyport: resumed by ann\n$/);
    assert.equal(exitOf(client.written), 0);
  });

  it('judges and runs no line before it goes on', async () => {
    const one = await running('bash -s');
    const { client, world } = one;
    pause(world);
    client.send(input('rm -rf /data/x\n'), { kind: 'eof' });
    await aMoment();
    assert.equal(decided(world).length, 1);
    resume(world);
    await until(() => decided(world).length === 2);
    world.upstream.send(...END);
    await one.over;
    assert.match(said(one), /denied by rule "no-wipe"/);
    assert.ok(!toTarget(world).includes('rm -rf'));
  });

  it('reads no keys at a terminal before it goes on', async () => {
    const one = await running(null, true);
    const { client, world } = one;
    pause(world);
    client.send(input('ls\r'));
    await aMoment();
    assert.equal(toTarget(world), '');
    assert.deepEqual(decided(world), []);
    resume(world);
    await until(() => toTarget(world) === 'ls');
    client.send({ kind: 'close' });
    world.upstream.send(...END);
    await one.over;
  });

  it('stops reading from both sides, so that nothing piles up', async () => {
    const one = await running();
    const { client, world } = one;
    pause(world);
    await aMoment();
    const [target, client_] = [countReads(world.upstream), countReads(client)];
    const block = Buffer.alloc(32 * 1024);
    for (let count = 0; count < 100; count += 1) {
      world.upstream.send({ kind: 'data', stream: 'stdout', bytes: block });
      client.send({ kind: 'data', bytes: block });
    }
    await aMoment();
    assert.ok(target() <= 1, `${target()} units were read of the target`);
    assert.ok(client_() <= 8, `${client_()} units were read of the client`);
    one.session.terminate('enough', 'enough');
    await one.over;
  });

  it('is paused and resumed once, however often that is said', async () => {
    const one = await running();
    pause(one.world);
    pause(one.world);
    resume(one.world);
    resume(one.world);
    one.world.upstream.send(...END);
    await one.over;
    assert.equal(said(one), 'sallyport: paused by ann: look\nsallyport: resumed by ann\n');
  });

  it('stays paused when it is paused again while it is told that it goes on', async () => {
    const one = await running();
    const { client, world } = one;
    pause(world);
    await until(() => said(one) !== '');
    resume(world);
    pause(world, 60_000, 3);
    world.upstream.send(stdout('never'));
    await aMoment();
    assert.equal(text(client.written, 'stdout'), '');
    one.session.terminate('enough', 'enough');
    await one.over;
  });

  it('ends when somebody ends it, and what was held back is never delivered', async () => {
    const one = await running();
    const { client, world } = one;
    pause(world);
    world.upstream.send(stdout('secret'));
    client.send(input('never'));
    await aMoment();
    world.control({ kind: 'terminate', by: 'ann', reason: 'enough' });
    await one.over;
    world.upstream.send({ kind: 'close' });
    await aMoment();
    assert.match(said(one), /sallyport: session ended by ann: enough\n$/);
    assert.equal(exitOf(client.written), 255);
    assert.equal(text(client.written, 'stdout'), '');
    assert.match(toTarget(world), /^(<close>)+$/);
    const end = world.steps.find((step) => step.step === 'end');
    assert.ok(end?.step === 'end' && end.end.why === 'terminated by ann: enough');
  });

  it('sends nothing that was typed meanwhile by a client that has gone', async () => {
    const one = await running();
    const { client, world } = one;
    pause(world);
    client.send(input('rm everything\n'), { kind: 'eof' }, { kind: 'close' });
    await until(() => toTarget(world).includes('<close>'));
    world.upstream.send(stdout('late'), { kind: 'close' });
    await one.over;
    assert.equal(toTarget(world).replaceAll('<close>', ''), '');
    resume(world);
    await aMoment();
    assert.equal(text(client.written, 'stdout'), '');
  });

  it('ends in time when the whole connection has gone', async () => {
    const one = await running();
    pause(one.world);
    one.world.upstream.send(stdout('held back'));
    await aMoment();
    one.session.clientGone();
    await one.over;
    assert.equal(toTarget(one.world).replaceAll('<close>', ''), '');
  });

  it('is ended by a bastion that stops', async () => {
    const one = await running();
    pause(one.world);
    await one.session.say('sallyport: the bastion is stopping');
    one.session.terminate('the bastion has stopped; connect again later', 'the bastion stopped');
    await one.over;
    assert.match(
      said(one),
      /paused by ann: look\nsallyport: the bastion is stopping\nsallyport: the bastion has/,
    );
  });

  it('never lasts longer than was said', async () => {
    const one = await running();
    const asked: number[] = [];
    one.world.whenPauseIsOver((seq) => {
      asked.push(seq);
      return Promise.resolve(true);
    });
    pause(one.world, 20, 7);
    await one.over;
    assert.deepEqual(asked, [7]);
    assert.match(said(one), /session ended: it was paused by ann, and nobody let it go on in time/);
    assert.equal(exitOf(one.client.written), 255);
  });

  it('ends after that time even if nobody can write it down', async () => {
    const one = await running();
    one.world.whenPauseIsOver(() => Promise.reject(new Error('the database is away')));
    pause(one.world, 20);
    await one.over;
    assert.equal(exitOf(one.client.written), 255);
  });

  it('goes on when somebody was quicker than the end of its time', async () => {
    const one = await running();
    let isAsked = false;
    one.world.whenPauseIsOver(() => {
      isAsked = true;
      return Promise.resolve(false);
    });
    pause(one.world, 20);
    await until(() => isAsked);
    resume(one.world);
    one.world.upstream.send(stdout('on'), ...END);
    await one.over;
    assert.equal(exitOf(one.client.written), 0);
  });
});

describe('a session that is paused while a command is held', () => {
  async function held(): Promise<Running> {
    const one = start('shutdown');
    await until(() => steps(one.world).includes('approval'));
    pause(one.world);
    await until(() => said(one).includes('paused by ann'));
    return one;
  }

  it('runs the approved command only when it goes on', async () => {
    const one = await held();
    one.world.decide({ kind: 'approved', by: 'bob', reason: null });
    await until(() => said(one).includes('approved by bob'));
    await aMoment();
    assert.ok(!dialled(one.world));
    resume(one.world);
    await until(() => dialled(one.world));
    one.world.upstream.send(...END);
    await one.over;
  });

  it('ends with a refused command', async () => {
    const one = await held();
    one.world.decide({ kind: 'refused', by: 'bob', reason: 'no' });
    await one.over;
    assert.equal(exitOf(one.client.written), 126);
  });

  it('never runs it for a client that has gone, nor after it was ended', async () => {
    for (const end of [
      (one: Running) => one.client.send({ kind: 'close' }),
      (one: Running) => one.world.control({ kind: 'terminate', by: 'ann', reason: null }),
    ]) {
      const one = await held();
      one.world.decide({ kind: 'approved', by: 'bob', reason: null });
      await until(() => said(one).includes('approved by bob'));
      end(one);
      await one.over;
      resume(one.world);
      await aMoment();
      assert.ok(!dialled(one.world));
    }
  });
});

describe('the valve of a session', () => {
  it('keeps the order of what waits, and of sizes only the last one', async () => {
    const valve = new Valve();
    const upstream = new FakeEnd<OutputUnit, InputUnit>();
    const guarded = valve.guarded(upstream);
    const size = (cols: number): InputUnit => {
      return { kind: 'resize', size: { cols, rows: 1, widthPx: 0, heightPx: 0 } };
    };
    valve.shut();
    const writes = [input('a'), size(1), size(2), input('b'), size(3)].map((unit) =>
      guarded.write(unit),
    );
    await settled();
    assert.deepEqual(upstream.written, []);
    valve.open();
    await Promise.all(writes);
    assert.deepEqual(upstream.written, [input('a'), size(3), input('b')]);
    await guarded.write(size(4));
    assert.deepEqual(upstream.written.at(-1), size(4));
  });

  it('tells whoever sent a signal that nothing came of it when it is given up', async () => {
    const valve = new Valve();
    const guarded = valve.guarded(new FakeEnd<OutputUnit, InputUnit>());
    valve.shut();
    const answers: boolean[] = [];
    const sent = guarded.write({ kind: 'signal', name: 'INT', answer: (is) => answers.push(is) });
    valve.end();
    await sent;
    assert.deepEqual(answers, [false]);
  });
});
