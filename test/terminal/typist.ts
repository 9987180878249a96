/** Types into a real shell on a real terminal, through the line reader, as the gate does it. */
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { spawn, type IPty } from '@lydell/node-pty';
import { systemClock } from '../../server/clock.ts';
import { KeySplitter, type Key } from '../../server/terminal/keys.ts';
import { LineReader, type SubmittedLine } from '../../server/terminal/line.ts';

export type Shell = 'bash' | 'dash';
/** Text to type in one packet, or something to do. */
export type Step =
  | string
  | Buffer
  | { readonly wait: RegExp }
  | { readonly resize: readonly [number, number] }
  | { readonly bytewise: string };

/** The longest wait for a prompt or for quiet. */
const PATIENCE_MS = 10_000;
const QUIET_MS = 60;

export class Typist {
  readonly folder = mkdtempSync(join(tmpdir(), 'sallyport-line-'));
  readonly lines: SubmittedLine[] = [];
  /** Everything that the target sent. */
  output = '';
  readonly #pty: IPty;
  readonly #reader: LineReader;
  readonly #keys = new KeySplitter();
  readonly #refuses: (line: SubmittedLine) => boolean;
  #lastActivityMs = 0;
  #ended = false;

  constructor(
    shell: Shell,
    [cols, rows]: readonly [number, number],
    refuses: (line: SubmittedLine) => boolean,
  ) {
    this.#refuses = refuses;
    this.#reader = new LineReader(cols, rows);
    const rc = join(this.folder, 'rc');
    const history = `PROMPT_COMMAND='history 1 >> ${this.folder}/truth'\n`;
    writeFileSync(rc, `PS1='$ '\n${shell === 'bash' ? history : ''}`);
    this.#pty = spawn(shell, shell === 'bash' ? ['--noprofile', '--rcfile', rc, '-i'] : ['-i'], {
      cols,
      rows,
      cwd: this.folder,
      encoding: null,
      env: {
        PATH: process.env['PATH'],
        TERM: 'xterm-256color',
        HOME: this.folder,
        ENV: rc,
        LANG: 'C.UTF-8',
        LESS: '',
        HISTFILE: '',
      },
    });
    this.#pty.onData((data: unknown) => {
      const bytes = data as Buffer;
      this.#lastActivityMs = performance.now();
      this.output += bytes.toString();
      this.#reader.output(bytes, systemClock.monotonicUs());
    });
    this.#pty.onExit(() => (this.#ended = true));
  }

  /** Does the steps one after the other, each when the terminal has become quiet. */
  async play(steps: readonly Step[]): Promise<void> {
    for (const step of steps) {
      await this.quiet();
      if (typeof step === 'string') await this.#type(Buffer.from(step));
      else if (Buffer.isBuffer(step)) await this.#type(step);
      else if ('wait' in step)
        await this.until(() => step.wait.test(this.output), String(step.wait));
      else if ('resize' in step) {
        this.#reader.resize(...step.resize);
        this.#pty.resize(...step.resize);
      } else for (const byte of Buffer.from(step.bytewise)) await this.#type(Buffer.from([byte]));
    }
    await this.quiet();
  }

  /** The lines that bash has put into its history, that is what it read; entries may span rows. */
  truth(): string[] {
    const entries = readFileSync(join(this.folder, 'truth'), 'utf8')
      .split(/^ *\d+  /m)
      .slice(1);
    return entries.map((entry) => entry.replace(/\n$/, ''));
  }

  async quiet(): Promise<void> {
    await this.until(
      () => this.output !== '' && performance.now() - this.#lastActivityMs >= QUIET_MS,
      'quiet',
    );
  }

  async until(condition: () => boolean, what: string): Promise<void> {
    const end = performance.now() + PATIENCE_MS;
    while (!condition()) {
      if (performance.now() > end)
        throw new Error(
          `waited in vain for ${what}; got ${JSON.stringify(this.output.slice(-500))}`,
        );
      await sleep(5);
    }
  }

  close(): void {
    if (!this.#ended) this.#pty.kill('SIGKILL');
    this.#reader.dispose();
    rmSync(this.folder, { recursive: true, force: true });
  }

  /** The terminal takes bytes too, though its declaration knows only text. */
  #send(bytes: Buffer): void {
    this.#lastActivityMs = performance.now();
    this.#pty.write(bytes as unknown as string);
  }

  async #type(bytes: Buffer): Promise<void> {
    for (const key of this.#keys.push(bytes)) {
      if (key.submits) {
        if (!(await this.#submit(key))) return;
      } else {
        this.#reader.key(key, systemClock.monotonicUs());
        this.#send(key.bytes);
      }
    }
  }

  async #submit(key: Key): Promise<boolean> {
    const line = await this.#read();
    this.lines.push(line);
    if (this.#refuses(line)) {
      for (const bytes of this.#reader.abortKeys) this.#send(bytes);
      this.#reader.afterDenied(systemClock.monotonicUs());
      return false;
    }
    this.#reader.submitted(systemClock.monotonicUs());
    this.#send(key.bytes);
    return true;
  }

  async #read(): Promise<SubmittedLine> {
    this.#reader.beginSubmit(systemClock.monotonicUs());
    for (;;) {
      const step = this.#reader.poll(systemClock.monotonicUs());
      if (step.kind === 'line') return step.line;
      await sleep(step.forUs / 1000);
    }
  }
}

function sleep(ms: number): Promise<void> {
  return new Promise((resolve) => setTimeout(resolve, ms));
}
