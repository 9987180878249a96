import assert from 'node:assert/strict';
import type { Database } from '../../server/store/database.ts';
import { createSettings } from '../../server/store/settings.ts';
import { freshDatabase } from '../support/database.ts';

describe('settings', () => {
  let database: Database;
  before(async () => {
    database = await freshDatabase();
  });
  after(() => database.close());

  it('give back any JSON value, and undefined for what was never written', async () => {
    const settings = createSettings(database);
    assert.equal(await settings.read('none'), undefined);
    for (const value of ['text', '', 0, 1.5, false, null, [1, 'a'], { a: { b: [] } }]) {
      await settings.write('key', value);
      assert.deepEqual(await settings.read('key'), value);
    }
  });

  it('are written once by whoever comes first', async () => {
    const settings = createSettings(database);
    const tries = [1, 2, 3, 4].map((value) => settings.writeOnce('instance', { value }));
    const answers = await Promise.all(tries);
    for (const answer of answers) assert.deepEqual(answer, await settings.read('instance'));
  });
});
