import assert from 'node:assert/strict';
import { v7 as uuidV7 } from 'uuid';
import { systemClock } from '../../server/clock.ts';
import { Replays } from '../../server/http/replays.ts';
import { silentLogger } from '../../server/log.ts';
import type { Recording } from '../../server/session/ports.ts';
import { createKeyframeKeeper, type KeyframeKeeper } from '../../server/store/keyframe-keeper.ts';
import { KeyframeMaker } from '../../server/store/keyframe-maker.ts';
import { Screen } from '../../server/terminal/screen.ts';
import { freshUrl } from '../support/database.ts';
import {
  openRecordingWorld,
  type RecordingWorld,
  sessionStart,
} from '../support/recording-world.ts';

const END = {
  atUs: 9,
  status: 'closed',
  exitStatus: 0,
  bytesOut: 1,
  why: 'the command ended',
} as const;

describe('keyframes of recordings', () => {
  const instanceId = uuidV7();
  let world: RecordingWorld;
  let keeper: KeyframeKeeper;

  before(async () => {
    world = await openRecordingWorld({
      url: await freshUrl(),
      instanceId,
      sink: { sealAfterMs: 50 },
    });
    const { database } = world;
    keeper = await createKeyframeKeeper({
      database,
      logger: silentLogger,
      instanceId,
      objects: null,
    });
  });
  after(async () => {
    await keeper.close();
    await world.close();
  });

  /** 64 KiB of screens, the last of which shows `n`. */
  async function print(recording: Recording, n: number, atUs = n * 1000): Promise<void> {
    const text = `\x1b[2J\x1b[H${'row of text\r\n'.repeat(5000)}\x1b[2J\x1b[Hscreen ${n}`;
    await recording.append({ atUs, code: 'o', text });
  }

  async function begin(
    more: Parameters<typeof sessionStart>[0] = {},
  ): Promise<{ id: string; recording: Recording }> {
    const start = sessionStart(more);
    return { id: start.id, recording: await world.sink.begin(start) };
  }

  /** Waits for what happens behind. */
  async function until(what: string, done: () => Promise<boolean>): Promise<void> {
    const deadlineMs = systemClock.nowMs() + 20_000;
    while (!(await done())) {
      assert.ok(systemClock.nowMs() < deadlineMs, what);
      await new Promise((resolve) => setTimeout(resolve, 50));
    }
  }

  async function screenAt(id: string, n: number): Promise<string> {
    const found = await world.reader.keyframeAt(id, n);
    assert.ok(found);
    const screen = new Screen(found.keyframe.cols, found.keyframe.rows, 0);
    screen.write(found.keyframe.init);
    const text = screen.rowText(0).trim();
    screen.dispose();
    return text;
  }

  it('are made while the session records, and show its screen', async () => {
    const { id, recording } = await begin();
    for (let n = 0; n < 40; n += 1) await print(recording, n);
    await until('there are keyframes', async () => {
      return (await world.reader.keyframePlaces(id)).length > 1;
    });
    const [first] = await world.reader.keyframePlaces(id);
    assert.ok(first);
    assert.equal(await screenAt(id, 1), `screen ${first.event - 2}`);
    await recording.end(END);
  });

  it('of ended recordings are made when somebody asks, and made again when they were deleted', async () => {
    const { id, recording } = await begin({ term: null });
    for (let n = 0; n < 60; n += 1) await print(recording, n);
    await recording.end(END);
    await keeper.prepare(id);
    await until('all are made', async () => {
      await keeper.prepare(id);
      return (await world.reader.keyframePlaces(id)).length >= 4;
    });
    const places = await world.reader.keyframePlaces(id);
    await world.database.knex('keyframes').where('session_id', id).delete();
    const maker = new KeyframeMaker(world.database.knex, { instanceId });
    while ((await maker.slice(id)) === 'more');
    assert.deepEqual(await world.reader.keyframePlaces(id), places);
    maker.forget(id);
  });

  it('are the same however often the making stops in between', async () => {
    const { id, recording } = await begin();
    for (let n = 0; n < 40; n += 1) await print(recording, n, n * 3_000_000);
    await recording.end(END);
    const { knex } = world.database;
    const made = async (sliceBytes: number): Promise<readonly unknown[]> => {
      await knex('keyframes').where('session_id', id).delete();
      for (let outcome = 'more'; outcome === 'more';) {
        const maker = new KeyframeMaker(knex, { instanceId, sliceBytes });
        outcome = await maker.slice(id);
        maker.forget(id);
      }
      return world.reader.keyframePlaces(id);
    };
    const whole = await made(1e9);
    assert.ok(whole.length > 2);
    assert.deepEqual(await made(1e9), whole);
    assert.deepEqual(await made(1e6), whole);
  });

  it('let the last part of a recording be played without reading what is before', async () => {
    const { id, recording } = await begin();
    for (let n = 0; n < 120; n += 1) await print(recording, n);
    await recording.end(END);
    const session = await world.reader.session(id);
    assert.ok(session);
    const read: number[] = [];
    const replays = new Replays({
      ...world.reader,
      prepare: (sessionId) => keeper.prepare(sessionId),
      eventsFrom: async function* (sessionId, from) {
        for await (const placed of world.reader.eventsFrom(sessionId, from)) {
          read.push(placed.chunk);
          yield placed;
        }
      },
    });
    await until('all keyframes are there', async () => {
      await keeper.prepare(id);
      return (await world.reader.keyframePlaces(id)).length > 8;
    });
    const { segments } = JSON.parse(await replays.index(session, { skipIdle: false })) as {
      segments: readonly { url: string }[];
    };
    read.length = 0;
    const n = segments.length - 2;
    assert.ok(n > 5);
    const json = await replays.segment(session, n, { skipIdle: false, untilUs: null });
    assert.match(json ?? '', /screen \d+/);
    assert.ok(new Set(read).size < 30, `${new Set(read).size} chunks were read`);
  });

  it('are gone with their session, and none is made for one that is gone', async () => {
    const { id, recording } = await begin();
    for (let n = 0; n < 40; n += 1) await print(recording, n);
    await recording.end(END);
    const { knex } = world.database;
    const maker = new KeyframeMaker(knex, { instanceId });
    assert.equal(await maker.slice(id), 'done');
    assert.ok((await world.reader.keyframePlaces(id)).length > 0);
    await knex.transaction(async (trx) => {
      await trx.raw('set local session_replication_role = origin');
      await trx.raw('alter table sessions disable trigger sessions_guarded');
      await trx('sessions').where('id', id).delete();
      await trx.raw('alter table sessions enable trigger sessions_guarded');
    });
    assert.deepEqual(await world.reader.keyframePlaces(id), []);
    maker.forget(id);
    assert.equal(await maker.slice(id), 'gone');
    await keeper.prepare(id);
    await keeper.prepare('no such id');
    assert.equal(await world.reader.keyframeAt('no such id', 1), null);
  });

  it('that can’t be made say why, and the thread goes on with others', async () => {
    const { id, recording } = await begin();
    for (let n = 0; n < 10; n += 1) await print(recording, n);
    await recording.end(END);
    const { knex } = world.database;
    await knex.transaction(async (trx) => {
      await trx.raw('set local session_replication_role = replica');
      await trx('chunks').where({ session_id: id, seq: 2 }).update({ raw_len: 7 });
    });
    await assert.rejects(keeper.prepare(id), /can't be prepared: a chunk can't be read/);
    await assert.rejects(keeper.prepare(id), /can't be prepared/);
    const other = await begin();
    for (let n = 0; n < 30; n += 1) await print(other.recording, n);
    await other.recording.end(END);
    await until('the other one is prepared', async () => {
      await keeper.prepare(other.id);
      return (await world.reader.keyframePlaces(other.id)).length > 0;
    });
  });

  it('of recordings that another bastion makes are left to it', async () => {
    const { id, recording } = await begin();
    for (let n = 0; n < 10; n += 1) await print(recording, n);
    await recording.end(END);
    const mine = new KeyframeMaker(world.database.knex, { instanceId });
    const other = new KeyframeMaker(world.database.knex, { instanceId: uuidV7() });
    assert.equal(await mine.isDue(id), true);
    assert.equal(await other.isDue(id), false);
    assert.equal(await mine.isDue('no such id'), false);
  });
});
