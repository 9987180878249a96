import assert from 'node:assert/strict';
import type { Lock } from '../../server/access/lockout.ts';
import {
  Attempts,
  FIRST_WAIT_MS,
  type LockoutKeeper,
  MAX_ATTEMPTS,
  MAX_PRINCIPAL_ATTEMPTS,
  MAX_STRANGE_ATTEMPTS,
} from '../../server/http/attempts.ts';

const HERE = 'http:192.0.2.7';
const THERE = 'http:198.51.100.9';

interface Stored {
  readonly key: string;
  readonly lock: Lock;
}

class Keeper implements LockoutKeeper {
  readonly stored: Stored[] = [];
  readonly #watchers: ((stored: Stored) => void)[] = [];

  all(): Promise<readonly Stored[]> {
    return Promise.resolve(this.stored);
  }

  put(key: string, lock: Lock): Promise<void> {
    this.stored.push({ key, lock });
    for (const watcher of this.#watchers) watcher({ key, lock });
    return Promise.resolve();
  }

  watch(onLock: (stored: Stored) => void): Promise<void> {
    this.#watchers.push(onLock);
    return Promise.resolve();
  }
}

describe('http attempts', () => {
  let nowMs = 1_000_000;
  const clock = { nowMs: () => nowMs, monotonicUs: () => nowMs * 1000 };
  const limited = { code: 'limit.exceeded' };

  /** How many attempts pass. */
  function tries(attempts: Attempts, count: number, source: string, principal?: string): number {
    let passed = 0;
    for (let at = 0; at < count; at += 1) {
      try {
        attempts.take(source, principal ?? null);
        passed += 1;
      } catch {
        // Counted by what is missing.
      }
    }
    return passed;
  }

  it('makes a source wait that fails, and doubles the wait', () => {
    const attempts = new Attempts(clock);
    assert.equal(tries(attempts, 100, HERE), MAX_ATTEMPTS);
    nowMs += FIRST_WAIT_MS;
    assert.equal(tries(attempts, 100, HERE), 1);
    nowMs += FIRST_WAIT_MS;
    assert.equal(tries(attempts, 100, HERE), 0);
    nowMs += FIRST_WAIT_MS;
    assert.equal(tries(attempts, 100, HERE), 1);
  });

  it('makes nobody wait for the failures of another source', () => {
    const attempts = new Attempts(clock);
    tries(attempts, 100, HERE, 'alice');
    attempts.take(THERE, 'alice');
    attempts.take(THERE);
  });

  it('takes a network of IPv6 for one source', () => {
    const attempts = new Attempts(clock);
    for (let host = 1; host <= MAX_ATTEMPTS; host += 1) {
      attempts.take(`http:2001:db8:1:2::${host.toString(16)}`);
    }
    assert.throws(() => attempts.take('http:2001:db8:1:2:ffff::1'), limited);
    attempts.take('http:2001:db8:1:3::1');
  });

  it('makes one principal wait alone, so that nobody locks others of the same network out', () => {
    const attempts = new Attempts(clock);
    assert.equal(tries(attempts, 500, HERE, 'mallory'), MAX_PRINCIPAL_ATTEMPTS);
    attempts.take(HERE, 'alice');
    attempts.forgive(HERE, 'alice');
    attempts.take(HERE);
  });

  it('forgets what a principal has mistyped when it was right at last', () => {
    const attempts = new Attempts(clock);
    for (let round = 0; round < 3; round += 1) {
      assert.equal(tries(attempts, MAX_PRINCIPAL_ATTEMPTS - 2, HERE, 'alice'), 6);
      attempts.take(HERE, 'alice');
      attempts.forgive(HERE, 'alice');
    }
    nowMs += 1;
  });

  it('lets places through first, in a flood, from where somebody has signed in', () => {
    const attempts = new Attempts(clock);
    attempts.take(HERE);
    attempts.forgive(HERE);
    let passed = 0;
    for (let at = 0; at < 5_000; at += 1) {
      passed += tries(attempts, 1, `http:10.1.${at >> 8}.${at & 255}`);
    }
    assert.equal(passed, MAX_STRANGE_ATTEMPTS);
    attempts.take(HERE);
    assert.throws(() => attempts.take(THERE), limited);
    nowMs += 60_000;
    attempts.take(THERE);
  });

  it('tells other processes of a wait that holds somebody up, once, and the next start', async () => {
    const keeper = new Keeper();
    const [one, other] = [new Attempts(clock, keeper), new Attempts(clock, keeper)];
    await Promise.resolve();
    tries(one, MAX_ATTEMPTS, HERE);
    assert.equal(keeper.stored.length, 0);
    tries(one, 50, HERE);
    assert.deepEqual(
      keeper.stored.map(({ key, lock }) => [key, lock.failures]),
      [[HERE, MAX_ATTEMPTS]],
    );
    assert.throws(() => other.take(HERE), limited);
    tries(one, 50, HERE, 'mallory');
    const restarted = new Attempts(clock, keeper);
    for (let turn = 0; turn < 5; turn += 1) await Promise.resolve();
    assert.throws(() => restarted.take(HERE), limited);
    assert.equal(keeper.stored.length, 1);
  });

  it('counts on when the keeper fails', async () => {
    const keeper = new Keeper();
    keeper.put = () => Promise.reject(new Error('away'));
    keeper.all = () => Promise.reject(new Error('away'));
    const attempts = new Attempts(clock, keeper);
    for (let turn = 0; turn < 5; turn += 1) await Promise.resolve();
    assert.equal(tries(attempts, 100, HERE), MAX_ATTEMPTS);
  });
});
