/**
 * Reads one input: follows the program over the session's state and collects every simple command that
 * would or could run. Not caught here: what programs do by themselves, and files of the target.
 */
import { aliasText, globalAliasText } from './alias.ts';
import { Collector, noteSql, type Draft, type Files } from './collector.ts';
import { assignArray, assignElement } from './element.ts';
import { expandWhole, expandWord, forProgram } from './expand.ts';
import type { Command, CommandArgument, ParsedScript, ScriptNode, WordNode } from './grammar.ts';
import { parseShell } from './grammar.ts';
import { historyExpansion } from './history.ts';
import { hookOf } from './hooks.ts';
import { laterFile } from './later-files.ts';
import {
  MAX_ALIAS_REPLACEMENTS,
  MAX_DEPTH,
  MAX_PARSED_CHARACTERS,
  MAX_VALUE_CHARACTERS,
} from './limits.ts';
import { programName, throughLinks } from './program-file.ts';
import { followUnknown } from './programs/operands.ts';
import { findProgram, whyOpen } from './programs/table.ts';
import { readRedirections } from './redirect.ts';
import type { Call, Frame, Output, Runner } from './runner.ts';
import { deeper, subshell } from './runner.ts';
import type { Input, ShellState } from './state.ts';
import { joinStates, writeFile } from './state.ts';
import { callFunction, checkMeaning, known, runCompound, runStatements, runTraps } from './walk.ts';
import type { Word } from './word.ts';
import { exactText, mergeText, showWord, whyUnknown, withVariables } from './word.ts';

/** What the call of a command brings beside its words. */
interface Extra {
  readonly text: string | null;
  readonly files: Files;
  readonly shell: ShellState;
  readonly written: readonly CommandArgument[];
  readonly descriptors: ReadonlyMap<number, Input>;
  readonly fed: boolean;
}

/** What a piece that isn't text counts towards the length of a value. */
const UNKNOWN_PIECE_CHARACTERS = 64;

export class Reader implements Runner {
  readonly found: Collector;
  #parsed = 0;
  #aliases = 0;
  /** The source that positions of nodes refer to; nested programs have their own. */
  #source = '';
  #nested = 0;
  #node = 0;
  readonly #nodes = new Map<object, number>();
  #draft: Draft | null = null;

  constructor(copying: ShellState['copying']) {
    this.found = new Collector(copying);
  }

  spend(steps: number): boolean {
    return this.found.spend(steps);
  }

  uncertain(why: string): void {
    this.found.uncertain(why);
  }

  /** Runs the input itself: positions of uncertainties refer to it. */
  runInputText(text: string, frame: Frame): void {
    this.found.span = { start: 0, end: text.length };
    // What a shell does with one differs: it ends the text, is left out, or makes it no text at all.
    if (text.includes('\0')) this.uncertain('it contains a NUL character');
    if (historyExpansion(text, frame.state.interactive)) {
      this.uncertain('the shell would put earlier commands in its place (history expansion)');
    }
    this.#runSource(text, frame);
  }

  runText(text: string, frame: Frame): Output {
    this.#nested++;
    const source = this.#source;
    const output = this.#runSource(text, frame);
    this.#source = source;
    this.#nested--;
    return output;
  }

  #runSource(text: string, frame: Frame): Output {
    this.#parsed += text.length;
    if (frame.depth > MAX_DEPTH || this.#parsed > MAX_PARSED_CHARACTERS) {
      this.found.giveUp('programs inside programs are nested deeper than can be followed');
      return null;
    }
    if (!this.spend(1)) return null;
    const parsed = parseShell(text);
    if (parsed.kind === 'refused') {
      this.uncertain(parsed.why);
      return null;
    }
    this.#source = text;
    return runTraps(this.runScript(parsed.script, frame), frame, this);
  }

  runScript(script: ParsedScript | undefined, frame: Frame): Output {
    if (!this.spend(1)) return null;
    if (script === undefined || frame.depth > MAX_DEPTH) {
      this.uncertain('a substitution could not be read');
      return null;
    }
    for (const error of script.errors ?? []) {
      if (this.#nested > 0) this.uncertain(`the shell grammar doesn't allow it: ${error.message}`);
      else this.#syntaxError(error);
    }
    const source = this.#source;
    if (script.source !== undefined) this.#source = script.source;
    const output = runStatements(script.commands, frame, this);
    this.#source = source;
    return output;
  }

  #syntaxError(error: { readonly message: string; readonly pos: number }): void {
    const span = { start: error.pos, end: Math.max(error.pos, this.#source.length) };
    this.found.uncertain(`the shell grammar doesn't allow it: ${error.message}`, span);
  }

  runNode(node: ScriptNode, frame: Frame): Output {
    if (!this.spend(1)) return null;
    const output =
      node.type === 'Command' ? this.#runCommand(node, frame) : runCompound(node, frame, this);
    return typeof output === 'string' && output.length > MAX_VALUE_CHARACTERS ? null : output;
  }

  #runCommand(node: Command, frame: Frame): Output {
    const { span } = this.found;
    const outer = this.#node;
    if (this.#nested === 0 && frame.depth === 0)
      this.found.span = { start: node.pos, end: node.end };
    this.#node = this.#numberOf(node);
    const output = this.#runSimple(node, frame);
    this.#node = outer;
    this.found.span = span;
    return output;
  }

  #numberOf(node: object): number {
    const number = this.#nodes.get(node) ?? this.#nodes.size + 1;
    this.#nodes.set(node, number);
    return number;
  }

  #runSimple(node: Command, frame: Frame): Output {
    const redirected = readRedirections(node.redirects, frame, this);
    const input = redirected.input ?? frame.input;
    const assigned = node.prefix.filter((part) => part.type === 'Assignment');
    const text = this.#source.slice(node.pos, node.end);
    if (node.name === undefined) {
      for (const assignment of assigned) this.#assignNode(assignment, frame);
      this.opened(redirected.files, frame, text);
      return redirected.input === null ? '' : textOf(redirected.input);
    }
    const inner = assigned.length === 0 ? frame : { ...frame, state: frame.state.copy() };
    for (const assignment of assigned) this.#assignNode(assignment, inner);
    const gap = this.#source.slice(node.name.end, node.suffix[0]?.pos ?? node.name.end);
    if (gap.includes('(')) this.uncertain('the shell grammar allows no bracket behind a command');
    let words = forProgram(this.#expandAll([node.name, ...node.args], frame));
    const last = assigned.at(-1);
    // The grammar ends the value of `x=<(cmd)` before the substitution.
    if (last !== undefined && last.end === node.name.pos && words[0]?.[0]?.kind === 'process') {
      this.assign(last.name, words[0] ?? [], inner);
      words = words.slice(1);
    }
    const output = this.#call(words, { ...inner, input }, false, {
      text,
      files: redirected.files,
      shell: frame.state,
      written: node.args,
      descriptors: redirected.descriptors,
      fed: redirected.input !== null || frame.input.kind !== 'session',
    });
    for (const { path, append } of redirected.outputPaths) {
      laterFile(path, output, frame, this);
      writeFile(frame.state, path, append, known(output));
    }
    return redirected.outputTaken ? '' : output;
  }

  #assignNode(
    node: Extract<Command['prefix'][number], { type: 'Assignment' }>,
    frame: Frame,
  ): void {
    if (node.value.type === 'ArrayValue') {
      const words = this.#expandAll(node.value.elements, frame);
      const { elements } = node.value;
      assignArray(node.name, node.append === true, elements, words, frame, this);
      return;
    }
    const word = this.expandWhole(node.value, frame);
    if (node.index !== undefined) {
      const index = exactText(this.expandWhole(node.index, frame));
      assignElement(node.name, index, word, frame, this);
      return;
    }
    const before = frame.state.variables.get(node.name);
    const value =
      node.append === true && before?.kind === 'word' ? [...before.word, ...word] : word;
    this.assign(node.name, value, frame);
  }

  assign(name: string, word: Word, frame: Frame): void {
    const size = word.reduce(
      (sum, piece) => sum + (piece.kind === 'text' ? piece.text.length : UNKNOWN_PIECE_CHARACTERS),
      0,
    );
    // Outside quotes a value is split and matched when it is used, whatever quotes it was written in.
    const value: Word =
      size > MAX_VALUE_CHARACTERS
        ? [{ kind: 'unknown', why: `$${name} grows too long to follow`, splits: true }]
        : mergeText(word);
    const old = frame.state.variables.get(name);
    if (old?.kind === 'reference') frame.state.setWord(old.name, value);
    else frame.state.setWord(name, value);
    hookOf(name, value, frame, this);
  }

  /** Ends early when the budget is used up, which the collector has said then. */
  #expandAll(nodes: readonly (WordNode | CommandArgument)[], frame: Frame): Word[] {
    const words: Word[] = [];
    for (const node of nodes) {
      if (!this.spend(0)) break;
      words.push(...this.expand(node, frame));
    }
    return words;
  }

  expand(node: WordNode | CommandArgument, frame: Frame): Word[] {
    return expandWord(node, frame, this);
  }

  expandWhole(node: WordNode, frame: Frame): Word {
    return expandWhole(node, frame, this);
  }

  runWord(word: Word | undefined, frame: Frame, what: string): Output {
    const text = word === undefined ? null : exactText(word);
    if (text !== null) return this.runText(text, frame);
    const why = word === undefined ? null : whyUnknown(word);
    this.uncertain(`the program text for ${what} can't be known${why === null ? '' : `: ${why}`}`);
    // What is known of it may be reason enough to refuse it.
    return word === undefined ? null : this.runText(withVariables(word, frame.state), frame);
  }

  runInput(frame: Frame, what: string): Output {
    switch (frame.input.kind) {
      case 'text':
        return this.runText(frame.input.text, frame);
      case 'unknown':
        this.uncertain(`${what} runs commands that can't be known: ${frame.input.why}`);
        for (const line of frame.input.lines ?? []) {
          if (exactText(line) !== null) this.runWord(line, frame, what);
        }
        return null;
      case 'session':
        if (this.#draft !== null) this.#draft.stdinLanguage = 'shell';
        return null;
    }
  }

  noteSql(sql: string | null): void {
    if (this.#draft !== null) noteSql(this.#draft, sql);
  }

  noteConsole(interpreter: string): boolean {
    return this.found.noteConsole(this.#draft, interpreter);
  }

  opened(files: Files, frame: Frame, text = ''): void {
    if (files.length > 0) this.#record([], text, files, frame);
  }

  runWords(words: readonly Word[], frame: Frame, direct: boolean): Output {
    return this.#call(words, frame, direct, {
      text: null,
      files: [],
      shell: frame.state,
      written: [],
      descriptors: new Map(),
      fed: frame.input.kind !== 'session',
    });
  }

  #call(words: readonly Word[], frame: Frame, direct: boolean, extra: Extra): Output {
    const first = words[0];
    if (first === undefined) {
      this.opened(extra.files, frame, extra.text ?? '');
      return '';
    }
    if (!this.spend(1)) return null;
    if (frame.depth > MAX_DEPTH) {
      this.found.giveUp('programs inside programs are nested deeper than can be followed');
      return null;
    }
    const text = extra.text ?? words.map(showWord).join(' ');
    const draft = this.#record(words, text, extra.files, frame);
    const led = frame.state.files.size === 0 ? null : throughLinks(words, frame);
    if (led !== null) this.#record(led, text, [], frame);
    const path = exactText(first);
    if (path === null) {
      const why = whyOpen(first, frame.state);
      if (why !== null) this.uncertain(why);
      return null;
    }
    const outer = this.#draft;
    this.#draft = draft;
    const output = this.#dispatch(path, words.slice(1), frame, direct, extra);
    this.#draft = outer;
    return output;
  }

  #dispatch(
    path: string,
    words: readonly Word[],
    frame: Frame,
    direct: boolean,
    extra: Extra,
  ): Output {
    const { state } = frame;
    let own: Output = null;
    if (!direct) {
      const alias = state.aliases.get(path);
      if (alias !== undefined && !frame.via.includes(`alias ${path}`)) {
        this.#runAlias(path, alias, words, frame);
      }
      const line = globalAliasText(path, words, frame, this);
      if (line !== null) this.runText(line, subshell(frame, 'alias -g'));
      checkMeaning(path, frame, this);
      if (state.functions.has(path)) {
        if (this.#draft !== null) this.#draft.isFunction = true;
        own = callFunction(path, words, frame, this);
        if (state !== extra.shell) joinStates(extra.shell, [state]);
        // The definition may not have been reached: the program of that name is followed as well.
      }
    }
    const stored = state.hashed.get(path);
    if (stored !== undefined) {
      return this.runWords(
        [[{ kind: 'text', text: stored, quoted: true }], ...words],
        deeper(frame, path),
        true,
      );
    }
    const name = programName(path, frame, this);
    const found = findProgram(name);
    if (found === undefined) {
      followUnknown(path, name, words, frame, this);
      return own;
    }
    const call: Call = {
      run: this,
      name: found.name,
      words,
      texts: words.map(exactText),
      frame,
      shell: extra.shell,
      written: extra.written,
      descriptors: extra.descriptors,
      fed: extra.fed,
    };
    return found.program(call);
  }

  suppose(words: readonly Word[], frame: Frame): void {
    const outer = this.#draft;
    this.#draft = null;
    this.found.supposed++;
    this.runWords(words, frame, true);
    this.found.supposed--;
    this.#draft = outer;
  }

  #runAlias(name: string, alias: string, words: readonly Word[], frame: Frame): void {
    if (++this.#aliases > MAX_ALIAS_REPLACEMENTS) {
      this.uncertain('aliases name each other too often to follow');
      return;
    }
    const rest = words.map((word) => exactText(word));
    if (rest.includes(null)) {
      this.uncertain(`the words after the alias ${name} can't be known`);
    }
    this.runText(aliasText(alias, rest, frame, this), subshell(frame, `alias ${name}`));
  }

  #record(words: readonly Word[], text: string, files: Files, frame: Frame): Draft {
    if (this.#draft !== null) this.#draft.carries = true;
    return this.found.record(words, text, files, frame, this.#node);
  }
}

function textOf(input: Input): Output {
  return input.kind === 'text' ? input.text : null;
}
