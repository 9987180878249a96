/**
 * Patterns of command lines, as rules write them, compared with resolved commands. Not caught here:
 * programs under another name that the session didn't give them.
 */
import type { ResolvedCommand } from '../shell/command.ts';
import { optionGrammar } from '../shell/option-table.ts';
import { leading, readOptions, type ReadOptions } from '../shell/options.ts';
import { globPatterns, meet } from '../shell/pattern.ts';
import { exactText, isUnknown, type Word } from '../shell/word.ts';
import { onlyInforms, spellings, SUBCOMMAND_PROGRAMS } from './option-names.ts';
import { compilePath, fitPath, namePath, wordPatterns, type PathPattern } from './path-pattern.ts';
import type { Fit } from './policy.ts';
import { strongest, weakest } from './policy.ts';

export interface CommandPattern {
  readonly source: string;
  readonly program: readonly string[];
  readonly programText: string;
  readonly flags: readonly FlagPattern[];
  readonly operands: readonly OperandPattern[];
}

interface FlagPattern {
  /** One letter with its dash, or a long name with two. */
  readonly name: string;
  /** Value that it must have; null = any or none. */
  readonly value: readonly string[] | null;
}

interface OperandPattern {
  readonly source: string;
  readonly readings: readonly string[];
  /** It names an absolute path, so commands' words are made absolute too. */
  readonly path: PathPattern | null;
  /** `*`: any word at all. */
  readonly any: boolean;
}

/** @returns null when the pattern has no program */
export function compileCommand(source: string): CommandPattern | null {
  const words = source
    .match(/"[^"]*"|'[^']*'|\S+/g)
    ?.map((word) => word.replace(/^(["'])(.*)\1$/, '$2'));
  const first = words?.[0];
  if (words === undefined || first === undefined || first.startsWith('-')) return null;
  const program = first.slice(first.lastIndexOf('/') + 1);
  const flags: FlagPattern[] = [];
  const operands: OperandPattern[] = [];
  for (const word of words.slice(1)) {
    if (/^--?[^-]/.test(word)) flags.push(...flagPatterns(word));
    else if (word !== '--') operands.push(operandPattern(word));
  }
  return { source, program: globPatterns(program), programText: program, flags, operands };
}

function flagPatterns(word: string): FlagPattern[] {
  if (!word.startsWith('--')) {
    return Array.from(word.slice(1), (letter) => ({ name: `-${letter}`, value: null }));
  }
  const equals = word.indexOf('=');
  if (equals < 0) return [{ name: word, value: null }];
  return [{ name: word.slice(0, equals), value: globPatterns(word.slice(equals + 1)) }];
}

function operandPattern(word: string): OperandPattern {
  return {
    source: word,
    readings: globPatterns(word),
    path: /^[/~]/.test(word) ? compilePath(word) : null,
    any: word === '*' || word === '**',
  };
}

/** A command taken apart once for all patterns. */
export interface Invocation {
  readonly command: ResolvedCommand;
  /** Base name; null = not known, or a pattern. */
  readonly program: string | null;
  readonly read: ReadOptions;
  readonly informs: boolean;
}

export function invocationOf(command: ResolvedCommand): Invocation {
  const [first, ...words] = command.words;
  const path = first === undefined ? null : exactText(first);
  const program = path === null ? null : path.slice(path.lastIndexOf('/') + 1);
  const read = readOptions(words, program === null ? null : optionGrammar(program), false);
  const informs = program !== null && onlyInforms(program, words.map(exactText));
  return { command, program, read, informs };
}

export function fitCommand(pattern: CommandPattern, invocation: Invocation): Fit {
  const { command, program, read, informs } = invocation;
  const first = command.words[0];
  if (first === undefined || informs) return 'no';
  const named = fitProgram(pattern, first, program);
  if (named === 'no') return 'no';
  const flags = fitFlags(pattern, program ?? pattern.programText, read, command.words);
  if (flags === 'no') return 'no';
  return weakest(named, weakest(flags, fitOperands(pattern, program ?? '', invocation)));
}

function fitProgram(pattern: CommandPattern, first: Word, program: string | null): Fit {
  if (program !== null) return pattern.program.some((own) => meet(own, program)) ? 'yes' : 'no';
  // A name with a pattern in it: what it could name in any directory.
  if (isUnknown(first) || first.some(({ kind }) => kind === 'number')) return 'maybe';
  const bases = wordPatterns(first).map((one) => one.slice(one.lastIndexOf('/') + 1));
  return bases.some((base) => pattern.program.some((own) => meet(own, base))) ? 'yes' : 'no';
}

function fitFlags(
  pattern: CommandPattern,
  program: string,
  read: ReadOptions,
  words: readonly Word[],
): Fit {
  const open = words.some((word, index) => index > 0 && isUnknown(word) && leading(word) === '');
  let fit: Fit = 'yes';
  for (const flag of pattern.flags) {
    const names = spellings(program, flag.name);
    const found = read.options.some(({ name, value }) => {
      if (!names.some((one) => one === name || isAbbreviation(name, one)))
        return singleDash(name, flag, words);
      if (flag.value === null) return true;
      const text = value === null ? null : exactText(value);
      return text !== null && flag.value.some((own) => meet(own, text));
    });
    if (!found) fit = weakest(fit, open ? 'maybe' : 'no');
  }
  return fit;
}

/** `--recur` for `--recursive`: GNU programs take any start of a long name. */
function isAbbreviation(name: string, full: string): boolean {
  return name.startsWith('--') && name.length > 3 && full.startsWith(name);
}

/** `-delete` for `--delete`: Go programs and find write long names behind one dash. */
function singleDash(name: string, flag: FlagPattern, words: readonly Word[]): boolean {
  if (!flag.name.startsWith('--') || name.startsWith('--')) return false;
  const single = flag.name.slice(1);
  return words.some((word) => {
    const text = exactText(word);
    return text === single || text?.startsWith(`${single}=`) === true;
  });
}

function fitOperands(pattern: CommandPattern, program: string, invocation: Invocation): Fit {
  const { command, read } = invocation;
  const wanted = pattern.operands;
  if (wanted.length === 0) return 'yes';
  const operands = read.operands;
  const subcommands = SUBCOMMAND_PROGRAMS.has(program);
  /** Fit of the patterns from `p` on with the operands from `o` on. */
  const fitFrom = (p: number, o: number): Fit => {
    const own = wanted[p];
    if (own === undefined) return 'yes';
    let best: Fit = 'no';
    for (let at = o; at < operands.length && best !== 'yes'; at++) {
      const operand = operands[at];
      if (operand === undefined) break;
      const here = fitOperand(own, operand.word, command);
      if (here !== 'no') {
        best = strongest(best, weakest(here, fitFrom(p + 1, at + 1)));
        // An unknown word outside quotes may become several.
        const splits = operand.word.some((piece) => piece.kind === 'unknown' && piece.splits);
        if (splits) best = strongest(best, weakest('maybe', fitFrom(p + 1, at)));
      }
      // A subcommand is the first operand or none; only the value of an unknown option may precede.
      if (subcommands && p === 0 && !own.any && !operand.doubtful && !isUnknown(operand.word))
        break;
    }
    return best;
  };
  // Bounded: long command lines and long patterns would try every selection.
  return wanted.length * operands.length > MAX_SELECTIONS
    ? fitGreedy(wanted, invocation)
    : fitFrom(0, 0);
}

const MAX_SELECTIONS = 64;

function fitGreedy(wanted: readonly OperandPattern[], invocation: Invocation): Fit {
  let fit: Fit = 'yes';
  let at = 0;
  for (const own of wanted) {
    let here: Fit = 'no';
    for (; here === 'no' && at < invocation.read.operands.length; at++) {
      here = fitOperand(own, invocation.read.operands[at]?.word ?? [], invocation.command);
    }
    fit = weakest(fit, here);
    if (fit === 'no') return fit;
  }
  return fit;
}

function fitOperand(own: OperandPattern, word: Word, command: ResolvedCommand): Fit {
  if (own.any) return 'yes';
  if (own.path !== null) return fitPath(own.path, namePath(word, command.directories, false));
  const patterns = wordPatterns(word);
  if (!patterns.some((one) => own.readings.some((reading) => meet(reading, one)))) return 'no';
  return isUnknown(word) ? 'maybe' : 'yes';
}
