/**
 * `npm run bench -- replay --megabytes 500`: how long an auditor waits for a large recording. It is made
 * through the recorder itself, in the database of a running bastion, which then serves it to HTTP clients
 * and to a real browser. `--beside N` fills the database with N sessions of others first.
 */
import { mkdtemp, readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { performance } from 'node:perf_hooks';
import { setTimeout as sleep } from 'node:timers/promises';
import type { Page } from 'playwright-core';
import { Home } from '../../server/cli/home.ts';
import { systemClock } from '../../server/clock.ts';
import { silentLogger } from '../../server/log.ts';
import { openDatabase, type Database } from '../../server/store/database.ts';
import { createJournal } from '../../server/store/journal.ts';
import { createRecordingSink } from '../../server/store/recordings.ts';
import { openSpool } from '../../server/store/spool.ts';
import { launchBrowser, openPage } from '../support/browser.ts';
import { decidedCommand, sessionStart, signer } from '../support/recording-world.ts';
import { startBastion, type Bastion } from '../support/world.ts';
import { fillCrowd } from './crowd.ts';
import { percentile } from './statistics.ts';

const MEGABYTE = 1_000_000;
/** What one packet of a busy channel holds. */
const EVENT_BYTES = 32_768;
/** Output of one command. */
const COMMAND_BYTES = 250_000;
/** A person thinks about each command for so long, which idle time is. */
const THINKING_US = 10_000_000;
const EVENT_US = 5_000;
/** What the large one is compared with, on the same machine at the same time. */
const SMALL_MEGABYTES = 0.3;
const SEEKS = 40;
const BROWSER_SEEKS = 20;
/** Loads of the page, for its first render. */
const LOADS = 20;
const PRINCIPAL = 'alice';
const PREPARE_TIMEOUT_MS = 600_000;
const SEEK_TIMEOUT_MS = 30_000;
const COLS = 120;
const ROWS = 32;

interface Index {
  readonly complete: boolean;
  readonly duration: number;
  readonly segments: readonly { readonly start: number; readonly url: string }[];
}

export interface ReplayFigures {
  readonly megabytes: number;
  /** Sessions of others in the same database. */
  readonly beside: number;
  readonly commands: number;
  readonly recordedMbPerS: number;
  /** From the end of the session until its whole replay could be opened. */
  readonly preparedAfterMs: number;
  readonly segments: number;
  readonly keyframeBytesPerByte: number;
  readonly indexMs: number;
  readonly segmentP50Ms: number;
  readonly segmentMaxMs: number;
  readonly pageReadyMs: number;
  readonly smallPageReadyMs: number;
  /** First contentful paint, in the browser's own clock from the start of the navigation. */
  readonly renderP50Ms: number;
  readonly renderMaxMs: number;
  readonly smallRenderP50Ms: number;
  readonly smallRenderMaxMs: number;
  /** Until all commands were in the list. */
  readonly listedMs: number;
  readonly seekP50Ms: number;
  readonly seekMaxMs: number;
  readonly pageHeapMb: number;
  readonly serverGrowthMb: number;
}

/** @param beside sessions of others in the same database */
export async function measureReplay(
  megabytes: number,
  beside: number,
  say: (text: string) => void,
): Promise<ReplayFigures> {
  await using bastion = await startBastion();
  const database = await openDatabase({
    url: null,
    homeDirectory: bastion.home,
    logger: silentLogger,
  });
  try {
    if (beside > 0) await fillCrowd(database, beside, PRINCIPAL, say);
    const small = await record(bastion, database, SMALL_MEGABYTES);
    const recorded = await record(bastion, database, megabytes);
    const endedMs = performance.now();
    const token = (await bastion.cli('token', 'create', '--principal', 'demo')).stdout.trim();
    const get = async <T>(path: string): Promise<T> => {
      const url = `${bastion.run.http.url}/api/v1/sessions/${recorded.id}/${path}`;
      const response = await fetch(url, { headers: { authorization: `Bearer ${token}` } });
      if (!response.ok) throw new Error(`${path}: ${response.status} ${await response.text()}`);
      return (await response.json()) as T;
    };
    let index = await get<Index>('segments');
    while (!index.complete) {
      if (performance.now() - endedMs > PREPARE_TIMEOUT_MS) throw new Error('never prepared');
      await sleep(200);
      index = await get<Index>('segments');
    }
    const preparedAfterMs = performance.now() - endedMs;
    const beforeMb = await residentMb(bastion.pid);
    const indexMs = await timed(() => get('segments'));
    const times: number[] = [];
    for (let n = 0; n < SEEKS; n += 1) {
      const at = Math.floor((((n * 7919) % 1000) / 1000) * index.segments.length);
      const url = index.segments[at]?.url ?? '';
      times.push(await timed(() => get(url)));
    }
    const browser = await inBrowser(bastion, small, recorded);
    return {
      megabytes,
      beside,
      commands: recorded.commands,
      recordedMbPerS: megabytes / recorded.seconds,
      preparedAfterMs,
      segments: index.segments.length,
      keyframeBytesPerByte: await keyframeBytes(database, recorded.id, megabytes),
      indexMs,
      segmentP50Ms: percentile(times, 0.5),
      segmentMaxMs: Math.max(...times),
      ...browser,
      serverGrowthMb: (await residentMb(bastion.pid)) - beforeMb,
    };
  } finally {
    await database.close();
  }
}

interface Recorded {
  readonly id: string;
  readonly commands: number;
  readonly seconds: number;
}

async function record(bastion: Bastion, database: Database, megabytes: number): Promise<Recorded> {
  const directory = await mkdtemp(join(tmpdir(), 'sallyport-bench-spool-'));
  const parts = { database, clock: systemClock, logger: silentLogger };
  const journal = createJournal(parts);
  const spool = await openSpool({ directory, onFailure: () => {} });
  // The bastion takes the recording for one of its own, and makes keyframes while it grows.
  const instanceId = Home.open(bastion.home).instanceId();
  const sink = createRecordingSink({ ...parts, spool, journal, signer, instanceId });
  const startedMs = performance.now();
  const start = sessionStart({ size: { cols: COLS, rows: ROWS } });
  const recording = await sink.begin(start);
  let atUs = 0;
  let commands = 0;
  let before: Promise<unknown> = Promise.resolve();
  for (let bytes = 0; bytes < megabytes * MEGABYTE;) {
    commands += 1;
    atUs += THINKING_US;
    const text = `show report ${commands}`;
    await recording.decided(decidedCommand(commands, { text, atUs }));
    await recording.append({ atUs, code: 'm', label: text });
    const fromUs = atUs;
    for (let printed = 0; printed < COMMAND_BYTES;) {
      atUs += EVENT_US;
      const output = `${screenful(commands, printed)}\r\nend of report ${commands}\r\n$ `;
      // One packet is on its way while the next is made.
      await before;
      before = recording.append({ atUs, code: 'o', text: output });
      printed += output.length;
      bytes += output.length;
    }
    recording.commandEnded(commands, { outputFromUs: fromUs, outputToUs: atUs, exitStatus: 0 });
  }
  await before;
  await recording.append({ atUs, code: 'x', status: '0' });
  const end = { atUs, exitStatus: 0, bytesOut: megabytes * MEGABYTE, why: 'the end' };
  await recording.end({ ...end, status: 'closed' });
  const seconds = (performance.now() - startedMs) / 1000;
  await sink.close({ deadlineMs: 60_000 });
  await spool.close();
  await rm(directory, { recursive: true, force: true });
  return { id: start.id, commands, seconds };
}

/** Coloured lines of a log, as builds and services print them. */
function screenful(command: number, from: number): string {
  let text = '';
  for (let line = 0; text.length < EVENT_BYTES; line += 1) {
    const number = from + line;
    text += `\u001b[2m2026-11-21T10:${String(number % 60).padStart(2, '0')}:07Z\u001b[0m \u001b[3${number % 8}mINFO\u001b[0m service-${number % 17} request ${command * 7919 + number} took ${(number * 31) % 997} ms status=200 path=/api/v1/items/${number}\r\n`;
  }
  return text;
}

async function inBrowser(
  bastion: Bastion,
  small: Recorded,
  recorded: Recorded,
): Promise<
  Pick<
    ReplayFigures,
    | 'pageReadyMs'
    | 'smallPageReadyMs'
    | 'renderP50Ms'
    | 'renderMaxMs'
    | 'smallRenderP50Ms'
    | 'smallRenderMaxMs'
    | 'listedMs'
    | 'seekP50Ms'
    | 'seekMaxMs'
    | 'pageHeapMb'
  >
> {
  const browser = await launchBrowser();
  try {
    const { page } = await openPage(browser);
    await page.goto(await bastion.setupLink());
    await page.getByRole('button', { name: 'Sign in' }).click();
    await page.waitForURL('**/sessions');
    const address = `${bastion.run.http.url}/sessions/${recorded.id}`;
    const ready = () => page.locator('#player[data-state="ready"]').waitFor();
    const readyMs = (url: string): Promise<number> =>
      timed(async () => {
        await page.goto(url, { waitUntil: 'commit' });
        await ready();
      });
    // What a browser fetches and compiles once is not a matter of the recording.
    const smallAddress = `${bastion.run.http.url}/sessions/${small.id}`;
    await readyMs(smallAddress);
    const smallPageReadyMs = await readyMs(smallAddress);
    const renders: number[] = [];
    const smallRenders: number[] = [];
    for (let n = 0; n < LOADS; n += 1) {
      smallRenders.push(await firstRender(page, smallAddress));
      renders.push(await firstRender(page, address));
    }
    const startedMs = performance.now();
    const pageReadyMs = await readyMs(address);
    const listed = recorded.commands;
    await page.locator(`#cmd-${listed}`).waitFor({ state: 'attached' });
    const listedMs = performance.now() - startedMs;
    const times: number[] = [];
    for (let n = 1; n <= BROWSER_SEEKS; n += 1) {
      times.push(await seek(page, 1 + Math.floor((((n * 7919) % 1000) / 1000) * listed)));
    }
    const heap = await page.evaluate(() => {
      const { memory } = performance as unknown as { memory: { usedJSHeapSize: number } };
      return memory.usedJSHeapSize;
    });
    return {
      pageReadyMs,
      smallPageReadyMs,
      renderP50Ms: percentile(renders, 0.5),
      renderMaxMs: Math.max(...renders),
      smallRenderP50Ms: percentile(smallRenders, 0.5),
      smallRenderMaxMs: Math.max(...smallRenders),
      listedMs,
      seekP50Ms: percentile(times, 0.5),
      seekMaxMs: Math.max(...times),
      pageHeapMb: heap / MEGABYTE,
    };
  } finally {
    await browser.close();
  }
}

/** From the start of the navigation until the first text was on the screen. */
async function firstRender(page: Page, address: string): Promise<number> {
  await page.goto(address);
  const entry = await page.waitForFunction(
    () => performance.getEntriesByName('first-contentful-paint')[0]?.startTime,
  );
  return (await entry.jsonValue()) ?? Number.NaN;
}

/** From the click on a command until its output is on the screen, in the page's own clock. */
function seek(page: Page, command: number): Promise<number> {
  return page.evaluate(
    async ({ command, timeoutMs }) => {
      const link = document.querySelector<HTMLElement>(`#cmd-${command} a.command`);
      if (link === null) throw new Error(`no command ${command}`);
      const wanted = `end of report ${command}`;
      const startedMs = performance.now();
      link.click();
      for (;;) {
        const lines = document.querySelectorAll('#player .ap-line');
        const shown = Array.from(lines, (line) => line.textContent).join('\n');
        if (shown.split('\n').some((line) => line.trim() === wanted)) break;
        if (performance.now() - startedMs > timeoutMs) throw new Error(`${wanted} isn't shown`);
        await new Promise((resolve) => requestAnimationFrame(resolve));
      }
      return performance.now() - startedMs;
    },
    { command, timeoutMs: SEEK_TIMEOUT_MS },
  );
}

async function keyframeBytes(database: Database, id: string, megabytes: number): Promise<number> {
  const { rows } = await database.knex.raw<{ rows: readonly { bytes: number }[] }>(
    'select coalesce(sum(pg_column_size(keyframes)), 0)::bigint as bytes from keyframes where session_id = ?',
    [id],
  );
  return (rows[0]?.bytes ?? 0) / (megabytes * MEGABYTE);
}

async function residentMb(pid: number): Promise<number> {
  const status = await readFile(`/proc/${pid}/status`, 'utf8');
  return Number(/^VmRSS:\s+(\d+)/m.exec(status)?.[1] ?? 0) / 1000;
}

async function timed(run: () => Promise<unknown>): Promise<number> {
  const startedMs = performance.now();
  await run();
  return performance.now() - startedMs;
}

export function renderReplay(figures: ReplayFigures): string {
  const { commands, keyframeBytesPerByte, megabytes, pageHeapMb, segments } = figures;
  const ms = (value: number): string => `${value.toFixed(0)} ms`;
  const lines: [string, string][] = [
    [
      'recording',
      `${megabytes} MB, ${commands} commands, ${figures.recordedMbPerS.toFixed(0)} MB/s`,
    ],
    ['sessions of others', figures.beside.toLocaleString('en')],
    ['whole replay ready after its end', `${(figures.preparedAfterMs / 1000).toFixed(1)} s`],
    ['keyframes', `${segments - 1}, ${(keyframeBytesPerByte * 100).toFixed(2)} % of the output`],
    ['index', ms(figures.indexMs)],
    ['segment, p50 / most', `${ms(figures.segmentP50Ms)} / ${ms(figures.segmentMaxMs)}`],
    ['page ready', ms(figures.pageReadyMs)],
    ['all commands listed', ms(figures.listedMs)],
    ['page of a small recording ready', ms(figures.smallPageReadyMs)],
    ['first render, p50 / most', `${ms(figures.renderP50Ms)} / ${ms(figures.renderMaxMs)}`],
    [
      'of a small recording, p50 / most',
      `${ms(figures.smallRenderP50Ms)} / ${ms(figures.smallRenderMaxMs)}`,
    ],
    ['seek to a command, p50 / most', `${ms(figures.seekP50Ms)} / ${ms(figures.seekMaxMs)}`],
    ['heap of the page', `${pageHeapMb.toFixed(0)} MB`],
    ['growth of the server meanwhile', `${figures.serverGrowthMb.toFixed(0)} MB`],
  ];
  return lines.map(([name, value]) => `${name.padEnd(34)}${value}\n`).join('');
}
