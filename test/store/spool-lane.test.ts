import assert from 'node:assert/strict';
import { mkdtemp, readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { SallyportError } from '../../server/errors.ts';
import { type Segment, SpoolLane, type SpoolSession } from '../../server/store/spool-lane.ts';
import { scanSegment, uuidBytes } from '../../server/store/spool-segment.ts';
import { SegmentSupply } from '../../server/store/spool-supply.ts';

const ID = '01939b8e-7c00-7abc-8def-00000000000a';

describe('spool lane that is behind the disk', () => {
  let directory: string;
  let segments: Segment[];
  let unsynced: string[];
  /** Answers the syncs that run; none = a sync is done at once. */
  let syncs: ((error?: Error) => void)[] | null;
  let lane: SpoolLane;
  let session: SpoolSession;

  beforeEach(async () => {
    directory = await mkdtemp(join(tmpdir(), 'lane-'));
    segments = [];
    unsynced = [];
    syncs = null;
    const supply = new SegmentSupply({
      directory,
      segmentBytes: 65_536,
      retryMs: 1,
      firstNumber: 1,
      onFailure: () => {},
      whyNoMore: () => null,
    });
    lane = new SpoolLane({
      segmentBytes: 65_536,
      syncEveryMs: 5,
      segmentWaitMs: 100,
      retryMs: 1,
      supply,
      onOpened: (segment) => void segments.push(segment),
      onRetired: () => {},
      onWritten: (_segment, one) => one.resolve(),
      onRefused: (group, error) => group.forEach((one) => one.reject(error)),
      onUnsynced: (sessions, error) => {
        for (const { id } of sessions) unsynced.push(`${id} ${error.code}`);
      },
      onPressure: () => {},
      syncData: () =>
        new Promise((resolve, reject) => {
          if (syncs === null) return resolve();
          syncs.push((error) => (error === undefined ? resolve() : reject(error)));
        }),
    });
    session = { id: ID, idBytes: uuidBytes(ID), lane, spans: [], isTorn: false };
  });
  afterEach(() => rm(directory, { recursive: true }));

  const push = (eventNumber: number): Promise<void> =>
    new Promise((resolve, reject) => {
      lane.push({ session, eventNumber, line: Buffer.from(`${eventNumber}\n`), resolve, reject });
    });
  const nextSync = async (): Promise<(error?: Error) => void> => {
    for (;;) {
      const sync = syncs?.shift();
      if (sync !== undefined) return sync;
      await new Promise((resolve) => setTimeout(resolve, 1));
    }
  };

  it('acknowledges before the disk has it, and brings it there by itself', async () => {
    await push(1);
    syncs = [];
    await push(2);
    const sync = await nextSync();
    const [segment] = segments;
    const records = [...scanSegment(await readFile(segment?.path ?? ''))];
    assert.equal(records.length, 2);
    syncs = null;
    sync();
    await lane.close();
  });

  it('waits while the disk is further behind than the bound', async () => {
    await push(1);
    syncs = [];
    await push(2);
    const sync = await nextSync();
    await new Promise((resolve) => setTimeout(resolve, 6));
    let isAcknowledged = false;
    const third = push(3).then(() => (isAcknowledged = true));
    await new Promise((resolve) => setTimeout(resolve, 30));
    assert.equal(isAcknowledged, false, 'the second would be lost with more than its bound');
    syncs = null;
    sync();
    await third;
    await lane.close();
  });

  it('says who may have lost something when a sync fails, and takes nothing of them again', async () => {
    await push(1);
    syncs = [];
    await push(2);
    const sync = await nextSync();
    syncs = null;
    sync(new SallyportError('internal', 'the disk is broken', 'replace it'));
    await lane.close();
    assert.deepEqual(unsynced, [`${ID} recording.failed`]);
    assert.equal(session.isTorn, true);
  });
});
