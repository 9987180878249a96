/**
 * Arrays and their elements: most are only values, but those of some arrays are aliases, remembered
 * commands, functions or hooks of the shell. Not caught here: elements at indexes that aren't known.
 */
import type { WordNode } from './grammar.ts';
import { functionHooks, hookOf } from './hooks.ts';
import type { Frame, Runner } from './runner.ts';
import { deeper } from './runner.ts';
import { remember, type Value } from './state.ts';
import type { Word } from './word.ts';
import { exactText, patternText, unknown } from './word.ts';

const ALIASES = /^(?:BASH_ALIASES|aliases|galiases|saliases)$/;
const COMMANDS = /^(?:BASH_CMDS|commands)$/;

/** `name=(…)`. @param words the elements as they expand */
export function assignArray(
  name: string,
  append: boolean,
  elements: readonly WordNode[],
  words: readonly Word[],
  frame: Frame,
  run: Runner,
): void {
  const keyed = elements.some((element) => /^\[.*\]=/.test(element.text));
  if (append && !keyed) appendTo(name, words, frame);
  else if (!append) frame.state.setVariable(name, { kind: 'array', words: keyed ? [] : words });
  if (keyed) {
    for (const word of words) {
      if (!run.spend(1)) return;
      const element = /^\[([^]*?)\]=([^]*)$/.exec(patternText(word) ?? '');
      const value = element?.[2];
      if (value === undefined) continue;
      assignElement(
        name,
        element?.[1] ?? '',
        [{ kind: 'text', text: value, quoted: true }],
        frame,
        run,
      );
    }
    if (ALIASES.test(name) && words.some((word) => patternText(word) === null)) {
      run.uncertain('aliases are set through an array');
    }
    return;
  }
  functionHooks(name, words, frame, run);
  if (name === 'PROMPT_COMMAND') for (const word of words) hookOf(name, word, frame, run);
}

/** `name[index]=value`. @param index null = not known */
export function assignElement(
  name: string,
  index: string | null,
  value: Word,
  frame: Frame,
  run: Runner,
): void {
  const text = exactText(value);
  if (ALIASES.test(name)) {
    if (index === null || text === null) run.uncertain('an alias is set that is not known');
    else remember(frame.state.aliases, index, text);
  } else if (COMMANDS.test(name) && index !== null && !/^\d*$/.test(index)) {
    if (text?.startsWith('/') === true) remember(frame.state.hashed, index, text);
  } else if (name === 'functions' && index !== null && text !== null && /^[A-Za-z]/.test(index)) {
    run.runText(`${index}() {\n${text}\n}`, deeper(frame, null));
  } else {
    if (name === 'PROMPT_COMMAND') hookOf(name, value, frame, run);
    setElement(name, index, value, frame, run);
  }
}

/** `name+=(…)`: what isn't known stays so. */
function appendTo(name: string, words: readonly Word[], frame: Frame): void {
  const before = frame.state.variables.get(name);
  if (before?.kind === 'array') {
    frame.state.setVariable(name, { kind: 'array', words: bounded([...before.words, ...words]) });
  } else if (before?.kind === 'word') {
    frame.state.setVariable(name, { kind: 'array', words: bounded([before.word, ...words]) });
  } else frame.state.variables.delete(name);
}

/** Elements of one array that are kept. */
const MAX_ELEMENTS = 500;
const ELEMENTS_PER_STEP = 16;

function bounded(words: readonly Word[]): readonly Word[] {
  if (words.length <= MAX_ELEMENTS) return words;
  return [[unknown('the array grows too long to follow', true)]];
}

function setElement(
  name: string,
  index: string | null,
  value: Word,
  frame: Frame,
  run: Runner,
): void {
  const { state } = frame;
  const before = state.variables.get(name);
  const entries = new Map(before === undefined ? [] : entriesOf(before));
  // Each element is put in its place among the others.
  const isAfforded = run.spend(Math.ceil(entries.size / ELEMENTS_PER_STEP));
  const isFull = entries.size >= MAX_ELEMENTS || !isAfforded;
  if (index === null || before?.kind === 'reference' || isFull) {
    state.variables.delete(name);
    return;
  }
  entries.set(index, value);
  const ordered = [...entries].toSorted(([one], [other]) => Number(one) - Number(other));
  const isRow = ordered.every(([key], at) => key === String(at));
  if (isRow) state.setVariable(name, { kind: 'array', words: ordered.map(([, word]) => word) });
  else
    state.setVariable(name, { kind: 'map', entries: numbered(ordered) ? ordered : [...entries] });
}

function numbered(entries: readonly (readonly [string, Word])[]): boolean {
  return entries.every(([key]) => /^\d+$/.test(key));
}

function entriesOf(value: Value): readonly (readonly [string, Word])[] {
  if (value.kind === 'map') return value.entries;
  if (value.kind === 'array') return value.words.map((word, at) => [String(at), word] as const);
  return value.kind === 'word' ? [['0', value.word]] : [];
}
