import assert from 'node:assert/strict';
import { setTimeout as sleep } from 'node:timers/promises';
import { v7 as uuidV7 } from 'uuid';
import type { ControlRequest } from '../../server/session/ports.ts';
import { CONTROLS_CHANNEL, createControls, stateOf } from '../../server/store/controls.ts';
import { systemClock } from '../../server/clock.ts';
import { silentLogger } from '../../server/log.ts';
import { openDatabase, type Database } from '../../server/store/database.ts';
import { createJournal } from '../../server/store/journal.ts';
import { freshUrl } from '../support/database.ts';
import { openRecordingWorld, sessionStart } from '../support/recording-world.ts';

const ANN = { by: 'ann', principal: 'ann', source: 'http:192.0.2.1' } as const;

describe('controls', () => {
  let world: Awaited<ReturnType<typeof openRecordingWorld>>;
  let there: Database;
  let asking: ReturnType<typeof createControls>;
  let watching: ReturnType<typeof createControls>;
  let session: string;

  beforeEach(async () => {
    const url = await freshUrl();
    world = await openRecordingWorld({ url });
    there = await openDatabase({ url, homeDirectory: '/nowhere', logger: silentLogger });
    const controls = (database: Database) =>
      createControls({
        database,
        journal: createJournal({ database, clock: systemClock, logger: silentLogger }),
        clock: systemClock,
        logger: silentLogger,
      });
    asking = controls(world.database);
    watching = controls(there);
    session = uuidV7();
    await world.sink.begin(sessionStart({ id: session }));
  });
  afterEach(async () => {
    await there.close();
    await world.close();
  });

  /** What the process hears that runs the session. */
  function heard(id = session): string[] {
    const all: string[] = [];
    watching.watch(id, (request) => all.push(wordsOf(request)));
    return all;
  }

  const ask = (kind: ControlRequest['kind'], words: string | null = null, id = session) =>
    asking.ask({ session: id, kind, words, ...ANN });

  it('reach the process that runs the session, in order and once, each journalled before', async () => {
    const all = heard();
    const others = heard(uuidV7());
    await ask('notice', 'hello');
    await ask('pause', 'look');
    await ask('resume');
    await ask('terminate', 'enough');
    await until(() => all.length === 4);
    assert.deepEqual(all, [
      'notice ann hello',
      'pause ann look 900000',
      'resume ann',
      'terminate ann enough',
    ]);
    assert.deepEqual(others, []);
    const { rows } = await there.knex.raw<{ rows: { type: string; body: string }[] }>(
      `select type, body from journal where session = ? and type like 'session.%' order by seq`,
      [session],
    );
    assert.deepEqual(
      rows.map(({ type }) => type),
      [
        'session.started',
        'session.noticed',
        'session.paused',
        'session.resumed',
        'session.terminated',
      ],
    );
    const { data, principal, source } = JSON.parse(rows[2]?.body ?? '') as {
      data: { by: string; reason: string; owner: string };
      principal: string;
      source: string;
    };
    assert.deepEqual([data.by, data.reason, principal, source], ['ann', 'look', 'ann', ANN.source]);
  });

  it('are done once, however often they are asked for, and say how it stands', async () => {
    const all = heard();
    const first = await ask('pause');
    const second = await ask('pause', 'again');
    assert.ok(first.kind === 'asked' && second.kind === 'asked');
    assert.deepEqual([first.isNew, second.isNew], [true, false]);
    assert.deepEqual(second.state, first.state);
    await ask('resume');
    const again = await ask('resume');
    assert.ok(again.kind === 'asked' && !again.isNew && again.state.pause === null);
    await ask('terminate');
    const late = await ask('notice', 'too late');
    assert.ok(late.kind === 'asked' && !late.isNew && late.state.isEnding);
    await until(() => all.length === 3);
    assert.equal((await asking.controlsOf(session)).length, 3);
  });

  it('say of two people at once that one was first', async () => {
    const all = heard();
    const outcomes = await Promise.all(
      [asking, watching, asking, watching].map((desk) =>
        desk.ask({ session, kind: 'pause', words: null, ...ANN }),
      ),
    );
    assert.equal(outcomes.filter((one) => one.kind === 'asked' && one.isNew).length, 1);
    await until(() => all.length === 1);
  });

  it('that nobody heard of come with the next one', async () => {
    await ask('pause', 'before');
    const all = heard();
    await ask('pause');
    await until(() => all.length === 1);
    assert.deepEqual(all, ['pause ann before 900000']);
  });

  it('are refused for sessions that have ended or never were', async () => {
    await there
      .knex('sessions')
      .where('id', session)
      .update({ status: 'closed', ended_at: new Date() });
    assert.deepEqual(await ask('pause'), { kind: 'over' });
    assert.deepEqual(await ask('terminate', null, uuidV7()), { kind: 'unknown' });
    assert.deepEqual(await ask('terminate', null, "' or 1=1"), { kind: 'unknown' });
    assert.deepEqual(await asking.controlsOf(session), []);
  });

  it('end a session whose pause has lasted its time, unless somebody let it go on', async () => {
    const all = heard();
    await ask('pause');
    await until(() => all.length === 1);
    await ask('resume');
    assert.equal(await watching.pauseIsOver(session, 1), false);
    await ask('pause');
    assert.equal(await watching.pauseIsOver(session, 1), false);
    assert.equal(await watching.pauseIsOver(session, 3), true);
    await until(() => all.length === 4);
    assert.match(all[3] ?? '', /^terminate sallyport paused by ann for more than 15 minutes$/);
    assert.ok(stateOf(await asking.controlsOf(session)).isEnding);
  });

  it('ignore notifications that are no requests', async () => {
    const all = heard();
    for (const payload of ['', '{', 'null', uuidV7(), session]) {
      await there.knex.raw('select pg_notify(?, ?)', [CONTROLS_CHANNEL, payload]);
    }
    await ask('notice', 'x');
    await until(() => all.length > 0);
    assert.deepEqual(all, ['notice ann x']);
  });

  it('can neither be changed nor taken back in the database', async () => {
    await ask('pause');
    await assert.rejects(there.knex('session_controls').delete());
    await assert.rejects(there.knex('session_controls').update({ by_name: 'bob' }));
  });
});

function wordsOf(request: ControlRequest): string {
  const words = request.kind === 'notice' ? request.text : request.reason;
  const limit = request.kind === 'pause' ? String(request.forMs) : null;
  return [request.kind, request.by, words, limit].filter((one) => one !== null).join(' ');
}

async function until(condition: () => boolean): Promise<void> {
  for (let attempt = 0; attempt < 1000 && !condition(); attempt += 1) await sleep(10);
  assert.ok(condition(), 'it never happened');
}
