import assert from 'node:assert/strict';
import { v7 as uuidV7 } from 'uuid';
import { systemClock } from '../../server/clock.ts';
import { createRecordingReader } from '../../server/store/recording-reader.ts';
import { createReviews, MAX_NOTE_CHARACTERS } from '../../server/store/reviews.ts';
import { freshUrl } from '../support/database.ts';
import { HOSTILE } from '../support/hostile-text.ts';
import { openRecordingWorld, sessionStart } from '../support/recording-world.ts';

const AUDREY = { by: 'audrey', source: 'http:192.0.2.1' } as const;
const END = { atUs: 9, status: 'closed', exitStatus: 0, bytesOut: 1, why: 'it ended' } as const;

describe('reviews', () => {
  let world: Awaited<ReturnType<typeof openRecordingWorld>>;
  let reviews: ReturnType<typeof createReviews>;
  let session: string;
  let owner: string;

  before(async () => {
    world = await openRecordingWorld({ url: await freshUrl() });
    const { database, journal } = world;
    reviews = createReviews({ database, journal, clock: systemClock });
  });
  after(() => world.close());
  beforeEach(async () => {
    session = uuidV7();
    const start = sessionStart({ id: session });
    owner = start.principal.name;
    const recording = await world.sink.begin(start);
    await recording.end(END);
  });

  const review = (kind: 'reviewed' | 'withdrawn', id = session, by = 'audrey') =>
    reviews.review({ ...AUDREY, by, session: id, kind });
  const note = (text: string, command: number | null = null, id = session) =>
    reviews.note({ ...AUDREY, session: id, command, text });
  const journal = async () => {
    const { rows } = await world.database.knex.raw<{ rows: { type: string; body: string }[] }>(
      `select type, body from journal where session = ?
       and type in ('session.reviewed', 'session.review-withdrawn', 'session.noted') order by seq`,
      [session],
    );
    return rows;
  };

  it('say who marked a session and when, and keep that a mark was withdrawn', async () => {
    const first = await review('reviewed');
    assert.ok(first.kind === 'written' && first.isNew && first.reviewed?.by === 'audrey');
    const again = await review('reviewed', session, 'bob');
    assert.deepEqual(again, { ...first, isNew: false });
    const reader = createRecordingReader(world.database);
    assert.equal((await reader.session(session))?.reviewed?.by, 'audrey');
    const taken = await review('withdrawn', session, 'bob');
    assert.deepEqual(taken, { kind: 'written', isNew: true, reviewed: null });
    assert.equal((await reader.session(session))?.reviewed, null);
    await review('reviewed', session, 'bob');
    const history = await reviews.reviewsOf(session);
    assert.deepEqual(
      history.map(({ by, kind }) => `${by} ${kind}`),
      ['audrey reviewed', 'bob withdrawn', 'bob reviewed'],
    );
    assert.deepEqual(
      (await journal()).map(({ type }) => type),
      ['session.reviewed', 'session.review-withdrawn', 'session.reviewed'],
    );
  });

  it('filter the list of sessions both ways', async () => {
    const reader = createRecordingReader(world.database);
    const listed = async (reviewed: 'yes' | 'no') => {
      const { items } = await reader.listSessions({ reviewed, limit: 200 });
      return items.map(({ id }) => id).includes(session);
    };
    assert.deepEqual([await listed('yes'), await listed('no')], [false, true]);
    await review('reviewed');
    assert.deepEqual([await listed('yes'), await listed('no')], [true, false]);
    await review('withdrawn');
    assert.deepEqual([await listed('yes'), await listed('no')], [false, true]);
  });

  it('number notes of many at once, whatever is in them, each with its entry', async () => {
    const texts = ['one', `two\r\n${HOSTILE}`, 'three\0'];
    await Promise.all(texts.map((text) => note(text)));
    const kept = await reviews.notesOf(session);
    assert.deepEqual(
      kept.map(({ number }) => number),
      [1, 2, 3],
    );
    assert.deepEqual(
      new Set(kept.map(({ text }) => text)),
      new Set(['one', `two\n${HOSTILE}`, 'three\u2400']),
    );
    const rows = await journal();
    assert.equal(rows.length, 3);
    assert.equal(rows.filter(({ body }) => body.includes('"text":"one"')).length, 1);
  });

  it('are never about a session of their own, one that runs, or none at all', async () => {
    assert.deepEqual(await review('reviewed', session, owner), { kind: 'own' });
    assert.deepEqual(
      await reviews.note({ by: owner, source: null, session, command: null, text: 'ok' }),
      {
        kind: 'own',
      },
    );
    for (const id of [uuidV7(), 'nonsense']) {
      assert.deepEqual(await review('reviewed', id), { kind: 'unknown' });
      assert.deepEqual(await note('x', null, id), { kind: 'unknown' });
    }
    for (const seq of [1, 99, 0, 2 ** 40]) {
      assert.deepEqual(await note('x', seq), { kind: 'no-command' });
    }
    const running = uuidV7();
    const recording = await world.sink.begin(sessionStart({ id: running }));
    assert.deepEqual(await review('reviewed', running), { kind: 'running' });
    assert.equal((await note('while it runs', null, running)).kind, 'written');
    await recording.end(END);
    for (const text of ['', ' \n', 'x'.repeat(MAX_NOTE_CHARACTERS + 1)]) {
      await assert.rejects(note(text), /the note is/);
    }
    assert.deepEqual(await journal(), []);
    assert.deepEqual(await reviews.notesOf(session), []);
  });

  it('stay as they were written, in the database too', async () => {
    await note('kept');
    await review('reviewed');
    const { knex } = world.database;
    for (const statement of [
      "update session_notes set text = 'other'",
      'delete from session_notes',
      "update session_reviews set by_name = 'other'",
      'delete from session_reviews',
      'truncate session_notes',
      'truncate session_reviews',
    ]) {
      await assert.rejects(knex.raw(statement), /written once|never|permission/, statement);
    }
  });
});
