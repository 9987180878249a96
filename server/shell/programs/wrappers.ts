/**
 * Programs that run the program named by their own words, as data, and the few that need more than
 * data. Not caught here: wrappers that this table doesn't name; their operands are judged as operands.
 */
import { NO_VALUES, optionGrammar } from '../option-table.ts';
import { mountAt, mountOf, mountsOf } from '../mounts.ts';
import {
  hasOption,
  leading,
  optionValue,
  dropLeading,
  readOptions,
  type ReadOptions,
} from '../options.ts';
import type { Call, Frame, Output, Program } from '../runner.ts';
import { deeper, subshell } from '../runner.ts';
import { changeDirectory } from '../directory.ts';
import type { Mount } from '../state.ts';
import type { Piece, Word } from '../word.ts';
import { exactText, joinWords, literal, showWord } from '../word.ts';
import { debuggerLines } from './escapes.ts';
import { elsewhere, REMOTE_PROGRAMS } from './remote.ts';
import { shellInput } from './shells.ts';
import { FORMS, type WrapperForm } from './wrapper-form.ts';

function wrapped(call: Call): Output {
  const forms = FORMS.get(call.name) ?? [];
  for (const form of forms) {
    const start = behindVerbs(call, form);
    if (start === null) continue;
    const others = form.how.startsWith('dash') ? forms.slice(forms.indexOf(form) + 1) : [];
    const next = others.find((other) => behindVerbs(call, other) !== null);
    if (next !== undefined && !hasDashes(call, form, start, next.skip)) continue;
    const output = follow(call, form, start);
    if (form.how !== 'none') return form.isAway ? null : output;
  }
  // Some clients have subcommands of both kinds.
  return REMOTE_PROGRAMS[call.name]?.(call) ?? null;
}

/** Index of the first word behind the subcommands of a form; null if they are others. */
function behindVerbs(call: Call, form: WrapperForm): number | null {
  let at = 0;
  for (const verb of form.verbs) {
    at += readOptions(call.words.slice(at), form.grammar, true).end;
    const text = call.texts[at];
    if (text === undefined) return null;
    if (text === null) {
      call.run.uncertain(`what ${call.name} is told to do can't be known`);
      return null;
    }
    if (!verb.has(text) && !verb.has('*')) return null;
    at++;
  }
  return at;
}

function follow(call: Call, form: WrapperForm, start: number): Output {
  const words = call.words.slice(start);
  const read = readOptions(words, form.grammar, form.how !== 'each' && form.how !== 'none');
  if (form.unless.length > 0 && hasOption(read, ...form.unless)) return null;
  const via = [call.name, ...call.texts.slice(0, start).filter(isVerb)].join(' ');
  const frame = form.isAway ? elsewhere(call.frame, via, true) : subshell(call.frame, via);
  const directory = form.directory.length === 0 ? null : optionValue(read, ...form.directory);
  if (directory !== undefined && directory !== null) {
    changeDirectory(directory, frame.state, true);
  }
  if (form.mounts.length > 0) frame.state.mounts = mountsIn(call, form, words, read);
  for (const { name, value } of read.options) {
    if (value !== null && form.texts.includes(name)) call.run.runWord(value, frame, via);
  }
  if (form.texts.length > 0) singleDash(call, form, frame, via);
  if (form.ends.length > 0) {
    const at = words.findIndex((word) => form.ends.includes(exactText(word) ?? ''));
    if (at >= 0) return runBehind(call, words.slice(at + 1), frame, via);
  }
  const rest = commandOf(words, form, read);
  if (rest.length > 0) {
    if (form.how === 'words' || form.how === 'dash' || form.how === 'none') {
      return call.run.runWords(rest, frame, true);
    }
    if (form.how !== 'each') return call.run.runWord(joinWords(rest), frame, via);
    for (const word of rest) if (call.run.spend(1)) call.run.runWord(word, frame, via);
    return null;
  }
  const asks = form.shell === 'always' || hasOption(read, ...form.shell);
  return asks ? shellInput(call, frame) : null;
}

/** Directories of the host that it shows at other places; some programs take the place as a word. */
function mountsIn(
  call: Call,
  form: WrapperForm,
  words: readonly Word[],
  read: ReadOptions,
): readonly Mount[] {
  const from = call.frame.state.likeliestDirectory;
  const found = read.options.flatMap(({ name, value, index }) => {
    if (value === null || !form.mounts.includes(name)) return [];
    const isPair = form.grammar?.pairs?.has(name.slice(2)) === true;
    return [isPair ? mountAt(value, words[index + 2] ?? [], from) : mountOf(value, from)];
  });
  const { mounts, unsure } = mountsOf(found);
  if (unsure) call.run.uncertain(`what ${call.name} shows of the host can't be known`);
  return mounts;
}

/** Long options with one dash (`go run -exec 'text'`). */
function singleDash(call: Call, form: WrapperForm, frame: Frame, via: string): void {
  call.texts.forEach((text, index) => {
    const name = /^(-\w{2,})(?:=|$)/.exec(text ?? '')?.[1];
    if (name === undefined || !form.texts.includes(name)) return;
    const word = call.words[index] as Word;
    const value = text === name ? call.words[index + 1] : dropLeading(word, name.length + 1);
    call.run.runWord(value, frame, via);
  });
}

/** Whether the first `--` is the program's own: a command before it may have one as well. */
function hasDashes(call: Call, form: WrapperForm, start: number, own: number): boolean {
  if (!form.how.startsWith('dash')) return true;
  const dashes = call.texts.indexOf('--');
  if (dashes < 0) return false;
  return readOptions(call.words.slice(start, dashes), form.grammar, false).operands.length <= own;
}

function isVerb(text: string | null): boolean {
  return text !== null && /^[\w-]+$/.test(text) && !text.startsWith('-');
}

/** The words of the command: a program that an option names comes first. */
function commandOf(words: readonly Word[], form: WrapperForm, read: ReadOptions): readonly Word[] {
  const program = form.program.length === 0 ? null : optionValue(read, ...form.program);
  if (program !== undefined && program !== null) {
    const at = read.options.findLast(({ value }) => value === program)?.index ?? 0;
    const behind = form.how === 'none' ? at + 2 : read.end + form.skip;
    return [program, ...words.slice(behind)];
  }
  switch (form.how) {
    case 'none':
      return [];
    case 'each':
      return read.operands.map(({ word }) => word);
    case 'dash':
    case 'dashtext': {
      const dashes = words.findIndex((word) => exactText(word) === '--');
      return dashes < 0 ? [] : words.slice(dashes + 1);
    }
    case 'words':
    case 'text': {
      const rest = words.slice(read.end + form.skip);
      return exactText(rest[0] ?? []) === '--' ? rest.slice(1) : rest;
    }
  }
}

/** Runs what stands behind an option that takes the whole rest; several words, or one text. */
function runBehind(call: Call, words: readonly Word[], frame: Frame, via: string): Output {
  const [first] = words;
  if (first === undefined) return null;
  const isText = words.length === 1 && (exactText(first) ?? ' ').includes(' ');
  return isText ? call.run.runWord(first, frame, via) : call.run.runWords(words, frame, true);
}

/** Runs the rest of the words as a command of its own. */
function runWrapped(call: Call, command: readonly Word[], via: string): Output {
  if (command.length === 0) return null;
  return call.run.runWords(command, subshell(call.frame, via), true);
}

/** `NAME=value` words before the command, as sudo and env take them. */
function afterAssignments(call: Call, words: readonly Word[], frame: Frame): readonly Word[] {
  let index = 0;
  for (; index < words.length; index++) {
    const word = words[index] as Word;
    const match = /^([^=/\s][^=\s]*)=/.exec(leading(word) || showWord(word));
    if (match === null) break;
    const name = match[1] ?? '';
    const value = dropLeading(word, match[0].length);
    if (/^[A-Za-z_]\w*$/.test(name)) call.run.assign(name, value, frame);
    else if (name.startsWith('BASH_FUNC_')) exportedFunction(call, name, value, frame);
  }
  return words.slice(index);
}

/** bash takes a function from a variable of this name: `BASH_FUNC_ls%%=() { …; }`. */
function exportedFunction(call: Call, name: string, value: Word, frame: Frame): void {
  const own = /^BASH_FUNC_(.+?)(?:%%|\(\))$/.exec(name)?.[1];
  const body = exactText(value);
  if (own === undefined || body === null || !body.startsWith('()')) {
    call.run.uncertain('a function comes from the environment');
    return;
  }
  call.run.runText(`${own} ${body}`, deeper(frame, null));
  frame.state.setWord(name, value);
}

function sudo(call: Call): Output {
  const read = readOptions(call.words, optionGrammar(call.name), true);
  if (hasOption(read, '-e', '--edit')) {
    const operands = readOptions(call.words, optionGrammar(call.name), false).operands;
    call.run.suppose([literal('sudoedit'), ...operands.map(({ word }) => word)], call.frame);
    return null;
  }
  if (hasOption(read, '-l', '--list', '-v', '-V', '-K', '-k')) {
    if (read.end === call.words.length || !hasOption(read, '-k')) return null;
  }
  const asShell = hasOption(read, '-i', '--login', '-s', '--shell');
  const directory = optionValue(read, '-D', '--chdir');
  const frame = subshell(call.frame, call.name);
  const command = afterAssignments(call, call.words.slice(read.end), frame);
  if (hasOption(read, '-i', '--login')) frame.state.moveTo(['~root'], true);
  if (directory !== undefined) changeDirectory(directory, frame.state, true);
  if (asShell && command.length === 0) return shellInput(call, frame);
  if (asShell) return call.run.runWord(shellText(command), frame, call.name);
  return command.length === 0 ? null : call.run.runWords(command, frame, true);
}

/**
 * sudo escapes the words that it hands to a shell, all but letters, digits, `_`, `-` and `$`. A single
 * word is read as text as well, as older versions do.
 */
function shellText(command: readonly Word[]): Word {
  if (command.length === 1) return command.flatMap((word) => word.map(plainGlob));
  const escaped = command.map((word) =>
    word.map((piece): Piece => {
      const plain = plainGlob(piece);
      if (plain.kind !== 'text') return plain;
      return { ...plain, text: plain.text.replace(/[^\w$-]/g, '\\$&') };
    }),
  );
  return joinWords(escaped);
}

function plainGlob(piece: Piece): Piece {
  return piece.kind === 'glob' ? { kind: 'text', text: piece.pattern, quoted: false } : piece;
}

function env(call: Call): Output {
  const read = readOptions(call.words, optionGrammar('env'), true);
  const split = optionValue(read, '-S', '--split-string');
  let rest: readonly Word[] = call.words.slice(read.end);
  const frame = subshell(call.frame, 'env');
  const directory = optionValue(read, '-C', '--chdir');
  if (directory !== undefined) changeDirectory(directory, frame.state, true);
  if (split !== undefined && split !== null) {
    return envSplit(call, joinWords([split, ...rest]), frame);
  }
  if (exactText(rest[0] ?? []) === '-') rest = rest.slice(1);
  const command = afterAssignments(call, rest, frame);
  return command.length === 0 ? null : call.run.runWords(command, frame, true);
}

/** The text of `env -S` is words for env itself: options, assignments, then the command. */
function envSplit(call: Call, text: Word, frame: Frame): Output {
  const plain = exactText(text);
  if (plain !== null && /^\s*-|^\s*\S+%%=/.test(plain)) {
    return call.run.runText(`env ${plain}`, deeper(frame, null));
  }
  return call.run.runWord(text, deeper(frame, null), 'env -S');
}

function commandBuiltin(call: Call): Output {
  const read = readOptions(call.words, NO_VALUES, true);
  if (hasOption(read, '-v', '-V')) return null;
  const rest = call.words.slice(read.end);
  // The shell's own state stays reachable: `command cd`, `builtin eval`.
  return rest.length === 0 ? '' : call.run.runWords(rest, deeper(call.frame, call.name), true);
}

/** What may stand behind the file. */
const FLOCK_COMMAND = { ...NO_VALUES, short: 'c', long: new Set(['command']) };

function flock(call: Call): Output {
  const read = readOptions(call.words, optionGrammar('flock'), true);
  const rest = call.words.slice(read.end + 1);
  const text = optionValue(readOptions(rest, FLOCK_COMMAND, true), '-c', '--command');
  if (text !== undefined && text !== null) {
    return call.run.runWord(text, subshell(call.frame, 'flock -c'), 'flock -c');
  }
  return runWrapped(call, rest, 'flock');
}

function watch(call: Call): Output {
  const read = readOptions(call.words, optionGrammar('watch'), true);
  const rest = call.words.slice(read.end);
  if (rest.length === 0) return null;
  if (hasOption(read, '-x', '--exec')) return runWrapped(call, rest, 'watch');
  return call.run.runWord(joinWords(rest), subshell(call.frame, 'watch'), 'watch');
}

function startStopDaemon(call: Call): Output {
  const read = readOptions(call.words, optionGrammar('start-stop-daemon'), true);
  const program = optionValue(read, '--startas', '-a') ?? optionValue(read, '--exec', '-x');
  if (program === undefined || program === null) return null;
  const frame = subshell(call.frame, 'start-stop-daemon');
  const directory = optionValue(read, '-d', '--chdir');
  if (directory !== undefined) changeDirectory(directory, frame.state, true);
  return call.run.runWords([program, ...call.words.slice(read.end)], frame, true);
}

function hyphenCommand(call: Call): Output {
  const at = call.texts.findIndex((text) => text === '--' || text === '-+');
  if (at < 0) return null;
  return runWrapped(call, [literal('bash'), ...call.words.slice(at + 1)], call.name);
}

/** `setarch [ARCH] [options] [program]`; under an architecture's own name there is no ARCH. */
function architecture(call: Call): Output {
  const first = call.texts[0];
  const named = call.name === 'setarch' && first?.startsWith('-') !== true;
  const words = named ? call.words.slice(1) : call.words;
  const read = readOptions(words, optionGrammar('setarch'), true);
  const command = words.slice(read.end);
  if (command.length > 0) return runWrapped(call, command, call.name);
  return hasOption(read, '--list', '-h', '-V', '--help', '--version')
    ? null
    : shellInput(call, subshell(call.frame, call.name));
}

/** `repeat 3 cmd` and `repeat 3 { cmd }` of zsh. */
function repeat(call: Call): Output {
  const rest = call.words.slice(1);
  if (exactText(rest[0] ?? []) !== '{') return runWrapped(call, rest, 'repeat');
  const end = exactText(rest.at(-1) ?? []) === '}' ? -1 : rest.length;
  return call.run.runWords(rest.slice(1, end), subshell(call.frame, 'repeat'), false);
}

/** gdb runs a program that it is given, and shell lines in its own commands. */
function debuggerCommands(call: Call): Output {
  const at = call.texts.findIndex((text) => /^--?args$/.test(text ?? ''));
  if (at >= 0) runWrapped(call, call.words.slice(at + 1), call.name);
  call.texts.forEach((text, index) => {
    const given = /^--?(?:ex|iex|eval-command|init-eval-command)(?:=([^]*))?$/.exec(text ?? '');
    if (given === null) return;
    const command = given[1] ?? call.texts[index + 1] ?? null;
    if (command === null) call.run.uncertain("a command for gdb can't be known");
    else debuggerLines(call, command);
  });
  const { input } = call.frame;
  if (input.kind === 'text') debuggerLines(call, input.text);
  else if (input.kind === 'unknown' && call.fed) {
    call.run.uncertain('gdb reads its commands from another program');
  }
  if (call.texts.some((text) => /^--?(?:x|ix|command|init-command)(?:=|$)/.test(text ?? ''))) {
    call.run.uncertain('gdb reads commands from a file');
  }
  return null;
}

export const WRAPPER_PROGRAMS: Readonly<Record<string, Program>> = {
  ...Object.fromEntries([...FORMS.keys()].map((name) => [name, wrapped])),
  sudo,
  doas: sudo,
  env,
  command: commandBuiltin,
  builtin: commandBuiltin,
  flock,
  watch,
  'start-stop-daemon': startStopDaemon,
  capsh: hyphenCommand,
  repeat,
  gdb: debuggerCommands,
  ...Object.fromEntries(
    'setarch linux32 linux64 i386 i486 i586 i686 x86_64 uname26 ppc64 s390x'
      .split(' ')
      .map((name) => [name, architecture]),
  ),
};
