/**
 * Which of the released commands the target's output belongs to, from when to when, and how the command
 * ended. Not caught here: output of jobs in the background. Without marks of the shell the end is only as
 * exact as the next prompt on the screen, and nothing is known of the exit status.
 *
 * A row is tied to the marks only if its line stood behind a mark that says where a line begins: what was
 * typed ahead, or for a program, gets no status that belongs to another command.
 */
import { isCompleteInput } from '../shell/complete.ts';
import { MAX_JOINED_CHARS } from '../terminal/pending-lines.ts';
import type { FileResult, Recording } from './ports.ts';

export interface ReleasedCommand {
  readonly seq: number;
  readonly text: string;
  /** The line stood behind a mark of the shell. */
  readonly isMarked: boolean;
}

interface Running {
  readonly seq: number;
  readonly fromUs: number;
}

interface MarkedCommand extends Running {
  /** With the lines before it that the shell took as the beginning of the same input. */
  readonly text: string;
  /** A mark has said that its output begins. */
  readonly hasStarted: boolean;
}

export class CommandOutput {
  readonly #report: Recording['commandEnded'];
  /** Runs from its Enter to the next prompt. */
  #running: Running | null = null;
  /** Runs from mark to mark. */
  #marked: MarkedCommand | null = null;
  /** The command of the request, while commands on its input run. */
  #reader: Running | null = null;
  /** The shell marks more than its prompts. */
  #marksCommands = false;

  constructor(report: Recording['commandEnded']) {
    this.#report = report;
  }

  /** Bytes of the command go up. */
  released({ seq, text, isMarked }: ReleasedCommand, atUs: number): void {
    const before = this.#marked;
    if (isMarked || isOpen(before)) {
      this.#end(before, atUs, null);
      const joined = isMarked || before === null ? text : `${before.text}\n${text}`;
      this.#marked = { seq, fromUs: atUs, text: joined, hasStarted: false };
    } else this.#running = { seq, fromUs: atUs };
  }

  /** A mark: the shell has taken the line and runs it. */
  started(atUs: number): void {
    this.#marksCommands = true;
    if (this.#marked === null || this.#marked.hasStarted) return;
    this.#marked = { ...this.#marked, fromUs: atUs, hasStarted: true };
  }

  /** A mark: the command has ended; null = the mark doesn't say how. */
  ended(exitStatus: number | null, atUs: number): void {
    this.#marksCommands = true;
    this.#end(this.#marked, atUs, exitStatus);
    this.#marked = null;
  }

  /** A mark: the shell's prompt stands, and the next line begins. */
  prompted(atUs: number): void {
    // The prompt may have been drawn once more, just before its line went up.
    if (this.#marksCommands && this.#marked?.hasStarted !== true) return;
    if (isOpen(this.#marked)) return;
    this.#end(this.#marked, atUs, null);
    this.#marked = null;
  }

  /** What came of an operation on files, of which several run at once. */
  fileEnded(...ended: Parameters<Recording['commandEnded']>): void {
    this.#report(...ended);
  }

  /** The next line was decided, behind a prompt that stood there since then. */
  next(promptUs: number): void {
    this.#end(this.#running, promptUs, null);
    this.#running = null;
  }

  /** From here on the lines come by the input of what the session runs. */
  enterInput(): void {
    this.#reader = this.#running;
    this.#running = null;
  }

  /**
   * Nothing runs any more. A shell's or client's own status says nothing of its last command; an exec
   * request's is its own.
   * @param result what the request's command has transferred
   */
  sessionEnded(exitStatus: number | null, atUs: number, result: FileResult | null = null): void {
    const isRequest = this.#reader === null;
    this.#end(this.#marked, atUs, null);
    this.#end(this.#running, atUs, isRequest ? exitStatus : null, isRequest ? result : null);
    this.#end(this.#reader, atUs, exitStatus, result);
    this.#marked = null;
    this.#running = null;
    this.#reader = null;
  }

  #end(
    running: Running | null,
    atUs: number,
    exitStatus: number | null,
    result: FileResult | null = null,
  ): void {
    if (running === null) return;
    const { seq, fromUs } = running;
    const times = { outputFromUs: fromUs, outputToUs: Math.max(fromUs, atUs), exitStatus };
    this.#report(seq, result === null ? times : { ...times, file: result });
  }
}

/** The shell asks for more before it runs anything. */
function isOpen(marked: MarkedCommand | null): boolean {
  if (marked === null || marked.hasStarted || marked.text.length > MAX_JOINED_CHARS) return false;
  return isCompleteInput(marked.text) === 'incomplete';
}
