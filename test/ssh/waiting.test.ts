import assert from 'node:assert/strict';
import { GATEWAY_LIMITS } from '../../server/ssh/limits.ts';
import { SourceLimiter } from '../../server/ssh/source.ts';

const LIMITS = { ...GATEWAY_LIMITS, connectionsPerSecond: 1000, connectionBurst: 1000 };

function limiter(changes: Partial<typeof LIMITS> = {}): SourceLimiter {
  return new SourceLimiter(
    { ...LIMITS, ...changes },
    () => 1,
    () => 0.999,
  );
}

describe('clients that wait for a person', () => {
  it('take no place of strangers, and few places of their own', () => {
    const door = limiter({ maxUnauthenticatedPerSource: 1, maxWaitingPerSource: 2 });
    for (let waiting = 0; waiting < 2; waiting += 1) {
      assert.equal(door.enter('192.0.2.1'), null);
      assert.equal(door.wait('192.0.2.1'), true);
    }
    assert.equal(door.enter('192.0.2.1'), null);
    assert.equal(door.wait('192.0.2.1'), false, 'a third of this source');
    assert.equal(door.enter('192.0.2.2'), null);
    assert.equal(door.wait('192.0.2.2'), true, 'others have their own');
  });

  it('are bounded over all sources', () => {
    const door = limiter({ maxWaiting: 3 });
    const wait = (source: string): boolean => door.enter(source) === null && door.wait(source);
    assert.deepEqual(['a', 'b', 'c', 'd'].map(wait), [true, true, true, false]);
    door.resume('a');
    assert.equal(door.wait('d'), true, 'a place is free again');
  });

  it('count as strangers again when the wait is over, until they are in', () => {
    const door = limiter({ maxUnauthenticatedPerSource: 1 });
    door.enter('192.0.2.1');
    door.wait('192.0.2.1');
    door.resume('192.0.2.1');
    assert.notEqual(door.enter('192.0.2.1'), null);
    door.leave('192.0.2.1', 'authenticated');
    assert.equal(door.enter('192.0.2.1'), null);
  });
});
