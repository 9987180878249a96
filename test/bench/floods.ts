/**
 * `npm run bench -- floods`: what a hostile session costs the others. One session prints; beside
 * it another one's keys are echoed. Says how fast the flood went, how long the event loop was blocked at
 * most, how long an echo took, and what memory was in use. Judges nothing: machines differ.
 */
import { readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { pathToFileURL } from 'node:url';
import { setTimeout as sleep } from 'node:timers/promises';
import { FLOODS, floodBytes } from '../support/floods.ts';
import { sshInteractive, type Terminal } from '../support/ssh.ts';
import { openTrack, type Track } from './lanes.ts';
import { Echo } from './measures.ts';
import { median, percentile } from './statistics.ts';

const MB = 1_000_000;
const PATIENCE_MS = 300_000;
const SETTLE_MS = 300;
const KEY_PAUSE_MS = 5;
const TILE_BYTES = 1024 * 1024;
const SIZES = 5000;
/** Printed in full length; of the others a hundredth. */
const LONG = new Set(['yes', 'one line without an end', 'random bytes']);

export interface FloodFigure {
  readonly name: string;
  readonly bytes: number;
  readonly seconds: number;
  readonly longestBlockMs: number;
  /** How late a timer of the bastion was. */
  readonly delayP99Ms: number;
  readonly processorMs: number;
  readonly echoP50Ms: number;
  readonly echoP99Ms: number;
  readonly echoLongestMs: number;
  readonly residentMB: number;
}

/** @param megabytes of a long flood */
export async function measureFloods(megabytes: number): Promise<FloodFigure[]> {
  const watch = pathToFileURL(join(import.meta.dirname, 'loop-watch.mjs')).href;
  await using track = await openTrack(['direct', 'sallyport'], (folder) => ({
    NODE_OPTIONS: `--import=${watch}`,
    LOOP_WATCH_FILE: join(folder, 'loop'),
  }));
  const figures = [await measured(track, 'nothing beside it', 0, () => sleep(2000))];
  for (const flood of FLOODS) {
    const bytes = LONG.has(flood.name) ? megabytes * MB : (megabytes * MB) / 100;
    const file = join(track.folder, 'flood');
    await writeFile(file, floodBytes(flood, Math.min(bytes, TILE_BYTES)));
    const command = `for n in $(seq ${Math.ceil(bytes / TILE_BYTES)}); do cat ${file}; done`;
    figures.push(await measured(track, flood.name, bytes, (shell) => printed(shell, command)));
  }
  figures.push(await measured(track, `${SIZES} sizes`, 0, resized));
  return figures;
}

export function renderFloods(figures: readonly FloodFigure[]): string {
  const width = Math.max(...figures.map(({ name }) => name.length)) + 2;
  const head = [
    'MB',
    'MB/s',
    'block ms',
    'late p99',
    'CPU ms',
    'echo p50',
    'p99',
    'longest',
    'RSS MB',
  ];
  const rows = figures.map((one) => [
    one.name,
    (one.bytes / MB).toFixed(1),
    (one.bytes / MB / one.seconds).toFixed(1),
    one.longestBlockMs.toFixed(0),
    one.delayP99Ms.toFixed(1),
    one.processorMs.toFixed(0),
    one.echoP50Ms.toFixed(1),
    one.echoP99Ms.toFixed(1),
    one.echoLongestMs.toFixed(0),
    one.residentMB.toFixed(0),
  ]);
  return [['', ...head], ...rows]
    .map(
      ([name = '', ...cells]) =>
        name.padEnd(width) + cells.map((cell) => cell.padStart(10)).join(''),
    )
    .join('\n')
    .concat('\n');
}

async function measured(
  track: Track,
  name: string,
  bytes: number,
  work: (shell: Terminal) => Promise<unknown>,
): Promise<FloodFigure> {
  const shell = sshInteractive({ config: track.config, host: 'sallyport' });
  const echo = await Echo.open(track, 'sallyport');
  try {
    await shell.expect(/[$#] /);
    shell.type("PS1='READ''Y> '\r");
    await shell.expect('READY> ');
    await sleep(SETTLE_MS);
    await seen(track);
    const start = performance.now();
    const end = new AbortController();
    const over = work(shell).finally(() => end.abort());
    const samples: number[] = [];
    while (!end.signal.aborted) {
      samples.push(await echo.sample());
      await sleep(KEY_PAUSE_MS);
    }
    await over;
    const seconds = (performance.now() - start) / 1000;
    const said = await seen(track);
    process.stderr.write(`${name}: ${seconds.toFixed(1)} s\n`);
    return {
      name,
      bytes,
      seconds,
      longestBlockMs: said.longestMs,
      delayP99Ms: said.p99Ms,
      processorMs: said.processorMs,
      echoP50Ms: median(samples),
      echoP99Ms: percentile(samples, 0.99),
      echoLongestMs: Math.max(...samples),
      residentMB: said.residentBytes / MB,
    };
  } finally {
    await echo.close();
    await shell.close();
  }
}

async function printed(shell: Terminal, command: string): Promise<void> {
  shell.type(`${command}; printf '\\033\\\\'; echo; echo o''ver\r`);
  await shell.expect('over', PATIENCE_MS);
}

async function resized(shell: Terminal): Promise<void> {
  for (let n = 0; n < SIZES; n += 1) {
    shell.resize(1 + ((n * 7919) % 500), 1 + ((n * 104_729) % 500));
    if (n % 4 === 0) await sleep(1);
  }
  shell.resize(80, 24);
  await sleep(SETTLE_MS);
}

interface Seen {
  readonly longestMs: number;
  readonly p99Ms: number;
  readonly processorMs: number;
  readonly residentBytes: number;
}

/** What the bastion saw since the last call. */
async function seen(track: Track): Promise<Seen> {
  const file = join(track.folder, 'loop');
  const lines = async (): Promise<string[]> =>
    (await readFile(file, 'utf8').catch(() => '')).split('\n').filter((line) => line !== '');
  const before = (await lines()).length;
  process.kill(track.bastion?.pid ?? 0, 'SIGUSR2');
  for (;;) {
    const line = (await lines())[before];
    if (line !== undefined) return JSON.parse(line) as Seen;
    await sleep(10);
  }
}
