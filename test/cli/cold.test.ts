import assert from 'node:assert/strict';
import { randomBytes } from 'node:crypto';
import { readFile, rm } from 'node:fs/promises';
import { join } from 'node:path';
import { v7 as uuidV7 } from 'uuid';
import {
  BUCKET,
  BUCKET_KEY,
  type BucketServer,
  startBucketServer,
} from '../support/bucket-server.ts';
import { freshUrl } from '../support/database.ts';
import { programEnvironment, runProgram } from '../support/program.ts';
import { openRecordingWorld, sessionStart } from '../support/recording-world.ts';
import { temporaryFolder } from '../support/temporary-folder.ts';

const ENTRY = join(import.meta.dirname, '../../server/sallyport.mjs');
const LONG_AGO = Date.UTC(2026, 0, 10);

describe('recordings in an object store', function () {
  this.timeout(120_000);
  let server: BucketServer;
  let home: string;

  before(async () => {
    server = await startBucketServer();
    home = await temporaryFolder();
  });
  after(async () => {
    await server.stop();
    await rm(home, { recursive: true });
  });

  it('export, verify and search as before, and say it when the store is not set', async () => {
    const url = await freshUrl();
    const world = await openRecordingWorld({ url });
    const text = randomBytes(100_000).toString('base64');
    const start = sessionStart({ id: uuidV7({ msecs: LONG_AGO }), startedAtMs: LONG_AGO });
    const recording = await world.sink.begin(start);
    await recording.append({ atUs: 1, code: 'o', text });
    const end = { status: 'closed', exitStatus: 0, bytesOut: 1, why: 'it ended' } as const;
    await recording.end({ atUs: 2, ...end });
    await world.close();

    const place = `s3://${BUCKET}/cold?endpoint=${encodeURIComponent(server.endpoint)}`;
    const withStore = {
      SALLYPORT_COLD_STORE: place,
      AWS_ACCESS_KEY_ID: BUCKET_KEY.id,
      AWS_SECRET_ACCESS_KEY: BUCKET_KEY.secret,
    };
    const sallyport = (words: readonly string[], env: Record<string, string> = withStore) =>
      runProgram(process.execPath, [ENTRY, ...words], {
        env: programEnvironment({ SALLYPORT_HOME: home, DATABASE_URL: url, ...env }),
        timeoutMs: 60_000,
      });
    const moved = await sallyport(['sessions', 'move-cold', '--json']);
    assert.equal(moved.status, 0, moved.stderr);
    const told = JSON.parse(moved.stdout.toString()) as { month: string; sessions: number };
    assert.deepEqual([told.month, told.sessions], ['2026_01', 1]);
    const again = await sallyport(['sessions', 'move-cold']);
    assert.equal(again.status, 0, again.stderr);
    assert.equal(
      again.stdout.toString(),
      'no month has been over for 90 days and has more to move\n',
    );

    const file = join(home, 'out.txt');
    const words = ['sessions', 'export', start.id, '--format', 'txt', '-o', file];
    const exported = await sallyport(words);
    assert.equal(exported.status, 0, exported.stderr);
    assert.ok((await readFile(file, 'utf8')).includes(text.slice(0, 50)));
    const journal = await sallyport(['journal', 'export']);
    assert.match(journal.stdout.toString(), /"recording\.moved"/);

    const without = await sallyport([...words.slice(0, -1), join(home, 'again.txt')], {});
    assert.equal(without.status, 1, without.stderr);
    assert.match(without.stderr, /moved to an object store, and none is configured/);
    const refused = await sallyport(['sessions', 'move-cold'], {});
    assert.equal(refused.status, 2);
    assert.match(refused.stderr, /SALLYPORT_COLD_STORE/);
  });
});
