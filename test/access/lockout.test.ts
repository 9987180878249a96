import assert from 'node:assert/strict';
import { Lockout } from '../../server/access/lockout.ts';

const BOUNDS = { free: 3, firstWaitMs: 10, maxWaitMs: 100, forgetMs: 1000, maxKeys: 4 };

function failing(lockout: Lockout, key: string, times: number, nowMs: number): void {
  for (let at = 0; at < times; at += 1) lockout.failed(key, nowMs);
}

describe('lockout', () => {
  it('lets so many failures be, then doubles the wait up to a bound', () => {
    const lockout = new Lockout(BOUNDS);
    let nowMs = 0;
    const waits: number[] = [];
    for (let at = 0; at < 9; at += 1) {
      const lock = lockout.failed('a', nowMs);
      waits.push(lock === null ? 0 : lock.untilMs - nowMs);
      nowMs = Math.max(nowMs, lock?.untilMs ?? 0);
    }
    assert.deepEqual(waits, [0, 0, 10, 20, 40, 80, 100, 100, 100]);
  });

  it('ends the wait when it is over, and remembers the failures for a while', () => {
    const lockout = new Lockout(BOUNDS);
    failing(lockout, 'a', 3, 0);
    assert.equal(lockout.lockOf('a', 9)?.untilMs, 10);
    assert.equal(lockout.lockOf('a', 10), null);
    assert.equal(lockout.failed('a', 900)?.failures, 4);
    assert.equal(lockout.failed('a', 2000), null, 'all is forgotten');
  });

  it('lets nobody wait for another key', () => {
    const lockout = new Lockout(BOUNDS);
    failing(lockout, 'a', 20, 0);
    assert.equal(lockout.lockOf('b', 0), null);
  });

  it('takes one failure back, and its wait; and forgives them all', () => {
    const lockout = new Lockout(BOUNDS);
    failing(lockout, 'a', 3, 0);
    lockout.takeBack('a');
    assert.equal(lockout.lockOf('a', 0), null);
    assert.equal(lockout.failed('a', 0)?.failures, 3);
    lockout.forgive('a');
    assert.equal(lockout.failed('a', 0), null);
    lockout.takeBack('a');
    assert.equal(lockout.size, 0);
  });

  it('remembers a bounded number of keys, and frees nobody who waits for new ones', () => {
    const lockout = new Lockout(BOUNDS);
    failing(lockout, 'a', 3, 0);
    for (let at = 0; at < 100; at += 1) lockout.failed(`k${at}`, 0);
    assert.equal(lockout.size, 4);
    assert.equal(lockout.lockOf('a', 5)?.failures, 3);
  });

  it('takes over what others have counted, the stricter of two', () => {
    const lockout = new Lockout(BOUNDS);
    lockout.restore('a', { failures: 5, lastMs: 0, untilMs: 40 }, 10);
    assert.equal(lockout.lockOf('a', 10)?.failures, 5);
    lockout.restore('a', { failures: 3, lastMs: 0, untilMs: 10 }, 10);
    assert.equal(lockout.lockOf('a', 10)?.failures, 5);
    lockout.restore('old', { failures: 9, lastMs: 0, untilMs: 50 }, 1000);
    assert.equal(lockout.lockOf('old', 1000), null);
  });
});
