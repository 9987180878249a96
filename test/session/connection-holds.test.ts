import assert from 'node:assert/strict';
import { ConnectionHolds } from '../../server/session/connection-holds.ts';
import { settled } from '../support/session-fakes.ts';

function watched(wait: Promise<boolean>): { outcome: boolean | null } {
  const seen: { outcome: boolean | null } = { outcome: null };
  void wait.then((outcome) => (seen.outcome = outcome));
  return seen;
}

describe('session/connection-holds', () => {
  it('lets another channel pass only when nothing waits, one after the other', async () => {
    const holds = new ConnectionHolds();
    const [one, two] = [{}, {}];
    assert.equal(await holds.whenFree(one, null, null), true);
    await holds.enter(one, null, null);
    holds.waitsFor('K7M2QX');
    const said: string[] = [];
    const waits = watched(
      holds.whenFree(two, null, (text) => {
        said.push(text);
        return Promise.resolve();
      }),
    );
    await settled();
    assert.equal(waits.outcome, null);
    assert.deepEqual(said, [
      'sallyport: waiting: another command of this connection waits for approval K7M2QX',
    ]);
    assert.equal(await holds.whenFree(one, null, null), true);
    holds.leave();
    await settled();
    assert.equal(waits.outcome, true);
  });

  it('waits for all commands of a channel', async () => {
    const holds = new ConnectionHolds();
    const one = {};
    await holds.enter(one, null, null);
    await holds.enter(one, null, null);
    const waits = watched(holds.whenFree({}, null, null));
    holds.leave();
    await settled();
    assert.equal(waits.outcome, null);
    holds.leave();
    await settled();
    assert.equal(waits.outcome, true);
  });

  it('gives up on an interrupt and when the connection ends, but never without need', async () => {
    const holds = new ConnectionHolds();
    await holds.enter({}, null, null);
    const interrupt = new AbortController();
    const interrupted = watched(holds.whenFree({}, interrupt.signal, null));
    const left = watched(holds.whenFree({}, null, null));
    interrupt.abort();
    await settled();
    assert.deepEqual([interrupted.outcome, left.outcome], [false, null]);
    holds.close();
    await settled();
    assert.equal(left.outcome, false);
    holds.leave();
    assert.equal(await holds.whenFree({}, interrupt.signal, null), true);
  });

  it('does not let two channels wait for approvals at once', async () => {
    const holds = new ConnectionHolds();
    const [one, two, three] = [{}, {}, {}];
    await holds.enter(one, null, null);
    const order: string[] = [];
    const next = async (name: string, channel: object): Promise<void> => {
      await holds.enter(channel, null, null);
      order.push(name);
    };
    const both = [next('two', two), next('three', three)];
    holds.leave();
    await settled();
    assert.deepEqual(order, ['two']);
    holds.leave();
    await Promise.all(both);
    assert.deepEqual(order, ['two', 'three']);
  });
});
