/** Real programs, run to their end with bounded time and output. */
import { spawn } from 'node:child_process';

export const PROGRAM_TIMEOUT_MS = 30_000;
export const PROGRAM_MAX_OUTPUT_BYTES = 256 * 1024 * 1024;

export interface ProgramOptions {
  /** What the program reads from standard input; by default nothing. */
  readonly input?: Uint8Array | string;
  /** The whole environment; by default `programEnvironment()`. */
  readonly env?: Readonly<Record<string, string>>;
  readonly workingDirectory?: string;
  readonly timeoutMs?: number;
  readonly maxOutputBytes?: number;
}

export interface ProgramResult {
  /** null when a signal ended it. */
  readonly status: number | null;
  readonly signal: NodeJS.Signals | null;
  readonly stdout: Buffer;
  readonly stderr: string;
}

/**
 * This process's environment, without what would make a program talk to an agent or a bastion of the
 * person who runs the tests.
 */
export function programEnvironment(
  extra: Readonly<Record<string, string>> = {},
): Record<string, string> {
  const kept = Object.entries(process.env).filter(
    (entry): entry is [string, string] =>
      entry[1] !== undefined &&
      !/^(SALLYPORT_|SSH_|DATABASE_URL$|PG[A-Z]+$|NODE_OPTIONS$|TMUX)/.test(entry[0]),
  );
  return { ...Object.fromEntries(kept), LC_ALL: 'C.UTF-8', ...extra };
}

/** Runs a program to its end. Rejects when it takes too long, says too much or can't be started. */
export async function runProgram(
  file: string,
  args: readonly string[],
  options: ProgramOptions = {},
): Promise<ProgramResult> {
  const { timeoutMs = PROGRAM_TIMEOUT_MS, maxOutputBytes = PROGRAM_MAX_OUTPUT_BYTES } = options;
  const child = spawn(file, args, {
    cwd: options.workingDirectory,
    env: { ...(options.env ?? programEnvironment()) },
    stdio: 'pipe',
  });
  const stdout: Buffer[] = [];
  const stderr: Buffer[] = [];
  let bytes = 0;
  let broken: string | null = null;
  const breakOff = (why: string): void => {
    broken ??= why;
    child.kill('SIGKILL');
  };
  const timer = setTimeout(() => breakOff(`took more than ${timeoutMs} ms`), timeoutMs);
  const collect = (chunks: Buffer[]) => (chunk: Buffer) => {
    bytes += chunk.length;
    if (bytes > maxOutputBytes) breakOff(`wrote more than ${maxOutputBytes} bytes`);
    else chunks.push(chunk);
  };
  child.stdout.on('data', collect(stdout));
  child.stderr.on('data', collect(stderr));
  // A program may end without reading all of its input.
  child.stdin.on('error', () => {});
  child.stdin.end(options.input ?? '');
  try {
    return await new Promise<ProgramResult>((resolve, reject) => {
      child.once('error', reject);
      child.once('close', (status, signal) => {
        const said = Buffer.concat(stderr).toString();
        if (broken === null) {
          resolve({ status, signal, stdout: Buffer.concat(stdout), stderr: said });
          return;
        }
        const seen = Buffer.concat(stdout).subarray(-2000).toString();
        reject(new Error(`${file} ${args.join(' ')} ${broken}\n${seen}\n${said.slice(-2000)}`));
      });
    });
  } finally {
    clearTimeout(timer);
  }
}
