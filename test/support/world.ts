/** A whole bastion as its users start it: the real process, in a home folder of its own. */
import { spawn, type ChildProcess } from 'node:child_process';
import { readFile, rm } from 'node:fs/promises';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import type { RunFile } from '../../server/cli/home.ts';
import { processesOf, survivorsOf, type ProcessInfo } from './processes.ts';
import { programEnvironment, runProgram, type ProgramOptions } from './program.ts';
import { temporaryFolder } from './temporary-folder.ts';

/** `verify --all` of much that was recorded takes its time on a busy machine. */
const CLI_TIMEOUT_MS = 120_000;
export const SALLYPORT = join(import.meta.dirname, '../../server/sallyport.mjs');
const START_TIMEOUT_MS = 60_000;
const STOP_TIMEOUT_MS = 60_000;
/** How long children may outlive the bastion while they notice. */
const CHILDREN_PATIENCE_MS = 5_000;
/** Older log lines are forgotten. */
const MAX_LOG_CHARACTERS = 1024 * 1024;

export interface BastionOptions {
  /** Added to the environment: `SALLYPORT_CONFIG`, `DATABASE_URL`, … */
  readonly env?: Readonly<Record<string, string>>;
  /** A folder that is kept afterwards; by default a fresh one that isn't. */
  readonly home?: string;
  /** What the process is started with, such as `nsenter … --`; it must become the process itself. */
  readonly prefix?: readonly string[];
}

export interface CliResult {
  readonly status: number | null;
  readonly stdout: string;
  readonly stderr: string;
}

/** Runs `sallyport` with these arguments, as a user of `home` would. */
export async function sallyport(
  home: string,
  args: readonly string[],
  options: Omit<ProgramOptions, 'env'> & { readonly env?: Readonly<Record<string, string>> } = {},
): Promise<CliResult> {
  const env = programEnvironment({ SALLYPORT_HOME: home, ...options.env });
  const result = await runProgram(process.execPath, [SALLYPORT, ...args], { ...options, env });
  return { status: result.status, stdout: result.stdout.toString(), stderr: result.stderr };
}

/** Starts `sallyport serve` on free ports and waits until it is ready. */
export async function startBastion(options: BastionOptions = {}): Promise<Bastion> {
  const home = options.home ?? (await temporaryFolder());
  const bastion = new Bastion(home, options.home === undefined, options.env ?? {}, options.prefix);
  try {
    await bastion.waitUntilReady();
    return bastion;
  } catch (error) {
    await bastion[Symbol.asyncDispose]().catch(() => {});
    throw error;
  }
}

export class Bastion implements AsyncDisposable {
  readonly home: string;
  readonly #isHomeOurs: boolean;
  readonly #env: Readonly<Record<string, string>>;
  readonly #child: ChildProcess;
  readonly #exit: Promise<number | null>;
  #hasExited = false;
  #isStopExpected = false;
  #log = '';
  #run: RunFile | null = null;

  constructor(
    home: string,
    isHomeOurs: boolean,
    env: Readonly<Record<string, string>>,
    prefix: readonly string[] = [],
  ) {
    this.home = home;
    this.#isHomeOurs = isHomeOurs;
    this.#env = env;
    const [file, ...args] = [...prefix, process.execPath, SALLYPORT, 'serve'];
    this.#child = spawn(file, args, {
      env: programEnvironment({
        SALLYPORT_HOME: home,
        SALLYPORT_SSH_LISTEN: '127.0.0.1:0',
        SALLYPORT_HTTP_LISTEN: '127.0.0.1:0',
        ...env,
      }),
      stdio: ['ignore', 'pipe', 'pipe'],
    });
    for (const stream of [this.#child.stdout, this.#child.stderr]) {
      stream?.on('data', (chunk: Buffer) => {
        this.#log = (this.#log + chunk.toString()).slice(-MAX_LOG_CHARACTERS);
      });
    }
    this.#exit = new Promise((resolve, reject) => {
      this.#child.once('error', reject);
      this.#child.once('exit', (status) => {
        this.#hasExited = true;
        resolve(status);
      });
    });
  }

  /** What run.json said when it was ready. */
  get run(): RunFile {
    if (this.#run === null) throw new Error('the bastion is not ready yet');
    return this.#run;
  }

  get pid(): number {
    return this.#child.pid ?? 0;
  }

  /** The demo's file for `ssh -F`. */
  get sshConfig(): string {
    return join(this.home, 'demo', 'ssh_config');
  }

  /** All that it printed and logged so far. */
  logs(): string {
    return this.#log;
  }

  /** The one-time link that the demo prints. */
  setupLink(): Promise<string> {
    return this.#until(
      'a set-up link',
      async () => /https?:\/\/\S+\/setup\/[^\s/]+/.exec(this.#log)?.[0],
    );
  }

  cli(...args: readonly string[]): Promise<CliResult> {
    return sallyport(this.home, args, { env: this.#env, timeoutMs: CLI_TIMEOUT_MS });
  }

  /** Waits for run.json. `startBastion` does it. */
  async waitUntilReady(): Promise<void> {
    this.#run = await this.#until('run.json', async () => {
      const text = await readFile(join(this.home, 'run.json'), 'utf8').catch(() => null);
      if (text === null) return undefined;
      const run = JSON.parse(text) as RunFile;
      // A file that a killed process left behind says another pid.
      return run.pid === this.pid ? run : undefined;
    });
  }

  /** SIGTERM; gives the exit status. Rejects when it takes too long or leaves processes behind. */
  async stop(): Promise<number | null> {
    this.#isStopExpected = true;
    const family = await processesOf(this.pid, this.home);
    this.#child.kill('SIGTERM');
    const status = await this.exited();
    const left = await survivorsOf(
      family.filter(({ pid }) => pid !== this.pid),
      CHILDREN_PATIENCE_MS,
    );
    if (left.length === 0) return status;
    await endAll(left);
    throw new Error(`the bastion left processes behind:\n${describe(left)}\n${this.#log}`);
  }

  /** SIGKILL to the bastion alone; what it started may live on, for the next start to find. */
  async kill9(): Promise<void> {
    this.#isStopExpected = true;
    this.#child.kill('SIGKILL');
    await this.exited();
  }

  /** Waits for the end of the process, which somebody else causes. */
  async exited(timeoutMs = STOP_TIMEOUT_MS): Promise<number | null> {
    let timer: NodeJS.Timeout | undefined;
    const late = new Promise<never>((_, reject) => {
      timer = setTimeout(() => {
        reject(new Error(`the bastion did not end within ${timeoutMs} ms\n${this.#log}`));
      }, timeoutMs);
    });
    try {
      const status = await Promise.race([this.#exit, late]);
      this.#isStopExpected = true;
      return status;
    } finally {
      clearTimeout(timer);
    }
  }

  /** Stops it if it runs, ends what is left of it and removes its home. Rejects if it had crashed. */
  async [Symbol.asyncDispose](): Promise<void> {
    const hasCrashed = this.#hasExited && !this.#isStopExpected;
    try {
      if (!this.#hasExited) await this.stop();
    } finally {
      if (!this.#hasExited) this.#child.kill('SIGKILL');
      if (this.#isHomeOurs) {
        await endAll(await processesOf(null, this.home));
        await rm(this.home, { recursive: true, force: true });
      }
    }
    if (hasCrashed) throw new Error(`the bastion had ended by itself\n${this.#log}`);
  }

  async #until<T>(what: string, look: () => Promise<T | undefined>): Promise<T> {
    const deadline = Date.now() + START_TIMEOUT_MS;
    for (;;) {
      const found = await look();
      if (found !== undefined) return found;
      if (this.#hasExited) throw new Error(`the bastion ended before ${what}\n${this.#log}`);
      if (Date.now() > deadline) throw new Error(`${what} did not come\n${this.#log}`);
      await sleep(25);
    }
  }
}

async function endAll(processes: readonly ProcessInfo[]): Promise<void> {
  for (const { pid } of processes) {
    try {
      process.kill(pid, 'SIGKILL');
    } catch {
      // It has ended meanwhile.
    }
  }
  await survivorsOf(processes, CHILDREN_PATIENCE_MS);
}

function describe(processes: readonly ProcessInfo[]): string {
  return processes.map(({ pid, command }) => `  ${pid} ${command}`).join('\n');
}
