/** Rounds of load with a fault at a random moment each, all from one seed. */
import { setTimeout as sleep } from 'node:timers/promises';
import { RECORDING_MODES } from '../../server/access/grant.ts';
import { ssh } from '../support/ssh.ts';
import { type Checked, checkRecord, verifyAll } from './checks.ts';
import { type Client, type Kind, KINDS, startClient } from './load.ts';
import type { FaultScene } from './scene.ts';

export const FAULTS = [
  'kill the bastion',
  'stop Postgres',
  'kill Postgres',
  'stall Postgres',
  'fill the disk',
  'cut clients',
  'cut the target',
  'kill both',
] as const;
export type Fault = (typeof FAULTS)[number];

/** Nobody is left who could say why a session ends, or whom to tell. */
const SILENT_FAULTS: ReadonlySet<Fault> = new Set(['kill the bastion', 'kill both', 'cut clients']);
/** From the first client to the fault, and how long the fault lasts, milliseconds. */
const BEFORE_MS = { least: 0, most: 2000 } as const;
/** Clients that haven't begun by then are in the middle of it. */
const BEGIN_WAIT_MS = 5000;
const LASTS_MS = { least: 200, most: 3000 } as const;
/** Longer than a command waits for its commit: then sessions end. */
const LONG_STALL_MS = 25_000;
/** Longer than anything waits for a segment: then sessions end. */
const LONG_FULL_MS = 14_000;

/** Numbers from 0 to below 1, the same for the same seed (mulberry32). */
export function randomFrom(seed: number): () => number {
  let state = seed >>> 0;
  return () => {
    state = (state + 0x6d2b79f5) >>> 0;
    let mixed = Math.imul(state ^ (state >>> 15), state | 1);
    mixed = (mixed + Math.imul(mixed ^ (mixed >>> 7), mixed | 61)) ^ mixed;
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 2 ** 32;
  };
}

/** How much of everything a round has. */
export interface Effort {
  readonly clients: number;
  /** Share of the lines of a long round. */
  readonly share: number;
  /** Whether a full disk may last until sessions end. */
  readonly hasLongFaults: boolean;
  /** Whether every round checks all chains; otherwise `verifyAll` does at the end. */
  readonly verifies: boolean;
}
export const SHORT: Effort = { clients: 4, share: 0.3, hasLongFaults: false, verifies: false };
export const LONG: Effort = { clients: 6, share: 1, hasLongFaults: true, verifies: true };

export interface RoundOptions {
  readonly scene: FaultScene;
  readonly round: number;
  readonly fault: Fault;
  readonly random: () => number;
  readonly effort: Effort;
}

export interface RoundResult extends Checked {
  readonly round: number;
  readonly fault: Fault;
  /** How clients ended, by exit status. */
  readonly statuses: Readonly<Record<string, number>>;
  /** Of the clients, milliseconds. */
  readonly slowest: number;
  /** Largest resident size of the bastion so far. */
  readonly peakMegabytes: number;
  readonly tookMs: number;
}

/** Runs clients, lets the fault happen, repairs it, and compares what everybody got. */
export async function runRound(options: RoundOptions): Promise<RoundResult> {
  const { scene, round, fault, random, effort } = options;
  const startedMs = Date.now();
  const clients = Array.from({ length: effort.clients }, (_, index) => {
    const kind = fault === 'fill the disk' ? 'bulk' : kindOf(round, index);
    const mode = RECORDING_MODES[Math.floor(random() * RECORDING_MODES.length)];
    const size = Math.ceil((40 + random() * 80) * effort.share);
    return startClient(scene, {
      run: `r${round}c${index}`,
      kind,
      mode: mode ?? 'strict',
      size: fault === 'fill the disk' ? 3 * size : kind === 'terminal' ? Math.ceil(size / 6) : size,
    });
  });
  await Promise.race([Promise.all(clients.map(({ begun }) => begun)), sleep(BEGIN_WAIT_MS)]);
  await sleep(between(random, BEFORE_MS));
  await causeAndRepair(options, clients);
  const results = await Promise.all(clients.map((client) => client.done));
  const checked = await checkRecord(scene, results);
  const faults = [...checked.faults, ...(effort.verifies ? await verifyAll(scene) : [])];
  if (!SILENT_FAULTS.has(fault)) {
    for (const { run, status, stdout, stderr } of results) {
      if (status === 255 && !/sallyport: /.test(`${stdout.toString('latin1')}${stderr}`)) {
        faults.push(`${run} ended without a word: ${stderr}`);
      }
    }
  }
  // The bastion has recovered by itself.
  const again = await ssh(
    { config: scene.sshConfig, host: `${scene.sshd.user}%to-strict@bastion` },
    'echo works',
  );
  if (again.stdout.toString() !== 'works\n') faults.push(`afterwards: ${again.stderr}`);
  const slowest = Math.max(...results.map((one) => one.tookMs));
  const peakMegabytes = await scene.peakMegabytes();
  const statuses: Record<string, number> = {};
  for (const { status } of results) statuses[String(status)] = (statuses[String(status)] ?? 0) + 1;
  return {
    ...checked,
    faults,
    round,
    fault,
    statuses,
    slowest,
    peakMegabytes,
    tookMs: Date.now() - startedMs,
  };
}

/** One always lasts longer than it takes until the fault. */
function kindOf(round: number, index: number): Kind {
  return index === 0 ? 'slow' : (KINDS[(round + index) % KINDS.length] ?? 'bulk');
}

function between(
  random: () => number,
  range: { readonly least: number; readonly most: number },
): number {
  return range.least + random() * (range.most - range.least);
}

async function causeAndRepair(
  { scene, fault, random, effort }: RoundOptions,
  clients: readonly Client[],
): Promise<void> {
  const last = (): Promise<void> => sleep(between(random, LASTS_MS));
  switch (fault) {
    case 'kill the bastion':
      await scene.killBastion();
      return scene.startBastion();
    case 'stop Postgres':
      await scene.stopPostgres();
      await last();
      return scene.startPostgres();
    case 'kill Postgres':
      await scene.killPostgres();
      await last();
      return scene.startPostgres();
    case 'stall Postgres': {
      const stalled = await scene.stallPostgres();
      await (random() < 0.5 || !effort.hasLongFaults ? last() : sleep(LONG_STALL_MS));
      return stalled.resume();
    }
    case 'fill the disk': {
      // While Postgres takes nothing, no segment becomes free.
      await scene.disk.fill();
      await scene.stopPostgres();
      await (random() < 0.5 || !effort.hasLongFaults ? last() : sleep(LONG_FULL_MS));
      await scene.disk.free();
      return scene.startPostgres();
    }
    case 'cut clients': {
      const victims = clients.filter(() => random() < 0.6);
      for (const victim of victims) {
        victim.kill();
        await sleep(random() * 300);
      }
      return;
    }
    case 'cut the target': {
      for (let n = 0; n < 3; n += 1) {
        await scene.cutTarget((count) => Math.floor(random() * count));
        await sleep(random() * 300);
      }
      return;
    }
    case 'kill both':
      await Promise.all([scene.killBastion(), scene.killPostgres()]);
      await last();
      await scene.startPostgres();
      return scene.startBastion();
  }
}

/** One line for a person. */
export function roundLine(result: RoundResult): string {
  const ends = Object.entries(result.statuses)
    .map(([status, count]) => `${count}× ${status}`)
    .join(', ');
  return (
    `round ${result.round}, ${result.fault}: ${result.sessions} sessions (${result.failedSessions} failed, ` +
    `${result.incompleteSessions} incomplete), ${result.clientBytes} bytes received, ${result.commands} commands run, ` +
    `clients ended ${ends} within ${result.slowest} ms, bastion ${result.peakMegabytes} MB at most, ${result.tookMs} ms${result.faults.map((one) => `\n  WRONG ${one}`).join('')}`
  );
}
