/**
 * Arrays and their elements: most are only values, but those of some arrays are aliases, remembered
 * commands, functions or hooks of the shell. Not caught here: elements at indexes that aren't known.
 */
import type { WordNode } from './grammar.ts';
import { functionHooks, hookOf } from './hooks.ts';
import type { Frame, Runner } from './runner.ts';
import { deeper } from './runner.ts';
import { remember } from './state.ts';
import type { Word } from './word.ts';
import { exactText, patternText } from './word.ts';

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
  if (keyed || append) frame.state.variables.delete(name);
  else frame.state.setVariable(name, { kind: 'array', words });
  if (keyed) {
    for (const word of words) {
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
    frame.state.variables.delete(name);
  }
}
