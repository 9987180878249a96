import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { cp, mkdtemp, readdir, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { v7 as uuidV7 } from 'uuid';
import { silentLogger } from '../../server/log.ts';
import { openDatabase } from '../../server/store/database.ts';
import { checkRecording } from '../../server/store/recording-check.ts';
import { freshUrl } from '../support/database.ts';
import { recordedText } from '../support/recorded-text.ts';
import {
  eventsOf,
  openRecordingWorld,
  publicKey,
  type RecordingWorld,
  sessionStart,
  type WorldOptions,
} from '../support/recording-world.ts';

const SCRIPT = join(import.meta.dirname, '../support/recorder.ts');
const END = {
  atUs: 9,
  status: 'closed',
  exitStatus: 0,
  bytesOut: 1,
  why: 'the command ended',
} as const;

describe('recovery of recordings', () => {
  let url: string;
  let directory: string;
  let instanceId: string;
  const opened: RecordingWorld[] = [];

  const open = async (options: Partial<WorldOptions> = {}): Promise<RecordingWorld> => {
    const world = await openRecordingWorld({ url, directory, instanceId, ...options });
    opened.push(world);
    return world;
  };

  /** Lets a recorder run and kills it. @returns what it acknowledged, by session */
  const killRecorder = async (afterEvents: number): Promise<Map<string, string[]>> => {
    // A key of its own in the child: only the recovered head is signed with ours.
    const child = spawn(
      process.execPath,
      ['--import', 'tsx', SCRIPT, url, directory, instanceId, '4'],
      { stdio: ['ignore', 'pipe', 'inherit'] },
    );
    const acknowledged = new Map<string, string[]>();
    let events = 0;
    for await (const line of createInterface({ input: child.stdout })) {
      const [id = '', text = ''] = line.split(' ');
      acknowledged.set(id, [...(acknowledged.get(id) ?? []), text]);
      events += 1;
      if (events === afterEvents) child.kill('SIGKILL');
    }
    if (child.exitCode === null && child.signalCode === null) await once(child, 'exit');
    assert.equal(child.signalCode, 'SIGKILL');
    return acknowledged;
  };

  beforeEach(async () => {
    url = await freshUrl();
    directory = await mkdtemp(join(tmpdir(), 'recovery-'));
    instanceId = uuidV7();
  });
  afterEach(async () => {
    for (const world of opened.splice(0)) await world.close();
    await rm(directory, { recursive: true });
  });

  for (const afterEvents of [40, 1500]) {
    it(`gives byte for byte what was acknowledged before kill -9 after ${afterEvents} events`, async () => {
      const acknowledged = await killRecorder(afterEvents);
      assert.equal(acknowledged.size, 4);
      const world = await open();
      assert.equal(world.recovered.sessions, 4);
      for (const [id, texts] of acknowledged) {
        const events = await eventsOf(world.reader, id);
        const found = events.map((event) => (event.code === 'o' ? event.text : ''));
        assert.deepEqual(found.slice(0, texts.length), texts);
        // More may be durable than the killed process could tell us; it must be what came next.
        found.forEach((text, index) => assert.equal(text, recordedText(index + 1)));
        const session = await world.reader.session(id);
        assert.equal(session?.status, 'failed');
        assert.equal(session?.recording.complete, true);
        assert.equal(session?.bytesOut, found.join('').length);
        assert.equal((await checkRecording(world.database, id, publicKey)).kind, 'intact');
      }
      const { items } = await world.journal.list({ limit: 100, types: ['session.ended'] });
      assert.deepEqual(
        items.map((one) => one.data['why']),
        Array.from({ length: 4 }, () => 'the bastion stopped'),
      );
      assert.equal((await world.journal.verify()).kind, 'intact');
    });
  }

  it('is harmless to repeat, also when the same spool comes back from a copy', async () => {
    const acknowledged = await killRecorder(200);
    const copy = await mkdtemp(join(tmpdir(), 'recovery-copy-'));
    try {
      await cp(directory, copy, { recursive: true });
      const first = await open();
      assert.equal(first.recovered.sessions, 4);
      const [id = ''] = acknowledged.keys();
      const before = await eventsOf(first.reader, id);
      const second = await open({ directory: copy });
      assert.deepEqual(second.recovered, { sessions: 0, events: 0, unclaimed: 0 });
      assert.deepEqual(await eventsOf(second.reader, id), before);
      const { items } = await second.journal.list({ limit: 100, types: ['session.ended'] });
      assert.equal(items.length, 4);
    } finally {
      await rm(copy, { recursive: true });
    }
  });

  it('never touches the sessions of another bastion that lives', async () => {
    const other = await openRecordingWorld({ url });
    const start = sessionStart();
    const recording = await other.sink.begin(start);
    await recording.append({ atUs: 1, code: 'o', text: 'alive' });
    const world = await open();
    assert.equal(world.recovered.sessions, 0);
    assert.equal((await world.reader.session(start.id))?.status, 'active');
    await recording.end(END);
    assert.equal((await world.reader.session(start.id))?.status, 'closed');
    await other.close();
  });

  it('closes the sessions of a bastion that is gone, and takes its spool when it comes back', async () => {
    const acknowledged = await killRecorder(400);
    const admin = await openDatabase({ url, homeDirectory: '/nowhere', logger: silentLogger });
    await admin.knex.raw(`update bastions set seen_at = now() - interval '1 day'`);
    await admin.close();
    const other = await openRecordingWorld({ url });
    assert.equal(other.recovered.sessions, 4);
    for (const id of acknowledged.keys()) {
      const session = await other.reader.session(id);
      assert.equal(session?.status, 'failed');
      assert.equal(session?.recording.complete, false);
      assert.equal((await checkRecording(other.database, id, publicKey)).kind, 'intact');
    }
    await other.close();
    const back = await open();
    for (const [id, texts] of acknowledged) {
      const events = await eventsOf(back.reader, id);
      assert.ok(events.length >= texts.length);
      assert.equal((await checkRecording(back.database, id, publicKey)).kind, 'intact');
    }
    const { items } = await back.journal.list({ limit: 100, types: ['session.ended'] });
    assert.equal(items.length, 4);
  });

  it('sets aside what another database would have to take', async () => {
    await killRecorder(50);
    url = await freshUrl();
    const world = await open();
    assert.equal(world.recovered.unclaimed, 4);
    assert.ok((await readdir(directory)).some((name) => name.startsWith('unclaimed-')));
    const again = await open();
    assert.equal(again.recovered.unclaimed, 0);
  });

  it('starts with nothing to do', async () => {
    const world = await open();
    assert.deepEqual(world.recovered, { sessions: 0, events: 0, unclaimed: 0 });
  });
});
