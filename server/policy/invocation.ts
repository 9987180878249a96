/**
 * A command taken apart once for all patterns: program, options, operands. Not caught here: options of
 * programs whose grammar no table knows; then a word may be a value or an operand, and counts as both.
 */
import type { ResolvedCommand } from '../shell/command.ts';
import { optionGrammar, type OptionGrammar } from '../shell/option-table.ts';
import {
  leading,
  readOptions,
  type Operand,
  type ReadOption,
  type ReadOptions,
} from '../shell/options.ts';
import { exactText, isUnknown, literal, type Word } from '../shell/word.ts';
import {
  DASHLESS_PROGRAMS,
  isSingleDash,
  lastOptionOperand,
  onlyInforms,
  plainLetters,
  takesEqualsValues,
} from './option-names.ts';
import { programNames, shorterVerb, splitOperand, verbInName } from './program-names.ts';

export interface Invocation {
  readonly command: ResolvedCommand;
  /** Base name; null = not known, or a pattern. */
  readonly program: string | null;
  /** Every name by which a rule may know the program. */
  readonly names: readonly string[];
  readonly read: ReadOptions;
  /** It only prints its help or version. */
  readonly informs: boolean;
  /** Words that aren't known, and could turn out to be options. */
  readonly open: readonly Word[];
}

export function invocationOf(command: ResolvedCommand): Invocation {
  const [first, ...words] = command.words;
  const path = first === undefined ? null : exactText(first);
  const program = path === null ? null : path.slice(path.lastIndexOf('/') + 1);
  if (program === null) {
    const read = readOptions(words, null, false);
    return { command, program, names: [], read, informs: false, open: openWords(words, read) };
  }
  const verb = verbInName(program);
  const names = verb === null ? programNames(program) : [program, 'git'];
  const read = verb === null ? readCall(names, words) : readNamedVerb(names, verb, words);
  const informs = onlyInforms(program, words, read);
  return { command, program, names, read, informs, open: openWords(words, read) };
}

/** `git-receive-pack DIR` read as `git receive-pack DIR`; the verb stands before the first word. */
function readNamedVerb(
  names: readonly string[],
  verb: string,
  words: readonly Word[],
): ReadOptions {
  const { options, operands, end } = readCall(names, [literal(verb), ...words]);
  return {
    options: options.map((one) => ({ ...one, index: one.index - 1 })),
    operands: operands.map((one) => ({ ...one, index: one.index - 1 })),
    end: Math.max(0, end - 1),
  };
}

function openWords(words: readonly Word[], read: ReadOptions): readonly Word[] {
  if (!words.some(isUnknown)) return [];
  const values = new Set(read.options.map(({ value }) => value));
  const end = words.findIndex((word) => exactText(word) === '--');
  return words.slice(0, end < 0 ? undefined : end).filter((word) => {
    if (!isUnknown(word) || values.has(word)) return false;
    const head = leading(word);
    if (head !== '') return head.startsWith('-');
    // `"$DIR/file"` is a path whatever stands in front.
    return !word.some(
      ({ kind, ...piece }) => kind === 'text' && 'text' in piece && /[/.:@\s]/.test(piece.text),
    );
  });
}

/** @param names of the program; the words behind it as options and operands, in one form */
export function readCall(names: readonly string[], words: readonly Word[]): ReadOptions {
  const program = names.find((name) => optionGrammar(name) !== null) ?? names[0] ?? '';
  if (SIGNALLING.has(program)) return readSignal(words);
  const grammar = optionGrammar(program);
  const name = names.at(-1) ?? program;
  const dashless = DASHLESS_PROGRAMS.has(name) ? readDashless(words, grammar) : null;
  const read = dashless ?? readVerb(name, words, grammar);
  const single = isSingleDash(name) ? singleDashed(words, read) : read;
  return oneForm(name, ended(name, words, single));
}

/** Once with what options take everywhere, and again with what they take behind this subcommand. */
function readVerb(
  name: string,
  words: readonly Word[],
  grammar: OptionGrammar | null,
): ReadOptions {
  const read = readOptions(words, grammar, false);
  if (grammar === null) return read;
  const plain = plainLetters(name, exactText(read.operands[0]?.word ?? []) ?? '');
  if (plain === '') return read;
  const without = (letters: string) =>
    Array.from(letters)
      .filter((letter) => !plain.includes(letter))
      .join('');
  const { short, sometimes, long } = grammar;
  return readOptions(words, { short: without(short), sometimes: without(sometimes), long }, false);
}

/** `tar xf a.tar`: letters whose values follow in their order. */
function readDashless(words: readonly Word[], grammar: OptionGrammar | null): ReadOptions | null {
  const letters = exactText(words[0] ?? []) ?? '';
  if (!/^[A-Za-z]+$/.test(letters)) return null;
  const options: ReadOption[] = [];
  let at = 1;
  for (const letter of letters) {
    const value = grammar?.short.includes(letter) === true ? (words[at] ?? null) : null;
    if (value !== null) at++;
    options.push({ name: `-${letter}`, value, index: 0 });
  }
  const rest = readOptions(words.slice(at), grammar, false);
  return {
    options: [...options, ...rest.options.map((one) => ({ ...one, index: one.index + at }))],
    operands: rest.operands.map((one) => ({ ...one, index: one.index + at })),
    end: rest.end + at,
  };
}

/** Options of whole words behind one dash, in place of their letters. */
function singleDashed(words: readonly Word[], read: ReadOptions): ReadOptions {
  const options = words.flatMap((word, index): ReadOption[] => {
    const head = exactText(word) ?? leading(word);
    const match = /^-{1,2}([A-Za-z][\w-]*)(=?)/.exec(head);
    if (match === null) return [];
    const next = words[index + 1];
    const equals = match[2] === '=' ? exactText(word)?.slice(match[0].length) : undefined;
    const value = equals === undefined ? (next ?? null) : literal(equals);
    return [{ name: `-${match[1]}`, value, index }];
  });
  return { ...read, options };
}

/** Behind the last operand that may be followed by options, all words are operands. */
function ended(program: string, words: readonly Word[], read: ReadOptions): ReadOptions {
  const last = lastOptionOperand(program, exactText(read.operands[0]?.word ?? []) ?? '');
  const end = last === null ? undefined : read.operands[last];
  if (end === undefined || last === null) return read;
  const rest = words
    .slice(end.index)
    .map((word, at): Operand => ({ word, index: end.index + at, doubtful: false }));
  return {
    options: read.options.filter(({ index }) => index < end.index),
    operands: [...read.operands.slice(0, last), ...rest],
    end: Math.min(read.end, end.index),
  };
}

/** Subcommands and values in the spelling in which rules are compiled. */
function oneForm(program: string, read: ReadOptions): ReadOptions {
  const [first, second] = read.operands;
  const verb = exactText(first?.word ?? []) ?? '';
  const short = shorterVerb(program, verb, exactText(second?.word ?? []) ?? '');
  const shortened =
    short === null || second === undefined
      ? read.operands
      : [{ ...second, word: literal(short) }, ...read.operands.slice(2)];
  const operands = shortened.flatMap((operand): readonly Operand[] => {
    const text = exactText(operand.word);
    const parts = text === null ? null : splitOperand(program, verb, text);
    return parts?.map((part) => ({ ...operand, word: literal(part) })) ?? [operand];
  });
  const options = takesEqualsValues(program) ? read.options.map(withoutEquals) : read.options;
  return { ...read, options, operands };
}

function withoutEquals(option: ReadOption): ReadOption {
  const text = option.value === null ? null : exactText(option.value);
  if (text?.startsWith('=') !== true || option.name.startsWith('--')) return option;
  return { ...option, value: literal(text.slice(1)) };
}

const SIGNALLING: ReadonlySet<string> = new Set(['kill', 'pkill', 'killall', 'skill']);
const SIGNAL_NUMBERS: Readonly<Record<string, string>> = {
  0: '0',
  1: 'HUP',
  2: 'INT',
  3: 'QUIT',
  6: 'ABRT',
  9: 'KILL',
  10: 'USR1',
  12: 'USR2',
  15: 'TERM',
  18: 'CONT',
  19: 'STOP',
};
const SIGNAL =
  /^(\d{1,2}|(?:SIG)?(?:HUP|INT|QUIT|ABRT|KILL|USR1|USR2|TERM|CONT|STOP|SEGV|PIPE|ALRM|CHLD|TSTP))$/i;

/** `-9`, `-KILL`, `-s SIGKILL` and `--signal=9` as one option `-s` with the value `KILL`. */
function readSignal(words: readonly Word[]): ReadOptions {
  const read = readOptions(
    words,
    { short: 'sngPGuUtyo', sometimes: '', long: SIGNAL_VALUES },
    false,
  );
  const options = read.options.filter(({ name }) => name !== '-s' && name !== '--signal');
  const operands: Operand[] = [...read.operands];
  const signal = (name: string, index: number) => {
    const plain = name.toUpperCase().replace(/^SIG/, '');
    return { name: '-s', value: literal(SIGNAL_NUMBERS[plain] ?? plain), index };
  };
  for (const { name, value, index } of read.options) {
    if (name !== '-s' && name !== '--signal') continue;
    const text = value === null ? null : exactText(value);
    options.push(text === null ? { name: '-s', value, index } : signal(text, index));
  }
  words.forEach((word, index) => {
    const text = exactText(word);
    if (text?.startsWith('-') !== true || !SIGNAL.test(text.slice(1)) || isUnknown(word)) return;
    for (let at = options.length - 1; at >= 0; at--) {
      if (options[at]?.index === index) options.splice(at, 1);
    }
    options.push(signal(text.slice(1), index));
  });
  return { ...read, options, operands };
}

const SIGNAL_VALUES: ReadonlySet<string> = new Set([
  'signal',
  'pgroup',
  'parent',
  'user',
  'uid',
  'euid',
]);
