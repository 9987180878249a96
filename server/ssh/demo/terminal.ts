/** A program under a pseudo terminal. */
import { spawn, type IPty } from '@lydell/node-pty';
import { closeSync, constants as flags, openSync } from 'node:fs';
import type { Socket } from 'node:net';
import { constants } from 'node:os';
import type { DownstreamEnd, Pty } from '../../session/ports.ts';
import type { Launch } from '../demo-target.ts';
import { drained } from './drain.ts';
import { signalGroup } from './signal.ts';

/** Reading from the terminal stops while this many pieces wait for the client. */
const MAX_PIECES = 16;
/** Reading from the client stops while the program has left this much unread. */
const MAX_INPUT_BYTES = 64 * 1024;
/** How often we look whether the program has ended. node-pty gives up 200 ms after its end. */
const WATCH_MS = 40;
const DEFAULT_COLS = 80;
const DEFAULT_ROWS = 24;
const MAX_SIDE = 1000;

/** What node-pty has but doesn't declare. */
interface Inner {
  /** Path of the terminal device. */
  readonly _pty: string;
  readonly _socket: Socket;
}

/** Runs until the program has ended and its output was read. Rejects when it can't be started. */
export async function runTerminal(launch: Launch, pty: Pty, end: DownstreamEnd): Promise<void> {
  const args = launch.command === null ? ['-l'] : ['-c', launch.command];
  const terminal = spawn(launch.shell, args, {
    name: pty.term,
    cols: side(pty.size.cols, DEFAULT_COLS),
    rows: side(pty.size.rows, DEFAULT_ROWS),
    cwd: launch.home,
    env: { ...launch.env },
    encoding: null,
  });
  const exited = new Promise<{ exitCode: number; signal?: number | undefined }>((resolve) => {
    terminal.onExit(resolve);
  });
  const output = new TerminalOutput(terminal, end);
  void attend(terminal, output, end);
  const { exitCode, signal } = await exited;
  await output.finished();
  const name = signalName(signal ?? 0);
  if (name === null) await end.write({ kind: 'exit', status: exitCode });
  else await end.write({ kind: 'exit-signal', name, coreDumped: false, message: '' });
  await end.write({ kind: 'eof' });
  await end.write({ kind: 'close' });
}

/**
 * Output in order and whole. We hold the device open ourselves: when its last user closes it, libuv takes
 * a hang-up for the end and loses what is still unread. So we let go after the program has ended and the
 * terminal has fallen silent.
 */
class TerminalOutput {
  readonly #terminal: IPty;
  readonly #watch: NodeJS.Timeout;
  #device: number | null;
  #last: Promise<void> = Promise.resolve();
  #pieces = 0;
  #isPaused = false;
  #wasHeard = false;

  constructor(terminal: IPty, end: DownstreamEnd) {
    this.#terminal = terminal;
    this.#device = openSync(innerOf(terminal)._pty, flags.O_RDWR | flags.O_NOCTTY);
    this.#watch = setInterval(() => this.#look(), WATCH_MS);
    terminal.onData((data: string | Buffer) => {
      const bytes = typeof data === 'string' ? Buffer.from(data) : data;
      this.#wasHeard = true;
      this.#pieces += 1;
      if (this.#pieces >= MAX_PIECES) this.#pause(true);
      this.#last = this.#write(this.#last, bytes, end);
    });
  }

  get isOver(): boolean {
    return this.#device === null;
  }

  /** Resolves when everything that was read has been taken. */
  finished(): Promise<void> {
    this.#letGo();
    return this.#last;
  }

  async #write(before: Promise<void>, bytes: Buffer, end: DownstreamEnd): Promise<void> {
    await before;
    await end.write({ kind: 'data', stream: 'stdout', bytes });
    this.#pieces -= 1;
    if (this.#pieces === 0) this.#pause(false);
  }

  #look(): void {
    if (isAlive(this.#terminal.pid)) return;
    // What is left is what the kernel holds: it is taken whether the client reads or not.
    this.#pause(false);
    if (!this.#wasHeard) this.#letGo();
    this.#wasHeard = false;
  }

  #pause(isPaused: boolean): void {
    if (isPaused === this.#isPaused) return;
    this.#isPaused = isPaused;
    if (isPaused) this.#terminal.pause();
    else this.#terminal.resume();
  }

  #letGo(): void {
    clearInterval(this.#watch);
    if (this.#device !== null) closeSync(this.#device);
    this.#device = null;
  }
}

/**
 * Passes input on until the channel goes, which ends what still runs. The end of input means nothing to
 * a terminal.
 */
async function attend(terminal: IPty, output: TerminalOutput, end: DownstreamEnd): Promise<void> {
  const { _socket: socket } = innerOf(terminal);
  for (;;) {
    const unit = await end.read();
    if (unit.kind === 'close') {
      if (!output.isOver) signalGroup(terminal.pid, 'HUP');
      return;
    }
    if (unit.kind === 'signal' && !output.isOver) signalGroup(terminal.pid, unit.name);
    if (unit.kind === 'resize' && !output.isOver) {
      terminal.resize(side(unit.size.cols, DEFAULT_COLS), side(unit.size.rows, DEFAULT_ROWS));
    }
    if (unit.kind === 'data' && socket.writable) socket.write(unit.bytes);
    if (socket.writableLength > MAX_INPUT_BYTES) await drained(socket);
  }
}

function innerOf(terminal: IPty): Inner {
  return terminal as IPty & Inner;
}

function side(asked: number, otherwise: number): number {
  return asked === 0 ? otherwise : Math.min(asked, MAX_SIDE);
}

function signalName(number: number): string | null {
  const found = Object.entries(constants.signals).find(([, value]) => value === number);
  return number === 0 || found === undefined ? null : found[0].replace(/^SIG/, '');
}

function isAlive(pid: number): boolean {
  try {
    process.kill(pid, 0);
    return true;
  } catch {
    return false;
  }
}
