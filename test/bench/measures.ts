/** What is measured on every lane, a round of all lanes at a time, in changing order. */
import { spawn, type ChildProcessByStdio } from 'node:child_process';
import { once } from 'node:events';
import { open, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import type { Readable, Writable } from 'node:stream';
import { setTimeout as sleep } from 'node:timers/promises';
import { programEnvironment, runProgram } from '../support/program.ts';
import { ssh } from '../support/ssh.ts';
import { CONNECT_HOSTS, type Host, type Lane, type Track } from './lanes.ts';
import type { Figure } from './report.ts';
import { median, percentile, shuffled } from './statistics.ts';

export interface Effort {
  readonly connections: number;
  readonly keystrokes: number;
  readonly bulkRounds: number;
  readonly bulkBytes: number;
}

const MIB = 1024 * 1024;
/** A large tree that every clone has. */
const MODULES = join(import.meta.dirname, '../../node_modules/');

export const FULL: Effort = {
  connections: 30,
  keystrokes: 500,
  bulkRounds: 3,
  bulkBytes: 512 * MIB,
};
export const QUICK: Effort = {
  connections: 5,
  keystrokes: 100,
  bulkRounds: 1,
  bulkBytes: 128 * MIB,
};

/** Between keystrokes, so that none waits for the one before. */
const KEY_PAUSE_MS = 2;
const ECHO_SETTLE_MS = 300;
const BULK_TIMEOUT_MS = 300_000;

/**
 * Connects, authenticates, runs `true`, disconnects: with a new connection to the target, and with one
 * that stands since the command before.
 */
export async function measureConnect(track: Track, effort: Effort): Promise<Figure[]> {
  const others = track.lanes.filter((lane) => lane !== 'sallyport');
  const hosts: Host[] = track.hasConnectHosts ? [...others, ...CONNECT_HOSTS] : [...track.lanes];
  // What the first round costs more belongs to none of them.
  for (const host of hosts) await timeExec(track, host, []);
  const samples = await interleaved(hosts, effort.connections, (host) => timeExec(track, host, []));
  const row = (name: string, through: Host): Figure => {
    const lanes = others.map((lane) => [lane, samples.get(lane) ?? []] as const);
    const own = samples.get(through);
    return figure(
      name,
      'ms',
      new Map<Lane, readonly number[]>([...lanes, ...(own ? [['sallyport', own] as const] : [])]),
      median,
    );
  };
  if (!track.hasConnectHosts) return [row('connect + exec', 'sallyport')];
  return [
    row('connect + exec, cold', 'sallyport-cold'),
    row('connect + exec, pooled', 'sallyport'),
    row('connect + exec, cold, through -J', 'sallyport-jump-cold'),
    row('connect + exec, pooled, through -J', 'sallyport-jump'),
  ];
}

/** Runs `true` on a connection that stands already (ControlMaster). */
export async function measureMultiplexed(track: Track, effort: Effort): Promise<Figure> {
  const socketOf = (lane: Lane): string => join(track.folder, `mux-${lane}`);
  const masters = track.lanes.map((lane) =>
    spawn('ssh', ['-F', track.config, '-M', '-S', socketOf(lane), '-N', lane], {
      env: programEnvironment(),
      stdio: ['ignore', 'ignore', 'inherit'],
    }),
  );
  try {
    for (const lane of track.lanes) await waitForMaster(track, lane, socketOf(lane));
    const samples = await interleaved(track.lanes, effort.connections, (lane) =>
      timeExec(track, lane, ['-S', socketOf(lane)]),
    );
    return figure('exec, multiplexed', 'ms', samples, median);
  } finally {
    for (const master of masters) {
      master.kill();
      if (master.exitCode === null && master.signalCode === null) await once(master, 'exit');
    }
  }
}

/** A key goes to a raw terminal's `cat` and its echo comes back. */
export async function measureKeystrokes(track: Track, effort: Effort): Promise<Figure[]> {
  const echoes = new Map<Lane, Echo>();
  try {
    for (const lane of track.lanes) echoes.set(lane, await Echo.open(track, lane));
    const samples = await interleaved(track.lanes, effort.keystrokes, async (lane) => {
      await sleep(KEY_PAUSE_MS);
      return (await echoes.get(lane)?.sample()) ?? Number.NaN;
    });
    return [
      figure('keystroke echo p50', 'ms', samples, median),
      figure('keystroke echo p99', 'ms', samples, (values) => percentile(values, 0.99)),
    ];
  } finally {
    for (const echo of echoes.values()) await echo.close();
  }
}

/** Files that are moved in bulk: one byte over and over, and text that a real command prints. */
export async function bulkFiles(
  track: Track,
  effort: Effort,
): Promise<{ readonly 'one byte': string; readonly text: string }> {
  const files = { 'one byte': join(track.folder, 'one-byte'), text: join(track.folder, 'text') };
  await writeTiles(files['one byte'], Buffer.alloc(MIB, 'x'), effort.bulkBytes);
  // Far longer than a chunk of a recording, so that repeating it helps no compressor.
  const { stdout } = await runProgram('ls', ['-lR', MODULES]);
  if (stdout.length < MIB / 4) throw new Error(`ls -lR ${MODULES} prints too little`);
  await writeTiles(files.text, stdout, effort.bulkBytes);
  return files;
}

/** Output of a command, from its start on the target to the client's end. */
export async function measureBulk(
  track: Track,
  effort: Effort,
  name: string,
  file: string,
): Promise<Figure> {
  const samples = await interleaved(track.lanes, effort.bulkRounds, (lane) =>
    timeBulk(track, lane, file, effort.bulkBytes),
  );
  return figure(name, 'MB/s', samples, median);
}

/** Input of a command that reads no language, from its start on the target to its end. */
export async function measureUpload(
  track: Track,
  effort: Effort,
  name: string,
  file: string,
): Promise<Figure> {
  const samples = await interleaved(track.lanes, effort.bulkRounds, (lane) =>
    timeUpload(track, lane, file, effort.bulkBytes),
  );
  return figure(name, 'MB/s', samples, median);
}

async function interleaved<H extends Host>(
  hosts: readonly H[],
  rounds: number,
  sample: (host: H) => Promise<number>,
): Promise<Map<H, number[]>> {
  const samples = new Map<H, number[]>(hosts.map((host) => [host, []]));
  for (let round = 0; round < rounds; round += 1) {
    for (const host of shuffled(hosts, Math.random)) {
      samples.get(host)?.push(await sample(host));
    }
  }
  return samples;
}

function figure(
  name: string,
  unit: Figure['unit'],
  samples: ReadonlyMap<Lane, readonly number[]>,
  summary: (values: readonly number[]) => number,
): Figure {
  const values = Object.fromEntries([...samples].map(([lane, list]) => [lane, summary(list)]));
  return {
    name,
    unit,
    samples: Math.min(...[...samples.values()].map((list) => list.length)),
    values,
  };
}

async function timeExec(track: Track, lane: Host, args: readonly string[]): Promise<number> {
  const start = performance.now();
  const result = await ssh({ config: track.config, host: lane, args }, 'true');
  const elapsed = performance.now() - start;
  if (result.status !== 0) throw new Error(`${lane}: status ${result.status}\n${result.stderr}`);
  return elapsed;
}

async function waitForMaster(track: Track, lane: Lane, socket: string): Promise<void> {
  for (let attempt = 0; attempt < 400; attempt += 1) {
    const check = await ssh({
      config: track.config,
      host: lane,
      args: ['-S', socket, '-O', 'check'],
    });
    if (check.status === 0) return;
    await sleep(25);
  }
  throw new Error(`${lane}: the shared connection did not come up`);
}

async function timeUpload(track: Track, lane: Lane, file: string, bytes: number): Promise<number> {
  const input = await open(file);
  try {
    return await timeTransfer(track, lane, 'cat > /dev/null', input.fd, bytes);
  } finally {
    await input.close();
  }
}

function timeBulk(track: Track, lane: Lane, file: string, bytes: number): Promise<number> {
  return timeTransfer(track, lane, `cat ${file}`, 'ignore', bytes);
}

async function timeTransfer(
  track: Track,
  lane: Lane,
  transfer: string,
  input: number | 'ignore',
  bytes: number,
): Promise<number> {
  // The client writes to /dev/null: reading its output here would be what is measured. Both ends share
  // a clock, so the target's stamp keeps the time for connecting out of the figure.
  const command = `date +%s%N >&2; ${transfer}`;
  const child = spawn('ssh', ['-F', track.config, lane, command], {
    env: programEnvironment(),
    stdio: [input, 'ignore', 'pipe'],
    timeout: BULK_TIMEOUT_MS,
    killSignal: 'SIGKILL',
  });
  let said = '';
  child.stderr?.on('data', (chunk: Buffer) => (said += chunk.toString()));
  const closed = once(child, 'close');
  const [status] = (await once(child, 'exit')) as [number | null];
  const endMs = performance.timeOrigin + performance.now();
  await closed;
  const [, startNs] = /^(\d{19})$/m.exec(said) ?? [];
  if (status !== 0 || startNs === undefined) throw new Error(`${lane}: status ${status}\n${said}`);
  return bytes / 1e3 / (endMs - Number(startNs) / 1e6);
}

/** A session that echoes every byte. */
export class Echo {
  readonly #child: ChildProcessByStdio<Writable, Readable, null>;
  /** Never resolves; rejects when the session ends, so that nobody waits for an echo that can't come. */
  readonly #ended: Promise<never>;

  private constructor(track: Track, lane: Lane) {
    const command = 'stty raw -echo; echo RDY; exec cat';
    this.#child = spawn('ssh', ['-tt', '-F', track.config, lane, command], {
      env: programEnvironment(),
      stdio: ['pipe', 'pipe', 'inherit'],
    });
    this.#ended = once(this.#child, 'exit').then(() => {
      throw new Error(`${lane}: the echo session ended`);
    });
    this.#ended.catch(() => {});
  }

  static async open(track: Track, lane: Lane): Promise<Echo> {
    const echo = new Echo(track, lane);
    let seen = '';
    while (!seen.includes('RDY')) seen += (await echo.#output()).toString();
    // The line end of RDY may come in a packet of its own.
    await sleep(ECHO_SETTLE_MS);
    return echo;
  }

  /** Milliseconds from a key to its echo. */
  async sample(): Promise<number> {
    const echoed = this.#output();
    const start = performance.now();
    this.#child.stdin.write('x');
    await echoed;
    return performance.now() - start;
  }

  async close(): Promise<void> {
    this.#child.kill();
    await this.#ended.catch(() => {});
  }

  async #output(): Promise<Buffer> {
    const [chunk] = (await Promise.race([once(this.#child.stdout, 'data'), this.#ended])) as [
      Buffer,
    ];
    return chunk;
  }
}

async function writeTiles(path: string, tile: Buffer, bytes: number): Promise<void> {
  const rest = tile.subarray(0, bytes % tile.length);
  const tiles = Array.from({ length: Math.floor(bytes / tile.length) }, () => tile);
  await writeFile(path, [...tiles, rest]);
}
