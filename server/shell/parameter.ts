/**
 * `$x`, `${x…}` and their operations on known values (bash manual, 3.5.3). Not caught here: values
 * that come from the target's environment; they are unknown.
 */
import { evaluateText, type ArithmeticContext } from './arithmetic.ts';
import type { ParameterExpansionPart, WordNode } from './grammar.ts';
import { MAX_VALUE_CHARACTERS } from './limits.ts';
import type { Frame, Runner } from './runner.ts';
import { subshell } from './runner.ts';
import type { ShellState, Value } from './state.ts';
import { globPatterns } from './pattern.ts';
import { runSubscripts } from './subscript.ts';
import { changeCase, removeMatch, replaceMatches, sliceText, transform } from './text-operation.ts';
import type { Piece, Word } from './word.ts';
import { exactText, isUnknown, literal, patternText, unknown } from './word.ts';

/** What a parameter gives: one value, or several fields (`"$@"`). */
export type Fields = readonly Word[];

const MAX_REFERENCES = 8;
const MAX_OPEN_POSITION = 6;

/** The value of a name as one word. */
function lookUp(name: string, state: ShellState, hops = 0): Word {
  const value = state.variables.get(name);
  if (value !== undefined) {
    const word = firstOf(value, state, hops);
    return name === 'OLDPWD' ? directoryWord(exactText(word) ?? '', word) : word;
  }
  if (/^[1-9]\d*$/.test(name)) {
    // A shell that is given one command has no arguments; the first ones stay open, for a line may
    // be a piece of a script.
    if (state.positional === null) {
      return Number(name) > MAX_OPEN_POSITION ? [] : [unknown(`$${name} isn't known`, true)];
    }
    return state.positional[Number(name) - 1] ?? [];
  }
  if (name === '$' || name === 'BASHPID') return [{ kind: 'number', isOwnProcess: true }];
  if (/^[#?!]$/.test(name) || /^(PPID|EUID|UID|RANDOM|SECONDS|LINENO|COLUMNS|LINES)$/.test(name)) {
    return [{ kind: 'number' }];
  }
  if (name === 'IFS') return [{ kind: 'text', text: ' \t\n', quoted: false }];
  if (name === 'HOME') return [{ kind: 'home', user: null }];
  if (name === 'PWD' && state.directory !== null) return directoryWord(state.directory);
  return [unknown(`the value of $${name} isn't known`, true)];
}

/** A directory as a word; `~` at its start is a home directory. */
function directoryWord(directory: string, otherwise: Word = literal(directory)): Word {
  const [, user, rest = ''] = /^~([\w.-]*)(.*)$/s.exec(directory) ?? [];
  if (user === undefined) return otherwise;
  const home: Piece = { kind: 'home', user: user === '' ? null : user };
  return rest === '' ? [home] : [home, { kind: 'text', text: rest, quoted: true }];
}

function firstOf(value: Value, state: ShellState, hops: number): Word {
  switch (value.kind) {
    case 'word':
      return value.word;
    case 'array':
      return value.words[0] ?? [];
    case 'map':
      return value.entries.find(([key]) => key === '0')?.[1] ?? [];
    case 'reference':
      if (hops > MAX_REFERENCES) return [unknown('a variable names itself', true)];
      return lookUp(value.name, state, hops + 1);
  }
}

/** `$x` and the special parameters. */
export function simpleParameter(name: string, frame: Frame): Fields {
  if (name === '@' || name === '*') {
    return frame.state.positional ?? [[unknown(`$${name} isn't known`, true)]];
  }
  return [lookUp(name, frame.state)];
}

/** What arithmetic on plain text sees and changes of the shell. */
export function arithmeticIn(frame: Frame, run: Runner): ArithmeticContext {
  return {
    spend: () => run.spend(1),
    variable: (name) => {
      const value = exactText(lookUp(name, frame.state));
      runSubscripts(value, frame, run);
      return value;
    },
    assign: (name, value) =>
      frame.state.setWord(
        name,
        value === null
          ? [{ kind: 'number' }]
          : [{ kind: 'text', text: String(value), quoted: false }],
      ),
    text: (word) => (word.parts === undefined ? word.value : null),
    run: () => undefined,
  };
}

/** `${…}` with index, indirection and operation. */
export function parameter(part: ParameterExpansionPart, frame: Frame, run: Runner): Fields {
  const { state } = frame;
  const name = part.parameter;
  if (part.prefix === '#') return [[lengthOf(part, frame, run)]];
  if (part.operation?.type === 'Names') return namesFrom(name, frame);
  if (part.index !== undefined) {
    const { index } = part;
    const isAll = index.value === '@' || index.value === '*';
    const list = part.prefix === '!' ? keysOf(part, frame) : indexed(part, frame, run);
    return isAll ? overAll(part, list, frame, run) : [operate(part, list[0] ?? [], frame, run)];
  }
  if (name === '@' || name === '*') {
    const fields = simpleParameter(name, frame);
    return overAll(part, fields, frame, run);
  }
  let value = lookUp(name, state);
  if (part.prefix === '!') {
    const target = exactText(value);
    value =
      target !== null && /^\w+$/.test(target)
        ? lookUp(target, state)
        : [unknown('the name of a variable comes from a variable', true)];
  }
  return [operate(part, value, frame, run)];
}

/** `${#x}`, `${#a[@]}`: a number, known when the value is. */
function lengthOf(part: ParameterExpansionPart, frame: Frame, run: Runner): Piece {
  const number = (count: number): Piece => ({ kind: 'text', text: String(count), quoted: true });
  const all = part.index?.value === '@' || part.index?.value === '*';
  if (all || part.parameter === '@' || part.parameter === '*') {
    const list = all ? indexed(part, frame, run) : simpleParameter('@', frame);
    return list.some(isUnknown) ? { kind: 'number' } : number(list.length);
  }
  const word =
    part.index === undefined
      ? lookUp(part.parameter, frame.state)
      : (indexed(part, frame, run)[0] ?? []);
  const home = word.some(({ kind }) => kind === 'home' || kind === 'process');
  const text = home ? null : exactText(word);
  return text === null ? { kind: 'number' } : number(Array.from(text).length);
}

/** `${!prefix*}`: the environment may have more of them. */
function namesFrom(prefix: string, frame: Frame): Fields {
  const names = [...frame.state.variables.keys()].filter((name) => name.startsWith(prefix));
  if (names.length === 0 || prefix.length < MIN_PREFIX) {
    return [[unknown('the names of variables are not known', true)]];
  }
  return names.toSorted().map(literal);
}

/** Shorter prefixes are those of many variables of the environment. */
const MIN_PREFIX = 2;

/** `${!a[@]}`. */
function keysOf(part: ParameterExpansionPart, frame: Frame): Fields {
  const value = frame.state.variables.get(part.parameter);
  if (value?.kind === 'array') return value.words.map((_, index) => literal(String(index)));
  if (value?.kind === 'map') return value.entries.map(([key]) => literal(key));
  return [[unknown(`the indexes of $${part.parameter} are not known`, true)]];
}

/** An operation on every field of a list; a slice chooses some of them. */
function overAll(part: ParameterExpansionPart, list: Fields, frame: Frame, run: Runner): Fields {
  const { operation } = part;
  if (operation === undefined) return list;
  if (operation.type !== 'Slice') {
    if (operation.type === 'Default' && list.length === 0) {
      return [operate(part, [], frame, run)];
    }
    return operation.type === 'Default'
      ? list
      : list.map((field) => operate(part, field, frame, run));
  }
  const lost: Fields = [[unknown(`part of $${part.parameter} isn't known`, true)]];
  const offset = sliceNumber(operation.offset, frame, run);
  const length = operation.length === undefined ? null : sliceNumber(operation.length, frame, run);
  if (offset === null || (operation.length !== undefined && length === null)) return lost;
  // What isn't known may be several fields, so that nothing behind it can be counted.
  const isPositional = part.parameter === '@' || part.parameter === '*';
  const shift = isPositional ? offset - 1 : offset;
  if (list.some(isUnknown) || length === -1) return lost;
  if (isPositional && offset === 0) return lost;
  const start = offset < 0 ? list.length + offset : shift;
  if (start < 0) return [];
  return length === null ? list.slice(start) : list.slice(start, start + length);
}

/** An offset or length: arithmetic. */
function sliceNumber(node: WordNode, frame: Frame, run: Runner): number | null {
  const text = exactText(run.expandWhole(node, frame));
  return text === null ? null : evaluateText(text, arithmeticIn(frame, run));
}

function indexed(part: ParameterExpansionPart, frame: Frame, run: Runner): Fields {
  const index = part.index;
  const value = frame.state.variables.get(part.parameter);
  const lost: Fields = [[unknown(`an element of $${part.parameter} isn't known`, true)]];
  if (index === undefined) return lost;
  const isAll = index.value === '@' || index.value === '*';
  if (value?.kind === 'word' && isAll) return [value.word];
  if (value === undefined || value.kind === 'reference') {
    run.expandWhole(index, frame);
    return lost;
  }
  if (isAll) {
    if (value.kind === 'array') return value.words;
    // The order of elements under names isn't known.
    const isOrdered = value.kind === 'map' && value.entries.every(([key]) => /^\d+$/.test(key));
    if (value.kind !== 'map' || (!isOrdered && value.entries.length > 1)) return lost;
    return value.entries.map(([, word]) => word);
  }
  const exact = exactText(run.expandWhole(index, frame));
  if (exact === null) return lost;
  if (value.kind === 'map') {
    const own = value.entries.find(([key]) => key === exact)?.[1];
    if (own !== undefined) return [own];
  }
  const at = evaluateText(exact, arithmeticIn(frame, run));
  if (at === null) return lost;
  if (value.kind === 'map') {
    return [value.entries.find(([key]) => key === String(at))?.[1] ?? lost[0] ?? []];
  }
  if (value.kind === 'word') return at === 0 || at === -1 ? [value.word] : lost;
  return [value.words.at(at) ?? lost[0] ?? []];
}

function operate(part: ParameterExpansionPart, value: Word, frame: Frame, run: Runner): Word {
  const operation = part.operation;
  if (operation === undefined) return value;
  const lost: Word = [unknown(`part of $${part.parameter} isn't known`, true)];
  const isOpen = value.some(({ kind }) => kind === 'home' || kind === 'process');
  const known = isOpen ? null : exactText(value);
  const operand = (node: WordNode | undefined): Word =>
    node === undefined ? [] : run.expandWhole(node, frame);
  switch (operation.type) {
    case 'Default':
      return useDefault(
        part.parameter,
        operation.operator,
        value,
        operand(operation.operand),
        frame,
        run,
      );
    case 'Slice': {
      const offset = sliceNumber(operation.offset, frame, run);
      const length =
        operation.length === undefined ? undefined : sliceNumber(operation.length, frame, run);
      if (offset === null || length === null) return lost;
      if (length === 0) return [];
      // A path of the environment begins with a slash, whatever it is.
      if (known === null && length === 1 && offset === 0 && isAbsolute(part, value)) {
        return text('/');
      }
      return known === null ? lost : text(sliceText(known, offset, length));
    }
    case 'Remove': {
      const pattern = patternText(operand(operation.operand));
      if (known === null || pattern === null || known.length > MAX_PATTERN_SUBJECT) return lost;
      const tokens = globPatterns(pattern);
      if (!run.spend(stepsOf(tokens, known.length))) return lost;
      return text(removeMatch(known, tokens, operation.operator));
    }
    case 'Replace': {
      // The grammar ends the pattern at the first slash, one inside a substitution too.
      if (/`|[$<>]\(/.test(operation.pattern.text)) {
        if (/[<>]\(/.test(part.text)) run.uncertain('a substitution could not be read');
        const behind = part.text.slice(operation.operatorEnd - part.pos, -1);
        run.runText(`: "${behind.replaceAll('"', '')}"`, subshell(frame, null));
        return lost;
      }
      const pattern = patternText(operand(operation.pattern));
      const replacement = exactText(operand(operation.replacement));
      if (known === null || pattern === null || replacement === null) return lost;
      // `&` stands for what was matched, depending on the shell.
      if (known.length > MAX_PATTERN_SUBJECT || /(?<!\\)&/.test(replacement)) return lost;
      if (pattern === '' && operation.operator === '/#') return text(replacement + known);
      if (pattern === '' && operation.operator === '/%') return text(known + replacement);
      if (pattern === '') return value;
      const tokens = globPatterns(pattern);
      if (!run.spend(stepsOf(tokens, known.length ** 2 + replacement.length))) return lost;
      const replaced = replaceMatches(known, tokens, replacement, operation.operator);
      return replaced.length > MAX_VALUE_CHARACTERS ? lost : text(replaced);
    }
    case 'CaseModification': {
      const pattern =
        operation.operand === undefined ? '' : patternText(operand(operation.operand));
      if (known === null || pattern === null) return lost;
      return text(changeCase(known, operation.operator, pattern));
    }
    case 'Transform': {
      const letter = exactText(operand(operation.operand));
      // `@P` expands the value as a prompt.
      if (letter === 'P' && known !== null && /\$\(|`/.test(known)) {
        run.runText(`: "${known.replaceAll('"', '')}"`, subshell(frame, null));
      }
      const changed = known === null || letter === null ? null : transform(known, letter);
      return changed === null ? lost : text(changed);
    }
    case 'Unknown':
      if (known !== null && /^~~?$/.test(operation.operator)) {
        return text(changeCase(known, operation.operator, ''));
      }
      return lost;
    case 'Names':
      return lost;
  }
}

/** Variables that hold an absolute path wherever they are set. */
const ABSOLUTE = /^(?:HOME|PWD|OLDPWD|PATH|SHELL|BASH|MAIL|TMPDIR|XDG_RUNTIME_DIR)$/;

function isAbsolute(part: ParameterExpansionPart, value: Word): boolean {
  if (part.index !== undefined || part.prefix !== undefined) return false;
  return (
    value[0]?.kind === 'home' || (ABSOLUTE.test(part.parameter) && value[0]?.kind === 'unknown')
  );
}

/** Longest value on which `${x#…}` and `${x/…}` are computed. */
const MAX_PATTERN_SUBJECT = 200;
/** Comparisons of characters that count as one step. */
const COMPARISONS_PER_STEP = 500;

function stepsOf(patterns: readonly string[], places: number): number {
  const length = patterns.reduce((sum, pattern) => sum + pattern.length, 0);
  return Math.ceil((length * places) / COMPARISONS_PER_STEP);
}

function text(value: string): Word {
  return value === '' ? [] : [{ kind: 'text', text: value, quoted: false }];
}

function useDefault(
  name: string,
  operator: string,
  value: Word,
  alternative: Word,
  frame: Frame,
  run: Runner,
): Word {
  const set = frame.state.variables.has(name) || /^\d+$/.test(name);
  const known = exactText(value);
  // Without the colon an empty value is a value; one without pieces was unset.
  const empty = known === '' && (operator.startsWith(':') || value.length === 0);
  if (operator.includes('+')) return set && empty ? [] : alternative;
  if (set && !empty) return value;
  if (operator.includes('=')) run.assign(name, alternative, frame);
  if (operator.includes('?')) return value;
  // A name that the input never set may come from the environment: judged by its default.
  return alternative;
}
