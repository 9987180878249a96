/**
 * How the patterns of rules fit resolved commands. Not caught here: programs under another name that the
 * session didn't give them.
 */
import type { ResolvedCommand } from '../shell/command.ts';
import { optionGrammar } from '../shell/option-table.ts';
import { dropLeading, leading } from '../shell/options.ts';
import { meet } from '../shell/pattern.ts';
import { exactText, isUnknown, type Word } from '../shell/word.ts';
import type { CommandPattern, FlagPattern, Form, OperandPattern } from './command-pattern.ts';
import type { Invocation } from './invocation.ts';
import { hasKnownOptions, isOptionName } from './option-names.ts';
import { fitPath, namePath, wordPatterns, type PathPattern } from './path-pattern.ts';
import { strongest, weakest, type Fit } from './policy.ts';
import { isCaseless, SUBCOMMAND_PROGRAMS } from './program-names.ts';

/** How a pattern fits a command. */
export function fitCommand(pattern: CommandPattern, invocation: Invocation): Fit {
  const { command, program, names, informs } = invocation;
  const first = command.words[0];
  if (first === undefined || informs) return 'no';
  const named = fitProgram(pattern, first, program, names);
  if (named === 'no') return 'no';
  let best: Fit = 'no';
  for (const form of pattern.forms) {
    const flags = fitFlags(form, pattern.programText, invocation);
    if (flags !== 'no')
      best = strongest(best, weakest(flags, fitOperands(form, pattern, invocation)));
    if (best === 'yes') break;
  }
  return weakest(named, best);
}

function fitProgram(
  pattern: CommandPattern,
  first: Word,
  program: string | null,
  names: readonly string[],
): Fit {
  if (program !== null) {
    return names.some((name) => pattern.program.some((own) => meet(own, name))) ? 'yes' : 'no';
  }
  // A name with a pattern in it: what it could name in any directory.
  if (isUnknown(first) || first.some(({ kind }) => kind === 'number')) return 'maybe';
  const bases = wordPatterns(first).map((one) => one.slice(one.lastIndexOf('/') + 1));
  return bases.some((base) => pattern.program.some((own) => meet(own, base))) ? 'yes' : 'no';
}

function fitFlags(form: Form, program: string, invocation: Invocation): Fit {
  let fit: Fit = 'yes';
  for (const flag of form.flags) {
    fit = weakest(fit, fitFlag(flag, program, invocation));
    if (fit === 'no') break;
  }
  return fit;
}

function fitFlag(flag: FlagPattern, program: string, invocation: Invocation): Fit {
  const { read, command } = invocation;
  let best: Fit = 'no';
  for (const { name, value, index } of read.options) {
    if (!isNamed(name, flag, program, invocation)) continue;
    best = strongest(best, fitValue(flag, value ?? command.words[index + 2] ?? null));
  }
  for (const { flags, operand } of flag.instead) {
    let here: Fit = 'yes';
    for (const one of flags) here = weakest(here, fitFlag(one, program, invocation));
    if (operand.length > 0) here = weakest(here, fitAny(operand, invocation));
    best = strongest(best, here);
  }
  if (best === 'no' && hasDoubleMeaning(flag, program, invocation)) best = 'yes';
  return best === 'no' && invocation.open.some((word) => couldBe(word, flag)) ? 'maybe' : best;
}

function isNamed(
  name: string,
  { names }: FlagPattern,
  program: string,
  { read }: Invocation,
): boolean {
  if (names.includes(name)) return true;
  // GNU programs take any beginning of a long name that is no other option's whole name.
  if (!name.startsWith('--') || name.length < 4) return false;
  if (!names.some((full) => full.startsWith(name))) return false;
  const verbs = read.operands.slice(0, 2).map(({ word }) => exactText(word) ?? '');
  return !isOptionName(program, verbs, name);
}

function fitValue(flag: FlagPattern, value: Word | null): Fit {
  if (flag.value === null) return 'yes';
  if (value === null) return 'no';
  const wanted = flag.value;
  const met = wordPatterns(value).some((one) => wanted.some((own) => meet(own, one)));
  if (!met) return 'no';
  return isUnknown(value) ? 'maybe' : 'yes';
}

function fitAny(readings: readonly string[], { read }: Invocation): Fit {
  let best: Fit = 'no';
  for (const { word } of read.operands.slice(1)) {
    if (wordPatterns(word).some((one) => readings.some((own) => meet(own, one)))) {
      best = strongest(best, isUnknown(word) ? 'maybe' : 'yes');
    }
  }
  return best;
}

/** Programs that no table knows may write `-force` for `--force`, and the other way round. */
function hasDoubleMeaning(
  flag: FlagPattern,
  program: string,
  { command, names }: Invocation,
): boolean {
  if (hasKnownOptions(program) || names.some((name) => optionGrammar(name) !== null)) return false;
  const [name = ''] = flag.names;
  if (name.length < 3) return false;
  const other = name.startsWith('--') ? name.slice(1) : `-${name}`;
  return command.words.slice(1).some((word) => {
    const text = exactText(word);
    if (text === other) return flag.value === null;
    return (
      text?.startsWith(`${other}=`) === true &&
      fitValue(flag, dropLeading(word, other.length + 1)) === 'yes'
    );
  });
}

function couldBe(word: Word, { names }: FlagPattern): boolean {
  const head = leading(word);
  if (head === '' || head === '-') return true;
  if (!head.startsWith('--')) return names.some((name) => !name.startsWith('--'));
  const [start = ''] = head.split('=', 1);
  return names.some((name) => name.startsWith(start));
}

/** The patterns must occur among the operands in their order. */
function fitOperands(form: Form, pattern: CommandPattern, invocation: Invocation): Fit {
  const wanted = form.operands;
  if (wanted.length === 0) return 'yes';
  const { command, read, names } = invocation;
  const subcommands =
    SUBCOMMAND_PROGRAMS.has(invocation.program ?? '') ||
    names.some((name) => SUBCOMMAND_PROGRAMS.has(name));
  const caseless = isCaseless(pattern.programText);
  // reach[p]: how well the first p patterns fit what was read.
  const reach: Fit[] = ['yes', ...wanted.map((): Fit => 'no')];
  let isFirst = true;
  for (const operand of read.operands) {
    // An unknown word outside quotes may become several, so it may fill several places.
    const isOpen = isUnknown(operand.word);
    const splits = operand.word.some((piece) => piece.kind === 'unknown' && piece.splits);
    for (let step = 0; step < wanted.length; step++) {
      const p = splits ? step : wanted.length - 1 - step;
      const own = wanted[p] as OperandPattern;
      const before = reach[p] ?? 'no';
      const after = reach[p + 1] ?? 'no';
      // What isn't known can't make it fit better than perhaps.
      if (before === 'no' || after === 'yes' || (isOpen && after === 'maybe' && !own.any)) continue;
      // A subcommand is the first operand or none.
      if (p === 0 && subcommands && !isFirst && !own.any) continue;
      const here = weakest(before, fitOperand(own, operand.word, command, caseless));
      reach[p + 1] = strongest(after, splits ? weakest('maybe', here) : here);
    }
    if (reach[wanted.length] === 'yes') return 'yes';
    if (!isFirst && subcommands && reach[1] === 'no') return 'no';
    if (!operand.doubtful && !isOpen) isFirst = false;
  }
  return reach[wanted.length] ?? 'no';
}

function fitOperand(
  own: OperandPattern,
  word: Word,
  command: ResolvedCommand,
  caseless: boolean,
): Fit {
  if (own.any) return 'yes';
  if (own.path !== null) {
    if (!leading(word).startsWith(own.prefix))
      return isUnknown(word) && leading(word) === '' ? 'maybe' : 'no';
    return fitPlaces(own.path, dropLeading(word, own.prefix.length), command.directories);
  }
  const patterns = wordPatterns(word).map((one) => withoutDots(caseless ? one.toLowerCase() : one));
  if (!patterns.some((one) => own.readings.some((reading) => meet(withoutDots(reading), one))))
    return 'no';
  return isUnknown(word) ? 'maybe' : 'yes';
}

/** For sure where the command most likely runs, perhaps where else it may. */
function fitPlaces(path: PathPattern, word: Word, directories: readonly string[] | null): Fit {
  if (directories === null) return fitPath(path, namePath(word, null, false));
  const [likeliest = '~', ...others] = directories;
  const here = fitPath(path, namePath(word, [likeliest], false));
  if (here === 'yes' || others.length === 0) return here;
  return strongest(here, weakest('maybe', fitPath(path, namePath(word, others, false))));
}

/** `./x` is `x`. */
function withoutDots(text: string): string {
  return text.includes('./') ? text.replace(/^(\.\/+)+|(?<=[^./]\/)(\.\/+)+/g, '') : text;
}
