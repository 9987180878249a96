/** What comes to the gate and what comes out of it. Types only. */
import type { Certainty, Decision, SqlPlace } from '../policy/decision.ts';
import type { Language, ShellState } from '../shell/command.ts';
import type { PolicyInForce } from './ports.ts';

/** Something that a client wants to run. */
export interface GateLine {
  /** What is stored and shown; the exact text, or what stands for it. */
  readonly text: string;
  /** What else it may be, for those who decide about it; null or left out = nothing. */
  readonly otherwise?: string | null;
  /** With the lines before it that the shell has taken but not run; null or left out = none. */
  readonly whole?: string | null;
  /** Left out = yes. */
  readonly mayStandAlone?: boolean;
  /** Every reading of the line; each is judged and the strictest verdict wins. */
  readonly candidates: readonly string[];
  /**
   * Candidates that are hardly commands: a rule's verdict on them counts, but that one of them can't be
   * read is no reason to hold the line.
   */
  readonly guesses: ReadonlySet<string>;
  readonly language: Language;
  /** Where a client of a database stands, for SQL that comes by its input. */
  readonly sql?: SqlPlace | null;
  /** The candidates say what a line for a console starts; `doubt`: why that may not be all. */
  readonly console?: { readonly doubt: string | null };
  readonly certainty: Certainty;
  /** Why the certainty is not better, in words; null when it is. */
  readonly why: string | null;
  /**
   * The line carries input for whatever program has the terminal, not a command of its own (a
   * full-screen program, a password): it gets a row only if it isn't allowed.
   */
  readonly quiet: boolean;
  /** The candidates were typed while the terminal did not echo: nothing of them is kept anywhere. */
  readonly secret: boolean;
  /** What a shell would run of such a line; never stored. null or left out = nothing. */
  readonly unshown?: string | null;
  /** The line stood behind a mark of the shell. */
  readonly isMarked?: boolean;
  /** When the prompt before the line had come; null or left out = that isn't known. */
  readonly promptUs?: number | null;
  /** The shell has said so itself: it runs already, and that nobody read it is no reason to hold it. */
  readonly isReported?: boolean;
  /** An operation on files, or a forward: several run at once, and each says itself when it has ended. */
  readonly isFile?: boolean;
  /** It starts a server whose requests are judged one by one. */
  readonly isServed?: boolean;
  /** All of the session's input, where that is known before the line runs. */
  readonly input?: string;
}

export type GateOutcome =
  | { readonly kind: 'released'; readonly seq: number | null; readonly decision: Decision }
  | { readonly kind: 'refused'; readonly seq: number; readonly notice: string };

/** A line that was judged; its row and marker are on their way to the disk. */
export interface JudgedLine {
  readonly line: GateLine;
  /** null: it gets no row. */
  readonly seq: number | null;
  readonly decision: Decision;
  readonly inForce: PolicyInForce;
  /** What a shell's line leaves if it runs; null for SQL. */
  readonly after: ShellState | null;
  /** Resolves when the decision is committed. Rejects with `recording.failed`. */
  readonly recorded: Promise<unknown>;
}
