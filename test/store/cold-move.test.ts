import assert from 'node:assert/strict';
import { randomBytes } from 'node:crypto';
import { v7 as uuidV7 } from 'uuid';
import type { RecordedEvent } from '../../server/asciicast/event.ts';
import { SallyportError } from '../../server/errors.ts';
import { silentLogger } from '../../server/log.ts';
import { MIN_COLD_BYTES, type MonthMove, moveCold } from '../../server/store/cold-move.ts';
import { createKeyframeKeeper } from '../../server/store/keyframe-keeper.ts';
import { createObjectStore, type ObjectStore } from '../../server/store/object-store.ts';
import { checkRecording } from '../../server/store/recording-check.ts';
import { createRecordingReader } from '../../server/store/recording-reader.ts';
import {
  BUCKET,
  BUCKET_KEY,
  type BucketServer,
  startBucketServer,
} from '../support/bucket-server.ts';
import { freshUrl } from '../support/database.ts';
import {
  openRecordingWorld,
  publicKey,
  type RecordingWorld,
  sessionStart,
} from '../support/recording-world.ts';

const DAY_MS = 86_400_000;
const LONG_AGO = Date.UTC(2026, 0, 10, 12);

describe('old chunks', function () {
  this.timeout(60_000);
  let server: BucketServer;
  let objects: ObjectStore;
  let folder: string;
  let world: RecordingWorld;

  before(async () => {
    server = await startBucketServer();
  });
  after(() => server.stop());
  beforeEach(async () => {
    folder = `test-${uuidV7()}`;
    objects = server.store(folder);
    world = await openRecordingWorld({ url: await freshUrl(), objects });
  });
  afterEach(() => world.close());

  /** A session of then with about so many stored bytes. @returns its id and what was recorded */
  async function record(
    atMs: number,
    bytes: number,
  ): Promise<{ id: string; texts: readonly string[] }> {
    const start = sessionStart({ id: uuidV7({ msecs: atMs }), startedAtMs: atMs });
    const recording = await world.sink.begin(start);
    const texts: string[] = [];
    for (let at = 0; at < bytes; at += 16_384) {
      texts.push(randomBytes(Math.min(16_384, bytes)).toString('base64'));
    }
    for (const [at, text] of texts.entries()) {
      await recording.append({ atUs: at + 1, code: 'o', text });
    }
    const end = { status: 'closed', exitStatus: 0, bytesOut: bytes, why: 'it ended' } as const;
    await recording.end({ atUs: texts.length + 2, ...end });
    return { id: start.id, texts };
  }
  async function move(afterDays = 90): Promise<readonly MonthMove[]> {
    const { knex: owner } = world.database;
    const moves: MonthMove[] = [];
    const clock = { nowMs: () => Date.now() };
    for await (const one of moveCold({ owner, objects, clock, afterDays })) moves.push(one);
    return moves;
  }
  async function textsOf(id: string, reader = world.reader): Promise<readonly string[]> {
    const events: RecordedEvent[] = [];
    for await (const event of reader.events(id)) events.push(event);
    return events.flatMap((event) => (event.code === 'o' ? [event.text] : []));
  }
  async function dataIn(id: string): Promise<readonly boolean[]> {
    const rows = await world.database
      .knex<{ data: Buffer | null }>('chunks')
      .where('session_id', id)
      .orderBy('seq');
    return rows.map(({ data }) => data !== null);
  }
  const kindOf = async (id: string) => (await checkRecording(world.database, id, publicKey)).kind;

  it('move with their month and read, play and verify as before', async () => {
    const large = await record(LONG_AGO, 3 * MIN_COLD_BYTES);
    const other = await record(LONG_AGO + DAY_MS, 2 * MIN_COLD_BYTES);
    const small = await record(LONG_AGO, 1000);
    const young = await record(Date.now(), 2 * MIN_COLD_BYTES);
    const [moved, ...more] = await move();
    assert.ok(moved?.kind === 'moved' && more.length === 0);
    assert.equal(moved.month, '2026_01');
    assert.equal(moved.sessions, 2);
    assert.ok((await dataIn(large.id)).every((there) => !there));
    assert.ok((await dataIn(small.id)).every((there) => there));
    assert.ok((await dataIn(young.id)).every((there) => there));
    for (const { id, texts } of [large, other, small, young]) {
      assert.deepEqual(await textsOf(id), texts);
      assert.equal(await kindOf(id), 'intact');
    }
    assert.deepEqual(await move(), []);
  });

  it('stay while their month is young or one of its sessions runs', async () => {
    await record(LONG_AGO, 2 * MIN_COLD_BYTES);
    assert.deepEqual(await move(36_000), []);
    const start = sessionStart({ id: uuidV7({ msecs: LONG_AGO }), startedAtMs: LONG_AGO });
    const running = await world.sink.begin(start);
    assert.deepEqual(await move(), []);
    await running.end({ atUs: 1, status: 'closed', exitStatus: 0, bytesOut: 0, why: 'it ended' });
    assert.equal((await move()).length, 1);
  });

  it('come later: what is recorded into a moved month moves next time', async () => {
    const first = await record(LONG_AGO, 2 * MIN_COLD_BYTES);
    await move();
    const second = await record(LONG_AGO, 2 * MIN_COLD_BYTES);
    assert.deepEqual(await textsOf(second.id), second.texts);
    const [again] = await move();
    assert.ok(again?.kind === 'moved' && again.sessions === 1);
    for (const { id, texts } of [first, second]) {
      assert.deepEqual(await textsOf(id), texts);
      assert.equal(await kindOf(id), 'intact');
    }
  });

  it('stay as they are when somebody reads them all the time', async () => {
    const one = await record(LONG_AGO, 2 * MIN_COLD_BYTES);
    const { knex } = world.database;
    await knex.transaction(async (reader) => {
      await reader('chunks').where('session_id', one.id).first('seq');
      const [busy] = await move();
      assert.equal(busy?.kind, 'busy');
    });
    assert.ok((await dataIn(one.id)).every((there) => there));
    assert.equal(await kindOf(one.id), 'intact');
    assert.equal((await move())[0]?.kind, 'moved');
  });

  it('are not let go of when the store lies or is away', async () => {
    const one = await record(LONG_AGO, 2 * MIN_COLD_BYTES);
    const truthful = objects;
    objects = { ...truthful, readAll: () => Promise.resolve(Buffer.from('something')) };
    await assert.rejects(move(), /gives back something else/);
    objects = { ...truthful, put: () => Promise.reject(new Error('away')) };
    await assert.rejects(move(), /away/);
    objects = truthful;
    assert.ok((await dataIn(one.id)).every((there) => there));
    assert.equal((await move())[0]?.kind, 'moved');
    assert.deepEqual(await textsOf(one.id), one.texts);
  });

  it('get keyframes for their replay, which no thread has made before', async () => {
    const one = await record(LONG_AGO, 40 * MIN_COLD_BYTES);
    await move();
    const keeper = await createKeyframeKeeper({
      database: world.database,
      logger: silentLogger,
      instanceId: uuidV7(),
      objects: server.options(folder),
    });
    try {
      for (let tries = 0; tries < 40; tries += 1) {
        await keeper.prepare(one.id);
        if ((await world.reader.keyframePlaces(one.id)).length > 0) return;
      }
      assert.fail('there are no keyframes');
    } finally {
      await keeper.close();
    }
  });

  it('that were changed or deleted in the store are named', async () => {
    const one = await record(LONG_AGO, 2 * MIN_COLD_BYTES);
    await move();
    const row = await world.database
      .knex<{ cold_key: string }>('chunks')
      .where('session_id', one.id)
      .orderBy('seq')
      .first('cold_key');
    const key = row?.cold_key ?? assert.fail('it did not move');
    const bytes = await objects.readAll(key);
    bytes.writeUInt8((bytes.at(100) ?? 0) ^ 1, 100);
    await objects.put(key, bytes, null);
    assert.equal(await kindOf(one.id), 'broken');
    await objects.remove(key);
    await assert.rejects(textsOf(one.id), (error: unknown) => {
      assert.ok(error instanceof SallyportError);
      assert.equal(error.code, 'storage.unreachable');
      return true;
    });
  });

  it('without a store say where they are', async () => {
    const one = await record(LONG_AGO, 2 * MIN_COLD_BYTES);
    await move();
    const { knex } = world.database;
    const bare = { ...world.database, knex: knex.withUserParams({}) };
    await assert.rejects(textsOf(one.id, createRecordingReader(bare)), /none is configured/);
    const away = createObjectStore({
      endpoint: 'http://127.0.0.1:1',
      region: 'us-east-1',
      bucket: BUCKET,
      prefix: '',
      accessKeyId: BUCKET_KEY.id,
      secretAccessKey: BUCKET_KEY.secret,
    });
    const lost = { ...world.database, knex: knex.withUserParams({ objects: away }) };
    await assert.rejects(textsOf(one.id, createRecordingReader(lost)), /could not give an object/);
  });
});
