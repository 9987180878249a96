/** A client's program: run to its end with files as its streams, or broken off in the middle. */
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { open, readdir, readFile, stat } from 'node:fs/promises';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import type { SessionView } from '../../server/http/ports.ts';
import { survivorsOf } from '../support/processes.ts';
import { runProgram, type ProgramResult } from '../support/program.ts';
import type { Attempt, Facts } from './check.ts';
import { targetProcesses, type Scene } from './scene.ts';

/** The longest that one program may take. */
export const CLIENT_TIMEOUT_MS = 170_000;
/** How long what a killed client leaves behind may take to end. */
const END_PATIENCE_MS = 20_000;
/** A transfer is broken off when this much of it has come. */
const CANCEL_AFTER_BYTES = 1024 * 1024;

/** A program with its arguments. */
export type CommandLine = readonly [file: string, ...args: readonly string[]];

export interface ClientOptions {
  readonly input?: Uint8Array | string;
  /** Instead of `input`: what standard input is read from. */
  readonly inputFile?: string;
  /** Where standard output goes; by default it is in the result. */
  readonly outputFile?: string;
  readonly env?: Readonly<Record<string, string>>;
  readonly workingDirectory?: string;
}

/** Runs a client to its end. */
export function runClient(
  { scene }: Pick<Attempt, 'scene'>,
  [file, ...args]: CommandLine,
  options: ClientOptions = {},
): Promise<ProgramResult> {
  const env = { ...scene.env, ...options.env };
  const common = {
    timeoutMs: CLIENT_TIMEOUT_MS,
    ...(options.workingDirectory !== undefined && { workingDirectory: options.workingDirectory }),
  };
  const { inputFile, outputFile } = options;
  if (inputFile === undefined && outputFile === undefined) {
    return runProgram(file, args, { ...common, env, input: options.input ?? '' });
  }
  const redirected = `exec "$@" ${inputFile === undefined ? '' : '<"$IN"'} ${outputFile === undefined ? '' : '>"$OUT"'}`;
  return runProgram('sh', ['-c', redirected, 'sh', file, ...args], {
    ...common,
    input: options.input ?? '',
    env: { ...env, IN: inputFile ?? '', OUT: outputFile ?? '' },
  });
}

/** A program's end as facts; streams as Latin-1, so that every byte counts. */
export function endOf(name: string, result: ProgramResult): Facts {
  return {
    [`${name}: status`]: result.status ?? result.signal,
    [`${name}: output`]: result.stdout.toString('latin1'),
    [`${name}: errors`]: result.stderr,
  };
}

/** What a killed client leaves behind; the same on every way. */
export interface Transfer {
  readonly command: CommandLine;
  /** A file, or a folder, that grows as the transfer goes on. */
  readonly grows: string;
  readonly inputFile?: string;
  readonly outputFile?: string;
  readonly env?: Readonly<Record<string, string>>;
}

/**
 * Starts a transfer, kills the client and all that it started in the middle of it, and waits for the
 * ends that must follow: the target's process, the client's connections, the session.
 */
export async function cancelled(
  attempt: Attempt,
  name: string,
  transfer: Transfer,
): Promise<Facts> {
  const { scene, here } = attempt;
  const [file, ...args] = transfer.command;
  const input = transfer.inputFile === undefined ? null : await open(transfer.inputFile);
  const output = await open(transfer.outputFile ?? join(here, 'said'), 'w');
  const child = spawn(file, args, {
    env: { ...scene.env, ...transfer.env },
    stdio: [input?.fd ?? 'pipe', output.fd, 'pipe'],
    detached: true,
  });
  let said = '';
  child.stderr?.on('data', (chunk: Buffer) => (said = (said + chunk.toString()).slice(-2000)));
  const exited = once(child, 'exit');
  try {
    await hasGrown(
      transfer.grows,
      () => child.exitCode === null && child.signalCode === null,
      () => said,
    );
    const running = await targetProcesses(scene);
    process.kill(-(child.pid ?? 0), 'SIGKILL');
    await exited;
    const left = await survivorsOf(running, END_PATIENCE_MS);
    return {
      [`${name}: ran on the target`]: running.length > 0,
      [`${name}: left on the target`]: left.map(({ command }) => command).join('; '),
      [`${name}: left on the bastion`]: await leftOnBastion(scene),
    };
  } finally {
    endGroup(child.pid ?? 0);
    await input?.close();
    await output.close();
  }
}

/** Bytes of a file, or of all files below a folder; 0 when it isn't there. */
async function sizeOf(path: string): Promise<number> {
  const names = await readdir(path, { recursive: true }).catch(() => ['']);
  const sizes = await Promise.all(
    names.map((name) =>
      stat(name === '' ? path : join(path, name)).then(
        (found) => (found.isFile() ? found.size : 0),
        () => 0,
      ),
    ),
  );
  return sizes.reduce((sum, size) => sum + size, 0);
}

async function hasGrown(path: string, isAlive: () => boolean, said: () => string): Promise<void> {
  const deadline = Date.now() + END_PATIENCE_MS;
  for (;;) {
    const size = await sizeOf(path);
    if (size >= CANCEL_AFTER_BYTES) return;
    if (!isAlive()) throw new Error(`the transfer ended before it was broken off: ${said()}`);
    if (Date.now() > deadline) throw new Error(`the transfer stands at ${size} bytes: ${said()}`);
    await sleep(20);
  }
}

/** Clients' connections and running sessions that are still there after a while; empty when none. */
export async function leftOnBastion(scene: Scene): Promise<string> {
  const deadline = Date.now() + END_PATIENCE_MS;
  for (;;) {
    const connections = await clientConnections(scene.bastion.run.ssh.port);
    const answer = await scene.api.get('sessions?status=active');
    const { items } = JSON.parse(answer) as { items: SessionView[] };
    const left = [
      ...(connections === 0 ? [] : [`${connections} connections`]),
      ...items.map(({ id, kind }) => `session ${id} (${kind})`),
    ];
    if (left.length === 0 || Date.now() > deadline) return left.join('; ');
    await sleep(100);
  }
}

/** Established TCP connections that this machine has accepted on a port. */
async function clientConnections(port: number): Promise<number> {
  const lines = (await readFile('/proc/net/tcp', 'utf8')).trim().split('\n').slice(1);
  const end = `:${port.toString(16).toUpperCase().padStart(4, '0')}`;
  return lines.filter((line) => {
    const [, local = '', , state] = line.trim().split(/\s+/);
    return local.endsWith(end) && state === '01';
  }).length;
}

function endGroup(leader: number): void {
  try {
    process.kill(-leader, 'SIGKILL');
  } catch {
    // All of them have ended.
  }
}
