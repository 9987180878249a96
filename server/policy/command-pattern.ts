/**
 * Patterns of command lines, as rules write them, taken apart. How they fit commands: command-fit.ts.
 * Not caught here: patterns that no command can fit.
 */
import { optionGrammar } from '../shell/option-table.ts';
import { globPatterns } from '../shell/pattern.ts';
import { exactText, literal } from '../shell/word.ts';
import { readCall } from './invocation.ts';
import { equivalents, isSingleDash, spellings } from './option-names.ts';
import { compilePath, type PathPattern } from './path-pattern.ts';
import { isCaseless, operandSpellings, programNames, verbInName } from './program-names.ts';

export interface CommandPattern {
  readonly source: string;
  /** The program's base name as patterns. */
  readonly program: readonly string[];
  /** For each of these, every name by which another rule may know it. */
  readonly names: readonly (readonly string[])[];
  readonly programText: string;
  /** Ways to read the words behind it; one of them must fit. */
  readonly forms: readonly Form[];
}

/** One way to read the words behind the program. */
export interface Form {
  readonly flags: readonly FlagPattern[];
  readonly operands: readonly OperandPattern[];
}

export interface FlagPattern {
  /** Every spelling: `-r`, `-R`, `--recursive`. */
  readonly names: readonly string[];
  /** Value that it must have; null = any or none. */
  readonly value: readonly string[] | null;
  /** What says the same as the flag. */
  readonly instead: readonly {
    readonly flags: readonly FlagPattern[];
    readonly operand: readonly string[];
  }[];
}

export interface OperandPattern {
  readonly source: string;
  readonly readings: readonly string[];
  /** It names an absolute path, so commands' words are made absolute too. */
  readonly path: PathPattern | null;
  /** What stands before the path in the same word: `of=`. */
  readonly prefix: string;
  /** `*`: any word at all. */
  readonly any: boolean;
}

/** Ways in which one pattern is read at most. */
const MAX_FORMS = 16;

/** @returns why it can't be a pattern, in words */
export function compileCommand(source: string): CommandPattern | string {
  const words = splitPattern(source);
  if (typeof words === 'string') return words;
  const verb = verbInName(words[0]?.replace(/^.*\//, '') ?? '');
  const [first, ...rest] = verb === null ? words : ['git', verb, ...words.slice(1)];
  if (first === undefined || first.startsWith('-')) return 'the pattern names no program';
  if (/^\w+=/.test(first)) return 'the pattern begins with an assignment, not with a program';
  const program = first.slice(first.lastIndexOf('/') + 1);
  if (program === '') return 'the pattern names a directory, not a program';
  const forms = readings(rest, program).map((one) => formOf(one, program));
  const patterns = globPatterns(program);
  return {
    source,
    program: patterns,
    names: patterns.map(programNames),
    programText: program,
    forms,
  };
}

/** Words as a shell splits them; quotes go, what they hold stays a pattern. */
function splitPattern(source: string): string[] | string {
  const words: string[] = [];
  let rest = source.trim();
  while (rest !== '') {
    const word = /^(?:"[^"]*"|'[^']*'|\\.|[^\s"'\\])+/.exec(rest)?.[0];
    if (word === undefined) return 'a quotation mark or backslash of the pattern is left open';
    const bare = word.replace(/"[^"]*"|'[^']*'|\\./g, '');
    if (/^(?:\d*[<>].*|[|&;]+)$|[|&;]$|^[|&;]/.test(bare)) {
      return `the pattern holds ${bare}, but each command of a line is judged by itself`;
    }
    if (/\$[A-Za-z_{(]|`/.test(word.replace(/'[^']*'|\\./g, ''))) {
      return 'the pattern holds a variable or a substitution, which a rule can not know';
    }
    words.push(word.replace(/"([^"]*)"|'([^']*)'|\\([^*?[\]])/g, '$1$2$3'));
    rest = rest.slice(word.length).trimStart();
  }
  return words;
}

/**
 * A flag that takes a value swallows the next word. Whether it does is asked of the program's grammar;
 * where that doesn't say, both readings count.
 */
function readings(words: readonly string[], program: string): (readonly string[])[] {
  const grammar =
    programNames(program)
      .map(optionGrammar)
      .find((one) => one !== null) ?? null;
  let all: string[][] = [[]];
  for (let index = 0; index < words.length; index++) {
    const word = words[index] as string;
    const next = words[index + 1];
    const isFlag = /^--?[^-]/.test(word) && !word.includes('=');
    if (!isFlag || next === undefined || next.startsWith('-') || isSingleDash(program)) {
      all = all.map((one) => [...one, word]);
      continue;
    }
    const letter = word.startsWith('--') ? '' : (word.at(-1) ?? '');
    const takes = word.startsWith('--')
      ? grammar?.long.has(word.slice(2))
      : grammar?.short.includes(letter);
    const joined = `${word}=${next}`;
    const may =
      takes === undefined || (letter !== '' && grammar?.sometimes.includes(letter) === true);
    if (takes === true) all = all.map((one) => [...one, joined]);
    else if (may && all.length * 2 <= MAX_FORMS) {
      all = all.flatMap((one) => [
        [...one, joined],
        [...one, word, next],
      ]);
    } else all = all.map((one) => [...one, word, next]);
    index++;
  }
  return all;
}

function formOf(words: readonly string[], program: string): Form {
  const flags = words.filter(isFlagWord);
  const call = words.filter((word) => !isFlagWord(word) && word !== '--');
  // Verbs are put in one form as those of commands are.
  const { operands } = readCall([program], call.map(literal));
  const texts = operands.map(({ word }) => exactText(word) ?? '');
  // What may follow at the end may also be nothing.
  while (texts.length > 0 && isAny(texts.at(-1) ?? '')) texts.pop();
  return {
    flags: flags.flatMap((word) => flagPatterns(word, program, texts)),
    operands: texts.map((word) => operandPattern(word, program)),
  };
}

function isFlagWord(word: string): boolean {
  return /^--?[^-]/.test(word);
}

function isAny(word: string): boolean {
  return word === '*' || word === '**';
}

function flagPatterns(word: string, program: string, operands: readonly string[]): FlagPattern[] {
  const equals = word.indexOf('=');
  const name = equals < 0 ? word : word.slice(0, equals);
  const text = equals < 0 ? null : word.slice(equals + 1);
  const value = text === null || isAny(text) ? null : globPatterns(text);
  if (SIGNALS.has(program)) {
    const [signal] = readCall(
      [program],
      [literal(word.startsWith('--') ? word : word.replace('=', ''))],
    ).options;
    const wanted = exactText(signal?.value ?? []) ?? '';
    if (signal?.name === '-s' && wanted !== '') {
      return [{ names: ['-s'], value: globPatterns(wanted), instead: [] }];
    }
  }
  if (isSingleDash(program)) {
    return [{ names: [name.replace(/^--/, '-')], value, instead: [] }];
  }
  const letters = name.startsWith('--') || name.length === 2 ? [name] : clusterOf(name);
  return letters.map((one, index) => {
    const names = spellings(program, operands, one);
    const instead = equivalents(program, operands, names).map(({ options, operand }) => ({
      flags: options.map((option) => ({
        names: spellings(program, operands, option),
        value: null,
        instead: [],
      })),
      operand: operand === null ? [] : globPatterns(operand),
    }));
    return { names, value: index === letters.length - 1 ? value : null, instead };
  });
}

const SIGNALS: ReadonlySet<string> = new Set(['kill', 'pkill', 'killall', 'skill']);

function clusterOf(name: string): string[] {
  return Array.from(name.slice(1), (letter) => `-${letter}`);
}

function operandPattern(word: string, program: string): OperandPattern {
  const [, prefix = '', path = word] = /^(\w+=)?([/~].*|\*\*\/.*)$/.exec(word) ?? [];
  const isPath = /^([/~]|\*\*\/)/.test(path);
  const texts = operandSpellings(program, isCaseless(program) ? word.toLowerCase() : word);
  return {
    source: word,
    readings: texts.flatMap(globPatterns),
    path: isPath ? compilePath(path) : null,
    prefix,
    any: isAny(word),
  };
}
