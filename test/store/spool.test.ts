import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { constants } from 'node:fs';
import { mkdir, mkdtemp, readdir, readFile, readlink, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { SallyportError } from '../../server/errors.ts';
import { openSpool, type Spool, type SpoolOptions } from '../../server/store/spool.ts';
import { scanSegment, type SpoolRecord } from '../../server/store/spool-segment.ts';

const A = '01939b8e-7c00-7abc-8def-00000000000a';
const B = '01939b8e-7c00-7abc-8def-00000000000b';

function lineOf(sessionId: string, eventNumber: number, bytes = 20): Buffer {
  return Buffer.from(`${sessionId.at(-1)}${eventNumber}`.padEnd(bytes - 1, '.') + '\n');
}

async function leftovers(spool: Spool): Promise<SpoolRecord[]> {
  const records: SpoolRecord[] = [];
  for await (const record of spool.leftovers()) {
    records.push({ ...record, line: Buffer.from(record.line) });
  }
  return records;
}

function isRefusal(error: unknown): boolean {
  return error instanceof SallyportError && error.code === 'recording.failed';
}

describe('spool', () => {
  let directory: string;
  let failures: SallyportError[];

  const open = (options: Partial<SpoolOptions> = {}): Promise<Spool> =>
    openSpool({
      directory,
      onFailure: (error) => failures.push(error),
      segmentBytes: 65_536,
      ...options,
    });

  beforeEach(async () => {
    directory = await mkdtemp(join(tmpdir(), 'spool-'));
    failures = [];
  });
  afterEach(async () => {
    await rm(directory, { recursive: true, force: true, maxRetries: 5 });
  });

  it('gives back in order what was acknowledged and not shipped', async () => {
    const spool = await open();
    const appends: Promise<void>[] = [];
    for (let n = 1; n <= 3000; n += 1) {
      appends.push(spool.append(A, n, lineOf(A, n, 100)), spool.append(B, n, lineOf(B, n, 33)));
    }
    await Promise.all(appends);
    const next = await open();
    const records = await leftovers(next);
    for (const id of [A, B]) {
      const mine = records.filter((one) => one.sessionId === id);
      assert.deepEqual(
        mine.map((one) => one.eventNumber),
        Array.from({ length: 3000 }, (_, index) => index + 1),
      );
      assert.ok(
        mine.every((one) => one.line.equals(lineOf(id, one.eventNumber, id === A ? 100 : 33))),
      );
    }
    await next.settleLeftovers(new Set());
    assert.deepEqual(await leftovers(await open()), []);
  });

  it('removes segments once all of their records are shipped, and everything on close', async () => {
    const spool = await open();
    for (let n = 1; n <= 100; n += 1) {
      await spool.append(A, n, lineOf(A, n, 4000));
      await spool.append(B, n, lineOf(B, n, 4000));
    }
    assert.ok(spool.segmentCount > 10);
    spool.shipped(A, { throughEvent: 100, events: 100, bytes: 400_000 });
    assert.ok(spool.segmentCount > 10, 'the other session still needs them');
    spool.shipped(B, { throughEvent: 99, events: 99, bytes: 396_000 });
    assert.equal(spool.segmentCount, 1);
    spool.shipped(B, { throughEvent: 100, events: 1, bytes: 4000 });
    assert.equal(spool.backlogBytes, 0);
    await spool.close();
    assert.deepEqual(await readdir(directory), []);
  });

  it('keeps on close what was not shipped', async () => {
    const spool = await open();
    await spool.append(A, 1, lineOf(A, 1));
    await spool.close();
    assert.equal((await leftovers(await open())).length, 1);
    await assert.rejects(spool.append(A, 2, lineOf(A, 2)), isRefusal);
  });

  it('lets a session wait at its bound while others go on, and resumes in order', async () => {
    const spool = await open({ limits: { sessionBacklogBytes: 1000, waitMs: 60_000 } });
    const order: number[] = [];
    const appends = Array.from({ length: 6 }, (_, index) =>
      spool.append(A, index + 1, lineOf(A, index + 1, 400)).then(() => order.push(index + 1)),
    );
    await Promise.all(appends.slice(0, 2));
    await spool.append(B, 1, lineOf(B, 1, 400));
    assert.deepEqual(order, [1, 2]);
    spool.shipped(A, { throughEvent: 2, events: 2, bytes: 800 });
    await Promise.all(appends.slice(2, 4));
    assert.deepEqual(order, [1, 2, 3, 4]);
    spool.shipped(A, { throughEvent: 4, events: 2, bytes: 800 });
    await Promise.all(appends);
    assert.deepEqual(order, [1, 2, 3, 4, 5, 6]);
    await spool.close();
  });

  it('refuses what waited too long, and the session from then on', async () => {
    const spool = await open({ limits: { totalBacklogBytes: 1000, waitMs: 20 } });
    await spool.append(A, 1, lineOf(A, 1, 900));
    await assert.rejects(spool.append(A, 2, lineOf(A, 2, 900)), isRefusal);
    spool.shipped(A, { throughEvent: 1, events: 1, bytes: 900 });
    await assert.rejects(spool.append(A, 3, lineOf(A, 3)), isRefusal);
    await spool.append(B, 1, lineOf(B, 1));
    await spool.close();
  });

  it('bounds the number of appends that wait', async () => {
    const spool = await open({ limits: { sessionBacklogBytes: 100, waitingAppends: 3 } });
    const outcomes = await Promise.allSettled(
      Array.from({ length: 5 }, (_, index) => spool.append(A, index + 1, lineOf(A, index + 1, 99))),
    );
    assert.deepEqual(
      outcomes.map((one) => one.status),
      ['fulfilled', 'rejected', 'rejected', 'rejected', 'rejected'],
    );
    await spool.close();
  });

  it('refuses an event that no segment can hold', async () => {
    const spool = await open();
    await assert.rejects(spool.append(A, 1, Buffer.alloc(70_000, 97)), isRefusal);
    await spool.close();
  });

  it('refuses without a disk, acknowledges nothing of it, and goes on when there is room again', async () => {
    const spool = await open({ segmentRetryMs: 1, limits: { segmentWaitMs: 20 } });
    await spool.append(A, 1, lineOf(A, 1, 50_000));
    await rm(directory, { recursive: true, maxRetries: 5 });
    const acknowledged: number[] = [1];
    // The spare segment is open already or not; after it nothing can be acknowledged.
    const appends = Array.from({ length: 9 }, (_, index) =>
      spool.append(A, index + 2, lineOf(A, index + 2, 50_000)).then(() => acknowledged.push(index)),
    );
    const outcomes = await Promise.allSettled(appends);
    assert.equal(outcomes.at(-1)?.status, 'rejected');
    assert.ok(failures.length > 0);
    await assert.rejects(spool.ready(), isRefusal);
    await mkdir(directory);
    await spool.ready();
    await spool.append(B, 1, lineOf(B, 1));
    assert.deepEqual(
      (await leftovers(await open())).filter((one) => one.sessionId === B).length,
      1,
    );
  });

  it('refuses when it may take no further segment', async () => {
    const spool = await open({ maxSegments: 2, segmentRetryMs: 1, limits: { segmentWaitMs: 20 } });
    const outcomes: string[] = [];
    for (let n = 1; n <= 4; n += 1) {
      const [outcome] = await Promise.allSettled([spool.append(A, n, lineOf(A, n, 50_000))]);
      outcomes.push(outcome.status);
    }
    assert.deepEqual(outcomes, ['fulfilled', 'fulfilled', 'rejected', 'rejected']);
    await assert.rejects(spool.ready(), isRefusal);
    spool.shipped(A, { throughEvent: 2, events: 2, bytes: 100_000 });
    await spool.ready();
    await spool.append(B, 1, lineOf(B, 1, 50_000));
  });

  it('takes new sessions although its disk is too small for a spare, and uses its one segment again', async () => {
    const spool = await open({ maxSegments: 1, segmentRetryMs: 1, limits: { segmentWaitMs: 20 } });
    for (let n = 1; n <= 4; n += 1) {
      await spool.ready();
      await spool.append(A, n, lineOf(A, n, 50_000));
      await assert.rejects(spool.ready(), isRefusal);
      spool.shipped(A, { throughEvent: n, events: 1, bytes: 50_000 });
    }
    await spool.ready();
    await spool.append(B, 1, lineOf(B, 1));
    await spool.ready();
    assert.equal(spool.segmentCount, 1);
    await spool.close();
    assert.deepEqual(
      (await leftovers(await open())).map((one) => one.sessionId),
      [B],
    );
  });

  it('lets records wait for a segment, asks for one to be freed, and goes on in order', async () => {
    const spool = await open({ maxSegments: 1, segmentRetryMs: 60_000 });
    await spool.append(A, 1, lineOf(A, 1, 50_000));
    let isPressed = (): void => {};
    const pressed = new Promise<void>((resolve) => (isPressed = resolve));
    spool.whenPressed(isPressed);
    const waiting = [2, 3].map((n) => spool.append(A, n, lineOf(A, n, 30_000)));
    await pressed;
    spool.shipped(A, { throughEvent: 1, events: 1, bytes: 50_000 });
    await Promise.all(waiting);
    await spool.close();
    const records = await leftovers(await open());
    assert.deepEqual(
      records.map((one) => one.eventNumber),
      [2, 3],
    );
  });

  it('takes a refused session again from the first refused event on', async () => {
    const spool = await open({ limits: { sessionBacklogBytes: 1000 } });
    spool.begin(A, { waitMs: 1 });
    await spool.append(A, 1, lineOf(A, 1, 900));
    await assert.rejects(spool.append(A, 2, lineOf(A, 2, 900)), isRefusal);
    assert.equal(spool.reopen(A), false, 'Postgres still has nothing');
    await assert.rejects(spool.append(A, 2, lineOf(A, 2, 900)), isRefusal);
    spool.shipped(A, { throughEvent: 1, events: 1, bytes: 900 });
    assert.equal(spool.reopen(A), true);
    await spool.append(A, 2, lineOf(A, 2, 900));
    await spool.close();
    assert.equal(spool.reopen(A), false);
  });

  it('waits for the disk, or for the operating system only, as a session asks', async () => {
    const spool = await open();
    spool.begin(B, { isSynced: false });
    await Promise.all([
      spool.append(A, 1, lineOf(A, 1)),
      spool.append(B, 1, lineOf(B, 1)),
      spool.append(B, 2, lineOf(B, 2)),
    ]);
    const kinds = new Map<number, boolean>();
    for (const fd of await readdir('/proc/self/fd')) {
      const path = await readlink(`/proc/self/fd/${fd}`).catch(() => '');
      if (!path.startsWith(directory)) continue;
      const info = await readFile(`/proc/self/fdinfo/${fd}`, 'utf8');
      const flags = parseInt(/flags:\s*(\d+)/.exec(info)?.[1] ?? '0', 8);
      const records = [...scanSegment(await readFile(path))];
      if (records.length > 0) kinds.set(records.length, (flags & constants.O_DSYNC) !== 0);
    }
    assert.deepEqual(
      [...kinds].sort(([one], [other]) => one - other),
      [
        [1, true],
        [2, false],
      ],
    );
    await spool.close();
    assert.equal((await leftovers(await open())).length, 3);
  });

  it('knows whether the operating system has started since', async () => {
    const first = await open();
    await first.settleLeftovers(new Set());
    await first.append(A, 1, lineOf(A, 1));
    assert.equal((await open()).isSameBoot, true);
    await writeFile(join(directory, 'boot'), 'another\n');
    const second = await open();
    assert.equal(second.isSameBoot, false);
    await second.close();
    const third = await open();
    assert.equal(third.isSameBoot, false, 'a start that was cut short has noted nothing');
    await third.settleLeftovers(new Set());
    assert.equal((await open()).isSameBoot, true);
    await third.close();
    await first.close();
    assert.equal((await open()).isSameBoot, true);
  });

  it('has everything that a killed process acknowledged', async () => {
    const writer = spawn(
      process.execPath,
      ['--import', 'tsx', join(import.meta.dirname, '../support/spool-writer.ts'), directory],
      { stdio: ['ignore', 'pipe', 'inherit'] },
    );
    const acknowledged = new Map<string, number>();
    for await (const line of createInterface({ input: writer.stdout })) {
      const [id = '', event] = line.split(' ');
      acknowledged.set(id, Number(event));
      if (Number(event) === 200) writer.kill('SIGKILL');
    }
    if (writer.exitCode === null && writer.signalCode === null) await once(writer, 'exit');
    assert.equal(writer.signalCode, 'SIGKILL');
    const records = await leftovers(await open());
    for (const [id, last] of acknowledged) {
      const mine = records.filter((one) => one.sessionId === id);
      assert.ok(mine.length >= last);
      mine.forEach((one, index) => {
        assert.equal(one.eventNumber, index + 1);
        assert.equal(one.line.toString(), `[${index + 1},"o","${id} ${index + 1}"]\n`);
      });
    }
    assert.equal(acknowledged.size, 3);
  });
});
