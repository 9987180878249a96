import assert from 'node:assert/strict';
import { systemClock } from '../../server/clock.ts';
import { silentLogger } from '../../server/log.ts';
import { isTombstoneSignedBy } from '../../server/journal/signature.ts';
import { openDatabase, type Database } from '../../server/store/database.ts';
import { createHolds, type Holds } from '../../server/store/holds.ts';
import { createJournal, type StoredJournal } from '../../server/store/journal.ts';
import { HOUSEKEEPING_LOCK } from '../../server/store/partitions.ts';
import { checkRecording } from '../../server/store/recording-check.ts';
import { prune, type Pruned, type RetentionOptions } from '../../server/store/retention.ts';
import { DAY_MS, dueSessions } from '../../server/store/retention-rows.ts';
import { tombstonesFor } from '../../server/store/tombstones.ts';
import { freshUrl } from '../support/database.ts';
import { type OldSession, storeOldSession } from '../support/old-sessions.ts';
import { publicKey, signer } from '../support/recording-world.ts';

const logger = silentLogger;
const TABLES = ['chunks', 'commands', 'command_ends', 'heads'] as const;
const START = Date.UTC(2024, 0, 1);
const BY = { by: 'cli:alice', source: 'cli:alice' };

/** Numbers in [0, 1) that a seed decides. */
function randomFrom(seed: number): () => number {
  let state = seed;
  return () => {
    state = (Math.imul(state ^ (state >>> 15), 1 | state) + 0x6d2b79f5) >>> 0;
    return ((state ^ (state >>> 14)) >>> 0) / 4_294_967_296;
  };
}

describe('retention', () => {
  let database: Database;
  let journal: StoredJournal;
  let holds: Holds;
  let nowMs: number;

  beforeEach(async () => {
    database = await openDatabase({ url: await freshUrl(), homeDirectory: '/nowhere', logger });
    journal = createJournal({ database, clock: systemClock, logger });
    holds = createHolds({ database, journal, clock: systemClock });
    nowMs = START;
  });
  afterEach(() => database.close());

  const options = (more: Partial<RetentionOptions> = {}): RetentionOptions => {
    const clock = { nowMs: () => nowMs };
    return { database, journal, signer, clock, logger, objects: null, ...more };
  };
  const run = (more: Partial<RetentionOptions> = {}): Promise<Pruned> => prune(options(more), BY);
  const store = (more: Partial<OldSession> = {}): Promise<OldSession> =>
    storeOldSession(
      { database, journal, signer },
      { startedAtMs: START, endedAtMs: START + 1000, keepDays: 1, chunks: 2, ...more },
    );
  const hold = (session: string, reason = 'case 7') => ({
    session,
    reason,
    by: 'alice',
    principal: 'alice',
    source: 'cli:alice',
  });
  const left = async (): Promise<readonly string[]> =>
    database.knex('sessions').orderBy('id').pluck<string[]>('id');
  const rowsOf = async (id: string): Promise<readonly number[]> =>
    Promise.all(
      TABLES.map(async (table) => {
        const { rows } = await database.knex.raw<{ rows: readonly { n: number }[] }>(
          `select count(*) as n from ${table} where session_id = ?`,
          [id],
        );
        return rows[0]?.n ?? -1;
      }),
    );
  const partitions = async (): Promise<readonly string[]> => {
    const { rows } = await database.knex.raw<{ rows: readonly { name: string }[] }>(
      `select inhrelid::regclass::text as name from pg_inherits
       where inhparent = 'chunks'::regclass order by 1`,
    );
    return rows.map(({ name }) => name);
  };

  for (const seed of [1, 2, 3]) {
    it(`deletes just what is due and not held, at any time (seed ${seed})`, async () => {
      const random = randomFrom(seed);
      const sessions: OldSession[] = [];
      const held = new Set<string>();
      for (let n = 0; n < 30; n += 1) {
        const startedAtMs = START + Math.floor(random() * 200 * DAY_MS);
        const endedAtMs = startedAtMs + Math.floor(random() ** 4 * 30 * DAY_MS);
        const session = await store({
          startedAtMs,
          endedAtMs: random() < 0.1 ? null : endedAtMs,
          keepDays: random() < 0.1 ? null : 1 + Math.floor(random() * 120),
          chunks: Math.floor(random() * 4),
        });
        sessions.push(session);
        if (random() > 0.15) continue;
        held.add(session.id);
        await holds.hold(hold(session.id));
      }
      const gone = new Set<string>();
      for (nowMs = START; nowMs < START + 400 * DAY_MS;) {
        nowMs += Math.floor(random() * 60 * DAY_MS);
        for (const id of [...held].filter(() => random() < 0.1)) {
          await holds.release(hold(id, 'over'));
          held.delete(id);
        }
        const isDue = ({ endedAtMs, id, keepDays }: OldSession): boolean =>
          endedAtMs !== null &&
          keepDays !== null &&
          !held.has(id) &&
          endedAtMs + keepDays * DAY_MS <= nowMs;
        const due = sessions.filter((one) => !gone.has(one.id) && isDue(one)).map(({ id }) => id);
        const said = await dueSessions(database.knex, nowMs, null, 1000);
        assert.deepEqual(
          said.map(({ id }) => id),
          due.toSorted(),
        );
        const pruned = await run();
        assert.equal(pruned.kind === 'done' && pruned.sessions, due.length);
        for (const id of due) gone.add(id);
        const kept = sessions.filter(({ id }) => !gone.has(id));
        assert.deepEqual(await left(), kept.map(({ id }) => id).toSorted());
        for (const { chunks, endedAtMs, id } of kept) {
          assert.deepEqual(await rowsOf(id), [chunks, 1, 1, endedAtMs === null ? 0 : 1]);
          const { kind } = await checkRecording(database, id, publicKey);
          assert.equal(kind, endedAtMs === null ? 'open' : 'intact');
        }
      }
      const tombstones = await tombstonesFor(
        database.knex,
        sessions.map(({ id }) => id),
      );
      assert.deepEqual([...tombstones.keys()].toSorted(), [...gone].toSorted());
      for (const { chunks, endedAtMs, id, keepDays } of sessions.filter((one) =>
        gone.has(one.id),
      )) {
        assert.deepEqual(await rowsOf(id), [0, 0, 0, 0]);
        const tombstone = tombstones.get(id)?.tombstone;
        assert.ok(tombstone && isTombstoneSignedBy(tombstone, publicKey));
        assert.equal(tombstone.by, 'cli:alice');
        assert.deepEqual(
          [tombstone.chunks, tombstone.keepDays, Date.parse(tombstone.endedAt)],
          [chunks, keepDays, endedAtMs],
        );
        assert.ok(Date.parse(tombstone.deletedAt) >= (endedAtMs ?? 0) + (keepDays ?? 0) * DAY_MS);
      }
      assert.equal((await journal.verify()).kind, 'intact');
    });
  }

  it('drops a whole month when all in it is due, and nothing of the months beside it', async () => {
    const months = [0, 1, 2].map((month) => Date.UTC(2024, month, 10));
    for (const startedAtMs of months) {
      for (let n = 0; n < 3; n += 1)
        await store({ startedAtMs, endedAtMs: startedAtMs + n, keepDays: 30 });
    }
    assert.deepEqual(await partitions(), ['chunks_2024_01', 'chunks_2024_02', 'chunks_2024_03']);
    nowMs = Date.UTC(2024, 2, 12);
    assert.deepEqual(await run(), { kind: 'done', sessions: 6, months: 2 });
    assert.deepEqual(await partitions(), ['chunks_2024_03']);
    assert.equal((await left()).length, 3);
    assert.deepEqual(await run(), { kind: 'done', sessions: 0, months: 0 });
  });

  it('keeps a month in which one session is held, and deletes the others row by row', async () => {
    const [kept, other] = [await store(), await store()];
    await holds.hold(hold(kept.id));
    nowMs = START + 90 * DAY_MS;
    assert.deepEqual(await run(), { kind: 'done', sessions: 1, months: 0 });
    assert.deepEqual(await rowsOf(kept.id), [2, 1, 1, 1]);
    assert.deepEqual(await rowsOf(other.id), [0, 0, 0, 0]);
    await holds.release(hold(kept.id, 'case closed'));
    assert.deepEqual(await run(), { kind: 'done', sessions: 1, months: 1 });
    const [entry] = await holds.of(kept.id);
    assert.equal(entry?.releaseReason, 'case closed');
  });

  it('keeps what the journal says is held, though the row of the hold was taken away', async () => {
    const kept = await store();
    await holds.hold(hold(kept.id));
    await database.knex.transaction(async (trx) => {
      await trx.raw('set local session_replication_role = replica');
      await trx('session_holds').where('session_id', kept.id).delete();
    });
    nowMs = START + 90 * DAY_MS;
    assert.deepEqual(await run(), { kind: 'done', sessions: 0, months: 0 });
    assert.deepEqual(await rowsOf(kept.id), [2, 1, 1, 1]);
  });

  it('keeps a month that holds chunks which no session claims', async () => {
    const [stray] = [await store()];
    await database.knex.transaction(async (trx) => {
      await trx.raw('set local session_replication_role = replica');
      await trx('sessions').where('id', stray.id).delete();
    });
    nowMs = START + 400 * DAY_MS;
    assert.deepEqual(await run(), { kind: 'done', sessions: 0, months: 0 });
    assert.deepEqual(await rowsOf(stray.id), [2, 1, 1, 1]);
  });

  for (const stop of ['journal', 'sessions', 'detached'] as const) {
    it(`goes on after it was stopped at the ${stop}, with one tombstone each`, async () => {
      const ids = [(await store()).id, (await store()).id];
      nowMs = START + 90 * DAY_MS;
      if (stop === 'journal') {
        const broken = { appendWith: () => Promise.reject(new Error('stopped')) };
        await assert.rejects(run({ journal: broken }), /stopped/);
      } else if (stop === 'sessions') {
        const abort = new AbortController();
        const appendWith: StoredJournal['appendWith'] = async (...args) => {
          await journal.appendWith(...args);
          abort.abort();
        };
        await prune(options({ journal: { appendWith } }), { ...BY, signal: abort.signal });
      } else {
        await run({ journal: { appendWith: () => Promise.reject(new Error('stopped')) } }).catch(
          () => {},
        );
        await database.knex.raw('alter table chunks detach partition chunks_2024_01 concurrently');
      }
      assert.deepEqual(await left(), ids.toSorted());
      await assert.rejects(holds.hold(hold(ids[0] ?? '')), /being deleted/);
      await run();
      assert.deepEqual(await left(), []);
      assert.deepEqual(await partitions(), []);
      const { items } = await journal.list({ types: ['session.deleted'], limit: 10 });
      assert.deepEqual(items.map(({ session }) => String(session)).toSorted(), ids.toSorted());
    });
  }

  it('attaches a detached month again when it holds more than was decided on', async () => {
    const kept = await store({ keepDays: null });
    await database.knex.raw('alter table chunks detach partition chunks_2024_01 concurrently');
    nowMs = START + 90 * DAY_MS;
    await run();
    assert.deepEqual(await partitions(), ['chunks_2024_01']);
    assert.equal((await checkRecording(database, kept.id, publicKey)).kind, 'intact');
  });

  it('is done by one process at a time', async () => {
    await store();
    nowMs = START + 90 * DAY_MS;
    await database.knex.transaction(async (trx) => {
      await trx.raw('select pg_advisory_xact_lock(?)', [HOUSEKEEPING_LOCK]);
      assert.deepEqual(await run(), { kind: 'busy' });
    });
    assert.deepEqual(await run(), { kind: 'done', sessions: 1, months: 1 });
  });

  it('needs the owner of the tables', async () => {
    assert.deepEqual(await run({ database: { owner: null } }), { kind: 'not-here' });
  });

  it('believes no clock that is ahead of the database', async () => {
    const endedAtMs = Date.now() - DAY_MS;
    await store({ startedAtMs: endedAtMs - 1000, endedAtMs, keepDays: 30 });
    nowMs = Date.UTC(2999, 0, 1);
    assert.deepEqual(await run(), { kind: 'done', sessions: 0, months: 0 });
  });

  it('counts from the last seal when that came after the end', async () => {
    const session = await store();
    await database.knex('heads').insert({
      session_id: session.id,
      chunks: 3,
      events: 3,
      hash: Buffer.alloc(32),
      key_id: 'x',
      signature: 'x',
      signed_at: new Date(START + 20 * DAY_MS),
    });
    nowMs = START + 20 * DAY_MS;
    assert.deepEqual(await run(), { kind: 'done', sessions: 0, months: 0 });
    nowMs = START + 21 * DAY_MS;
    assert.deepEqual(await run(), { kind: 'done', sessions: 1, months: 0 });
  });

  describe('is backed by the database, whoever asks', () => {
    const REFUSED: readonly (readonly [
      what: string,
      more: Partial<OldSession>,
      isHeld: boolean,
    ])[] = [
      ['a session that still runs', { endedAtMs: null }, false],
      ['a session that is kept for ever', { keepDays: null }, false],
      ['a session that is held', {}, true],
      ['a session whose time is not over', { keepDays: 36_500 }, false],
    ];
    for (const [what, more, isHeld] of REFUSED) {
      it(`refuses to give up ${what}`, async () => {
        const { id } = await store(more);
        if (isHeld) await holds.hold(hold(id));
        const session = () => database.knex('sessions').where('id', id);
        await assert.rejects(session().update({ deleting_at: new Date() }), /must be kept/);
        await assert.rejects(session().delete(), /deleted by retention only/);
        for (const table of TABLES) {
          const rows = () => database.knex(table).where('session_id', id);
          const found = await rows().first();
          if (found !== undefined) await assert.rejects(rows().delete(), /written once/);
        }
      });
    }

    it('refuses to change how a session began and ended', async () => {
      const { id } = await store();
      for (const change of [
        { keep_days: 2 },
        { keep_days: null },
        { started_at: new Date(0) },
        { principal: 'mallory' },
        { ended_at: new Date(0) },
        { status: 'active' },
        { exit_status: 1 },
      ]) {
        const changed = database.knex('sessions').where('id', id).update(change);
        await assert.rejects(changed, /written once/);
      }
    });
  });
});

describe('legal holds', () => {
  let database: Database;
  let journal: StoredJournal;
  let holds: Holds;
  let id: string;
  const change = (reason: string, session = id) => ({
    session,
    reason,
    by: 'bob',
    principal: 'bob',
    source: 'http:192.0.2.1',
  });

  beforeEach(async () => {
    database = await openDatabase({ url: await freshUrl(), homeDirectory: '/nowhere', logger });
    journal = createJournal({ database, clock: systemClock, logger });
    holds = createHolds({ database, journal, clock: systemClock });
    const old = { startedAtMs: START, endedAtMs: null, keepDays: 1, chunks: 0 };
    ({ id } = await storeOldSession({ database, journal, signer }, old));
  });
  afterEach(() => database.close());

  it('are one at a time, and journalled with who and why', async () => {
    const held = await holds.hold(change('case 7'));
    assert.deepEqual([held.heldBy, held.reason, held.releasedAt], ['bob', 'case 7', null]);
    await assert.rejects(holds.hold(change('case 8')), { code: 'object.conflict' });
    assert.deepEqual(
      (await holds.open(10)).map(({ session }) => session),
      [id],
    );
    const released = await holds.release(change('settled'));
    assert.equal(released.releasedBy, 'bob');
    await assert.rejects(holds.release(change('again')), { code: 'object.conflict' });
    await holds.hold(change('case 9'));
    assert.equal((await holds.of(id)).length, 2);
    const types = ['session.held', 'session.released'] as const;
    const { items } = await journal.list({ types, limit: 10 });
    assert.deepEqual(
      items.map(({ data, principal, target, type }) => [type, principal, target, data['reason']]),
      [
        ['session.held', 'bob', 'web1', 'case 9'],
        ['session.released', 'bob', 'web1', 'settled'],
        ['session.held', 'bob', 'web1', 'case 7'],
      ],
    );
  });

  it('need a reason and a session', async () => {
    await assert.rejects(holds.hold(change('  ')), { code: 'usage.invalid' });
    await assert.rejects(holds.hold(change('x'.repeat(1001))), { code: 'usage.invalid' });
    for (const none of ['', 'x', '01939b8e-7c00-7abc-8def-0123456789ab']) {
      await assert.rejects(holds.hold(change('why', none)), { code: 'object.unknown' });
      await assert.rejects(holds.release(change('why', none)), { code: 'object.unknown' });
    }
    assert.equal((await journal.list({ types: ['session.held'], limit: 10 })).items.length, 0);
  });
});
