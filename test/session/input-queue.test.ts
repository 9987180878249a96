import assert from 'node:assert/strict';
import { InputQueue, MAX_WAITING_REQUESTS } from '../../server/session/input-queue.ts';
import type { InputUnit, OutputUnit } from '../../server/session/ports.ts';
import { FakeEnd, settled } from '../support/session-fakes.ts';

const keys = (text: string): InputUnit => ({ kind: 'data', bytes: Buffer.from(text) });
const resize = (cols: number): InputUnit => ({
  kind: 'resize',
  size: { cols, rows: 24, widthPx: 0, heightPx: 0 },
});
const CLOSE: InputUnit = { kind: 'close' };

/** Counts what was taken from the client: the rest is back-pressure. */
class CountingEnd extends FakeEnd<InputUnit, OutputUnit> {
  taken = 0;

  override async read(): Promise<InputUnit> {
    const unit = await super.read();
    this.taken += 1;
    return unit;
  }
}

/** All units up to and including `close`. */
async function rest(queue: InputQueue): Promise<InputUnit[]> {
  const units: InputUnit[] = [];
  for (;;) {
    const unit = await queue.next();
    units.push(unit);
    if (unit.kind === 'close') return units;
  }
}

describe('InputQueue', () => {
  let client: CountingEnd;
  let queue: InputQueue;
  beforeEach(() => {
    client = new CountingEnd();
    queue = new InputQueue(client, 10);
  });

  it('gives units in the order of arrival, and `close` for ever', async () => {
    const sent = [keys('a'), resize(1), { kind: 'eof' }, keys('b'), CLOSE] as const;
    client.send(...sent);
    assert.deepEqual(await rest(queue), sent);
    assert.deepEqual(await queue.next(), CLOSE);
    assert.ok(queue.gone.aborted);
  });

  it('takes no more from the client once the bound is reached, and goes on when there is room', async () => {
    client.send(keys('12345'), keys('67890'), keys('later'), CLOSE);
    await settled();
    assert.equal(client.taken, 2);
    assert.deepEqual(await queue.next(), keys('12345'));
    await settled();
    assert.equal(client.taken, 3);
    assert.deepEqual(await rest(queue), [keys('67890'), keys('later'), CLOSE]);
  });

  it('counts what is put back, and gives it first', async () => {
    client.send(keys('1234567'), keys('x'), keys('later'), CLOSE);
    assert.deepEqual(await queue.next(), keys('1234567'));
    queue.unshift(Buffer.from('234567890'));
    queue.unshift(Buffer.alloc(0));
    await settled();
    assert.equal(client.taken, 2, 'the bound is reached again');
    assert.deepEqual(await rest(queue), [keys('234567890'), keys('x'), keys('later'), CLOSE]);
  });

  it('drops waiting keys, keeps the rest in order, and has room again', async () => {
    client.send(keys('a'), resize(1), keys('123456789'), { kind: 'eof' }, CLOSE);
    await settled();
    assert.equal(client.taken, 3);
    assert.ok(queue.dropKeys().length > 0);
    await settled();
    assert.equal(client.taken, 5);
    assert.deepEqual(await rest(queue), [resize(1), { kind: 'eof' }, CLOSE]);
    assert.equal(queue.dropKeys().length, 0, 'there were none');
  });

  it('drops the keys up to Ctrl-C while something waits, and keeps resizes and signals', async () => {
    client.send(keys('ab'), resize(1), keys('c\u0003d'), { kind: 'signal', name: 'USR1' }, CLOSE);
    const why = await queue.interruptible(async (abandoned) => {
      await settled();
      return abandoned.aborted;
    });
    assert.equal(why, true);
    assert.deepEqual(await rest(queue), [
      resize(1),
      keys('d'),
      { kind: 'signal', name: 'USR1' },
      CLOSE,
    ]);
  });

  it('keeps only the last of sizes that follow each other', async () => {
    client.send(resize(1), resize(2), keys('a'), resize(3), resize(4), CLOSE);
    await settled();
    assert.deepEqual(await rest(queue), [resize(2), keys('a'), resize(4), CLOSE]);
  });

  it('takes no more signals than its bound', async () => {
    const signal: InputUnit = { kind: 'signal', name: 'USR1' };
    client.send(...Array.from({ length: 3 * MAX_WAITING_REQUESTS }, () => signal), CLOSE);
    await settled();
    assert.equal(client.taken, MAX_WAITING_REQUESTS);
    assert.equal((await rest(queue)).length, 3 * MAX_WAITING_REQUESTS + 1);
  });

  it('has room again after Ctrl-C', async () => {
    client.send(keys('123456789\u0003'), keys('later'), CLOSE);
    await queue.interruptible(settled);
    assert.deepEqual(await rest(queue), [keys('later'), CLOSE]);
  });

  it('keeps a Ctrl-C that came while the line was released: it is for what runs', async () => {
    client.send(keys('a\u0003'), CLOSE);
    await queue.interruptible(settled, () => false);
    assert.deepEqual(await rest(queue), [keys('a\u0003'), CLOSE]);
  });

  it('takes the byte of Ctrl-C as data when the input is no terminal', async () => {
    const other = new CountingEnd();
    const plain = new InputQueue(other, 10, false);
    other.send(keys('a\u0003b'));
    const isAbandoned = await plain.interruptible(async (abandoned) => {
      await settled();
      return abandoned.aborted;
    });
    assert.equal(isAbandoned, false);
    assert.deepEqual(await plain.next(), keys('a\u0003b'));
  });

  it('lets Ctrl-C pass while nothing waits', async () => {
    client.send(keys('a\u0003'), CLOSE);
    assert.deepEqual(await rest(queue), [keys('a\u0003'), CLOSE]);
  });

  it('leaves the next wait alone after one was interrupted', async () => {
    client.send(keys('\u0003'));
    await queue.interruptible(settled);
    const isAbandoned = await queue.interruptible(async (abandoned) => {
      client.send(keys('b'));
      await settled();
      return abandoned.aborted;
    });
    assert.equal(isAbandoned, false);
    client.send(CLOSE);
    assert.deepEqual(await rest(queue), [keys('b'), CLOSE]);
  });

  for (const [what, leave] of [
    ['closes', () => client.send(CLOSE)],
    ['has lost its connection', () => queue.abandon()],
  ] as const) {
    it(`stops a wait when the client ${what}`, async () => {
      const isAbandoned = await queue.interruptible(async (abandoned) => {
        leave();
        await settled();
        return abandoned.aborted;
      });
      assert.equal(isAbandoned, true);
      assert.deepEqual(await queue.next(), CLOSE);
    });
  }
});
