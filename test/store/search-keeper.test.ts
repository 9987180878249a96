import assert from 'node:assert/strict';
import { setTimeout as sleep } from 'node:timers/promises';
import { silentLogger } from '../../server/log.ts';
import { createSearchKeeper, type SearchKeeper } from '../../server/store/search-keeper.ts';
import { freshUrl } from '../support/database.ts';
import {
  decidedCommand,
  openRecordingWorld,
  type RecordingWorld,
  sessionStart,
} from '../support/recording-world.ts';

describe('the keeper of the search', () => {
  let world: RecordingWorld;
  let keeper: SearchKeeper | null = null;
  let warnings: string[] = [];
  beforeEach(async () => {
    warnings = [];
    world = await openRecordingWorld({ url: await freshUrl() });
  });
  afterEach(async () => {
    await keeper?.close();
    await world.close();
  });

  const start = async (): Promise<void> => {
    const { database } = world;
    const logger = { ...silentLogger, warn: (event: string) => void warnings.push(event) };
    keeper = await createSearchKeeper({ database, objects: null, logger, afterMs: 20 });
  };
  const record = async (): Promise<void> => {
    const recording = await world.sink.begin(sessionStart());
    await recording.decided(decidedCommand(1));
    await recording.append({ atUs: 2000, code: 'o', text: 'hello\r\n' });
    await recording.end({ atUs: 3000, status: 'closed', exitStatus: 0, bytesOut: 7, why: 'over' });
  };
  const indexed = async (commands: number, output: number): Promise<void> => {
    for (let tries = 0; tries < 600; tries += 1) {
      const rows = await world.database
        .knex<{ kind: string; entries: number }>('search_blocks')
        .select('kind', 'entries');
      const count = (kind: string): number =>
        rows.filter((row) => row.kind === kind).reduce((sum, row) => sum + row.entries, 0);
      if (count('commands') === commands && count('output') === output) return;
      await sleep(50);
    }
    assert.fail('it was not taken into the search');
  };

  it('takes in what was recorded before it started, and what comes, in a thread', async () => {
    await record();
    await start();
    await indexed(1, 1);
    await record();
    await indexed(2, 2);
    assert.deepEqual(warnings, []);
  });

  it('never keeps recording waiting when its tables are gone, and says that it is behind', async () => {
    await start();
    await world.database.knex.raw('alter table search_progress rename to search_progress_gone');
    await record();
    for (let tries = 0; tries < 600 && warnings.length === 0; tries += 1) await sleep(50);
    assert.deepEqual(warnings, ['search.behind']);
    const rows = await world.database.knex('sessions').where('status', 'closed');
    assert.equal(rows.length, 1);
  });
});
