/** A program without a terminal: three pipes, and an exit status that doesn't wait for the pipes. */
import { spawn, type ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { basename } from 'node:path';
import type { Readable, Writable } from 'node:stream';
import type { DownstreamEnd } from '../../session/ports.ts';
import type { Launch } from '../demo-target.ts';
import { drained } from './drain.ts';
import { signalGroup } from './signal.ts';

/**
 * Runs until the program has exited and nobody holds its output open any more, as sshd does: the exit
 * status goes out at once, the end of the output may follow much later. Rejects when it can't be started.
 */
export async function runProcess(launch: Launch, end: DownstreamEnd): Promise<void> {
  const args = launch.command === null ? ['-l'] : ['-c', launch.command];
  const child = spawn(launch.shell, args, {
    argv0: basename(launch.shell),
    cwd: launch.home,
    env: launch.env,
    // A group of its own, so that the whole job can be signalled.
    detached: true,
    stdio: ['pipe', 'pipe', 'pipe'],
  });
  await once(child, 'spawn');
  const { stdin, stdout, stderr } = child;
  // A pipe that breaks ends its stream, which is all that matters here.
  for (const stream of [stdin, stdout, stderr]) stream.on('error', () => {});
  void attend(child, stdin, end).finally(() => {
    for (const stream of [stdin, stdout, stderr]) stream.destroy();
  });
  const exited = once(child, 'exit').then(() => reportExit(child, end));
  await Promise.all([copy(stdout, 'stdout', end), copy(stderr, 'stderr', end)]);
  await end.write({ kind: 'eof' });
  await exited;
  await end.write({ kind: 'close' });
}

/** Passes input on until the channel goes, which ends what still runs. */
async function attend(child: ChildProcess, stdin: Writable, end: DownstreamEnd): Promise<void> {
  for (;;) {
    const unit = await end.read();
    if (unit.kind === 'close') {
      if (isRunning(child)) signalGroup(child.pid, 'HUP');
      return;
    }
    if (unit.kind === 'signal' && isRunning(child)) signalGroup(child.pid, unit.name);
    if (unit.kind === 'eof') stdin.end();
    // A program that has closed its input doesn't stop the client from sending.
    if (unit.kind === 'data' && stdin.writable && !stdin.write(unit.bytes)) await drained(stdin);
  }
}

async function copy(
  from: Readable,
  stream: 'stdout' | 'stderr',
  end: DownstreamEnd,
): Promise<void> {
  try {
    for await (const bytes of from)
      await end.write({ kind: 'data', stream, bytes: bytes as Buffer });
  } catch {
    // The stream was destroyed because the client has gone.
  }
}

function reportExit(child: ChildProcess, end: DownstreamEnd): Promise<void> {
  if (child.signalCode === null) return end.write({ kind: 'exit', status: child.exitCode ?? 0 });
  const name = child.signalCode.replace(/^SIG/, '');
  return end.write({ kind: 'exit-signal', name, coreDumped: false, message: '' });
}

function isRunning(child: ChildProcess): boolean {
  return child.exitCode === null && child.signalCode === null;
}
