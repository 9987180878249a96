import assert from 'node:assert/strict';
import { setTimeout as sleep } from 'node:timers/promises';
import { v7 as uuidV7 } from 'uuid';
import { silentLogger } from '../../server/log.ts';
import { CONTROLS_CHANNEL, createControls } from '../../server/store/controls.ts';
import { openDatabase, type Database } from '../../server/store/database.ts';
import { freshUrl } from '../support/database.ts';

describe('controls', () => {
  let here: Database;
  let there: Database;
  beforeEach(async () => {
    const options = { url: await freshUrl(), homeDirectory: '/nowhere', logger: silentLogger };
    here = await openDatabase(options);
    there = await openDatabase(options);
  });
  afterEach(async () => {
    await here.close();
    await there.close();
  });

  it('asks once for the end of the session that is meant, in whichever process it runs', async () => {
    const watching = createControls(there);
    const asking = createControls(here);
    const heard: string[] = [];
    const [mine, other] = [uuidV7(), uuidV7()];
    const end = new Promise<void>((resolve) => {
      watching.watch(mine, (by) => {
        heard.push(`mine ${by}`);
        resolve();
      });
    });
    const stop = watching.watch(other, (by) => heard.push(`other ${by}`));
    watching.watch(uuidV7(), (by) => heard.push(`third ${by}`));
    stop();
    await drained(here, there);
    await asking.terminate(other, 'bob');
    await asking.terminate(uuidV7(), 'bob');
    await asking.terminate(mine, 'alice'.repeat(3000));
    await asking.terminate(mine, 'again');
    await end;
    await drained(here, there);
    assert.deepEqual(heard, [`mine ${'alice'.repeat(40)}`]);
  });

  it('ignores notifications that are no requests', async () => {
    const controls = createControls(there);
    const heard: string[] = [];
    const session = uuidV7();
    controls.watch(session, (by) => heard.push(by));
    await drained(here, there);
    for (const payload of [
      '',
      '{',
      'null',
      '[]',
      '{"session":1,"by":"x"}',
      `{"session":"${session}"}`,
    ]) {
      await here.knex.raw('select pg_notify(?, ?)', [CONTROLS_CHANNEL, payload]);
    }
    await drained(here, there);
    assert.deepEqual(heard, []);
  });
});

/** Resolves when what was notified before has arrived; asks until the listener has connected. */
async function drained(from: Database, to: Database): Promise<void> {
  const arrived = new AbortController();
  const stop = await to.listen('drained', (payload) => {
    if (payload === 'now') arrived.abort();
  });
  while (!arrived.signal.aborted) {
    await from.knex.raw(`select pg_notify('drained', 'now')`);
    await sleep(10);
  }
  stop();
}
