import assert from 'node:assert/strict';
import { v7 as uuidV7 } from 'uuid';
import type { Database } from '../../server/store/database.ts';
import { partitionName, Partitions, timeOfId } from '../../server/store/partitions.ts';
import { freshDatabase } from '../support/database.ts';

const DECEMBER = Date.UTC(2026, 11, 15);

describe('partitions of chunks', () => {
  let database: Database;
  beforeEach(async () => {
    database = await freshDatabase();
  });
  afterEach(() => database.close());

  const insert = async (sessionId: string): Promise<string> => {
    const { rows } = await database.knex.raw<{ rows: readonly { name: string }[] }>(
      `insert into chunks values (?, 1, 0, 0, 1, 1, 1, 1, 0, ?, ?, '\\x00')
       returning tableoid::regclass::text as name`,
      [sessionId, Buffer.alloc(32), Buffer.alloc(32)],
    );
    return rows[0]?.name ?? '';
  };

  it('makes this month and the next, also at the turn of the year', async () => {
    const partitions = new Partitions(database.knex);
    await partitions.ensure(DECEMBER);
    assert.equal(await insert(uuidV7({ msecs: DECEMBER })), 'chunks_2026_12');
    assert.equal(await insert(uuidV7({ msecs: Date.UTC(2027, 0, 1) })), 'chunks_2027_01');
    assert.equal(await insert(uuidV7({ msecs: Date.UTC(2027, 0, 1) - 1 })), 'chunks_2026_12');
    await assert.rejects(insert(uuidV7({ msecs: Date.UTC(2027, 1, 1) })), /no partition/);
  });

  it('makes the month of a session once, also when many ask at once', async () => {
    const id = uuidV7({ msecs: Date.UTC(2031, 4, 1) });
    const makers = Array.from({ length: 6 }, () => new Partitions(database.knex));
    await Promise.all(makers.map((one) => one.ensureFor(id)));
    assert.equal(await insert(id), 'chunks_2031_05');
  });

  it('gives new partitions the triggers and the storage of the table', async () => {
    const partitions = new Partitions(database.knex);
    await partitions.ensure(DECEMBER);
    await insert(uuidV7({ msecs: DECEMBER }));
    await assert.rejects(database.knex.raw('delete from chunks_2026_12'), /written once/);
    const { rows } = await database.knex.raw<{ rows: readonly { attstorage: string }[] }>(
      `select attstorage from pg_attribute
       where attrelid = 'chunks_2026_12'::regclass and attname = 'data'`,
    );
    assert.deepEqual(rows, [{ attstorage: 'e' }]);
  });

  it('reads the time of an id, and refuses ids without one', () => {
    assert.equal(timeOfId(uuidV7({ msecs: DECEMBER })), DECEMBER);
    assert.equal(partitionName(DECEMBER), 'chunks_2026_12');
    for (const id of ['', crypto.randomUUID(), "'; drop table chunks; --"]) {
      assert.throws(() => timeOfId(id), { code: 'internal' });
    }
  });
});
