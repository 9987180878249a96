/**
 * `$x`, `${x…}` and their operations on known values (bash manual, 3.5.3). Not caught here: values
 * that come from the target's environment; they are unknown.
 */
import type { ParameterExpansionPart, WordNode } from './grammar.ts';
import { MAX_VALUE_CHARACTERS } from './limits.ts';
import { globPatterns, matchEnds } from './pattern.ts';
import type { Frame, Runner } from './runner.ts';
import { subshell } from './runner.ts';
import type { ShellState, Value } from './state.ts';
import type { Word } from './word.ts';
import { exactText, literal, patternText, unknown } from './word.ts';

/** What a parameter gives: one value, or several fields (`"$@"`). */
export type Fields = readonly Word[];

const MAX_REFERENCES = 8;

/** The value of a name as one word. */
function lookUp(name: string, state: ShellState, hops = 0): Word {
  const value = state.variables.get(name);
  if (value !== undefined) return firstOf(value, state, hops);
  if (/^[1-9]\d*$/.test(name)) {
    if (state.positional === null) return [unknown(`$${name} isn't known`, true)];
    return state.positional[Number(name) - 1] ?? [];
  }
  if (/^[#?$!]$/.test(name) || /^(PPID|EUID|UID|RANDOM|SECONDS|LINENO|COLUMNS|LINES)$/.test(name)) {
    return [{ kind: 'number' }];
  }
  if (name === 'IFS') return [{ kind: 'text', text: ' \t\n', quoted: false }];
  if (name === 'HOME') return [{ kind: 'home', user: null }];
  if (name === 'PWD' && state.directory !== null) return literal(state.directory);
  return [unknown(`the value of $${name} isn't known`, true)];
}

function firstOf(value: Value, state: ShellState, hops: number): Word {
  switch (value.kind) {
    case 'word':
      return value.word;
    case 'array':
      return value.words[0] ?? [];
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

/** `${…}` with index, indirection and operation. */
export function parameter(part: ParameterExpansionPart, frame: Frame, run: Runner): Fields {
  const { state } = frame;
  const name = part.parameter;
  if (part.prefix === '#') return [[{ kind: 'number' }]];
  if (part.index !== undefined) {
    const list = indexed(part, frame, run);
    if (list.length !== 1 || part.operation === undefined) return list;
    return [operate(part, list[0] ?? [], frame, run)];
  }
  if (name === '@' || name === '*') {
    const fields = simpleParameter(name, frame);
    return part.operation === undefined
      ? fields
      : [[unknown(`part of $${name} isn't known`, true)]];
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

function indexed(part: ParameterExpansionPart, frame: Frame, run: Runner): Fields {
  const index = part.index;
  const value = frame.state.variables.get(part.parameter);
  if (index === undefined || value?.kind !== 'array') {
    if (index !== undefined) run.expandWhole(index, frame);
    return [[unknown(`an element of $${part.parameter} isn't known`, true)]];
  }
  if (index.value === '@' || index.value === '*') return value.words;
  const exact = exactText(run.expandWhole(index, frame));
  const at = exact === null ? null : arrayIndex(exact, frame.state);
  const word = at === null ? undefined : value.words.at(at);
  return [word ?? [unknown(`an element of $${part.parameter} isn't known`, true)]];
}

/** An arithmetic index: a number, or the name of a variable that holds one. */
function arrayIndex(text: string, state: ShellState): number | null {
  if (/^-?\d{1,9}$/.test(text)) return Number(text);
  if (!/^[A-Za-z_]\w*$/.test(text)) return null;
  const value = exactText(lookUp(text, state));
  return value !== null && /^-?\d{1,9}$/.test(value) ? Number(value) : null;
}

function operate(part: ParameterExpansionPart, value: Word, frame: Frame, run: Runner): Word {
  const operation = part.operation;
  if (operation === undefined) return value;
  const lost: Word = [unknown(`part of $${part.parameter} isn't known`, true)];
  const known = exactText(value);
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
      const offset = exactText(operand(operation.offset));
      const length = operation.length === undefined ? '' : exactText(operand(operation.length));
      if (offset === null || length === null) return lost;
      if (length.trim() === '0') return [];
      if (known === null) return lost;
      return slice(known, offset, length) ?? lost;
    }
    case 'Remove': {
      const pattern = patternText(operand(operation.operand));
      if (known === null || pattern === null || known.length > MAX_PATTERN_SUBJECT) return lost;
      const tokens = globPatterns(pattern);
      if (!run.spend(stepsOf(tokens, known.length))) return lost;
      return text(remove(known, tokens, operation.operator));
    }
    case 'Replace': {
      const pattern = patternText(operand(operation.pattern));
      const replacement = exactText(operand(operation.replacement));
      if (known === null || pattern === null || replacement === null) return lost;
      if (known.length > MAX_PATTERN_SUBJECT || pattern === '')
        return pattern === '' ? value : lost;
      const tokens = globPatterns(pattern);
      if (!run.spend(stepsOf(tokens, known.length ** 2 + replacement.length))) return lost;
      const replaced = replace(known, tokens, replacement, operation.operator);
      return replaced.length > MAX_VALUE_CHARACTERS ? lost : text(replaced);
    }
    case 'CaseModification': {
      operand(operation.operand);
      if (known === null) return lost;
      const upper = operation.operator.startsWith('^');
      const changed = operation.operator.length === 2 ? known.length : 1;
      const head = known.slice(0, changed);
      return text((upper ? head.toUpperCase() : head.toLowerCase()) + known.slice(changed));
    }
    case 'Transform':
      // `@P` expands the value as a prompt.
      if (operation.operand.value === 'P' && known !== null && /\$\(|`/.test(known)) {
        run.runText(`: "${known.replaceAll('"', '')}"`, subshell(frame, null));
      }
      return lost;
    case 'Names':
    case 'Unknown':
      return lost;
  }
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
  const empty = known === '';
  if (operator.includes('+')) return set && empty ? [] : alternative;
  if (set && !empty) return value;
  if (operator.includes('=')) run.assign(name, alternative, frame);
  if (operator.includes('?')) return value;
  // A name that the input never set may come from the environment: judged by its default.
  return alternative;
}

function slice(known: string, offset: string, length: string): Word | null {
  if (!/^\s*-?\d{1,9}\s*$/.test(offset) || !/^\s*(-?\d{1,9})?\s*$/.test(length)) return null;
  const start = Number(offset) < 0 ? known.length + Number(offset) : Number(offset);
  const rest = known.slice(Math.max(0, start));
  return text(length.trim() === '' ? rest : rest.slice(0, Number(length)));
}

function remove(
  known: string,
  patterns: readonly string[],
  operator: '#' | '##' | '%' | '%%',
): string {
  const fromStart = operator.startsWith('#');
  const ends = fromStart
    ? matchEnds(patterns, known)
    : matchEnds(patterns.map(reversed), reversed(known));
  const cut = operator.length === 2 ? ends.at(-1) : ends[0];
  if (cut === undefined) return known;
  return fromStart ? known.slice(cut) : known.slice(0, known.length - cut);
}

function reversed(text: string): string {
  return text.split('').toReversed().join('');
}

function replace(
  known: string,
  patterns: readonly string[],
  replacement: string,
  operator: string,
): string {
  let out = '';
  for (let at = 0; at < known.length;) {
    const end = longestMatch(patterns, known, at, operator === '/%');
    if (end === null) out += known[at++] ?? '';
    else {
      out += replacement;
      at = end;
      if (operator !== '//') return out + known.slice(at);
    }
    if (operator === '/#') return out + known.slice(at);
  }
  return out;
}

function longestMatch(
  patterns: readonly string[],
  known: string,
  from: number,
  toEnd: boolean,
): number | null {
  const longest = matchEnds(patterns, known.slice(from)).at(-1);
  if (longest === undefined || longest === 0) return null;
  return toEnd && from + longest < known.length ? null : from + longest;
}
