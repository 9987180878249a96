import assert from 'node:assert/strict';
import { freshDatabase } from '../support/database.ts';

describe('database', () => {
  it('gives every test a database of its own with all tables', async () => {
    const one = await freshDatabase();
    const other = await freshDatabase();
    await one.knex('settings').insert({ key: 'a', value: JSON.stringify({ b: 1 }) });
    assert.deepEqual(await other.knex('settings').select('*'), []);
    assert.deepEqual(await one.knex('settings').select('*'), [{ key: 'a', value: { b: 1 } }]);
  });
});
