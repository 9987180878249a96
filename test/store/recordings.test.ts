import assert from 'node:assert/strict';
import { once } from 'node:events';
import { readdir, rm } from 'node:fs/promises';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import type { RecordedEvent } from '../../server/asciicast/event.ts';
import { openDatabase } from '../../server/store/database.ts';
import { silentLogger } from '../../server/log.ts';
import { checkRecording } from '../../server/store/recording-check.ts';
import { startPostgres } from '../../server/store/postgres.ts';
import { CHUNKS_CHANNEL } from '../../server/store/shipper.ts';
import { itIsARecordingSink } from '../conformance/recording-sink.ts';
import { freshUrl, urlOf } from '../support/database.ts';
import {
  decidedCommand,
  eventsOf,
  openRecordingWorld,
  publicKey,
  type RecordingWorld,
  sessionStart,
  type WorldOptions,
} from '../support/recording-world.ts';
import { temporaryFolder } from '../support/temporary-folder.ts';

const WHY = 'the command ended';
const END = { atUs: 9, status: 'closed', exitStatus: 0, bytesOut: 7, why: WHY } as const;

itIsARecordingSink('the store', async () => {
  const world = await openRecordingWorld({ url: await freshUrl() });
  return {
    sink: world.sink,
    recorded: async (id) => {
      const session = await world.reader.session(id);
      assert.ok(session);
      const commands = await world.reader.commands(id);
      return { ...session, commands, events: await eventsOf(world.reader, id) };
    },
    close: () => world.close(),
  };
});

describe('recordings', () => {
  let url: string;
  let world: RecordingWorld;

  const open = async (options: Partial<WorldOptions> = {}): Promise<RecordingWorld> => {
    url = await freshUrl();
    world = await openRecordingWorld({ url, ...options });
    return world;
  };
  afterEach(() => world.close());

  it('seals chunks of about 64 KiB, chained, signed, compressed and verifiable', async () => {
    await open();
    const start = sessionStart({ command: 'make' });
    const recording = await world.sink.begin(start);
    const events: RecordedEvent[] = Array.from({ length: 3000 }, (_, n) => ({
      atUs: n * 10,
      code: 'o',
      text: `cc -O2 -o build/${n}.o src/${n}.c -Wall -Wextra -DNUMBER=${n % 7}\r\n`,
    }));
    await Promise.all(events.map((event) => recording.append(event)));
    await recording.end({ ...END, bytesOut: 1234 });
    assert.deepEqual(await eventsOf(world.reader, start.id), events);
    const chain = await world.reader.chain(start.id);
    assert.ok(chain?.head);
    assert.ok(chain.chunks.length >= 3);
    assert.ok(chain.chunks.slice(0, -1).every((one) => one.rawLength >= 65_536));
    const session = await world.reader.session(start.id);
    assert.equal(session?.recording.headHash, chain.head.hash);
    assert.deepEqual(session?.recording, {
      durationMs: 30,
      chunks: chain.chunks.length,
      headHash: chain.chunks.at(-1)?.hash,
      complete: true,
    });
    const check = await checkRecording(world.database, start.id, publicKey);
    assert.deepEqual(check.kind, 'intact');
    const stored: { raw: number; data: number }[] = await world.database
      .knex('chunks')
      .select(world.database.knex.raw('raw_len as raw, octet_length(data) as data'));
    assert.ok(stored.every((one) => one.data < one.raw / 4));
    assert.equal(world.spool.backlogBytes, 0);
    assert.deepEqual(await world.journal.verify(), { kind: 'intact', entries: 2 });
  });

  it('keeps incompressible bytes and large events', async () => {
    await open({ spool: { segmentBytes: 8 * 1024 * 1024 } });
    const start = sessionStart();
    const recording = await world.sink.begin(start);
    const text = Array.from({ length: 500_000 }, (_, n) =>
      String.fromCodePoint((n * 7919) % 0xd7ff),
    )
      .join('')
      .toWellFormed();
    await recording.append({ atUs: 1, code: 'o', text });
    await recording.end(END);
    assert.deepEqual(await eventsOf(world.reader, start.id), [{ atUs: 1, code: 'o', text }]);
    assert.equal((await checkRecording(world.database, start.id, publicKey)).kind, 'intact');
  });

  it('seals by age, tells listeners, and shows live figures from rows', async () => {
    await open({ sink: { sealAfterMs: 1 } });
    const heard = new EventTarget();
    await world.database.listen(CHUNKS_CHANNEL, (id) => heard.dispatchEvent(new Event(`of ${id}`)));
    const start = sessionStart();
    const recording = await world.sink.begin(start);
    const stored = once(heard, `of ${start.id}`);
    await recording.append({ atUs: 5000, code: 'b', base64: '//8=' });
    await recording.append({ atUs: 5000, code: 'o', text: '\ufffd\ufffd' });
    await recording.decided(
      decidedCommand(1, {
        decision: { ...decidedCommand(1).decision, verdict: 'deny', rule: 'no' },
      }),
    );
    await stored;
    let session = await world.reader.session(start.id);
    for (let n = 0; n < 500 && session?.bytesOut !== 2; n += 1) {
      await sleep(10);
      session = await world.reader.session(start.id);
    }
    assert.equal(session?.status, 'active');
    assert.equal(session?.bytesOut, 2, 'the exact bytes count, not their readable form');
    assert.deepEqual([session?.commandCount, session?.deniedCount, session?.heldCount], [1, 1, 0]);
    assert.equal(session?.recording.durationMs, 5);
    assert.equal(session?.recording.complete, false);
    assert.equal((await checkRecording(world.database, start.id, publicKey)).kind, 'open');
    await recording.end(END);
  });

  it('writes who, what and how into the journal, with the exact text of commands', async () => {
    await open();
    const start = sessionStart({ run: '4711', kind: 'exec', command: 'ls' });
    const recording = await world.sink.begin(start);
    const nasty = 'echo \u0000 \ud800';
    await recording.decided(decidedCommand(1, { text: nasty }));
    recording.commandEnded(1, { outputFromUs: 1, outputToUs: 2, exitStatus: 3 });
    await recording.end(END);
    const { items } = await world.journal.list({ limit: 10, session: start.id });
    assert.deepEqual(
      items.map((one) => one.type),
      ['session.ended', 'command.ended', 'command.decided', 'session.started'],
    );
    assert.ok(items.every((one) => one.principal === 'alice' && one.source === start.source));
    assert.equal(items[2]?.data['text'], nasty);
    assert.equal(items[0]?.data['status'], 'closed');
    const [command] = await world.reader.commands(start.id);
    assert.equal(command?.text, 'echo \u2400 \ufffd');
    assert.equal(command?.exitStatus, 3);
    assert.deepEqual(command?.argv, ['echo', '\u2400', '\ufffd']);
  });

  it('keeps whose word a run is', async () => {
    await open();
    for (const attribution of ['verified', 'declared', 'claimed', null] as const) {
      const start = sessionStart({ attribution });
      await (await world.sink.begin(start)).end(END);
      assert.equal((await world.reader.session(start.id))?.attribution, attribution);
    }
  });

  it('records a terminal of any size that a client claims', async () => {
    await open();
    const start = sessionStart({ size: { cols: 4_294_967_295, rows: 0 } });
    const recording = await world.sink.begin(start);
    await recording.end(END);
    const session = await world.reader.session(start.id);
    assert.deepEqual([session?.width, session?.height], [65_535, 0]);
  });

  it('says why nothing can be recorded without quoting its statements', async () => {
    await open();
    const recording = await world.sink.begin(sessionStart());
    await recording.decided(decidedCommand(1));
    await assert.rejects(recording.decided(decidedCommand(1)), (error: Error) => {
      assert.match(error.message, /^the command can't be recorded: duplicate key/);
      return true;
    });
    await recording.end(END);
  });

  it('refuses to begin without room in the spool', async () => {
    // Chunks can't be stored while somebody else has their table, so no segment comes back.
    const spool = { maxSegments: 1, segmentRetryMs: 1, limits: { segmentWaitMs: 20 } };
    await open({ spool });
    const first = sessionStart();
    const recording = await world.sink.begin(first);
    const other = await world.database.knex.transaction();
    await other.raw('lock table chunks in share row exclusive mode');
    await recording.append({ atUs: 1, code: 'o', text: 'x'.repeat(250_000) });
    await assert.rejects(world.sink.begin(sessionStart()), { code: 'recording.failed' });
    assert.deepEqual(
      (await world.reader.listSessions({ limit: 9 })).items.map((one) => one.id),
      [first.id],
    );
    await other.rollback();
    await recording.end(END);
    const last = await world.sink.begin(sessionStart());
    await last.end(END);
  });

  it('refuses to begin without a journal or with a malformed id, and leaves no row', async () => {
    await open();
    const start = sessionStart();
    await world.database.knex.raw('alter table journal rename to away');
    await assert.rejects(world.sink.begin(start), { code: 'recording.failed' });
    await world.database.knex.raw('alter table away rename to journal');
    assert.equal(await world.reader.session(start.id), null);
    await assert.rejects(world.sink.begin(sessionStart({ id: crypto.randomUUID() })), {
      code: 'recording.failed',
    });
    const recording = await world.sink.begin(start);
    await recording.end(END);
  });

  it('refuses events when the spool has no room, and closes what was recorded as it is', async () => {
    // Chunks wait for age, which never comes; so the backlog only grows.
    await open({
      spool: { limits: { sessionBacklogBytes: 3000, waitMs: 20 } },
      sink: { sealAfterMs: 600_000 },
    });
    const start = sessionStart();
    const recording = await world.sink.begin(start);
    const text = 'x'.repeat(1000);
    await recording.append({ atUs: 1, code: 'o', text });
    await recording.append({ atUs: 2, code: 'o', text });
    await assert.rejects(recording.append({ atUs: 3, code: 'o', text }), {
      code: 'recording.failed',
    });
    await assert.rejects(recording.append({ atUs: 4, code: 'o', text: '' }), {
      code: 'recording.failed',
    });
    await recording.end({ ...END, status: 'failed', why: 'the recorder failed' });
    assert.equal((await eventsOf(world.reader, start.id)).length, 2);
    assert.equal((await checkRecording(world.database, start.id, publicKey)).kind, 'intact');
    const { items } = await world.journal.list({ limit: 10, types: ['recording.failed'] });
    assert.equal(items.length, 1);
  });

  it('goes on recording while its connections are cut', async () => {
    await open({ sink: { sealAfterMs: 1 } });
    const other = await openDatabase({ url, homeDirectory: '/nowhere', logger: silentLogger });
    const start = sessionStart();
    const recording = await world.sink.begin(start);
    const events: RecordedEvent[] = [];
    for (let n = 0; n < 40; n += 1) {
      const event: RecordedEvent = { atUs: n, code: 'o', text: `line ${n}\n`.repeat(500) };
      events.push(event);
      await recording.append(event);
      if (n % 5 === 0) {
        await other.knex.raw(
          `select pg_terminate_backend(pid) from pg_stat_activity
           where pid <> pg_backend_pid() and datname = current_database()`,
        );
      }
    }
    await recording.end(END);
    assert.deepEqual(await eventsOf(world.reader, start.id), events);
    assert.equal((await checkRecording(world.database, start.id, publicKey)).kind, 'intact');
    await other.close();
  });

  it('records while Postgres is down, holds commands back, and catches up afterwards', async () => {
    const home = await temporaryFolder();
    const settings = { directory: join(home, 'postgres'), logger: silentLogger };
    const server = await startPostgres(settings);
    world = await openRecordingWorld({
      url: urlOf(server, server.database),
      sink: { sealAfterMs: 1, endWaitMs: 1 },
    });
    const start = sessionStart();
    const recording = await world.sink.begin(start);
    const events: RecordedEvent[] = [];
    const append = async (atUs: number): Promise<void> => {
      events.push({ atUs, code: 'o', text: `${atUs} `.repeat(30_000) });
      await recording.append({ atUs, code: 'o', text: `${atUs} `.repeat(30_000) });
    };
    await append(1);
    await server.stop();
    for (let atUs = 2; atUs <= 20; atUs += 1) await append(atUs);
    assert.ok(world.spool.backlogBytes > 1_000_000, 'nothing was lost, nothing could be shipped');
    let isDecided = false;
    const decided = recording.decided(decidedCommand(1)).then(() => (isDecided = true));
    await recording.append({ atUs: 21, code: 'x', status: '0' });
    events.push({ atUs: 21, code: 'x', status: '0' });
    assert.equal(isDecided, false, 'a command waits for its row');
    const again = await startPostgres(settings);
    try {
      await decided;
      await recording.end(END);
      await world.close();
      const after = await openRecordingWorld({ url: urlOf(again, again.database) });
      assert.deepEqual(await eventsOf(after.reader, start.id), events);
      assert.equal((await checkRecording(after.database, start.id, publicKey)).kind, 'intact');
      assert.equal((await after.reader.session(start.id))?.status, 'closed');
      assert.equal((await after.journal.verify()).kind, 'intact');
      await after.close();
    } finally {
      await again.stop();
      await rm(home, { recursive: true });
    }
    await open();
  });

  it('lets other sessions pass when Postgres refuses the chunk of one', async () => {
    await open();
    const [bad, good] = [sessionStart(), sessionStart()];
    const recordings = [await world.sink.begin(bad), await world.sink.begin(good)];
    await world.database.knex.raw(
      `alter table chunks add constraint refused check (session_id <> '${bad.id}')`,
    );
    await Promise.all(recordings.map((one) => one.append({ atUs: 1, code: 'o', text: 'x' })));
    await Promise.all(recordings.map((one) => one.end(END)));
    const views = await Promise.all([bad.id, good.id].map((id) => world.reader.session(id)));
    assert.deepEqual(
      views.map((one) => [one?.status, one?.recording.complete]),
      [
        ['failed', false],
        ['closed', true],
      ],
    );
  });

  it('ends what runs when it closes, and leaves nothing in the spool', async () => {
    await open();
    const start = sessionStart();
    const recording = await world.sink.begin(start);
    await recording.append({ atUs: 77_000, code: 'o', text: 'unfinished' });
    await world.sink.close({ deadlineMs: 20_000 });
    const session = await world.reader.session(start.id);
    assert.equal(session?.status, 'failed');
    assert.equal(session?.recording.complete, true);
    assert.equal(session?.recording.durationMs, 77);
    assert.equal(session?.bytesOut, 10);
    await assert.rejects(world.sink.begin(sessionStart()), { code: 'recording.failed' });
    await world.spool.close();
    assert.deepEqual(await readdir(world.directory), []);
  });

  it('never lets chunks, commands or heads be changed or removed', async () => {
    await open();
    const recording = await world.sink.begin(sessionStart());
    await recording.append({ atUs: 1, code: 'o', text: 'x' });
    await recording.decided(decidedCommand(1));
    recording.commandEnded(1, { outputFromUs: 0, outputToUs: 1, exitStatus: 0 });
    await recording.end(END);
    for (const table of ['chunks', 'commands', 'command_ends', 'heads']) {
      for (const statement of [
        `delete from ${table}`,
        `truncate ${table}`,
        `update ${table} set session_id = session_id`,
      ]) {
        await assert.rejects(world.database.knex.raw(statement), /written once/, statement);
      }
    }
  });

  const TAMPERINGS: readonly (readonly [string, string, number])[] = [
    [
      'a flipped byte',
      'update chunks set data = set_byte(data, 9, get_byte(data, 9) # 1) where seq = 2',
      2,
    ],
    ['an edited time', 'update chunks set t0_us = t0_us + 1 where seq = 2', 2],
    ['a removed chunk', 'delete from chunks where seq = 2', 2],
    ['a removed end', 'delete from chunks where seq = 3', 3],
    ['another head', "update heads set hash = decode(repeat('00', 32), 'hex'), chunks = 2", 2],
    ['a removed head', 'delete from heads', 3],
    ['another signature', "update heads set signature = 'AAAA'", 3],
    ['a claim of gigabytes', 'update chunks set raw_len = 2000000000 where seq = 1', 1],
    ['a length too small', 'update chunks set raw_len = 100 where seq = 1', 1],
    ['an unknown codec', 'update chunks set codec = 9 where seq = 1', 1],
  ];
  for (const [name, statement, chunk] of TAMPERINGS) {
    it(`finds ${name}`, async () => {
      await open();
      const start = sessionStart();
      const recording = await world.sink.begin(start);
      for (let n = 0; n < 3; n += 1) {
        await recording.append({ atUs: n, code: 'o', text: `${n}`.repeat(70_000) });
      }
      await recording.end(END);
      for (const { table } of [{ table: 'heads' }, ...(await partitionsOf(world))]) {
        await world.database.knex.raw(`alter table ${table} disable trigger all`);
      }
      await world.database.knex.raw(statement);
      const check = await checkRecording(world.database, start.id, publicKey);
      assert.equal(check.kind === 'broken' ? check.chunk : null, chunk, JSON.stringify(check));
    });
  }
});

async function partitionsOf(world: RecordingWorld): Promise<readonly { table: string }[]> {
  const { rows } = await world.database.knex.raw<{ rows: readonly { table: string }[] }>(
    `select inhrelid::regclass::text as table from pg_inherits where inhparent = 'chunks'::regclass`,
  );
  return [...rows, { table: 'chunks' }];
}
