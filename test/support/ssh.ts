/** The real OpenSSH client: one command, or a person at a terminal. */
import { spawn, type IPty } from '@lydell/node-pty';
import {
  programEnvironment,
  runProgram,
  type ProgramOptions,
  type ProgramResult,
} from './program.ts';

export interface SshOptions extends ProgramOptions {
  /** Configuration file; without one, no configuration is read at all. */
  readonly config?: string;
  /** Host of the configuration, or `user@address`. */
  readonly host: string;
  /** Further options, before the host. */
  readonly args?: readonly string[];
}

function argumentsOf({ config = '/dev/null', host, args = [] }: SshOptions): string[] {
  return ['-F', config, '-o', 'BatchMode=yes', '-o', 'ConnectTimeout=20', ...args, host];
}

/** Runs `ssh`, with a command as one string as ssh sends it, to its end. */
export function ssh(options: SshOptions, command?: string): Promise<ProgramResult> {
  const last = command === undefined ? [] : [command];
  return runProgram('ssh', [...argumentsOf(options), ...last], options);
}

/** How long `expect` waits unless told otherwise. */
export const EXPECT_TIMEOUT_MS = 20_000;
/** Older output than this is forgotten. */
export const MAX_TRANSCRIPT_CHARACTERS = 4 * 1024 * 1024;

export interface TerminalOptions extends SshOptions {
  readonly cols?: number;
  readonly rows?: number;
  /** Type of the terminal; xterm-256color by default. */
  readonly term?: string;
}

/** A program on a terminal, and somebody who reads and types. */
export class Terminal implements AsyncDisposable {
  readonly #pty: IPty;
  #transcript = '';
  /** Where in the transcript the next `expect` starts. */
  #read = 0;
  #waiting: (() => void) | null = null;
  #ended: { readonly status: number; readonly signal: number } | null = null;
  readonly #end: Promise<{ readonly status: number; readonly signal: number }>;

  constructor(file: string, args: readonly string[], options: Omit<TerminalOptions, 'host'> = {}) {
    this.#pty = spawn(file, [...args], {
      name: options.term ?? 'xterm-256color',
      cols: options.cols ?? 80,
      rows: options.rows ?? 24,
      cwd: options.workingDirectory ?? process.cwd(),
      env: { ...(options.env ?? programEnvironment()) },
    });
    this.#pty.onData((text) => {
      this.#transcript += text;
      const excess = this.#transcript.length - MAX_TRANSCRIPT_CHARACTERS;
      if (excess > 0) {
        this.#transcript = this.#transcript.slice(excess);
        this.#read = Math.max(0, this.#read - excess);
      }
      this.#waiting?.();
    });
    this.#end = new Promise((resolve) => {
      this.#pty.onExit(({ exitCode, signal }) => {
        this.#ended = { status: exitCode, signal: signal ?? 0 };
        this.#waiting?.();
        resolve(this.#ended);
      });
    });
  }

  /** All that came so far, escape sequences included. */
  get transcript(): string {
    return this.#transcript;
  }

  /**
   * Waits until the output after the last match has `wanted`; gives the text up to and including it.
   * One call at a time. Rejects with the transcript when time is up or the program has ended.
   */
  async expect(wanted: string | RegExp, timeoutMs = EXPECT_TIMEOUT_MS): Promise<string> {
    let isLate = false;
    const timer = setTimeout(() => {
      isLate = true;
      this.#waiting?.();
    }, timeoutMs);
    try {
      for (;;) {
        const rest = this.#transcript.slice(this.#read);
        const end = endOfMatch(rest, wanted);
        if (end !== null) {
          this.#read += end;
          return rest.slice(0, end);
        }
        if (isLate || this.#ended !== null) {
          const why = isLate ? `not within ${timeoutMs} ms` : 'the program has ended';
          throw new Error(`expected ${String(wanted)}: ${why}; it said:\n${JSON.stringify(rest)}`);
        }
        await new Promise<void>((resolve) => {
          this.#waiting = resolve;
        });
      }
    } finally {
      clearTimeout(timer);
      this.#waiting = null;
    }
  }

  /** Sends keys as they are; Enter is `\r`. */
  type(keys: string): void {
    this.#pty.write(keys);
  }

  resize(cols: number, rows: number): void {
    this.#pty.resize(cols, rows);
  }

  /** Waits for the program's own end. Rejects when time is up. */
  async ended(
    timeoutMs = EXPECT_TIMEOUT_MS,
  ): Promise<{ readonly status: number; readonly signal: number }> {
    let timer: NodeJS.Timeout | undefined;
    const late = new Promise<never>((_, reject) => {
      timer = setTimeout(() => {
        const shown = JSON.stringify(this.#transcript.slice(-2000));
        reject(new Error(`the program did not end within ${timeoutMs} ms; it said:\n${shown}`));
      }, timeoutMs);
    });
    try {
      return await Promise.race([this.#end, late]);
    } finally {
      clearTimeout(timer);
    }
  }

  /** Hangs up, as closing the window does, and waits for the end. */
  async close(): Promise<void> {
    if (this.#ended === null) this.#pty.kill('SIGHUP');
    const timer = setTimeout(() => this.#pty.kill('SIGKILL'), EXPECT_TIMEOUT_MS);
    await this.#end;
    clearTimeout(timer);
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.close();
  }
}

function endOfMatch(text: string, wanted: string | RegExp): number | null {
  if (typeof wanted === 'string') {
    const start = text.indexOf(wanted);
    return start < 0 ? null : start + wanted.length;
  }
  const match = wanted.exec(text);
  return match === null ? null : match.index + match[0].length;
}

/** Starts `ssh` at a terminal; a shell without a command. */
export function sshInteractive(options: TerminalOptions, command?: string): Terminal {
  const last = command === undefined ? [] : [command];
  return new Terminal('ssh', ['-tt', ...argumentsOf(options), ...last], options);
}
