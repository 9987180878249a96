/**
 * Takes the words of a command apart into options, their values and operands. Not caught here: `-abc`
 * of programs that don't cluster their short options (`find`, `openssl`, Go programs' `-flag`).
 */
import { wholeName, type OptionGrammar } from './option-table.ts';
import { exactText } from './word.ts';
import type { Word } from './word.ts';

export interface ReadOption {
  /** `-f`, `--force`; one per letter of a cluster. */
  readonly name: string;
  readonly value: Word | null;
  readonly index: number;
}

export interface Operand {
  readonly word: Word;
  readonly index: number;
  /** It may be the value of the option before it, which the table doesn't know. */
  readonly doubtful: boolean;
}

export interface ReadOptions {
  readonly options: readonly ReadOption[];
  readonly operands: readonly Operand[];
  /** Index of the first word that isn't an option; the number of words if all are. */
  readonly end: number;
}

/**
 * @param stop end at the first operand (wrappers) instead of looking for options behind it
 */
export function readOptions(
  words: readonly Word[],
  grammar: OptionGrammar | null,
  stop: boolean,
): ReadOptions {
  const options: ReadOption[] = [];
  const operands: Operand[] = [];
  let doubtful = false;
  let index = 0;
  for (; index < words.length; index++) {
    const word = words[index] as Word;
    const text = exactText(word);
    const head = text ?? leading(word);
    if (text === '--') {
      index++;
      break;
    }
    if (!head.startsWith('-') || head === '-') {
      if (stop) break;
      operands.push({ word, index, doubtful });
      doubtful = false;
      continue;
    }
    const { taken, unsure } = head.startsWith('--')
      ? readLong(words, index, head, grammar, options)
      : readShort(words, index, head, grammar, options);
    doubtful = unsure;
    index += taken;
  }
  const end = Math.min(index, words.length);
  if (!stop) {
    for (let rest = index; rest < words.length; rest++) {
      operands.push({ word: words[rest] as Word, index: rest, doubtful: false });
    }
  }
  return { options, operands, end };
}

interface Taken {
  /** Words taken beside the option itself. */
  readonly taken: number;
  /** The next word may or may not be a value. */
  readonly unsure: boolean;
}

function readLong(
  words: readonly Word[],
  index: number,
  head: string,
  grammar: OptionGrammar | null,
  options: ReadOption[],
): Taken {
  const equals = head.indexOf('=');
  if (equals >= 0) {
    const value = dropLeading(words[index] as Word, equals + 1);
    options.push({ name: `--${wholeName(head.slice(2, equals), grammar)}`, value, index });
    return { taken: 0, unsure: false };
  }
  const name = wholeName(head.slice(2), grammar);
  const takesValue = grammar?.long.has(name) === true;
  const value = takesValue ? (words[index + 1] ?? null) : null;
  options.push({ name: `--${name}`, value, index });
  if (grammar?.pairs?.has(name) === true) return { taken: 2, unsure: false };
  // The table names the options that take values; one that is too new for it may take one as well.
  return { taken: value === null ? 0 : 1, unsure: !takesValue };
}

function readShort(
  words: readonly Word[],
  index: number,
  head: string,
  grammar: OptionGrammar | null,
  options: ReadOption[],
): Taken {
  const single = /^-([\w-]{2,})(=)?/.exec(head);
  if (single !== null && grammar?.single?.has(single[1] ?? '') === true) {
    const own = dropLeading(words[index] as Word, single[0].length);
    const value = single[2] === '=' ? own : (words[index + 1] ?? null);
    options.push({ name: `-${single[1] ?? ''}`, value, index });
    return { taken: single[2] === '=' || value === null ? 0 : 1, unsure: false };
  }
  for (let at = 1; at < head.length; at++) {
    const letter = head[at] as string;
    if (grammar?.short.includes(letter) !== true) {
      options.push({ name: `-${letter}`, value: null, index });
      if (grammar?.sometimes.includes(letter) === true && at === head.length - 1) {
        return { taken: 0, unsure: true };
      }
      continue;
    }
    const rest = dropLeading(words[index] as Word, at + 1);
    // Quotes may leave nothing: `-n''` is `-n`.
    if (rest.some((piece) => piece.kind !== 'text' || piece.text !== '')) {
      options.push({ name: `-${letter}`, value: rest, index });
      return { taken: 0, unsure: false };
    }
    const value = words[index + 1] ?? null;
    options.push({ name: `-${letter}`, value, index });
    return { taken: value === null ? 0 : 1, unsure: false };
  }
  return { taken: 0, unsure: grammar === null };
}

/** The literal text at the start of a word. */
export function leading(word: Word): string {
  let text = '';
  for (const piece of word) {
    if (piece.kind !== 'text') break;
    text += piece.text;
  }
  return text;
}

/** The word without its first `count` literal characters. */
export function dropLeading(word: Word, count: number): Word {
  let left = count;
  return word.flatMap((piece) => {
    if (left === 0 || piece.kind !== 'text') return [piece];
    const cut = Math.min(left, piece.text.length);
    left -= cut;
    return cut === piece.text.length ? [] : [{ ...piece, text: piece.text.slice(cut) }];
  });
}

/** The value of the last option with one of these names; undefined = not given. */
export function optionValue(
  read: ReadOptions,
  ...names: readonly string[]
): Word | null | undefined {
  return read.options.findLast((option) => names.includes(option.name))?.value;
}

export function hasOption(read: ReadOptions, ...names: readonly string[]): boolean {
  return read.options.some((option) => names.includes(option.name));
}
