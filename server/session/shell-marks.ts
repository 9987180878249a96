/**
 * The marks of a target's shell, as far as they count: once one has come with the session's own nonce,
 * only those with it; before, all but reported lines. Not caught here: programs on the target that know
 * the nonce. That is why marks never relax anything: they add doubt, exit statuses and exact ranges.
 */
import { MarkScanner, type Mark } from '../terminal/marks.ts';
import type { Gate } from './gate.ts';
import { ruleName } from './notice.ts';
import { ReportedLines } from './reported-lines.ts';

/** So much of a reported line is shown to the client. */
const MAX_SHOWN_CHARS = 200;

export interface ShellMarksOptions {
  /** What the shell was told to mark its own with; null = it wasn't started so. */
  readonly nonce: string | null;
  readonly gate: Gate;
  /** The prompt ends behind the output that was shown last. */
  readonly onPrompt: () => void;
  /** Ends the session; called when the shell runs what a rule doesn't let through. */
  readonly end: (text: string) => void;
}

export class ShellMarks {
  readonly #options: ShellMarksOptions;
  readonly #scanner = new MarkScanner();
  readonly #lines = new ReportedLines();
  #hasOwn = false;

  constructor(options: ShellMarksOptions) {
    this.#options = options;
  }

  /**
   * Shows output piece by piece, and takes each mark when what comes before it was shown.
   * @param atUs when it is recorded
   */
  read(bytes: Buffer, atUs: number, show: (bytes: Buffer) => void): void {
    for (const piece of this.#scanner.push(bytes)) {
      show(piece.bytes);
      if (piece.mark !== null && this.#counts(piece.mark)) this.#take(piece.mark, atUs);
    }
  }

  /** A line went up. @param texts that were judged for it */
  released(texts: readonly string[], isApproved: boolean): void {
    if (this.#options.nonce !== null) this.#lines.released(texts, isApproved);
  }

  #counts(mark: Mark): boolean {
    const { nonce } = this.#options;
    if (nonce !== null && mark.nonce === nonce) {
      this.#hasOwn = true;
      return true;
    }
    return !this.#hasOwn && mark.kind !== 'line';
  }

  #take(mark: Mark, atUs: number): void {
    const { gate, onPrompt } = this.#options;
    switch (mark.kind) {
      case 'prompt':
        return;
      case 'input':
        onPrompt();
        gate.commands.prompted(atUs);
        return;
      case 'output':
        gate.commands.started(atUs);
        return;
      case 'end':
        gate.commands.ended(mark.exitStatus, atUs);
        return;
      case 'line':
        // What can't be recorded ends the session where its output is recorded.
        this.#reported(mark.text).catch(() => {});
    }
  }

  async #reported(text: string): Promise<void> {
    const report = this.#lines.reported(text);
    if (report.kind === 'known') return;
    const { seq, decision, recorded } = await this.#options.gate.judge({
      text,
      candidates: [text],
      guesses: new Set(),
      language: 'shell',
      certainty: 'uncertain',
      why: 'the shell reports another line than the one that was read',
      quiet: false,
      secret: false,
      isReported: true,
    });
    await recorded;
    if (decision.verdict === 'allow' || report.isApproved) return;
    if (decision.rule === null && decision.certainty === 'uncertain') return;
    const verb = decision.verdict === 'deny' ? 'denies' : 'would hold';
    const reason = decision.reason === null ? '' : ` (${decision.reason})`;
    this.#options.end(
      `the shell says that it runs another line than the one that was read, and rule "${ruleName(decision)}" ` +
        `${verb} that one${reason}: ${clippedTo(text, MAX_SHOWN_CHARS)}; it may have run already (command ${seq}). ` +
        "The session ends here: look for key bindings or start-up files that change what is typed, or ask the target's operator",
    );
  }
}

function clippedTo(text: string, chars: number): string {
  return text.length <= chars ? text : `${text.slice(0, chars).toWellFormed()}…`;
}
