import assert from 'node:assert/strict';
import { v7 as uuidV7 } from 'uuid';
import type { SessionStart } from '../../server/session/ports.ts';
import { createSearch, type SearchPage } from '../../server/store/search.ts';
import { entriesOf } from '../../server/store/search-block.ts';
import { Indexer, MERGED_ENTRIES } from '../../server/store/search-indexer.ts';
import { OUTPUT_LIMITS } from '../../server/store/search-output.ts';
import { freshUrl } from '../support/database.ts';
import {
  decidedCommand,
  openRecordingWorld,
  type RecordingWorld,
  sessionStart,
} from '../support/recording-world.ts';

const SESSIONS = 8;

describe('the index of the search', () => {
  let world: RecordingWorld;
  let indexer: Indexer;
  beforeEach(async () => {
    world = await openRecordingWorld({ url: await freshUrl(), sink: { sealAfterMs: 20 } });
    indexer = new Indexer(world.database.knex);
  });
  afterEach(() => world.close());

  const record = async (
    printed: readonly string[],
    more: Partial<SessionStart> = {},
  ): Promise<string> => {
    const start = sessionStart(more);
    const recording = await world.sink.begin(start);
    for (const [index, text] of printed.entries()) {
      const atUs = (index + 1) * 1000;
      await recording.append({ atUs, code: 'm', label: 'x' });
      await recording.decided(
        decidedCommand(index + 1, { atUs, text: `print ${text.slice(0, 20)}` }),
      );
      await recording.append({ atUs: atUs + 1, code: 'o', text: `${text}\r\n` });
    }
    await recording.end({
      atUs: 99_000,
      status: 'closed',
      exitStatus: 0,
      bytesOut: 1,
      why: 'over',
    });
    return start.id;
  };
  const index = async (): Promise<void> => {
    while (await indexer.step());
  };
  const find = (where: 'commands' | 'output', q: string): Promise<SearchPage> =>
    createSearch(world.database).search({ in: where, q, limit: 50 });
  const stored = async (): Promise<string> => {
    const rows = await world.database.knex<{ body: Buffer }>('search_blocks').select('body');
    return JSON.stringify(rows.map(({ body }) => entriesOf(body)));
  };

  it('forgets a session that was deleted, also in blocks that it shares with others', async () => {
    const gone = await record(['purged words']);
    const kept = await record(['kept words']);
    await index();
    const { knex } = world.database;
    // Retention is tested elsewhere; here it is enough that the rows go.
    await knex.raw('alter table sessions disable trigger sessions_guarded');
    await knex('sessions').where('id', gone).delete();
    assert.equal((await find('commands', 'words')).items.length, 1);
    assert.equal((await find('output', 'words')).items.length, 1);
    await index();
    const left = await stored();
    assert.ok(!left.includes('purged') && !left.includes(gone));
    assert.ok(left.includes('kept words') && left.includes(kept));
    const progress = await knex('search_progress').where('session_id', gone);
    assert.deepEqual(progress, []);
  });

  it('takes no more of one session than its bound, and says that it was cut', async () => {
    indexer = new Indexer(world.database.knex, { ...OUTPUT_LIMITS, sessionCharacters: 2000 });
    const line = 'all work and no play makes Jack a dull boy. '.repeat(25);
    await record([line, line, line, line, 'the end']);
    await record(['short']);
    await index();
    const { items, missing } = await find('output', 'dull boy');
    assert.equal(items.length, 2);
    assert.equal(missing.cutSessions, 1);
    assert.equal((await find('output', 'the end')).items.length, 0);
    assert.equal((await find('commands', 'the end')).items.length, 1);
    assert.equal((await find('commands', 'the end')).missing.cutSessions, 0);
  });

  it('reads no more of a recording than its bound, however little text it has', async () => {
    indexer = new Indexer(world.database.knex, { ...OUTPUT_LIMITS, sessionBytes: 1000 });
    await record(['\x1b[2J'.repeat(500) + 'early', 'later']);
    await index();
    assert.equal((await find('output', 'nothing')).missing.cutSessions, 1);
  });

  it('goes on past a recording that somebody edited', async () => {
    const edited = await record(['edited']);
    const { knex } = world.database;
    await knex.raw('alter table chunks disable trigger user');
    await knex('chunks')
      .where('session_id', edited)
      .update({ data: Buffer.from('no lines') });
    await record(['untouched']);
    await index();
    assert.equal((await find('output', 'untouched')).items.length, 1);
    assert.equal((await find('output', 'edited')).items.length, 0);
    assert.equal((await find('commands', 'edited')).items.length, 1);
    assert.equal((await find('output', 'edited')).missing.cutSessions, 1);
  });

  it('merges small blocks when they are many, losing none', async () => {
    for (let n = 0; n < 3; n += 1) {
      await record([`number ${n}`]);
      await indexer.step();
    }
    const { knex } = world.database;
    assert.equal((await find('commands', 'print number')).items.length, 3);
    for (let n = 3; n < SESSIONS; n += 1) await record([`number ${n}`]);
    await knex('search_blocks').update({ entries: MERGED_ENTRIES });
    await index();
    const levels = await knex('search_blocks').distinct().pluck('level');
    assert.deepEqual(levels, [1]);
    assert.equal((await find('commands', 'print number')).items.length, SESSIONS);
    assert.equal((await find('output', 'number')).items.length, SESSIONS);
  });

  it('is written by one process at a time', async () => {
    for (let n = 0; n < 5; n += 1) await record([`text ${n}`]);
    const indexers = Array.from({ length: 3 }, () => new Indexer(world.database.knex));
    for (let round = 0; round < 5; round += 1) {
      await Promise.all(indexers.map((one) => one.step()));
    }
    assert.equal((await find('commands', 'print text')).items.length, 5);
    assert.equal((await find('output', 'text')).items.length, 5);
  });

  it('keeps nothing of a step that failed, and takes everything in the next one', async () => {
    await record(['first']);
    const { knex } = world.database;
    await knex.raw("alter table search_blocks add constraint full_disk check (kind <> 'output')");
    await assert.rejects(indexer.step());
    assert.deepEqual(await knex('search_blocks'), []);
    assert.equal((await find('commands', 'first')).items.length, 1);
    await knex.raw('alter table search_blocks drop constraint full_disk');
    await index();
    assert.equal((await find('commands', 'first')).items.length, 1);
    assert.equal((await find('output', 'first')).items.length, 1);
  });

  it('takes up a session again whose recording got longer after its end', async () => {
    const id = await record(['before', 'the last line']);
    await index();
    const { knex } = world.database;
    await knex('sessions').where('id', id).update({ duration_us: 1 });
    await index();
    assert.equal((await find('output', 'before')).items.length, 1);
    // As recovery adds what only the spool had.
    await knex.raw(
      `insert into chunks (session_id, seq, t0_us, t1_us, first_event, events, raw_len, output_bytes,
         codec, prev_hash, hash, data)
       select session_id, seq + 1, t1_us, t1_us, first_event + events, 1, octet_length(line), 5, 0,
         hash, hash, line
       from chunks, (select convert_to('[99000,"o","found\\r\\n"]' || chr(10), 'UTF8')) as added (line)
       where session_id = ? order by seq desc limit 1`,
      [id],
    );
    await knex('sessions').where('id', id).update({ duration_us: 2 });
    await index();
    for (const text of ['before', 'the last line', 'found']) {
      assert.equal((await find('output', text)).items.length, 1, text);
    }
    assert.equal((await find('commands', 'before')).items.length, 1);
    const open = await knex('search_progress').where('is_open', true);
    assert.deepEqual(open, []);
  });

  it('forgets what it was told of and never was', async () => {
    await world.database.knex('search_changes').insert({ session_id: uuidV7() });
    await index();
    assert.deepEqual(await world.database.knex('search_progress'), []);
  });
});
