/**
 * What the parts of the reader need from each other, so that none imports the whole. The reader
 * follows a program without running it; "output" is what a program would print, if that is known.
 */
import type { CommandArgument, ParsedScript, ScriptNode, WordNode } from './grammar.ts';
import type { Input, ShellState } from './state.ts';
import type { Word } from './word.ts';

/** Lines that aren't known one by one, each of them one of `words`. */
export interface Lines {
  readonly words: readonly Word[];
  /** There is at most one line. */
  readonly single: boolean;
}

/** What a program would print on its standard output; null = not known. */
export type Output = string | Lines | null;

/** Where a piece of program runs. */
export interface Frame {
  /** Changed in place as the shell would change its own state. */
  readonly state: ShellState;
  readonly input: Input;
  readonly via: readonly string[];
  readonly depth: number;
}

/** One call of a program or builtin. */
export interface Call {
  readonly run: Runner;
  /** Base name of the program. */
  readonly name: string;
  /** The words after the name. */
  readonly words: readonly Word[];
  /** The same words as text; null where one isn't exact. */
  readonly texts: readonly (string | null)[];
  /** With the assignments before the command in force. */
  readonly frame: Frame;
  /** The calling shell's own state, which builtins change. */
  readonly shell: ShellState;
  /** The words as they were written, for builtins that take assignments; empty when wrapped. */
  readonly written: readonly CommandArgument[];
  /** Files opened for reading by redirections other than standard input, by descriptor. */
  readonly descriptors: ReadonlyMap<number, Input>;
  /** Standard input comes from a redirection or pipe of this very command. */
  readonly fed: boolean;
}

export type Program = (call: Call) => Output;

export interface Runner {
  /** False when the input's budget is used up; the reader then says so once. */
  spend(steps: number): boolean;
  /** Part of the program can't be known before it runs. */
  uncertain(why: string): void;
  /** Runs the text of a shell program. */
  runText(text: string, frame: Frame): Output;
  runScript(script: ParsedScript | undefined, frame: Frame): Output;
  runNode(node: ScriptNode, frame: Frame): Output;
  /** Runs a program by its words. `direct`: functions and aliases don't count. */
  runWords(words: readonly Word[], frame: Frame, direct: boolean): Output;
  /**
   * What a program does in the words of another, or may do: rules that fit it count, its doubts don't,
   * and it needs no permission of its own.
   */
  suppose(words: readonly Word[], frame: Frame): void;
  /** Runs the program text that a word holds; a word that isn't exact is uncertain. */
  runWord(word: Word | undefined, frame: Frame, what: string): Output;
  /** Runs what a shell would read from this input. `what` names the shell. */
  runInput(frame: Frame, what: string): Output;
  /** A word as the fields that it becomes. */
  expand(node: WordNode | CommandArgument, frame: Frame): Word[];
  /** A word that stays one field: a value, a target of a redirection. */
  expandWhole(node: WordNode, frame: Frame): Word;
  /** Sets a variable and looks at what the shell or a program would run because of it. */
  assign(name: string, word: Word, frame: Frame): void;
  /** Files that a compound command's redirections open. */
  opened(
    files: readonly { readonly access: 'read' | 'write'; readonly word: Word }[],
    frame: Frame,
  ): void;
  /** The command being recorded is given this SQL; null = it reads SQL from its input. */
  noteSql(sql: string | null): void;
  /**
   * The command being recorded reads its input in the language of this interpreter.
   * @returns whether the input is a terminal, where each line is judged when it comes
   */
  noteConsole(interpreter: string): boolean;
}

/** A frame one program deeper. */
export function deeper(frame: Frame, via: string | null, change: Partial<Frame> = {}): Frame {
  return {
    ...frame,
    depth: frame.depth + 1,
    via: via === null ? frame.via : [...frame.via, via],
    ...change,
  };
}

/** A frame for a program of its own: it can't change the caller's state. */
export function subshell(frame: Frame, via: string | null, change: Partial<Frame> = {}): Frame {
  return deeper(frame, via, { state: frame.state.child(), ...change });
}

export function inputOf(output: Output, from: string): Input {
  if (typeof output === 'string') return { kind: 'text', text: output };
  const why = `the output of ${from} isn't known`;
  return output === null ? { kind: 'unknown', why } : { kind: 'unknown', why, lines: output.words };
}
