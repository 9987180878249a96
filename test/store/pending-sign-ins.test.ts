import assert from 'node:assert/strict';
import { rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { systemClock } from '../../server/clock.ts';
import { silentLogger } from '../../server/log.ts';
import type { Database } from '../../server/store/database.ts';
import { createJournal, type StoredJournal } from '../../server/store/journal.ts';
import {
  createSignIns,
  MAX_PENDING,
  MAX_PENDING_PER_SOURCE,
  type StoredSignIns,
} from '../../server/store/sign-ins.ts';
import { freshDatabase } from '../support/database.ts';
import { temporaryFolder } from '../support/temporary-folder.ts';

const ISSUER = 'https://id.example';

describe('sign-ins', () => {
  let database: Database;
  let journal: StoredJournal;
  let signIns: StoredSignIns;

  before(async () => {
    database = await freshDatabase();
    journal = createJournal({ database, clock: systemClock, logger: silentLogger });
    signIns = createSignIns({ database, journal, secret: { value: null, file: null } });
  });
  after(() => database.close());
  afterEach(() => database.knex('pending_sign_ins').delete());

  describe('under way', () => {
    const pending = {
      issuer: ISSUER,
      clientId: 'sallyport',
      nonce: 'n',
      codeVerifier: 'v',
      returnPath: '/sessions',
      source: 'http:192.0.2.1',
    };

    it('belong to one browser, once', async () => {
      await signIns.begin('state', 'browser', pending);
      assert.equal(await signIns.take('state', 'another'), null);
      assert.equal(await signIns.take('other', 'browser'), null);
      assert.deepEqual(await signIns.take('state', 'browser'), pending);
      assert.equal(await signIns.take('state', 'browser'), null);
    });

    it('end after some minutes', async () => {
      await signIns.begin('state', 'browser', pending);
      await database.knex('pending_sign_ins').update({ expires_at: new Date(Date.now() - 1) });
      assert.equal(await signIns.take('state', 'browser'), null);
    });

    it('of one address take the place of its own oldest', async () => {
      await signIns.begin('mine', 'browser', { ...pending, source: 'http:192.0.2.9' });
      await database.knex.raw(
        `insert into pending_sign_ins select sha256(n::text::bytea), sha256('b'), 'i', 'c', 'n', 'v',
           '/', 'http:192.0.2.1', now() - interval '1 minute', now() + interval '1 minute'
         from generate_series(1, ?) n`,
        [MAX_PENDING_PER_SOURCE],
      );
      await signIns.begin('state', 'browser', pending);
      const rows = await database.knex('pending_sign_ins').where({ source: 'http:192.0.2.1' });
      assert.equal(rows.length, MAX_PENDING_PER_SOURCE);
      assert.notEqual(await signIns.take('mine', 'browser'), null);
    });

    it('have a bound in all', async () => {
      await database.knex.raw(
        `insert into pending_sign_ins select sha256(n::text::bytea), sha256('b'), 'i', 'c', 'n', 'v',
           '/', 'http:' || n, now(), now() + interval '1 minute'
         from generate_series(1, ?) n`,
        [MAX_PENDING + 10],
      );
      await signIns.begin('state', 'browser', pending);
      const [row] = await database
        .knex('pending_sign_ins')
        .count<{ count: string }[]>('* as count');
      assert.equal(Number(row?.count), MAX_PENDING);
      assert.notEqual(await signIns.take('state', 'browser'), null);
    });

    it('are stored without what would let somebody else go on', async () => {
      await signIns.begin('the-state', 'the-browser', pending);
      const text = JSON.stringify(await database.knex('pending_sign_ins').select('*'));
      assert.doesNotMatch(text, /the-state|the-browser/);
    });
  });

  it('read the secret from its file each time', async () => {
    const folder = await temporaryFolder();
    try {
      const file = join(folder, 'secret');
      const reader = createSignIns({ database, journal, secret: { value: null, file } });
      await assert.rejects(reader.clientSecret(), { code: 'config.invalid' });
      for (const secret of ['one', 'two']) {
        await writeFile(file, `${secret}\n`);
        assert.equal(await reader.clientSecret(), secret);
      }
    } finally {
      await rm(folder, { recursive: true });
    }
  });
});
