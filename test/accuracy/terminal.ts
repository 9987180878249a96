/**
 * A person's terminal, the bastion and a real shell, in one process: the product's own session between
 * two channel ends in memory, with the way to the target as slow as asked for.
 */
import { spawn, type IPty } from '@lydell/node-pty';
import type { ShellIntegration } from '../../server/access/target.ts';
import { systemClock } from '../../server/clock.ts';
import { compilePolicy } from '../../server/policy/document.ts';
import type {
  ApprovalOutcome,
  ApprovalRequest,
  ChannelEnd,
  DecidedCommand,
  InputUnit,
  OutputUnit,
} from '../../server/session/ports.ts';
import { Session } from '../../server/session/session.ts';
import { Screen } from '../../server/terminal/screen.ts';
import { CONNECTION, fakeWorld, grantFor, type FakeWorld } from '../support/session-fakes.ts';
import type { Launch } from './shells.ts';

export interface TerminalOptions {
  readonly launch: Launch;
  readonly folder: string;
  readonly cols: number;
  readonly rows: number;
  /** Each way between the bastion and the target. */
  readonly latencyMs: number;
  readonly policy: object;
  /** What the marks of the shell are used for. */
  readonly marks?: ShellIntegration;
}

/** Nobody sees the marks of shells. */
// oxlint-disable-next-line no-control-regex -- what terminals take for marks
const MARKS = /\u001b\](?:133|633);[^\u0007]*\u0007/g;
/** So much of the output is kept for those who look for something in it. */
const KEPT_CHARS = 200_000;

export class Terminal {
  /** What the bastion wrote down, in order. */
  readonly rows: DecidedCommand[] = [];
  /** How long each Enter was held, milliseconds; only those with nothing else on the way. */
  readonly delaysMs: number[] = [];
  /** When anything moved last, anywhere. */
  lastActivityMs = performance.now();
  hasEnded = false;
  #output = '';
  readonly #pty: IPty;
  readonly #client: End<InputUnit, OutputUnit>;
  readonly #screen: Screen;
  readonly latencyMs: number;
  #seenChars = 0;
  #enters: number[] = [];
  readonly #world: FakeWorld = fakeWorld();
  readonly #over: Promise<void>;

  constructor(options: TerminalOptions) {
    const { launch, folder, cols, rows, latencyMs } = options;
    this.latencyMs = latencyMs;
    this.#screen = new Screen(cols, rows, 0);
    this.#pty = spawn('sh', ['-c', `stty iutf8; ${launch.command}`], {
      cols,
      rows,
      cwd: folder,
      encoding: null,
      env: { ...launch.env },
    });
    const toTarget = this.#wire((unit: InputUnit) => this.#atTarget(unit));
    const upstream = new End<OutputUnit, InputUnit>((unit) => {
      if (unit.kind === 'data') this.#passed(unit.bytes);
      toTarget(unit);
    });
    const toBastion = this.#wire((unit: OutputUnit) => upstream.send(unit));
    this.#pty.onData((data: unknown) => {
      this.lastActivityMs = performance.now();
      toBastion({ kind: 'data', stream: 'stdout', bytes: data as Buffer });
    });
    this.#pty.onExit(() => {
      this.hasEnded = true;
      toBastion({ kind: 'exit', status: 0 });
      toBastion({ kind: 'close' });
    });
    this.#client = new End<InputUnit, OutputUnit>((unit) => this.#seen(unit));
    this.#over = this.#session(options, upstream).run();
  }

  /** The person's terminal sends this in one packet. */
  send(text: string | Buffer): void {
    const bytes = Buffer.from(text);
    this.lastActivityMs = performance.now();
    if (bytes.length === 1 && bytes[0] === 0x0d) this.#enters.push(performance.now());
    else if (bytes.includes(0x0d)) this.#enters = [];
    this.#client.send({ kind: 'data', bytes });
  }

  /** Pastes as terminals do: between marks when the program asked for them. */
  paste(text: string): void {
    const lines = text.replaceAll('\n', '\r');
    this.send(this.#screen.bracketedPaste ? `\u001b[200~${lines}\u001b[201~` : lines);
  }

  resize(cols: number, rows: number): void {
    this.#screen.resize(cols, rows);
    this.#client.send({ kind: 'resize', size: { cols, rows, widthPx: 0, heightPx: 0 } });
  }

  /** What was asked of approvers so far. */
  get approvals(): ApprovalRequest[] {
    return this.#world.steps.flatMap((one) => (one.step === 'approval' ? [one.request] : []));
  }

  /** An approver decides the line that waits. */
  decide(outcome: ApprovalOutcome): void {
    this.#world.decide(outcome);
  }

  /** How many characters the person has seen so far. */
  get seen(): number {
    return this.#seenChars;
  }

  /** What the person has seen after that many characters. */
  since(seen: number): string {
    const chars = this.#seenChars - seen;
    return chars === 0 ? '' : this.#output.slice(-chars).replace(MARKS, '');
  }

  /** What stands before the cursor, on the person's screen. */
  get cursorLine(): string {
    return this.#screen.logicalLineTo(this.#screen.cursor);
  }

  async close(): Promise<void> {
    if (!this.hasEnded) {
      try {
        process.kill(-this.#pty.pid, 'SIGHUP');
      } catch {
        // It has ended just now.
      }
      this.#pty.kill('SIGKILL');
    }
    this.#client.send({ kind: 'close' });
    await Promise.race([this.#over, new Promise((resolve) => setTimeout(resolve, 1000))]);
    this.#screen.dispose();
  }

  #session(options: TerminalOptions, upstream: End<OutputUnit, InputUnit>): Session {
    const compiled = compilePolicy('accuracy', options.policy);
    if (compiled.kind !== 'ok') throw new Error(JSON.stringify(compiled.problems));
    const { policy } = compiled;
    return new Session(
      {
        ...this.#world.dependencies,
        clock: systemClock,
        policies: { byName: () => Promise.resolve({ version: 1, policy }) },
        recordings: {
          begin: () =>
            Promise.resolve({
              append: () => Promise.resolve(),
              decided: (row) => {
                this.rows.push(row);
                return Promise.resolve();
              },
              commandEnded: () => {},
              end: () => Promise.resolve(),
            }),
        },
      },
      {
        grant: grantFor('shell', options.marks),
        source: '192.0.2.9:1',
        via: 'direct',
        attributed: { run: null, task: null, attribution: null },
        request: {
          kind: 'shell',
          command: null,
          pty: {
            term: 'xterm-256color',
            size: { cols: options.cols, rows: options.rows, widthPx: 0, heightPx: 0 },
            modes: Buffer.from([0]),
          },
          env: [],
        },
        end: this.#client,
        dialer: {
          dial: () => Promise.resolve({ kind: 'open', end: upstream, connection: CONNECTION }),
          release: () => {},
          close: () => {},
        },
        onOver: () => {},
      },
    );
  }

  #atTarget(unit: InputUnit): void {
    this.lastActivityMs = performance.now();
    if (this.hasEnded) return;
    if (unit.kind === 'data') this.#pty.write(unit.bytes as unknown as string);
    if (unit.kind === 'resize') this.#pty.resize(unit.size.cols, unit.size.rows);
  }

  #passed(bytes: Buffer): void {
    if (!bytes.includes(0x0d)) return;
    const [at, ...others] = this.#enters;
    this.#enters = others;
    if (at !== undefined && others.length === 0) this.delaysMs.push(performance.now() - at);
  }

  #seen(unit: OutputUnit): void {
    if (unit.kind !== 'data') return;
    this.lastActivityMs = performance.now();
    const text = unit.bytes.toString();
    this.#output = (this.#output + text).slice(-KEPT_CHARS);
    this.#seenChars += text.length;
    this.#screen.write(unit.bytes);
    // What any terminal answers when it is asked where the cursor is.
    if (text.includes('\u001b[6n')) {
      const { x, y } = this.#screen.cursor;
      const report = `\u001b[${y + 1};${Math.min(x, this.#screen.cols - 1) + 1}R`;
      this.#client.send({ kind: 'data', bytes: Buffer.from(report) });
    }
  }

  /** Passes units on in order, each after the latency. */
  #wire<T>(deliver: (unit: T) => void): (unit: T) => void {
    const waiting: T[] = [];
    return (unit) => {
      waiting.push(unit);
      // Timers may overtake each other by a millisecond, units may not.
      setTimeout(() => {
        const first = waiting.shift();
        if (first !== undefined) deliver(first);
      }, this.latencyMs);
    };
  }
}

/** One side of a channel in memory; what the session writes goes to `onWrite`. */
class End<In extends { kind: string }, Out> implements ChannelEnd<In, Out> {
  readonly #onWrite: (unit: Out) => void;
  readonly #incoming: In[] = [];
  #wake: (() => void) | null = null;

  constructor(onWrite: (unit: Out) => void) {
    this.#onWrite = onWrite;
  }

  send(unit: In): void {
    this.#incoming.push(unit);
    this.#wake?.();
  }

  async read(): Promise<In> {
    for (;;) {
      const unit = this.#incoming[0];
      if (unit !== undefined) {
        if (unit.kind !== 'close') this.#incoming.shift();
        return unit;
      }
      await new Promise<void>((resolve) => (this.#wake = resolve));
    }
  }

  write(unit: Out): Promise<void> {
    this.#onWrite(unit);
    return Promise.resolve();
  }
}
