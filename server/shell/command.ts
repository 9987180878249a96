/**
 * What a reader of a language found in a line: the simple commands that would or could run.
 * Not caught here: what a program does once it runs; only its name, operands and redirections are seen.
 */
import type { ShellState } from './state.ts';
import type { Word } from './word.ts';

export type { ShellState } from './state.ts';

export type Language = 'shell' | 'sql';

/** One simple command (or one SQL statement) inside a line. */
export interface ReadCommand {
  /** The words as the program would get them; null when they can't be known before it runs. */
  readonly argv: readonly string[] | null;
  /** The command's own source text, for people. */
  readonly text: string;
  /** The wrappers passed on the way, outermost first: `['sudo', 'sh -c']`. */
  readonly via: readonly string[];
  /** `file`: an operation on files, `forward`: a forward that a client asked for. */
  readonly language: Language | 'file' | 'forward';
  readonly redirections: readonly Redirection[];
  /** Working directory if it is known from the same input, `~` = the login's home; null = anything. */
  readonly directory: string | null;
  /** The program reads further commands in this language from its standard input. */
  readonly stdinLanguage: Language | null;
  /** The interpreter that reads lines of its own language from the session's terminal; absent: none. */
  readonly console?: string;
  /** It may take a part of the session's own input, and leave the rest to what comes after it. */
  readonly readsInput: boolean;
}

export interface Redirection {
  readonly access: 'read' | 'write';
  /** null when it can't be known before it runs. */
  readonly path: string | null;
}

/** A command with its words piece by piece, so that patterns and unknown parts can be judged too. */
export interface ResolvedCommand extends ReadCommand {
  readonly words: readonly Word[];
  /** Every working directory that it may have; null = any. */
  readonly directories: readonly string[] | null;
  readonly redirected: readonly { readonly access: 'read' | 'write'; readonly word: Word }[];
  /** The name is a function of the session: what the function runs counts, not the name. */
  readonly isFunction: boolean;
  /** It only carries other commands (`sudo`, `sh -c`), which are reported by themselves. */
  readonly carries: boolean;
  /** SQL text that the program is given, for the SQL reader; null when it is given none. */
  readonly sql: string | null;
}

/** A part of the line whose effect can't be known before it runs. */
export interface Uncertainty {
  /** In words, for a notice: `the command's name comes from a variable`. */
  readonly why: string;
  readonly start: number;
  readonly end: number;
}

export interface Reading {
  readonly commands: readonly ResolvedCommand[];
  readonly uncertain: readonly Uncertainty[];
  /** The state for the session's next line, if this one runs. */
  readonly after: ShellState;
}
