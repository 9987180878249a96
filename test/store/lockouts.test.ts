import assert from 'node:assert/strict';
import type { AuditEvent } from '../../server/journal/event.ts';
import { ROWS_PER_SOURCE } from '../../server/journal/failure-tally.ts';
import { silentLogger } from '../../server/log.ts';
import type { Database } from '../../server/store/database.ts';
import { createFailureJournal } from '../../server/store/failure-journal.ts';
import { createJournal } from '../../server/store/journal.ts';
import { createLockouts, type StoredLock } from '../../server/store/lockouts.ts';
import { systemClock } from '../../server/clock.ts';
import { freshDatabase } from '../support/database.ts';

const SOURCE = 'http:192.0.2.7';

describe('lockouts in the database', () => {
  let database: Database;
  before(async () => {
    database = await freshDatabase();
  });
  after(() => database.close());

  it('are there for the next start and told to every process, and forgotten after a while', async () => {
    const lockouts = createLockouts(database);
    const told: StoredLock[] = [];
    let heard = (): void => {};
    const news = new Promise<void>((resolve) => (heard = resolve));
    await createLockouts(database).watch((stored) => {
      told.push(stored);
      heard();
    });
    const nowMs = Date.now();
    const lock = { failures: 21, lastMs: nowMs, untilMs: nowMs + 60_000 };
    await lockouts.put(`${SOURCE} alice`, lock);
    await news;
    assert.deepEqual(told, [{ key: `${SOURCE} alice`, lock }]);
    await lockouts.put(`${SOURCE} alice`, { ...lock, failures: 22 });
    await lockouts.put('http:old', { ...lock, untilMs: nowMs - 2 * 3_600_000 });
    assert.deepEqual(await lockouts.all(), [
      { key: `${SOURCE} alice`, lock: { ...lock, failures: 22 } },
    ]);
  });

  it('leave a journal in which a flood takes few rows, and every failure is counted', async () => {
    const real = createJournal({ database, clock: systemClock, logger: silentLogger });
    const failures = createFailureJournal({
      journal: real,
      clock: systemClock,
      logger: silentLogger,
    });
    const { journal } = failures;
    const failure: AuditEvent = {
      type: 'auth.failed',
      principal: null,
      source: '192.0.2.7:1',
      session: null,
      target: null,
      data: { why: 'wrong' },
    };
    for (let at = 0; at < 300; at += 1) await journal.append(failure);
    await journal.append({ ...failure, type: 'auth.succeeded' });
    await failures.close();
    const { items } = await journal.list({ limit: 200 });
    const failed = items.filter(({ type }) => type === 'auth.failed');
    assert.equal(failed.length, ROWS_PER_SOURCE + 1);
    const count = failed.reduce((sum, { data }) => sum + Number(data['count'] ?? 1), 0);
    assert.equal(count, 300);
    assert.equal(items.length, failed.length + 1);
  });
});
