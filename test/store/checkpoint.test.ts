import assert from 'node:assert/strict';
import { setTimeout as sleep } from 'node:timers/promises';
import { keyring } from '../../server/journal/signature.ts';
import { lostRecordings } from '../../server/store/journal-claims.ts';
import { checkRecording } from '../../server/store/recording-check.ts';
import { freshUrl } from '../support/database.ts';
import {
  openRecordingWorld,
  publicKey,
  type RecordingWorld,
  sessionStart,
} from '../support/recording-world.ts';

describe('checkpoints', () => {
  let world: RecordingWorld;

  beforeEach(async () => {
    const sink = { sealAfterMs: 1, checkpointEveryMs: 20 };
    world = await openRecordingWorld({ url: await freshUrl(), sink });
  });
  afterEach(() => world.close());

  it('signs what a running session has so far, and shows when that is cut or gone', async () => {
    const start = sessionStart();
    const recording = await world.sink.begin(start);
    const checkOf = () => checkRecording(world.database, start.id, publicKey);
    const signedBecomes = async (count: number) => {
      for (let n = 0; n < 500; n += 1) {
        const check = await checkOf();
        if (check.kind === 'open' && check.signed === count) return;
        await sleep(10);
      }
      assert.fail('no checkpoint was made');
    };
    await recording.append({ atUs: 1, code: 'o', text: 'one' });
    await signedBecomes(1);
    await recording.append({ atUs: 2, code: 'o', text: 'two' });
    await signedBecomes(2);
    const { knex } = world.database;
    const claimed = await world.journal.list({ types: ['recording.checkpoint'], limit: 10 });
    assert.equal(claimed.items.length, 2);
    const lost = async () => {
      const all = [];
      for await (const one of lostRecordings(world.database, world.journal, keyring([publicKey])))
        all.push(one);
      return all;
    };
    assert.deepEqual(await lost(), []);

    // What a database administrator could do behind the triggers' back.
    const behind = (sql: string) =>
      knex.transaction(async (trx) => {
        await trx.raw('set local session_replication_role = replica');
        await trx.raw(sql, [start.id]);
      });
    await behind('delete from chunks where session_id = ? and seq = 2');
    const cut = await checkOf();
    assert.equal(cut.kind, 'broken');
    assert.match(cut.why, /missing at the end/);
    await behind('delete from heads where session_id = ? and chunks = 2');
    assert.equal((await checkOf()).kind, 'open');
    assert.match((await lost())[0]?.why ?? '', /head of 2 chunks, .* is gone/);
    await behind('delete from sessions where id = ?');
    assert.match((await lost())[0]?.why ?? '', /it was deleted/);
    await recording.end({ atUs: 9, status: 'closed', exitStatus: 0, bytesOut: 6, why: 'it ended' });
  });
});
