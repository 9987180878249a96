import assert from 'node:assert/strict';
import { createHash, randomBytes } from 'node:crypto';
import { systemClock } from '../../server/clock.ts';
import { keyring } from '../../server/journal/signature.ts';
import { silentLogger } from '../../server/log.ts';
import { createKeptFiles, type KeptFiles } from '../../server/store/kept-files.ts';
import { checkRecording } from '../../server/store/recording-check.ts';
import { prune } from '../../server/store/retention.ts';
import { freshUrl } from '../support/database.ts';
import {
  decidedCommand,
  openRecordingWorld,
  publicKey,
  type RecordingWorld,
  sessionStart,
  signer,
} from '../support/recording-world.ts';

const DAY_MS = 86_400_000;

describe('kept files', () => {
  const parts = [Buffer.from('text '.repeat(5000)), randomBytes(3000)];
  let world: RecordingWorld;
  let files: KeptFiles;
  let id: string;

  beforeEach(async () => {
    world = await openRecordingWorld({ url: await freshUrl() });
    files = createKeptFiles(world.database);
    const start = sessionStart({ keepDays: 1 });
    id = start.id;
    const recording = await world.sink.begin(start);
    await recording.decided(decidedCommand(1));
    for (const [index, bytes] of parts.entries()) {
      await files.keep({ session: id, seq: 1, direction: 'written', part: index + 1, bytes });
    }
    const whole = Buffer.concat(parts);
    const kept = {
      direction: 'written',
      parts: 2,
      bytes: whole.length,
      sha256: createHash('sha256').update(whole).digest('hex'),
      cut: false,
    };
    recording.commandEnded(1, {
      outputFromUs: 1,
      outputToUs: 2,
      exitStatus: 0,
      file: { type: 'file.written', data: { path: '/srv/a', kept: [kept] } },
    });
    await recording.end({ atUs: 9, bytesOut: 9, status: 'closed', exitStatus: 0, why: 'it ended' });
  });
  afterEach(() => world.close());

  const read = async (): Promise<Buffer> => {
    const found: Buffer[] = [];
    const place = { session: id, seq: 1, direction: 'written' } as const;
    for await (const part of files.contents(place)) found.push(part);
    return Buffer.concat(found);
  };
  const verified = async (): Promise<string> => {
    const check = await checkRecording(world.database, id, keyring([publicKey]), { alone: true });
    return 'why' in check ? check.why : check.kind;
  };
  /** What a database administrator could do behind the triggers' back. */
  const behind = (sql: string): Promise<void> =>
    world.database.knex.transaction(async (trx) => {
      await trx.raw('set local session_replication_role = replica');
      await trx.raw(sql);
    });

  it('gives back what was kept, in order, and compressed where that helps', async () => {
    assert.ok((await read()).equals(Buffer.concat(parts)));
    const rows = await world.database.knex('kept_files').orderBy('part');
    const sizes = rows.map((row: { data: Buffer }) => row.data.length);
    assert.ok((sizes[0] ?? 0) < 1000);
    assert.equal(sizes[1], 3000);
    assert.equal(await verified(), 'intact');
  });

  it('has nothing of what was not kept', async () => {
    const place = { session: id, seq: 1, direction: 'read' } as const;
    for await (const part of files.contents(place)) assert.fail(part.toString());
    for await (const part of files.contents({ ...place, session: 'x' }))
      assert.fail(part.toString());
  });

  const tampered: readonly (readonly [what: string, sql: string, why: RegExp])[] = [
    [
      'an edited part',
      'set data = set_byte(data, 9, get_byte(data, 9) # 1) where part = 2',
      /hash/,
    ],
    ['a broken part', 'set data = substring(data, 1, 20) where part = 1', /can't be read/],
    ['parts in another order', 'set part = 4 - part where part = 1', /part 1 is missing/],
  ];
  for (const [what, sql, why] of tampered) {
    it(`are found to be tampered with by ${what}`, async () => {
      await behind(`update kept_files ${sql}`);
      const said = await verified();
      assert.match(said, /^the kept contents of command 1, which entry \d+ of the journal names, /);
      assert.match(said, why);
    });
  }

  it('are found to be tampered with by a missing and by an added part', async () => {
    await behind('delete from kept_files where part = 2');
    assert.match(await verified(), /part 2 is missing/);
    await behind(
      `insert into kept_files select session_id, seq, direction, n, raw_len, codec, data
       from kept_files, generate_series(2, 3) n`,
    );
    assert.match(await verified(), /more than it says/);
  });

  it('can be neither changed nor deleted', async () => {
    const { knex } = world.database;
    await assert.rejects(knex('kept_files').update({ codec: 0 }), /written once/);
    await assert.rejects(knex('kept_files').delete(), /written once/);
  });

  it('go with their session', async () => {
    // The database compares with its own clock.
    await behind(
      `update sessions set started_at = now() - interval '3 days', ended_at = now() - interval '3 days';
       update heads set signed_at = now() - interval '3 days'`,
    );
    const clock = { nowMs: () => systemClock.nowMs() + DAY_MS };
    const { database, journal } = world;
    await prune(
      { database, journal, signer, clock, logger: silentLogger, objects: null },
      { by: 'cli:alice', source: 'cli:alice' },
    );
    assert.equal((await database.knex('sessions')).length, 0);
    assert.equal((await database.knex('kept_files')).length, 0);
  });
});
