/**
 * Builtins that change what later commands of the session mean. Not caught here: options of the shell
 * that change its grammar (`set -o`, `setopt`).
 */
import { changeDirectory } from '../directory.ts';
import { NO_VALUES } from '../option-table.ts';
import { assignArray, assignElement } from '../element.ts';
import { hasOption, leading, optionValue, readOptions } from '../options.ts';
import { widePatterns } from '../hooks.ts';
import type { Call, Output, Program } from '../runner.ts';
import { subshell } from '../runner.ts';
import { remember, valuesIn, type ShellState } from '../state.ts';
import { runSubscripts } from '../subscript.ts';
import { exactText, literal, patternText, unknown } from '../word.ts';
import type { Word } from '../word.ts';
import { ALIAS_BUILTINS } from './alias-builtins.ts';
import { LATER_BUILTINS } from './later-builtins.ts';
import { TERMINAL_PROGRAMS } from './terminal-settings.ts';
import { formatPrintf } from './text.ts';
import { ZSH_BUILTINS } from './zsh-builtins.ts';

function cd(call: Call): Output {
  const read = readOptions(call.words, NO_VALUES, true);
  const word = call.words[read.end];
  const { directory } = call.shell;
  if (word === undefined) {
    if (call.name === 'cd') changeDirectory(homeOf(call), call.shell);
    else goBack(call.shell, null);
  } else if (read.options.length > 0 && call.name === 'pushd') call.shell.moveTo(null, true);
  else if (exactText(word) === '-') goBack(call.shell, lastDirectory(call.shell));
  else if (/^[+-]\d+$/.test(exactText(word) ?? '')) goBack(call.shell, null);
  else changeDirectory(word, call.shell);
  if (word !== undefined && call.shell.variables.has('CDPATH')) {
    if (!/^[/.~]/.test(leading(word))) call.shell.moveTo(null, true);
  }
  if (directory === null) call.shell.variables.delete('OLDPWD');
  else call.shell.setWord('OLDPWD', literal(directory));
  return '';
}

function homeOf(call: Call): Word {
  const home = call.shell.variables.get('HOME');
  return home?.kind === 'word' ? home.word : literal('~');
}

function popd(call: Call): Output {
  // Mostly that is where the last `pushd` came from.
  const last = lastDirectory(call.shell);
  goBack(call.shell, last !== null && call.shell.visited?.includes(last) === true ? last : null);
  return '';
}

/** To one of the places where the shell has been. @param likeliest null = nobody knows which */
function goBack(state: ShellState, likeliest: string | null): void {
  const { visited } = state;
  const isKnown = likeliest === null || visited?.includes(likeliest) === true;
  if (visited === null || !isKnown || state.variables.has('DIRSTACK')) state.moveTo(null, true);
  else state.moveTo(likeliest === null ? visited : [...new Set([likeliest, ...visited])], false);
}

/** What `$OLDPWD` says; where nobody has set it, the shell has only been where it began. */
function lastDirectory({ variables, visited }: ShellState): string | null {
  const value = variables.get('OLDPWD');
  if (value === undefined) return visited?.length === 1 ? (visited[0] ?? null) : null;
  return value.kind === 'word' ? (exactText(value.word) ?? '?') : '?';
}

function execute(call: Call): Output {
  const read = readOptions(call.words, { ...NO_VALUES, short: 'a' }, true);
  const rest = call.words.slice(read.end);
  if (rest.length > 0) return call.run.runWords(rest, subshell(call.frame, 'exec'), true);
  for (const [descriptor, input] of call.descriptors) {
    if (call.shell.descriptors.size < MAX_DESCRIPTORS)
      call.shell.descriptors.set(descriptor, input);
    if (descriptor !== 0) continue;
    call.shell.input = input;
    // A shell at a prompt reads its next commands from there.
    if (call.shell.interactive) call.run.runInput({ ...call.frame, input }, 'exec');
  }
  return '';
}

const MAX_DESCRIPTORS = 256;

function trap(call: Call): Output {
  const words = call.texts[0] === '--' ? call.words.slice(1) : call.words;
  const first = words[0];
  if (first === undefined || words.length < 2 || exactText(first)?.startsWith('-') === true)
    return '';
  const text = exactText(first);
  if (text !== null) remember(call.shell.traps, text, valuesIn(text, call.shell));
  call.run.runWord(first, subshell(call.frame, 'trap'), 'trap');
  return '';
}

function setOptions(call: Call): Output {
  const at = call.texts.indexOf('--');
  if (at >= 0) call.shell.positional = call.words.slice(at + 1);
  else if (call.words.length > 0 && !/^[-+]/.test(call.texts[0] ?? '-')) {
    call.shell.positional = call.words;
  }
  return '';
}

function shift(call: Call): Output {
  const by = Number(call.texts[0] ?? '1');
  const { positional } = call.shell;
  if (positional !== null)
    call.shell.positional = Number.isInteger(by) ? positional.slice(by) : null;
  return '';
}

function hash(call: Call): Output {
  const at = call.texts.indexOf('-p');
  const path = call.texts[at + 1];
  const name = call.texts[at + 2];
  if (at >= 0 && typeof path === 'string' && typeof name === 'string') {
    remember(call.shell.hashed, name, path);
    if (!/^\/(?:usr\/)?s?bin\/|^\/usr\/local\/s?bin\//.test(path)) {
      call.run.uncertain(`${name} is made to run ${path}`);
    }
  }
  // zsh: `hash ls=/bin/rm`; `-d` names directories.
  const named = call.texts.includes('-d');
  for (const text of at >= 0 ? [] : call.texts) {
    if (text === null) call.run.uncertain("hash names a program that can't be known");
    const given = /^([^=/]+)=(.+)$/.exec(text ?? '');
    if (given === null) continue;
    if (named) call.run.uncertain('a directory is given a name of its own');
    else remember(call.shell.hashed, given[1] ?? '', given[2] ?? '');
  }
  return '';
}

function declare(call: Call): Output {
  const into = { ...call.frame, state: call.shell };
  const reference = call.texts.some((text) => text !== null && /^-\w*n/.test(text));
  const isNumber = call.texts.some((text) => text !== null && /^-\w*i/.test(text));
  if (call.texts.some((text) => text !== null && /^-\w*f/.test(text))) return functions(call);
  for (const node of call.written) {
    if (node.type !== 'Assignment') continue;
    if (node.value.type === 'ArrayValue') {
      const words = node.value.elements.flatMap((element) => call.run.expand(element, call.frame));
      const { elements } = node.value;
      assignArray(node.name, node.append === true, elements, words, into, call.run);
      continue;
    }
    const word = call.run.expandWhole(node.value, call.frame);
    const target = exactText(word);
    if (isNumber) runSubscripts(target, call.frame, call.run);
    if (reference && target !== null) {
      call.shell.setVariable(node.name, { kind: 'reference', name: target });
    } else call.run.assign(node.name, word, into);
  }
  for (const text of call.texts) runSubscripts(text, call.frame, call.run);
  if (call.texts.some((text) => /^-\w*p/.test(text ?? ''))) return null;
  if (call.words.every((_, index) => call.texts[index]?.startsWith('-') === true)) return null;
  if (call.written.length > 0) return '';
  // Behind a wrapper (`command export x=y`) the words are all there is.
  for (const text of call.texts) {
    const at = text?.indexOf('=') ?? -1;
    if (text !== null && at > 0) {
      call.run.assign(text.slice(0, at), literal(text.slice(at + 1)), into);
    }
  }
  return '';
}

/** `export -f f`, `declare -fx f`: programs of this shell's children are called like it. */
function functions(call: Call): Output {
  if (call.texts.some((text) => /^-\w*p/.test(text ?? ''))) return null;
  const exports = call.name === 'export' || call.texts.some((text) => /^-\w*x/.test(text ?? ''));
  if (!exports) return null;
  for (const text of call.texts) {
    if (text !== null && !text.startsWith('-')) {
      call.shell.setWord(`BASH_FUNC_${text}%%`, [unknown('it is a function', true)]);
    }
  }
  return '';
}

function unset(call: Call): Output {
  for (const text of call.texts) {
    runSubscripts(text, call.frame, call.run);
    if (text === null || text.startsWith('-')) continue;
    if (call.texts[0] !== '-f') call.shell.setWord(text, []);
  }
  return '';
}

function read(call: Call): Output {
  const options = readOptions(call.words, { ...NO_VALUES, short: 'adinNptu' }, true);
  const names = call.words.slice(options.end).map(exactText);
  const { input } = call.frame;
  const why = 'it is read from the input';
  const array = optionValue(options, '-a');
  if (array !== undefined) names.push(array === null ? null : exactText(array));
  for (const name of names) runSubscripts(name, call.frame, call.run);
  const into = { ...call.frame, state: call.shell };
  const delimiter = optionValue(options, '-d');
  const end = delimiter === undefined ? '\n' : exactText(delimiter ?? []);
  const known = separatorsOf(call);
  const [only, ...others] = input.kind === 'unknown' ? (input.lines ?? []) : [];
  if (only !== undefined && others.length === 0 && names.length <= 1 && array === undefined) {
    call.run.assign(names[0] ?? 'REPLY', only, into);
    return '';
  }
  if (
    input.kind !== 'text' ||
    end === null ||
    known === null ||
    hasOption(options, '-n', '-N', '-u')
  ) {
    for (const name of names.length > 0 ? names : ['REPLY']) {
      if (name !== null) call.run.assign(name, [unknown(why, true)], into);
    }
    return '';
  }
  const line = input.text.split(end === '' ? '\0' : end, 1)[0] ?? '';
  const fields = fieldsOf(line, known);
  if (array !== undefined) {
    const words = fields.map(({ text }) => plain(text));
    const name = array === null ? null : exactText(array);
    if (name !== null) call.shell.setVariable(name, { kind: 'array', words });
    return '';
  }
  if (names.length === 0) call.shell.setWord('REPLY', plain(line));
  names.forEach((name, index) => {
    const isLast = index === names.length - 1;
    const field = fields[index];
    // The last name takes the rest of the line, separators and all.
    const value = isLast ? trimmed(line.slice(field?.at ?? line.length), known) : field?.text;
    if (name !== null) call.run.assign(name, plain(value ?? ''), into);
  });
  return '';
}

/** The field separators in force; null = not known. */
function separatorsOf(call: Call): string | null {
  const ifs = call.frame.state.variables.get('IFS');
  if (ifs === undefined) return ' \t\n';
  return ifs.kind === 'word' ? exactText(ifs.word) : null;
}

/** Fields of a line with their positions: blanks in a row separate once, other characters each. */
function fieldsOf(
  line: string,
  separators: string,
): readonly { readonly text: string; readonly at: number }[] {
  const fields: { text: string; at: number }[] = [];
  const isBlank = (char: string) => separators.includes(char) && /\s/.test(char);
  let at = 0;
  while (at < line.length) {
    while (at < line.length && isBlank(line[at] as string)) at++;
    if (at >= line.length) break;
    const start = at;
    while (at < line.length && !separators.includes(line[at] as string)) at++;
    fields.push({ text: line.slice(start, at), at: start });
    while (at < line.length && isBlank(line[at] as string)) at++;
    if (at < line.length && separators.includes(line[at] as string)) at++;
  }
  return fields;
}

function trimmed(text: string, separators: string): string {
  let end = text.length;
  while (
    end > 0 &&
    /\s/.test(text[end - 1] as string) &&
    separators.includes(text[end - 1] as string)
  )
    end--;
  return text.slice(0, end);
}

function plain(text: string): Word {
  return [{ kind: 'text', text, quoted: false }];
}

function mapfile(call: Call): Output {
  const { input } = call.frame;
  const options = readOptions(call.words, { ...NO_VALUES, short: 'dnOsuCc' }, true);
  const name = call.texts[options.end] ?? 'MAPFILE';
  const callback = optionValue(options, '-C');
  if (callback !== undefined && callback !== null) {
    call.run.runWord(callback, subshell(call.frame, 'mapfile -C'), 'mapfile -C');
  }
  runSubscripts(name, call.frame, call.run);
  const words =
    input.kind === 'text'
      ? input.text.replace(/\n$/, '').split('\n').map(literal)
      : [[unknown('it is read from the input', true)]];
  assignArray(name, false, [], words, { ...call.frame, state: call.shell }, call.run);
  return '';
}

function getopts(call: Call): Output {
  const name = call.texts[1];
  if (typeof name === 'string') call.shell.setWord(name, [unknown('it is an option', true)]);
  return '';
}

function printf(call: Call): Output {
  const words = call.texts[0] === '--' ? call.texts.slice(1) : call.texts;
  if (words[0] !== '-v') return formatPrintf(words);
  const name = patternText(call.words[call.texts[0] === '--' ? 2 : 1] ?? []);
  const output = formatPrintf(words.slice(2));
  const value: Word = output === null ? [unknown('printf made it', true)] : plain(output);
  if (typeof name !== 'string') return '';
  runSubscripts(name, call.frame, call.run);
  const element = /^(\w+)\[([^]*)\]$/.exec(name);
  const into = { ...call.frame, state: call.shell };
  if (element === null) call.run.assign(name, value, into);
  else assignElement(element[1] ?? '', element[2] ?? '', value, into, call.run);
  return '';
}

/** Names and numbers of these are evaluated; nothing else of them is followed. */
function evaluated(call: Call): Output {
  for (const text of call.texts) runSubscripts(text, call.frame, call.run);
  return null;
}

/** Options that change what patterns mean. */
function shellOptions(call: Call): Output {
  const sets = call.texts.some((text) => /^-\w*s/.test(text ?? ''));
  if (sets && call.texts.includes('nocaseglob')) {
    call.run.uncertain('patterns match names in other letters from here on');
  }
  if (sets || call.name !== 'shopt') widePatterns(call.texts, call.run);
  return '';
}

function silent(): Output {
  return '';
}

/** Runs an earlier command again, perhaps with other words in it. */
function fixCommand(call: Call): Output {
  const lists = call.texts.some((text) => text !== null && /^-\w*l/.test(text));
  if (!lists) call.run.uncertain('fc runs an earlier command again');
  return null;
}

export const BUILTINS: Readonly<Record<string, Program>> = {
  ...ALIAS_BUILTINS,
  ...LATER_BUILTINS,
  ...ZSH_BUILTINS,
  cd,
  pushd: cd,
  chdir: cd,
  popd,
  exec: execute,
  trap,
  set: setOptions,
  shift,
  hash,
  declare,
  typeset: declare,
  local: declare,
  readonly: declare,
  export: declare,
  unset,
  read,
  mapfile,
  readarray: mapfile,
  getopts,
  printf,
  fc: fixCommand,
  wait: evaluated,
  let: evaluated,
  test: evaluated,
  '[': evaluated,
  ...TERMINAL_PROGRAMS,
  true: silent,
  false: silent,
  ':': silent,
  shopt: shellOptions,
  setopt: shellOptions,
};
