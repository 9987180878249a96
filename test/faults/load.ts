/** Clients that do different things at once, and what each of them got. */
import { spawn, type ChildProcess } from 'node:child_process';
import { setTimeout as sleep } from 'node:timers/promises';
import type { RecordingMode } from '../../server/access/grant.ts';
import { programEnvironment } from '../support/program.ts';
import type { FaultScene } from './scene.ts';

export const KINDS = ['bulk', 'slow', 'binary', 'script', 'terminal'] as const;
export type Kind = (typeof KINDS)[number];

/** Clients that haven't ended by then are ended. */
const CLIENT_TIMEOUT_MS = 120_000;
/** Between two lines of somebody who types. */
const TYPING_MS = 30;

export interface ClientResult {
  /** The claimed run, by which its session is found. */
  readonly run: string;
  readonly kind: Kind;
  readonly mode: RecordingMode;
  readonly stdout: Buffer;
  readonly stderr: string;
  readonly status: number | null;
  /** It neither ended nor was told to. */
  readonly hung: boolean;
  readonly tookMs: number;
}

export interface Client {
  readonly run: string;
  readonly done: Promise<ClientResult>;
  /** Resolves with the first output, or with the end. */
  readonly begun: Promise<void>;
  /** kill -9. */
  kill(): void;
}

export interface ClientOptions {
  readonly run: string;
  readonly kind: Kind;
  readonly mode: RecordingMode;
  /** Lines of the load. */
  readonly size: number;
}

/** Starts a client; never rejects. */
export function startClient(scene: FaultScene, options: ClientOptions): Client {
  const { run, kind, mode } = options;
  const args = ['-F', scene.sshConfig, '-o', 'BatchMode=yes', '-o', 'ConnectTimeout=20'];
  if (kind === 'terminal') args.push('-tt');
  const destination = `${scene.sshd.user}%to-${mode}+run=${run}@bastion`;
  const command = commandOf(options, scene.witness);
  const child = spawn('ssh', [...args, destination, ...(command === null ? [] : [command])], {
    env: programEnvironment({ TERM: 'dumb' }),
  });
  const startedMs = Date.now();
  const stdout: Buffer[] = [];
  let stderr = '';
  let hung = false;
  child.stdout.on('data', (chunk: Buffer) => stdout.push(chunk));
  child.stderr.on('data', (chunk: Buffer) => (stderr += chunk.toString()));
  child.stdin.on('error', () => {});
  const timer = setTimeout(() => {
    hung = true;
    child.kill('SIGKILL');
  }, CLIENT_TIMEOUT_MS);
  const done = new Promise<ClientResult>((resolve) => {
    child.once('close', (status) => {
      clearTimeout(timer);
      resolve({
        run,
        kind,
        mode,
        stdout: Buffer.concat(stdout),
        stderr,
        status,
        hung,
        tookMs: Date.now() - startedMs,
      });
    });
  });
  const begun = new Promise<void>((resolve) => {
    child.stdout.once('data', () => resolve());
    child.once('close', () => resolve());
  });
  void feed(child, options, scene.witness, () => Buffer.concat(stdout).toString('latin1'));
  return { run, done, begun, kill: () => void child.kill('SIGKILL') };
}

/** What is sent as the command; null = a shell. */
function commandOf({ run, kind, size }: ClientOptions, witness: string): string | null {
  switch (kind) {
    case 'bulk':
      return `echo ${run}-0. >> ${witness}; seq -f '${run} %09.0f the quick brown fox' 1 ${size * 2000}`;
    case 'slow':
      return `echo ${run}-0. >> ${witness}; for i in $(seq 1 ${300 + size}); do echo "${run} $i"; sleep 0.01; done`;
    case 'binary':
      return `echo ${run}-0. >> ${witness}; head -c ${size * 40_000} /dev/urandom`;
    case 'script':
      return 'bash -s';
    case 'terminal':
      return null;
  }
}

function lineOf(run: string, number: number, witness: string): string {
  return `echo ${run}-${number}. >> ${witness}; echo out $((${number}+0)).`;
}

/** Sends the lines of a script, or types them one by one. */
async function feed(
  child: ChildProcess,
  { run, kind, size }: ClientOptions,
  witness: string,
  seen: () => string,
): Promise<void> {
  const { stdin } = child;
  if (stdin === null) return;
  const isOver = (): boolean => child.exitCode !== null || child.signalCode !== null;
  if (kind === 'script') {
    for (let n = 1; n <= size && !isOver(); n += 1) {
      stdin.write(`${lineOf(run, n, witness)}\n`);
      if (n % 10 === 0) await sleep(20);
    }
  }
  if (kind === 'terminal') {
    for (let n = 1; n <= size && !isOver(); n += 1) {
      // A person waits for the prompt.
      const prompt = n === 1 ? /[#$] $/ : new RegExp(`out ${n - 1}\\.\r\n[^\n]*[#$] $`);
      while (!prompt.test(seen()) && !isOver()) await sleep(10);
      await sleep(TYPING_MS);
      stdin.write(`${lineOf(run, n, witness)}\r`);
    }
    while (!seen().includes(`out ${size}.`) && !isOver()) await sleep(10);
    stdin.write('exit\r');
  }
  stdin.end();
}
