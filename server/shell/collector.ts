/** Collects what one reading finds, within its budget. Not caught here: anything about meaning. */
import type { ResolvedCommand, Uncertainty } from './command.ts';
import { readsInput } from './input-readers.ts';
import { ENTRIES_PER_STEP, MAX_COMMANDS, MAX_STEPS, MAX_UNCERTAINTIES } from './limits.ts';
import { throughMounts } from './mounts.ts';
import { noteNames } from './written-names.ts';
import type { Frame } from './runner.ts';
import type { ShellState } from './state.ts';
import { exactText, showWord, STAND_IN, withoutStandIns, type Word } from './word.ts';

/** A command that is still being followed. */
export type Draft = { -readonly [Key in keyof ResolvedCommand]: ResolvedCommand[Key] };
export type Files = ResolvedCommand['redirected'];

/** Paths inside a container, each looked for in one mount, that count as one step. */
const MOUNTED_PATHS_PER_STEP = 4;

export class Collector {
  readonly commands: Draft[] = [];
  /** The input was typed at a terminal. */
  isTyped = false;
  readonly uncertainties: Uncertainty[] = [];
  /** Where in the input the reader is; nested programs count for the command that runs them. */
  span = { start: 0, end: 0 };
  /** Above 0: what is found is only supposed to run, so doubts about it say nothing. */
  supposed = 0;
  #steps = 0;
  #exhausted = false;
  readonly #seen = new Set<string>();
  readonly #copying: ShellState['copying'];

  constructor(copying: ShellState['copying']) {
    this.#copying = copying;
  }

  /** False when the budget is used up; the first time that becomes an uncertainty. */
  spend(steps: number): boolean {
    if (this.#exhausted) return false;
    this.#steps += steps;
    if (this.steps <= MAX_STEPS && this.commands.length < MAX_COMMANDS) return true;
    this.giveUp('the command does more than can be followed');
    return false;
  }

  /** What the reading has cost so far. */
  get steps(): number {
    return this.#steps + this.#copying.entries / ENTRIES_PER_STEP;
  }

  get exhausted(): boolean {
    return this.#exhausted;
  }

  /** @returns whether anybody types at a terminal, so that the interpreter reads lines from there */
  noteConsole(draft: Draft | null, interpreter: string): boolean {
    if (draft !== null && this.isTyped) draft.console = interpreter;
    return this.isTyped;
  }

  giveUp(why: string): void {
    if (!this.#exhausted) this.uncertainties.push({ why, ...this.span });
    this.#exhausted = true;
  }

  uncertain(why: string, span: { readonly start: number; readonly end: number } = this.span): void {
    if (this.uncertainties.length >= MAX_UNCERTAINTIES || this.supposed > 0) return;
    const { start, end } = span;
    const last = this.uncertainties.at(-1);
    if (last?.why === why && last.start === start && last.end === end) return;
    this.uncertainties.push({ why, start, end });
  }

  /**
   * @param node tells the places in the input apart: a loop's second round is reported only where it
   *   differs from the first
   */
  record(words: readonly Word[], text: string, files: Files, frame: Frame, node: number): Draft {
    const exact = words.map(exactText);
    noteNames(words, files, frame.state.named, frame.state.likeliestDirectory);
    const { directory, directories } = frame.state;
    const draft: Draft = {
      argv: exact.every((word) => word !== null) ? exact : null,
      text: text.includes(STAND_IN) ? withoutStandIns(text) : text,
      via: frame.via,
      language: 'shell',
      redirections: files.map(({ access, word }) => ({ access, path: exactText(word) })),
      directory,
      directories,
      stdinLanguage: null,
      readsInput: frame.input.kind === 'session' && readsInput(words),
      words,
      redirected: files,
      isFunction: false,
      // What is only supposed to run needs no permission of its own.
      carries: this.supposed > 0,
      sql: null,
    };
    const shown = [...words, ...files.map(({ word }) => word)].map(showWord).join('\0');
    const key = `${node}\0${shown}\0${frame.via.join('\0')}\0${directories?.join('\0') ?? '*'}`;
    if (!this.#seen.has(key)) {
      this.#seen.add(key);
      this.commands.push(draft);
    }
    if (frame.state.mounts.length > 0) this.#recordOutside(words, text, files, frame, node);
    return draft;
  }
  /** The same as the host sees it, which a container shows in other places. */
  #recordOutside(
    words: readonly Word[],
    text: string,
    files: Files,
    frame: Frame,
    node: number,
  ): void {
    const { mounts, directories } = frame.state;
    const paths = words.length + files.length + (directories?.length ?? 0);
    if (!this.spend(Math.floor((paths * mounts.length) / MOUNTED_PATHS_PER_STEP))) return;
    const outside = throughMounts(words, files, frame);
    if (outside !== null) this.record(outside.words, text, outside.files, outside.frame, node);
  }
}

/** @param sql what the command is given; null = it reads its input */
export function noteSql(draft: Draft, sql: string | null): void {
  if (sql === null) draft.stdinLanguage = 'sql';
  else draft.sql = sql;
}
