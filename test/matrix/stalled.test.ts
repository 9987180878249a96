/** Whoever stops in the middle of a transfer, client or target, costs the bastion little memory. */
import assert from 'node:assert/strict';
import { spawn, type ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { mkdir, open, readFile, rm, stat } from 'node:fs/promises';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import type { SessionView } from '../../server/http/ports.ts';
import { listProcesses } from '../support/processes.ts';
import { plink } from './clients/putty.ts';
import { leftOnBastion, runClient, type CommandLine } from './program-run.ts';
import { openScene, sshdChildren, type Scene, type Way } from './scene.ts';

const MEBIBYTE = 1024 * 1024;
/** What a session that stands still may cost. */
const MAX_GROWTH_BYTES = 16 * MEBIBYTE;
/** Sessions that stand still at once, so that the noise of one measurement counts little. */
const SESSIONS = 4;
/** A transfer is stopped when this much of it has come. */
const MOVED_BYTES = 4 * MEBIBYTE;
const PATIENCE_MS = 30_000;
/** Everything stands still when nobody has read anything for so long. */
const STILL_MS = 2000;
const LOOK_EVERY_MS = 100;
/** What warms the bastion up: as much as this each way, by every transfer. */
const WARM_UP_BYTES = 16 * MEBIBYTE;

interface Stall {
  readonly name: string;
  readonly way: Way;
  /** Who is stopped; nobody, when the target never reads at all. */
  readonly stopped: 'client' | 'target' | 'nobody';
  /** @param file what is sent or fetched @param grows the file that it becomes */
  readonly start: (scene: Scene, way: Way, file: string, grows: string) => CommandLine;
  /** `down`: the client's standard output becomes the file; `up`: its input is the file. */
  readonly stream: 'down' | 'up' | 'none';
}

const ssh = ({ sshConfig }: Scene, way: Way, command: string): CommandLine => [
  'ssh',
  '-F',
  sshConfig,
  '-T',
  way,
  command,
];
const sftp = ({ sshConfig }: Scene, way: Way, line: string): CommandLine => [
  'sh',
  '-c',
  `printf '%s\\n' "$1" | exec sftp -q -F "$2" -b - "$3"`,
  'sh',
  line,
  sshConfig,
  way,
];

const STALLS: readonly Stall[] = [
  ...(['bastion', 'jump'] as const).flatMap((way): Stall[] => [
    {
      name: 'plink, which allows 2 GiB to be on the way',
      way,
      stopped: 'client',
      stream: 'down',
      start: (scene, to, file) => plink({ scene, way: to }, `cat ${file}`, false),
    },
    {
      name: 'ssh',
      way,
      stopped: 'client',
      stream: 'down',
      start: (scene, to, file) => ssh(scene, to, `cat ${file}`),
    },
    {
      name: 'a target behind an upload by ssh',
      way,
      stopped: 'target',
      stream: 'up',
      start: (scene, to, _file, grows) => ssh(scene, to, `cat >${grows}`),
    },
  ]),
  {
    name: 'a target that never reads',
    way: 'bastion',
    stopped: 'nobody',
    stream: 'up',
    start: (scene, to, _file, grows) =>
      ssh(scene, to, `head -c ${MOVED_BYTES} >${grows}; sleep 1000`),
  },
  {
    name: 'plink in an upload, and a target that stops',
    way: 'bastion',
    stopped: 'target',
    stream: 'up',
    start: (scene, to, _file, grows) => plink({ scene, way: to }, `cat >${grows}`, false),
  },
  {
    name: 'sftp in a download',
    way: 'bastion',
    stopped: 'client',
    stream: 'none',
    start: (scene, to, file, grows) => sftp(scene, to, `get ${file} ${grows}`),
  },
  {
    name: 'a target behind an upload by sftp',
    way: 'bastion',
    stopped: 'target',
    stream: 'none',
    start: (scene, to, file, grows) => sftp(scene, to, `put ${file} ${grows}`),
  },
];

describe('transfers that stand still', function () {
  this.timeout(180_000);
  this.slow(30_000);
  let scene: Scene;
  let folder: string;

  before(async () => {
    scene = await openScene();
    folder = join(scene.folder, 'stalled');
    await mkdir(folder);
    const file = await scene.bulkFile(WARM_UP_BYTES);
    for (const { start, way, stream, stopped } of STALLS) {
      if (stopped === 'nobody') continue;
      const grows = join(folder, 'warm');
      const done = await runClient({ scene }, start(scene, way, file, grows), {
        ...(stream === 'up' && { inputFile: file }),
        ...(stream === 'down' && { outputFile: grows }),
      });
      assert.equal(done.status, 0, done.stderr);
      assert.equal((await stat(grows)).size, WARM_UP_BYTES);
      await rm(grows);
    }
    assert.equal(await leftOnBastion(scene), '');
  });
  after(() => scene[Symbol.asyncDispose]());

  for (const stall of STALLS) {
    it(`${stall.name}, ${stall.way}: at most 16 MiB each`, async () => {
      const before = await residentBytes(scene);
      const clients: ChildProcess[] = [];
      try {
        for (let index = 0; index < SESSIONS; index += 1) {
          clients.push(await startedTransfer(scene, stall, join(folder, `grows-${index}`)));
        }
        if (stall.stopped === 'client') for (const { pid } of clients) send(-(pid ?? 0), 'SIGSTOP');
        if (stall.stopped === 'target') {
          for (const { pid } of await sshdChildren(scene)) send(pid, 'SIGSTOP');
        }
        const most = await watched(scene, clients);
        const { items } = JSON.parse(await scene.api.get('sessions?status=active')) as {
          items: SessionView[];
        };
        assert.equal(items.length, SESSIONS, 'the sessions are still there');
        const each = (most - before) / SESSIONS;
        assert.ok(
          each <= MAX_GROWTH_BYTES,
          `${(each / MEBIBYTE).toFixed(1)} MiB for each, from ${before} to ${most} bytes`,
        );
      } finally {
        for (const { pid } of clients) send(-(pid ?? 0), 'SIGKILL');
        for (const { pid } of await sshdChildren(scene)) send(pid, 'SIGCONT');
        await Promise.all(clients.map(ended));
        for (let index = 0; index < SESSIONS; index += 1) {
          await rm(join(folder, `grows-${index}`), { force: true });
        }
      }
      assert.equal(await leftOnBastion(scene), '');
    });
  }
});

/** A transfer in a process group of its own, that has moved something. */
async function startedTransfer(scene: Scene, stall: Stall, grows: string): Promise<ChildProcess> {
  const { start, stream, way } = stall;
  const [file, ...args] = start(scene, way, scene.endlessFile, grows);
  const input = stream === 'up' ? await open(scene.endlessFile) : null;
  const output = stream === 'down' ? await open(grows, 'w') : null;
  const child = spawn(file, args, {
    env: { ...scene.env },
    stdio: [input?.fd ?? 'ignore', output?.fd ?? 'ignore', 'ignore'],
    detached: true,
  });
  await input?.close();
  await output?.close();
  for (const deadline = Date.now() + PATIENCE_MS; ;) {
    const { size } = await stat(grows).catch(() => ({ size: 0 }));
    if (size >= MOVED_BYTES) return child;
    if (Date.now() > deadline || child.exitCode !== null) {
      send(-(child.pid ?? 0), 'SIGKILL');
      throw new Error(`${stall.name}: the transfer stands at ${size} bytes`);
    }
    await sleep(20);
  }
}

/**
 * The most memory that the bastion has held until nothing moves any more. Rejects when something still
 * does after a while: then what is sent piles up somewhere.
 */
async function watched(scene: Scene, clients: readonly ChildProcess[]): Promise<number> {
  const deadline = Date.now() + PATIENCE_MS;
  let most = 0;
  let seen = '';
  for (let still = 0; still < STILL_MS; still += LOOK_EVERY_MS) {
    await sleep(LOOK_EVERY_MS);
    most = Math.max(most, await residentBytes(scene));
    const now = await readSoFar(scene, clients);
    if (now !== seen) still = 0;
    seen = now;
    if (Date.now() > deadline) throw new Error(`it still moves: ${seen}`);
  }
  return most;
}

/** How much each process has read that takes part, client or target, by what the system says. */
async function readSoFar(scene: Scene, clients: readonly ChildProcess[]): Promise<string> {
  const groups = new Set(clients.map(({ pid }) => pid));
  const all = await listProcesses();
  const ours = all.filter(({ pid, parent }) => groups.has(pid) || groups.has(parent));
  const both = [...ours, ...(await sshdChildren(scene))].map(({ pid }) => pid);
  const lines = both.map(async (pid) => {
    const text = await readFile(`/proc/${pid}/io`, 'utf8').catch(() => '');
    return `${pid} ${/^rchar: (\d+)$/m.exec(text)?.[1] ?? 'gone'}`;
  });
  return (await Promise.all(lines)).join(', ');
}

/** What the bastion's process holds in memory. */
async function residentBytes({ bastion }: Scene): Promise<number> {
  const status = await readFile(`/proc/${bastion.pid}/status`, 'utf8');
  return Number(/^VmRSS:\s+(\d+) kB$/m.exec(status)?.[1]) * 1024;
}

async function ended(child: ChildProcess): Promise<void> {
  if (child.exitCode === null && child.signalCode === null) await once(child, 'exit');
}

function send(pid: number, signal: NodeJS.Signals): void {
  try {
    process.kill(pid, signal);
  } catch {
    // It has ended meanwhile.
  }
}
