import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { setTimeout as sleep } from 'node:timers/promises';
import { v7 as uuidV7 } from 'uuid';
import { RECORDING_MODES, type RecordingMode } from '../../server/access/grant.ts';
import type { RecordedEvent } from '../../server/asciicast/event.ts';
import { checkRecording } from '../../server/store/recording-check.ts';
import { itIsARecordingSink } from '../conformance/recording-sink.ts';
import { freshUrl } from '../support/database.ts';
import {
  decidedCommand,
  eventsOf,
  openRecordingWorld,
  publicKey,
  type RecordingWorld,
  sessionStart,
  type WorldOptions,
} from '../support/recording-world.ts';

const END = {
  atUs: 9,
  status: 'closed',
  exitStatus: 0,
  bytesOut: 7,
  why: 'the command ended',
} as const;

for (const mode of RECORDING_MODES) {
  itIsARecordingSink(`the store in the mode ${mode}`, async () => {
    const world = await openRecordingWorld({ url: await freshUrl() });
    return {
      sink: { begin: (start) => world.sink.begin({ ...start, recording: mode }) },
      recorded: async (id) => {
        const session = await world.reader.session(id);
        assert.ok(session);
        const commands = await world.reader.commands(id);
        return { ...session, commands, events: await eventsOf(world.reader, id) };
      },
      close: () => world.close(),
    };
  });
}

describe('recording modes', () => {
  let world: RecordingWorld;
  const open = async (options: Partial<WorldOptions> = {}): Promise<void> => {
    world = await openRecordingWorld({ url: await freshUrl(), ...options });
  };
  afterEach(() => world.close());

  const output = (atUs: number, text: string): RecordedEvent => ({ atUs, code: 'o', text });
  /** Nobody gets at the table until the work is done. */
  const whileLocked = async (table: string, work: () => Promise<void>): Promise<void> => {
    const other = await world.database.knex.transaction();
    await other.raw(`lock table ${table}`);
    try {
      await work();
    } finally {
      await other.rollback();
    }
  };
  const journalled = async (session: string): Promise<readonly string[]> =>
    (await world.journal.list({ limit: 50, session })).items.map((one) => one.type).toReversed();

  it('says the mode in the journal', async () => {
    await open();
    const start = sessionStart({ recording: 'balanced' });
    await (await world.sink.begin(start)).end(END);
    const { items } = await world.journal.list({ limit: 9, types: ['session.started'] });
    assert.equal(items[0]?.data['recording'], 'balanced');
  });

  it('ends a session whose row came after it was refused', async () => {
    await open();
    const start = sessionStart();
    await whileLocked('sessions', async () => {
      await assert.rejects(world.sink.begin(start), { code: 'recording.failed' });
    });
    let status = 'active';
    for (let n = 0; n < 500 && status === 'active'; n += 1) {
      status = (await world.reader.session(start.id))?.status ?? 'active';
      await sleep(10);
    }
    assert.equal(status, 'failed');
    assert.deepEqual(await journalled(start.id), ['session.started', 'session.ended']);
  });

  it('strict-remote: delivers only what Postgres has', async () => {
    await open();
    const start = sessionStart({ recording: 'strict-remote' });
    const recording = await world.sink.begin(start);
    for (let n = 1; n <= 10; n += 1) {
      await recording.append(output(n, `${n}`));
      assert.equal((await eventsOf(world.reader, start.id)).length, n);
    }
    await Promise.all(Array.from({ length: 500 }, (_, n) => recording.append(output(n, 'x'))));
    await recording.end(END);
    const session = await world.reader.session(start.id);
    assert.ok((session?.recording.chunks ?? 0) < 20, 'what waits goes together');
    assert.equal((await checkRecording(world.database, start.id, publicKey)).kind, 'intact');
  });

  it('strict-remote: refuses after its bound while Postgres takes nothing', async () => {
    await open({ sink: { remoteWaitMs: 50 } });
    const start = sessionStart({ recording: 'strict-remote' });
    const recording = await world.sink.begin(start);
    await recording.append(output(1, 'kept'));
    await whileLocked('chunks', async () => {
      await assert.rejects(recording.append(output(2, 'late')), {
        message: 'Postgres has not taken the recording for 50 ms',
      });
      await assert.rejects(recording.append(output(3, 'later')), { code: 'recording.failed' });
    });
    await recording.end({ ...END, status: 'failed' });
    const events = await eventsOf(world.reader, start.id);
    assert.deepEqual(events[0], output(1, 'kept'));
    assert.deepEqual(await journalled(start.id), [
      'session.started',
      'recording.failed',
      'session.ended',
    ]);
  });

  it('continue: goes on without room, says so everywhere, and records again', async () => {
    await open({
      spool: { limits: { sessionBacklogBytes: 3000 } },
      sink: { sealAfterMs: 3_600_000 },
    });
    const start = sessionStart({ recording: 'continue' });
    const recording = await world.sink.begin(start);
    const text = 'x'.repeat(1000);
    assert.equal(await recording.append(output(1, text)), undefined);
    assert.equal(await recording.append(output(2, text)), undefined);
    const lost = await recording.append(output(3, text));
    assert.match(lost?.kind === 'lost' ? lost.why : '', /had no room for 2000 ms/);
    await recording.append(output(4, '\u00e9'));
    world.spool.whenPressed(() => {});
    const live = recording as unknown as { seal(): void };
    live.seal();
    let atUs = 5;
    let bytes = 1002;
    for (;;) {
      const gap = await recording.append(output(atUs, 'again'));
      if (gap?.kind === 'resumed') {
        assert.equal(gap.lostBytes, bytes);
        break;
      }
      bytes += 5;
      atUs += 1;
      await sleep(20);
    }
    assert.equal(await recording.append(output(atUs + 1, 'and on')), undefined);
    await recording.end(END);
    assert.deepEqual(await eventsOf(world.reader, start.id), [
      output(1, text),
      output(2, text),
      output(atUs, 'again'),
      output(atUs + 1, 'and on'),
    ]);
    const session = await world.reader.session(start.id);
    assert.equal(session?.status, 'closed');
    assert.equal(session?.recording.complete, false);
    assert.equal((await checkRecording(world.database, start.id, publicKey)).kind, 'intact');
    assert.deepEqual(await journalled(start.id), [
      'session.started',
      'recording.failed',
      'recording.gap',
      'session.ended',
    ]);
    const { items } = await world.journal.list({ limit: 9, types: ['recording.gap'] });
    const { why, ...gap } = items[0]?.data ?? {};
    assert.deepEqual(gap, { fromUs: 3, toUs: atUs - 1, events: atUs - 3, bytes });
    assert.match(JSON.stringify(why), /had no room/);
  });

  it('continue: begins although nothing can be recorded, and never counts as complete', async () => {
    await open({ spool: { maxSegments: 0, segmentRetryMs: 1, limits: { segmentWaitMs: 1 } } });
    const start = sessionStart({ recording: 'continue' });
    const recording = await world.sink.begin(start);
    assert.equal((await recording.append(output(1, 'x')))?.kind, 'lost');
    await recording.end(END);
    const session = await world.reader.session(start.id);
    assert.deepEqual([session?.status, session?.recording.complete], ['closed', false]);
    await assert.rejects(world.sink.begin(sessionStart()), { code: 'recording.failed' });
  });

  it('continue: runs a command before its row is there, which follows', async () => {
    await open();
    const start = sessionStart({ recording: 'continue' });
    const recording = await world.sink.begin(start);
    await whileLocked('journal', () => recording.decided(decidedCommand(1)));
    await recording.end(END);
    assert.equal((await world.reader.commands(start.id)).length, 1);
    assert.equal((await world.reader.session(start.id))?.recording.complete, false);
    assert.ok((await journalled(start.id)).includes('recording.failed'));
  });
});

describe('recovery by recording mode', () => {
  /** What is known to be whole after a crash of the process, and of the operating system. */
  const CASES: readonly (readonly [RecordingMode, boolean, boolean])[] = [
    ['strict', true, true],
    ['strict-remote', true, true],
    ['balanced', true, false],
    ['continue', false, false],
  ];

  for (const [mode, afterKill, afterBoot] of CASES) {
    for (const isSameBoot of [true, false]) {
      const complete = isSameBoot ? afterKill : afterBoot;
      const what = isSameBoot ? 'kill -9' : 'another start of the machine';
      it(`${mode}: has all that was acknowledged after ${what}, complete: ${complete}`, async () => {
        const directory = await mkdtemp(join(tmpdir(), 'modes-'));
        const url = await freshUrl();
        const instanceId = uuidV7();
        const script = join(import.meta.dirname, '../support/recorder.ts');
        const child = spawn(
          process.execPath,
          ['--import', 'tsx', script, url, directory, instanceId, '2', mode],
          { stdio: ['ignore', 'pipe', 'inherit'] },
        );
        const acknowledged = new Map<string, string[]>();
        let events = 0;
        for await (const line of createInterface({ input: child.stdout })) {
          const [id = '', text = ''] = line.split(' ');
          acknowledged.set(id, [...(acknowledged.get(id) ?? []), text]);
          if ((events += 1) === 60) child.kill('SIGKILL');
        }
        if (child.exitCode === null && child.signalCode === null) await once(child, 'exit');
        if (!isSameBoot) await writeFile(join(directory, 'boot'), 'another\n');
        const world = await openRecordingWorld({ url, directory, instanceId });
        for (const [id, texts] of acknowledged) {
          const found = await eventsOf(world.reader, id);
          assert.deepEqual(
            found.slice(0, texts.length).map((event) => event.code === 'o' && event.text),
            texts,
          );
          const session = await world.reader.session(id);
          assert.equal(session?.status, 'failed');
          assert.equal(session?.recording.complete, complete);
          assert.equal((await checkRecording(world.database, id, publicKey)).kind, 'intact');
        }
        await world.close();
        await rm(directory, { recursive: true });
      });
    }
  }
});
