/**
 * `npm run bench -- recording`: what the recorder costs, in each of its modes and beside no recording at
 * all, for few and for many sessions at once; what it stores, and how fast that is verified. A real
 * PostgreSQL and a real spool, both below the system's temporary folder. Judges nothing: machines differ.
 * Not measured here: sessions of real clients (`recording-clients.ts`), and what search and replay keep.
 */
import { rm } from 'node:fs/promises';
import { cpus, loadavg } from 'node:os';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { RECORDING_MODES, type RecordingMode } from '../../server/access/grant.ts';
import { silentLogger } from '../../server/log.ts';
import type { Recording } from '../../server/session/ports.ts';
import { startPostgres } from '../../server/store/postgres.ts';
import { checkRecording } from '../../server/store/recording-check.ts';
import { SEGMENT_BYTES } from '../../server/store/spool.ts';
import { urlOf } from '../support/database-url.ts';
import {
  openRecordingWorld,
  publicKey,
  sessionStart,
  type RecordingWorld,
} from '../support/recording-world.ts';
import { temporaryFolder } from '../support/temporary-folder.ts';
import { type ClientFigure, measureClients } from './recording-clients.ts';
import { measureDisk, type DiskFigure } from './recording-disk.ts';
import { type BulkFigure, type KeyFigure, measureBulk, measureKeys } from './recording-load.ts';
import { typicalOutputs, type TypicalOutput } from './recording-output.ts';
import { shuffled } from './statistics.ts';

export interface RecordingEffort {
  readonly keySeconds: number;
  readonly bulkSeconds: number;
  readonly verifySeconds: number;
  readonly diskWrites: number;
  readonly clientBytes: number;
  readonly clientKeys: number;
  readonly clientModes: readonly RecordingMode[];
}

const MIB = 1024 * 1024;

export const RECORDING_FULL: RecordingEffort = {
  keySeconds: 6,
  bulkSeconds: 4,
  verifySeconds: 15,
  diskWrites: 500,
  clientBytes: 128 * MIB,
  clientKeys: 300,
  clientModes: RECORDING_MODES,
};
export const RECORDING_QUICK: RecordingEffort = {
  keySeconds: 0.5,
  bulkSeconds: 0.2,
  verifySeconds: 2,
  diskWrites: 100,
  clientBytes: 16 * MIB,
  clientKeys: 50,
  clientModes: ['strict'],
};

const SESSIONS = [1, 50, 500] as const;
const KEYS_PER_S = 5;
/** Few sessions type faster, for there are no percentiles of a handful of keys. */
const FEWEST_KEYS_PER_S = 50;
/** Begun or ended at once. */
const TOGETHER = 50;
const END_WAIT_MS = 120_000;
/** Between pieces of output that a person can follow, in the session's own time. */
const CALM_GAP_US = 100_000;
const BULK_GAP_US = 1000;
/** More on its way to Postgres would be compressed less. */
const CALM_BACKLOG_BYTES = MIB / 2;

export type Lane = 'no recording' | RecordingMode;
export const LANES: readonly Lane[] = ['no recording', ...RECORDING_MODES];

/** One mode with so many sessions at once. */
export interface LoadFigure {
  readonly lane: Lane;
  readonly sessions: number;
  readonly keysPerS: number;
  readonly keys: KeyFigure;
  readonly bulk: BulkFigure;
  readonly bulkMbPerS: number;
  /** Until the last session had ended, with everything in Postgres. */
  readonly storedMbPerS: number | null;
  readonly chunkBytesPerByte: number | null;
}

export interface StoredFigure {
  readonly name: string;
  readonly bytes: number;
  /** Output that a person can follow, and output as fast as a program prints. */
  readonly calmChunkBytesPerByte: number;
  readonly bulkChunkBytesPerByte: number;
}

export interface VerifyFigure {
  readonly sessions: number;
  readonly intact: number;
  readonly bytes: number;
  readonly seconds: number;
}

export interface RecordingFigures {
  readonly processors: number;
  /** Of the last minute, before and after. */
  readonly load: readonly [number, number];
  readonly disk: DiskFigure;
  readonly outputs: readonly StoredFigure[];
  /** All tables' growth ÷ output bytes, over the sessions of `outputs`. */
  readonly tableBytesPerByte: number;
  readonly loads: readonly LoadFigure[];
  /** The same over everything that this run recorded. */
  readonly allTableBytesPerByte: number;
  readonly verifyLargest: VerifyFigure;
  readonly verify: VerifyFigure;
  readonly clients: readonly ClientFigure[];
}

export async function measureRecording(
  effort: RecordingEffort,
  say: (text: string) => void,
): Promise<RecordingFigures> {
  const loadBefore = loadavg()[0] ?? 0;
  say('output of real commands');
  const outputs = await typicalOutputs();
  const home = await temporaryFolder();
  try {
    const disk = await measureDisk(home, effort.diskWrites);
    const recorded = await inWorld(home, outputs, effort, say);
    say('real clients');
    const clients = await measureClients(effort);
    const load = [loadBefore, loadavg()[0] ?? 0] as const;
    return { processors: cpus().length, load, disk, ...recorded, clients };
  } finally {
    await rm(home, { recursive: true, force: true });
  }
}

type WorldFigures = Omit<RecordingFigures, 'processors' | 'load' | 'disk' | 'clients'>;

async function inWorld(
  home: string,
  outputs: readonly TypicalOutput[],
  effort: RecordingEffort,
  say: (text: string) => void,
): Promise<WorldFigures> {
  const directory = join(home, 'postgres');
  const postgres = await startPostgres({ directory, logger: silentLogger });
  try {
    const world = await openRecordingWorld({
      url: urlOf(postgres, postgres.database),
      directory: join(home, 'spool'),
      spool: { segmentBytes: SEGMENT_BYTES },
      sink: { endWaitMs: END_WAIT_MS },
    });
    try {
      return await measureWorld(world, outputs, effort, say);
    } finally {
      await world.close();
    }
  } finally {
    await postgres.stop();
  }
}

async function measureWorld(
  world: RecordingWorld,
  outputs: readonly TypicalOutput[],
  effort: RecordingEffort,
  say: (text: string) => void,
): Promise<WorldFigures> {
  // Makes the partitions, which take something even when they are empty.
  await ended(await world.sink.begin(sessionStart()), 0);
  const emptyBytes = await tableBytes(world);
  say('bytes stored');
  const stored: StoredFigure[] = [];
  for (const output of outputs) {
    const { name, bytes } = output;
    const calm = await recordedAlone(world, output, CALM_GAP_US);
    const bulk = await recordedAlone(world, output, BULK_GAP_US);
    stored.push({ name, bytes, calmChunkBytesPerByte: calm, bulkChunkBytesPerByte: bulk });
  }
  const tableBytesPerByte = await tableGrowthPerByte(world, emptyBytes);
  const pieces = outputs.flatMap((output) => output.pieces);
  const loads: LoadFigure[] = [];
  for (const sessions of SESSIONS) {
    for (const lane of LANES) {
      say(`${lane}, ${sessions} at once`);
      loads.push(await measureLoad(world, lane, sessions, pieces, effort));
    }
  }
  const allTableBytesPerByte = await tableGrowthPerByte(world, emptyBytes);
  say('verifying');
  const verifyLargest = await measureVerify(world, await largestSession(world), Infinity);
  const ids = await world.database.knex('sessions').pluck<string[]>('id');
  // Large and small ones mixed, so that any part of them stands for all.
  const verify = await measureVerify(world, shuffled(ids, Math.random), effort.verifySeconds);
  return { outputs: stored, tableBytesPerByte, loads, allTableBytesPerByte, verifyLargest, verify };
}

/** Bytes of chunk data per byte of output. */
async function recordedAlone(
  world: RecordingWorld,
  output: TypicalOutput,
  gapUs: number,
): Promise<number> {
  const start = sessionStart();
  const recording = await world.sink.begin(start);
  let atUs = 0;
  for (const bytes of output.pieces) {
    atUs += gapUs;
    await recording.append({ atUs, code: 'utf8', bytes });
    while (world.spool.backlogBytes > CALM_BACKLOG_BYTES) await sleep(1);
  }
  await ended(recording, output.bytes);
  return chunkBytesPerByte(world, [start.id]);
}

async function measureLoad(
  world: RecordingWorld,
  lane: Lane,
  count: number,
  pieces: readonly Buffer[],
  effort: RecordingEffort,
): Promise<LoadFigure> {
  const sinceMs = performance.now();
  const starts = lane === 'no recording' ? [] : startsOf(lane, count);
  const recordings: Recording[] = [];
  for (let at = 0; at < starts.length; at += TOGETHER) {
    const some = starts.slice(at, at + TOGETHER).map((start) => world.sink.begin(start));
    recordings.push(...(await Promise.all(some)));
  }
  const unrecorded = { append: async (): Promise<void> => {} };
  const sessions =
    lane === 'no recording' ? Array.from({ length: count }, () => unrecorded) : recordings;
  const keysPerS = Math.max(KEYS_PER_S * count, FEWEST_KEYS_PER_S);
  const keys = await measureKeys(sessions, { keysPerS, seconds: effort.keySeconds });
  // What the keys left is not to be paid for by the output.
  while (world.spool.backlogBytes > CALM_BACKLOG_BYTES) await sleep(1);
  const startMs = performance.now();
  const bulk = await measureBulk(sessions, pieces, { seconds: effort.bulkSeconds, sinceMs });
  for (let at = 0; at < recordings.length; at += TOGETHER) {
    await Promise.all(
      recordings.slice(at, at + TOGETHER).map((one) => ended(one, bulk.bytes / count)),
    );
  }
  const storedSeconds = (performance.now() - startMs) / 1000;
  const ids = starts.map(({ id }) => id);
  return {
    lane,
    sessions: count,
    keysPerS,
    keys,
    bulk,
    bulkMbPerS: bulk.bytes / 1e6 / bulk.seconds,
    storedMbPerS: ids.length === 0 ? null : bulk.bytes / 1e6 / storedSeconds,
    chunkBytesPerByte: ids.length === 0 ? null : await chunkBytesPerByte(world, ids),
  };
}

function startsOf(recording: RecordingMode, count: number): ReturnType<typeof sessionStart>[] {
  return Array.from({ length: count }, () => sessionStart({ recording }));
}

function ended(recording: Recording, bytesOut: number): Promise<void> {
  return recording.end({
    atUs: 0,
    status: 'closed',
    exitStatus: 0,
    bytesOut: Math.round(bytesOut),
    why: 'the end',
  });
}

/** As many as are checked within `seconds`. */
async function measureVerify(
  world: RecordingWorld,
  ids: readonly string[],
  seconds: number,
): Promise<VerifyFigure> {
  const checked: string[] = [];
  let intact = 0;
  const startMs = performance.now();
  for (const id of ids) {
    const check = await checkRecording(world.database, id, publicKey);
    checked.push(id);
    if (check.kind === 'intact') intact += 1;
    if (performance.now() - startMs > seconds * 1000) break;
  }
  const elapsed = (performance.now() - startMs) / 1000;
  const { output } = await chunkSums(world, checked);
  return { sessions: checked.length, intact, bytes: output, seconds: elapsed };
}

async function largestSession(world: RecordingWorld): Promise<string[]> {
  const { rows } = await world.database.knex.raw<{ rows: { id: string }[] }>(
    'select session_id as id from chunks group by session_id order by sum(output_bytes) desc limit 1',
  );
  return rows.map(({ id }) => id);
}

async function chunkBytesPerByte(world: RecordingWorld, ids: readonly string[]): Promise<number> {
  const { data, output } = await chunkSums(world, ids);
  return data / output;
}

/** Of these sessions; without any, of all. */
async function chunkSums(
  world: RecordingWorld,
  ids: readonly string[] | null,
): Promise<{ readonly data: number; readonly output: number }> {
  const { rows } = await world.database.knex.raw<{
    rows: { data: number | null; output: number | null }[];
  }>(
    `select sum(octet_length(data))::float8 as data, sum(output_bytes)::float8 as output
     from chunks where ?::uuid[] is null or session_id = any(?::uuid[])`,
    [ids, ids] as never,
  );
  return { data: rows[0]?.data ?? 0, output: rows[0]?.output ?? 0 };
}

async function tableGrowthPerByte(world: RecordingWorld, before: number): Promise<number> {
  const { output } = await chunkSums(world, null);
  return ((await tableBytes(world)) - before) / output;
}

/** All tables with their indexes and what is stored beside them. */
async function tableBytes(world: RecordingWorld): Promise<number> {
  const { rows } = await world.database.knex.raw<{ rows: { bytes: number }[] }>(
    `select sum(pg_total_relation_size(oid))::float8 as bytes from pg_class
     where relkind = 'r' and relnamespace = 'public'::regnamespace`,
  );
  return rows[0]?.bytes ?? 0;
}
