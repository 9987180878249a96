/**
 * Input of a session without a terminal. Either it is the program of a shell (`ssh target < script`,
 * `ssh target 'bash -s' < script`): then it is read as whole commands and each is decided before its
 * bytes go up; or it is data for a program, which passes untouched.
 */
import { isCompleteInput } from '../shell/complete.ts';
import type { Gate, GateLine } from './gate.ts';
import type { InputQueue } from './input-queue.ts';
import type { UpstreamEnd } from './ports.ts';

const NEWLINE = 0x0a;
/** Line ends of one command at which is looked whether it is whole, before only some are tried. */
const MAX_SINGLE_TRIES = 64;
/** Then each next try is at a line end of what is longer by this factor, or at the last one. */
const TRY_GROWTH = 1.25;
/** What such a try waits for other sessions to go on, and for more input to come. */
const TRY_PAUSE_MS = 5;

/** How the input side of a session ended. */
export type InputEnd =
  | { readonly kind: 'gone' }
  /** A command was refused and the session with it; `notice` says so. */
  | { readonly kind: 'refused'; readonly notice: string };

/** Passes every unit on, in order, until the client has gone. */
export async function passInput(input: InputQueue, upstream: UpstreamEnd): Promise<InputEnd> {
  for (;;) {
    const unit = await input.next();
    await upstream.write(unit);
    if (unit.kind === 'close') return { kind: 'gone' };
  }
}

export interface ShellInputOptions {
  readonly input: InputQueue;
  readonly upstream: UpstreamEnd;
  readonly gate: Gate;
  readonly say: (text: string) => Promise<void>;
  /** A command that is still incomplete at this length is decided as it stands. */
  readonly maxLineBytes: number;
  /** Something before or beside the shell may take a part of the input from the start on. */
  readonly isShared: boolean;
}

/**
 * Reads shell input as whole commands until the client has gone or a command is refused. A script
 * whose command was refused must not go on with the next one, so a refusal ends the session. Once a
 * released command may have taken a part of the input, nobody knows where the shell goes on: what
 * follows is judged as it stands, and is uncertain.
 */
export async function gateShellInput(options: ShellInputOptions): Promise<InputEnd> {
  const { input, upstream, gate, say, maxLineBytes } = options;
  let { isShared } = options;
  let pending = Buffer.alloc(0);
  const tries = new Tries();

  const release = async (bytes: Buffer): Promise<InputEnd | null> => {
    const text = bytes.toString('utf8');
    if (text.trim() !== '') {
      const line = commandLine(bytes, text);
      const outcome = await gate.decide(isShared ? shared(line) : line, input.gone, say);
      if (outcome.kind === 'refused') return { kind: 'refused', notice: outcome.notice };
      if (input.gone.aborted) return { kind: 'gone' };
      isShared ||= outcome.decision.commands.some(({ readsInput }) => readsInput);
    }
    await upstream.write({ kind: 'data', bytes });
    return null;
  };

  for (;;) {
    const unit = await input.next();
    if (unit.kind === 'data') {
      pending = Buffer.concat([pending, unit.bytes]);
      for (;;) {
        const end = await tries.wholeCommandEnd(pending, maxLineBytes);
        if (end === 0) break;
        const ended = await release(pending.subarray(0, end));
        if (ended !== null) return ended;
        pending = pending.subarray(end);
      }
      continue;
    }
    if (unit.kind === 'eof' && pending.length > 0) {
      const ended = await release(pending);
      if (ended !== null) return ended;
      pending = Buffer.alloc(0);
    }
    await upstream.write(unit);
    if (unit.kind === 'close') return { kind: 'gone' };
  }
}

/** A line whose exact bytes are known; what isn't UTF-8 is judged by its lossy text and uncertain. */
export function commandLine(bytes: Buffer, text: string): GateLine {
  const exact = Buffer.from(text, 'utf8').equals(bytes);
  return {
    text,
    candidates: [text],
    guesses: new Set(),
    language: 'shell',
    certainty: exact ? 'exact' : 'uncertain',
    why: exact ? null : 'the command is not valid UTF-8, so what the target makes of it is unknown',
    quiet: false,
    secret: false,
  };
}

function shared(line: GateLine): GateLine {
  if (line.certainty === 'uncertain') return line;
  const why = 'an earlier command may have taken a part of this input';
  return { ...line, certainty: 'uncertain', why };
}

/** Looks for the end of one command after the other in what has come; each look is a whole parse. */
class Tries {
  /** What is known to be incomplete of the command that is looked for, bytes. */
  #tried = 0;
  #count = 0;

  /**
   * Length of the first whole command in `bytes`, its line end included; 0 while there is none. After
   * MAX_SINGLE_TRIES only some line ends are tried, so that more than one command may be in it.
   */
  async wholeCommandEnd(bytes: Buffer, maxLineBytes: number): Promise<number> {
    const last = bytes.lastIndexOf(NEWLINE);
    while (this.#tried <= last) {
      const isMany = this.#count >= MAX_SINGLE_TRIES;
      if (isMany) await new Promise((resolve) => setTimeout(resolve, TRY_PAUSE_MS));
      const from = isMany ? Math.ceil(this.#tried * TRY_GROWTH) : this.#tried;
      const next = bytes.indexOf(NEWLINE, from);
      const at = next < 0 ? last : next;
      this.#count += 1;
      this.#tried = at + 1;
      const isOver = at >= maxLineBytes;
      if (isOver || isCompleteInput(bytes.toString('utf8', 0, at + 1)) !== 'incomplete') {
        return this.#found(at + 1);
      }
    }
    return bytes.length > maxLineBytes ? this.#found(bytes.length) : 0;
  }

  #found(end: number): number {
    this.#tried = 0;
    this.#count = 0;
    return end;
  }
}
