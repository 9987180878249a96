import assert from 'node:assert/strict';
import { once } from 'node:events';
import { systemClock } from '../../server/clock.ts';
import type { AuditEvent } from '../../server/journal/event.ts';
import { silentLogger } from '../../server/log.ts';
import { openDatabase, type Database } from '../../server/store/database.ts';
import {
  attachedInsert,
  createJournal,
  JOURNAL_CHANNEL,
  type StoredJournal,
} from '../../server/store/journal.ts';
import { freshUrl } from '../support/database.ts';

function event(data: AuditEvent['data'] = {}, more: Partial<AuditEvent> = {}): AuditEvent {
  const none = { principal: null, source: null, session: null, target: null };
  return { type: 'auth.succeeded', ...none, ...more, data };
}

const CUT_OTHERS = `select pg_terminate_backend(pid) from pg_stat_activity
  where pid <> pg_backend_pid() and datname = current_database()`;

describe('journal in Postgres', () => {
  let database: Database;
  let other: Database;
  let journal: StoredJournal;

  const createOn = (one: Database): StoredJournal =>
    createJournal({ database: one, clock: systemClock, logger: silentLogger });

  beforeEach(async () => {
    const url = await freshUrl();
    const options = { url, homeDirectory: '/nowhere', logger: silentLogger };
    database = await openDatabase(options);
    other = await openDatabase(options);
    journal = createOn(database);
  });
  afterEach(async () => {
    await database.close();
    await other.close();
  });

  it('gives back what was appended, newest first, whatever the text', async () => {
    const nasty = 'nul \u0000 lone \ud800 quote " back \\ {1,2} é 😀';
    await journal.append(event({ n: 1 }));
    await journal.append(event({ nasty, __proto__: null, list: [nasty, null, true] }));
    await journal.append(event({ n: 3 }, { principal: nasty, source: nasty, target: 'web1' }));
    const { items, next } = await journal.list({ limit: 10 });
    assert.deepEqual(
      items.map((one) => one.seq),
      [3, 2, 1],
    );
    assert.equal(next, null);
    assert.equal(items[0]?.principal, nasty);
    assert.equal(items[1]?.data['nasty'], nasty);
    assert.deepEqual(await journal.verify(), { kind: 'intact', entries: 3 });
  });

  it('pages and filters', async () => {
    const session = '01939b8e-7c00-7abc-8def-00000000000a';
    await Promise.all(
      Array.from({ length: 25 }, (_, index) =>
        journal.append(
          event(
            { index },
            index % 5 === 0 ? { type: 'session.started', session, principal: 'alice' } : {},
          ),
        ),
      ),
    );
    const seen: number[] = [];
    for (let cursor: string | null | undefined; cursor !== null;) {
      const page = await journal.list(cursor === undefined ? { limit: 7 } : { limit: 7, cursor });
      seen.push(...page.items.map((one) => one.seq));
      cursor = page.next;
    }
    assert.deepEqual(
      seen,
      Array.from({ length: 25 }, (_, index) => 25 - index),
    );
    const indexes = async (
      query: Partial<Parameters<StoredJournal['list']>[0]>,
    ): Promise<unknown> =>
      (await journal.list({ limit: 100, ...query })).items.map((one) => one.data['index']);
    assert.deepEqual(await indexes({ types: ['session.started'] }), [20, 15, 10, 5, 0]);
    assert.deepEqual(await indexes({ session }), [20, 15, 10, 5, 0]);
    assert.deepEqual(await indexes({ principal: 'alice' }), [20, 15, 10, 5, 0]);
    assert.deepEqual(await indexes({ target: 'no-such-target' }), []);
    assert.deepEqual(await indexes({ principal: "'; drop table journal; --" }), []);
    assert.deepEqual(await indexes({ since: '2999-01-01T00:00:00Z' }), []);
    assert.deepEqual(await indexes({ until: '2001-01-01T00:00:00Z' }), []);
    await assert.rejects(journal.list({ limit: 1, cursor: '1 or 1=1' }), { code: 'usage.invalid' });
    await assert.rejects(journal.list({ limit: 1, since: 'yesterday' }), { code: 'usage.invalid' });
  });

  it('stays one chain when two processes write at once', async () => {
    const second = createOn(other);
    await Promise.all(
      [journal, second].map(async (one, writer) => {
        for (let round = 0; round < 40; round += 1) {
          await Promise.all([0, 1, 2].map((n) => one.append(event({ writer, round, n }))));
        }
      }),
    );
    assert.deepEqual(await journal.verify(), { kind: 'intact', entries: 240 });
    const { items } = await journal.list({ limit: 500 });
    assert.equal(new Set(items.map((one) => JSON.stringify(one.data))).size, 240);
  });

  it('commits rows and events together or not at all', async () => {
    const ids = ['01939b8e-7c00-7abc-8def-00000000000a', '01939b8e-7c00-7abc-8def-00000000000b'];
    const insert = (id = '') =>
      journal.appendWith([event({ id })], async (trx) => {
        await trx('bastions').insert({ id });
      });
    const outcomes = await Promise.allSettled([
      insert(ids[0]),
      insert('not a uuid'),
      journal.append(event()),
      insert(ids[1]),
      journal.append(event({ fraction: 0.5 })),
    ]);
    assert.deepEqual(
      outcomes.map((one) => one.status),
      ['fulfilled', 'rejected', 'fulfilled', 'fulfilled', 'rejected'],
    );
    assert.deepEqual(await database.knex('bastions').orderBy('id').pluck('id'), ids);
    assert.deepEqual(await journal.verify(), { kind: 'intact', entries: 3 });
  });

  it('commits attached rows with their events or not at all', async () => {
    const ids = ['01939b8e-7c00-7abc-8def-00000000000a', '01939b8e-7c00-7abc-8def-00000000000b'];
    const attach = (id = '') =>
      journal.appendWith([event({ id })], {
        statements: [attachedInsert('bastions', { id })],
        notices: [{ channel: 'heard', payload: id }],
      });
    const heard: string[] = [];
    const last = new EventTarget();
    await other.listen('heard', (payload) => {
      heard.push(payload);
      last.dispatchEvent(new Event(payload));
    });
    // With and without a known head, alone and in a group.
    const told = once(last, ids[1] ?? '');
    const outcomes = await Promise.allSettled([
      attach(ids[0]),
      attach('not a uuid'),
      journal.append(event()),
      attach(ids[0]),
      attach(ids[1]),
    ]);
    assert.deepEqual(
      outcomes.map((one) => one.status),
      ['fulfilled', 'rejected', 'fulfilled', 'rejected', 'fulfilled'],
    );
    await assert.rejects(attach('not a uuid'), /uuid/);
    await told;
    assert.deepEqual(await database.knex('bastions').orderBy('id').pluck('id'), ids);
    assert.deepEqual(
      heard.filter((payload) => payload !== ''),
      ids,
    );
    assert.deepEqual(await journal.verify(), { kind: 'intact', entries: 3 });
  });

  it('stores attached rows once when another process moves the head in between', async () => {
    const second = createOn(other);
    await database.knex.raw('create table marks (writer int, round int)');
    await Promise.all(
      [journal, second].map(async (one, writer) => {
        for (let round = 0; round < 40; round += 1) {
          const statements = [attachedInsert('marks', { writer, round })];
          await one.appendWith([event({ writer, round })], { statements, notices: [] });
        }
      }),
    );
    const [count] = await database.knex('marks').count<{ count: string }[]>();
    const distinct = await database.knex('marks').distinct('writer', 'round');
    assert.deepEqual([Number(count?.count), distinct.length], [80, 80]);
    assert.deepEqual(await journal.verify(), { kind: 'intact', entries: 80 });
  });

  it('rejects with what the statements threw', async () => {
    const thrown = new Error('not now');
    await assert.rejects(
      journal.appendWith([event()], () => Promise.reject(thrown)),
      thrown,
    );
    assert.deepEqual(await journal.verify(), { kind: 'intact', entries: 0 });
  });

  it('tells listeners', async () => {
    const heard = new EventTarget();
    await other.listen(JOURNAL_CHANNEL, (payload) => heard.dispatchEvent(new Event(payload)));
    await Promise.all([once(heard, '1'), journal.append(event())]);
  });

  it('goes on after its connections were cut, without doubles', async () => {
    await journal.append(event({ n: 0 }));
    const cuts: Promise<unknown>[] = [];
    for (let n = 1; n <= 60; n += 1) {
      if (n % 4 === 0) cuts.push(other.knex.raw(CUT_OTHERS));
      await journal.append(event({ n }));
    }
    await Promise.allSettled(cuts);
    const { items } = await journal.list({ limit: 500 });
    assert.deepEqual(
      items.map((one) => one.data['n']).toReversed(),
      Array.from({ length: 61 }, (_, n) => n),
    );
    assert.deepEqual(await journal.verify(), { kind: 'intact', entries: 61 });
  });

  it('refuses with journal.failed when the database stays away', async () => {
    const hasty = createJournal({ database, clock: systemClock, logger: silentLogger, waitMs: 0 });
    const cut = hasty.appendWith([event()], async (trx) => {
      await trx.raw('select pg_terminate_backend(pg_backend_pid())');
    });
    await assert.rejects(cut, { code: 'journal.failed' });
    assert.deepEqual(await journal.verify(), { kind: 'intact', entries: 0 });
  });

  it('never lets a row be changed or removed', async () => {
    await journal.append(event());
    for (const statement of [
      "update journal set principal = 'eve'",
      'delete from journal',
      'truncate journal',
    ]) {
      await assert.rejects(database.knex.raw(statement), /written once/);
    }
  });

  const TAMPERINGS: readonly (readonly [string, string, number])[] = [
    [
      'an edited body',
      'update journal set body = replace(body, \'"n":3\', \'"n":4\') where seq = 3',
      3,
    ],
    ['a malformed body', "update journal set body = '{' where seq = 3", 3],
    ['an edited search column', "update journal set principal = 'eve' where seq = 4", 4],
    ['an edited time', "update journal set at = at - interval '1 hour' where seq = 4", 4],
    ['a removed entry', 'delete from journal where seq = 2', 2],
    ['a removed head entry', 'delete from journal where seq = 5', 5],
    ['an edited hash', "update journal set hash = repeat('1', 64) where seq = 5", 5],
    ['a changed order', 'update journal set seq = 10 - seq where seq in (2, 8)', 2],
    ['a head set back', 'update journal_head set seq = 4', 4],
    ['a removed head', 'delete from journal_head', 1],
  ];
  for (const [name, statement, seq] of TAMPERINGS) {
    it(`finds ${name}`, async () => {
      for (let n = 1; n <= 5; n += 1) await journal.append(event({ n }));
      await database.knex.raw('alter table journal disable trigger all');
      await database.knex.raw(statement);
      const check = await journal.verify();
      assert.equal(check.kind === 'broken' ? check.seq : null, seq, JSON.stringify(check));
    });
  }
});
