/**
 * Input of a session without a terminal. Either it is the program of a shell or of a client of a
 * database (`ssh target < script`, `ssh target psql < dump.sql`): then it is read as whole commands and
 * each is decided before its bytes go up; or it is data for a program, which passes untouched.
 */
import type { SqlPlace } from '../policy/decision.ts';
import { initialSqlState } from '../sql/statement.ts';
import type { Gate, GateLine } from './gate.ts';
import type { InputQueue } from './input-queue.ts';
import type { SessionLimits } from './limits.ts';
import type { Piece, Pieces } from './piece.ts';
import type { UpstreamEnd } from './ports.ts';
import { mayTakeInput, mayTakeLine, type InputReader } from './program-input.ts';
import { ShellPieces } from './shell-pieces.ts';
import { SqlPieces } from './sql-pieces.ts';

/** Commands whose rows are on their way to the disk at once, per session. */
const MAX_BATCH_COMMANDS = 64;
/** Their bytes; more arrives when they have gone up. */
const MAX_BATCH_BYTES = 256 * 1024;

/** Lines of one command that are looked at as commands of their own; more are a doubt. */
const MAX_SHIFTED_LINES = 2_000;
/** The first of them with all that follows. */
const MAX_SHIFTED_RESTS = 16;
/** Then others may go on. */
const SHIFTED_LINES_A_TURN = 32;

/** A client that was let through though its language isn't known. */
const UNKNOWN_CLIENT: SqlPlace = { dialect: 'other', state: initialSqlState() };

/** How the input side of a session ended. */
export type InputEnd =
  | { readonly kind: 'gone' }
  /** A command was refused and the session with it; `notice` says so. */
  | { readonly kind: 'refused'; readonly notice: string };

export interface InputOptions {
  readonly input: InputQueue;
  readonly upstream: UpstreamEnd;
  readonly gate: Gate;
  readonly say: (text: string) => Promise<void>;
  readonly reader: InputReader;
  readonly limits: SessionLimits;
}

/** Handles the input as what it is for its reader. */
export function readInput(options: InputOptions): Promise<InputEnd> {
  const { input, upstream, gate, reader, limits } = options;
  if (reader.language === null) return passInput(input, upstream);
  gate.enterInput();
  const pieces =
    reader.language === 'shell'
      ? new ShellPieces(limits.maxLineBytes)
      : new SqlPieces(reader.sql ?? UNKNOWN_CLIENT, limits.maxStatementBytes);
  return gateInput({ ...options, pieces, isShared: reader.isShared });
}

/** Passes every unit on, in order, until the client has gone. */
async function passInput(input: InputQueue, upstream: UpstreamEnd): Promise<InputEnd> {
  for (;;) {
    const unit = await input.next();
    await upstream.write(unit);
    if (unit.kind === 'close') return { kind: 'gone' };
  }
}

interface ProgramInputOptions extends Omit<InputOptions, 'reader' | 'limits'> {
  readonly pieces: Pieces;
  /** Something before or beside the program may take a part of the input from the start on. */
  readonly isShared: boolean;
}

/**
 * Reads the input as whole commands until the client has gone or a command is refused. What came before
 * a refused command runs, nothing after it does, so a refusal ends the input. Once a released command
 * may have taken a part of the input, nobody knows where the program goes on: what follows is judged as
 * it stands, and is uncertain.
 */
async function gateInput(options: ProgramInputOptions): Promise<InputEnd> {
  const { input, pieces } = options;
  const reader = new ProgramInput(options);
  for (;;) {
    const unit = await input.next();
    if (unit.kind === 'data') {
      pieces.push(unit.bytes);
      for (let piece = await pieces.next(); piece !== null; piece = await pieces.next()) {
        const ended = await reader.take(piece);
        if (ended !== null) return ended;
      }
    }
    if (unit.kind === 'eof') {
      const piece = pieces.rest();
      const ended = piece === null ? null : await reader.take(piece);
      if (ended !== null) return ended;
    }
    const ended = await reader.release();
    if (ended !== null) return ended;
    if (unit.kind !== 'data') await options.upstream.write(unit);
    if (unit.kind === 'close') return { kind: 'gone' };
  }
}

class ProgramInput {
  readonly #options: ProgramInputOptions;
  #isShared: boolean;
  /** A command may have taken a whole line, so that the shell is further on than was read. */
  #mayBeAhead = false;
  /** What goes up as soon as the rows of its commands are committed. */
  #batch: Buffer[] = [];
  #batchBytes = 0;
  #rows: Promise<unknown>[] = [];

  constructor(options: ProgramInputOptions) {
    this.#options = options;
    this.#isShared = options.isShared;
  }

  async take(piece: Piece): Promise<InputEnd | null> {
    for (const line of await this.#linesOf(piece)) {
      const ended = await this.#decide(line);
      if (ended !== null) return ended;
    }
    this.#batch.push(piece.bytes);
    this.#batchBytes += piece.bytes.length;
    const isFull = this.#rows.length >= MAX_BATCH_COMMANDS || this.#batchBytes >= MAX_BATCH_BYTES;
    return isFull ? this.release() : null;
  }

  /** Sends what is decided, once that is on the disk. */
  async release(): Promise<InputEnd | null> {
    const rows = this.#rows.splice(0);
    const batch = this.#batch.splice(0);
    this.#batchBytes = 0;
    if (rows.length > 0) await Promise.all(rows);
    const { input, upstream } = this.#options;
    if (input.gone.aborted) {
      await upstream.write({ kind: 'close' });
      return { kind: 'gone' };
    }
    const [only] = batch;
    if (only === undefined) return null;
    const bytes = batch.length === 1 ? only : Buffer.concat(batch);
    await upstream.write({ kind: 'data', bytes });
    return null;
  }

  async #linesOf({ kind, bytes, doubt, sql, unlessCopied }: Piece): Promise<readonly GateLine[]> {
    let shared = this.#isShared ? 'an earlier command may have taken a part of this input' : null;
    const lines: GateLine[] = [];
    const text = kind === 'command' ? bytes.toString('utf8') : '(rows of COPY)';
    if (shared === null && sql === null && this.#mayBeAhead) shared = await this.#shifted(text);
    if (kind === 'command' && text.trim() !== '') {
      lines.push(commandLine(bytes, text, shared ?? doubt, sql));
    } else if (kind === 'data' && (shared ?? doubt) !== null) {
      lines.push({ ...commandLine(Buffer.from(text), text, shared ?? doubt, sql), candidates: [] });
    }
    // Read as rows of a COPY that failed: what the grammar refuses does nothing.
    const rows = sql && { ...sql, state: { ...sql.state, inCopyData: true, unlessCopied: null } };
    for (const one of unlessCopied) {
      const statement = one.replaceAll('\0', '\n');
      const line = commandLine(Buffer.from(statement), statement, null, rows);
      lines.push({ ...line, quiet: true });
    }
    return lines;
  }

  /**
   * A program that asks for a line (`rm -i`) takes the next one, and the shell goes on behind it: what was
   * text of a here-document is a command then. Why that matters here; null = it doesn't.
   */
  async #shifted(text: string): Promise<string | null> {
    const lines = text.replace(/\n$/, '').split('\n');
    if (lines.length === 1) return null;
    const why =
      'if a command before it asks for a line and takes the first of this, the rest runs as commands';
    if (lines.length > MAX_SHIFTED_LINES) return why;
    for (let at = 1; at < lines.length; at += 1) {
      // Whole rests while there are few, for a command may have more lines than one.
      const rest = at <= MAX_SHIFTED_RESTS ? lines.slice(at).join('\n') : (lines[at] ?? '');
      if (rest.trim() !== '' && (await this.#options.gate.wouldRefuse(rest))) return why;
      if (at % SHIFTED_LINES_A_TURN === 0) await new Promise((resolve) => setImmediate(resolve));
    }
    return null;
  }

  async #decide(line: GateLine): Promise<InputEnd | null> {
    const { gate, input, say } = this.#options;
    const judged = await gate.judge(line);
    const { decision } = judged;
    if (decision.verdict === 'allow') {
      if (judged.seq !== null) this.#rows.push(judged.recorded);
    } else {
      // What came before must not wait for a person, nor be lost by a refusal.
      const ended = await this.release();
      if (ended !== null) return ended;
      const outcome = await gate.settle(judged, input.gone, say);
      if (outcome.kind === 'refused') {
        return (await this.release()) ?? { kind: 'refused', notice: outcome.notice };
      }
    }
    this.#isShared ||= mayTakeInput(decision.commands);
    this.#mayBeAhead ||= mayTakeLine(decision.commands);
    return null;
  }
}

/**
 * A line whose exact bytes are known; what isn't UTF-8 is judged by its lossy text and uncertain.
 * @param doubt why it may run as something else than it reads
 */
export function commandLine(
  bytes: Buffer,
  text: string,
  doubt: string | null = null,
  sql: SqlPlace | null = null,
): GateLine {
  const exact = Buffer.from(text, 'utf8').equals(bytes);
  const why = exact
    ? doubt
    : 'the command is not valid UTF-8, so what the target makes of it is unknown';
  return {
    text,
    candidates: [text],
    guesses: new Set(),
    language: sql === null ? 'shell' : 'sql',
    certainty: why === null ? 'exact' : 'uncertain',
    why,
    quiet: false,
    secret: false,
    sql,
  };
}
