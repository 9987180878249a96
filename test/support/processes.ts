/** Who runs: processes of the machine, from /proc. */
import { readdir, readFile, readlink } from 'node:fs/promises';
import { setTimeout as sleep } from 'node:timers/promises';

export interface ProcessInfo {
  readonly pid: number;
  readonly parent: number;
  /** Clock ticks since boot; with the pid it names one process for ever. */
  readonly startedAt: string;
  readonly command: string;
  /** Working directory; empty when it can't be read. */
  readonly directory: string;
}

/** All processes, without those that only wait to be reaped. */
export async function listProcesses(): Promise<ProcessInfo[]> {
  const pids = (await readdir('/proc')).filter((name) => /^\d+$/.test(name));
  const found = await Promise.all(pids.map((pid) => readProcess(Number(pid))));
  return found.filter((one) => one !== null);
}

async function readProcess(pid: number): Promise<ProcessInfo | null> {
  try {
    const stat = await readFile(`/proc/${pid}/stat`, 'utf8');
    // The second field may hold spaces and parentheses; the state follows it, the start time is the 20th.
    const fields = stat.slice(stat.lastIndexOf(')') + 2).split(' ');
    if (fields[0] === 'Z') return null;
    const command = await readFile(`/proc/${pid}/cmdline`, 'utf8');
    const directory = await readlink(`/proc/${pid}/cwd`).catch(() => '');
    return {
      pid,
      parent: Number(fields[1]),
      startedAt: fields[19] ?? '',
      command: command.replaceAll('\0', ' ').trim(),
      directory,
    };
  } catch {
    return null;
  }
}

/**
 * `root` and everything below it, and everything that works in `directory` or names it; but nothing
 * that this process started itself, such as a client.
 * @param root null when it has ended
 */
export async function processesOf(root: number | null, directory: string): Promise<ProcessInfo[]> {
  const all = await listProcesses();
  const ours = new Set(root === null ? [] : [root]);
  for (const one of all) {
    if (one.parent === process.pid || one.pid === process.pid) continue;
    if (one.directory.startsWith(directory) || one.command.includes(directory)) ours.add(one.pid);
  }
  for (let before = 0; before !== ours.size;) {
    before = ours.size;
    for (const one of all) if (ours.has(one.parent)) ours.add(one.pid);
  }
  return all.filter((one) => ours.has(one.pid));
}

/** Those of `processes` that still run after at most `patienceMs`. */
export async function survivorsOf(
  processes: readonly ProcessInfo[],
  patienceMs: number,
): Promise<ProcessInfo[]> {
  const deadline = Date.now() + patienceMs;
  for (;;) {
    const now = await listProcesses();
    const alive = processes.filter((one) =>
      now.some((other) => other.pid === one.pid && other.startedAt === one.startedAt),
    );
    if (alive.length === 0 || Date.now() > deadline) return alive;
    await sleep(20);
  }
}
