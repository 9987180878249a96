import assert from 'node:assert/strict';
import { v7 as uuidV7 } from 'uuid';
import { createSavedFilters, MAX_SAVED_FILTERS } from '../../server/store/saved-filters.ts';
import type { SallyportError } from '../../server/errors.ts';
import { createRecordingReader } from '../../server/store/recording-reader.ts';
import { freshUrl } from '../support/database.ts';
import {
  decidedCommand,
  openRecordingWorld,
  type RecordingWorld,
  sessionStart,
} from '../support/recording-world.ts';

describe('lists of sessions', () => {
  let world: RecordingWorld;
  before(async () => {
    world = await openRecordingWorld({ url: await freshUrl(), sink: { sealAfterMs: 20 } });
  });
  after(() => world.close());

  it('keep the filters of each person by name', async () => {
    const { knex } = world.database;
    const [one, other] = await knex('principals')
      .insert(
        ['alice', 'bob'].map((name) => ({
          id: uuidV7(),
          name,
          kind: 'human',
          roles: [],
          groups: [],
        })),
      )
      .returning<{ id: string }[]>('id');
    assert.ok(one !== undefined && other !== undefined);
    const desk = createSavedFilters(world.database);
    assert.equal(await desk.save(one.id, 'denied', 'decision=deny'), 'saved');
    assert.equal(await desk.save(one.id, 'denied', 'decision=deny&kind=exec'), 'replaced');
    assert.equal(await desk.save(other.id, 'denied', 'q=other'), 'saved');
    await desk.remove(other.id, 'denied');
    await desk.save(one.id, 'a', 'q=a');
    assert.deepEqual(await desk.list(one.id), [
      { name: 'a', query: 'q=a' },
      { name: 'denied', query: 'decision=deny&kind=exec' },
    ]);
    assert.deepEqual(await desk.list(other.id), []);
    await desk.remove(other.id, 'a');
    await desk.remove(one.id, 'denied');
    assert.deepEqual(await desk.list(one.id), [{ name: 'a', query: 'q=a' }]);
    for (let n = 1; n < MAX_SAVED_FILTERS; n += 1) await desk.save(one.id, `f${n}`, 'q=x');
    await assert.rejects(
      desk.save(one.id, 'one too many', 'q=x'),
      (error: SallyportError) => error.code === 'limit.exceeded',
    );
    await desk.save(one.id, 'f1', 'q=replaced');
    assert.equal((await desk.list(one.id)).length, MAX_SAVED_FILTERS);
  });

  it('narrow by kind, and by what was stopped', async () => {
    const record = async (kind: 'shell' | 'exec', verdict: 'allow' | 'deny' | 'hold') => {
      const start = sessionStart({ kind });
      const recording = await world.sink.begin(start);
      const usual = decidedCommand(1);
      await recording.decided({ ...usual, decision: { ...usual.decision, verdict } });
      await recording.end({ atUs: 9e6, status: 'closed', exitStatus: 0, bytesOut: 1, why: 'over' });
      return start.id;
    };
    const denied = await record('exec', 'deny');
    const held = await record('shell', 'hold');
    await record('exec', 'allow');
    const reader = createRecordingReader(world.database);
    const ids = async (filter: object): Promise<string[]> =>
      (await reader.listSessions({ limit: 9, ...filter })).items.map((one) => one.id);
    assert.deepEqual(await ids({ decision: 'deny' }), [denied]);
    assert.deepEqual(await ids({ decision: 'hold' }), [held]);
    assert.deepEqual(await ids({ decision: 'hold', kind: 'exec' }), []);
    assert.equal((await ids({ kind: 'exec' })).length, 2);
  });
});
