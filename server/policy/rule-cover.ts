/**
 * Whether everything that one rule matches is matched by another one as well. Where that can't be shown
 * from the patterns alone the answer is no. Not caught here: rules that cover another one together.
 */
import type { CommandPattern, FlagPattern, Form, OperandPattern } from './command-pattern.ts';
import { ALL, literalPrefix, MANY, ONE } from '../shell/pattern.ts';
import type { PathPattern } from './path-pattern.ts';
import type { Match, Rule, Subject } from './policy.ts';
import { SUBCOMMAND_PROGRAMS } from './program-names.ts';

/** Longest patterns that are compared; longer ones cover only what is spelt alike. */
const MAX_COMPARED_CHARACTERS = 300;

/** Every text that the pattern `narrow` names is named by `wide`. */
function coversPattern(wide: string, narrow: string): boolean {
  if (wide === narrow || wide === ALL) return true;
  if (literalPrefix(wide) === wide) return false;
  if (wide.length > MAX_COMPARED_CHARACTERS || narrow.length > MAX_COMPARED_CHARACTERS)
    return false;
  // reach[j]: what was read of `wide` covers the first j places of `narrow`.
  let reach = Array.from({ length: narrow.length + 1 }, (_, at) => at === 0);
  for (const place of wide) {
    const next = reach.map(() => false);
    for (let at = 0; at <= narrow.length; at++) {
      const one = narrow[at - 1];
      if (place === ALL || place === MANY) {
        next[at] =
          reach[at] === true ||
          (at > 0 && next[at - 1] === true && (place === ALL || (one !== '/' && one !== ALL)));
      } else if (at > 0 && reach[at - 1] === true) {
        next[at] = one === place || (place === ONE && one !== '/' && one !== MANY && one !== ALL);
      }
    }
    reach = next;
  }
  return reach[narrow.length] === true;
}

function coversReadings(wide: readonly string[], narrow: readonly string[]): boolean {
  return narrow.every((one) => wide.some((other) => coversPattern(other, one)));
}

export function coversPath(wide: PathPattern, narrow: PathPattern): boolean {
  const patterns = ({ readings }: PathPattern) => readings.map(({ pattern }) => pattern);
  return coversReadings(patterns(wide), patterns(narrow));
}

export function coversCommand(wide: CommandPattern, narrow: CommandPattern): boolean {
  const isProgram = narrow.names.every((names) =>
    names.some((name) => wide.program.some((own) => coversPattern(own, name))),
  );
  if (!isProgram) return false;
  const subcommands = SUBCOMMAND_PROGRAMS.has(narrow.programText);
  return narrow.forms.every((form) => wide.forms.some((own) => coversForm(own, form, subcommands)));
}

function coversForm(wide: Form, narrow: Form, subcommands: boolean): boolean {
  const flags = wide.flags.every((own) => narrow.flags.some((flag) => coversFlag(own, flag)));
  return flags && coversOperands(wide.operands, narrow.operands, subcommands);
}

function coversFlag(wide: FlagPattern, narrow: FlagPattern): boolean {
  if (!narrow.names.every((name) => wide.names.includes(name))) return false;
  return wide.value === null || (narrow.value !== null && coversReadings(wide.value, narrow.value));
}

function coversOperands(
  wide: readonly OperandPattern[],
  narrow: readonly OperandPattern[],
  subcommands: boolean,
): boolean {
  let at = 0;
  for (const [index, own] of wide.entries()) {
    // A subcommand stands first; elsewhere the same word means something else.
    const isFixed = index === 0 && subcommands && !own.any;
    while (at < narrow.length && !coversOperand(own, narrow[at] as OperandPattern)) {
      if (isFixed) return false;
      at++;
    }
    if (at++ >= narrow.length) return false;
  }
  return true;
}

function coversOperand(wide: OperandPattern, narrow: OperandPattern): boolean {
  if (wide.any) return true;
  if (wide.path === null || narrow.path === null) {
    return (
      wide.path === narrow.path && !narrow.any && coversReadings(wide.readings, narrow.readings)
    );
  }
  return wide.prefix === narrow.prefix && coversPath(wide.path, narrow.path);
}

/** The same statement beginning, or a longer one. */
export function coversSql(wide: string, narrow: string): boolean {
  const own = sqlWords(wide);
  while (own.at(-1) === '*') own.pop();
  const other = sqlWords(narrow);
  return !own.includes('*') && own.every((word, index) => word === other[index]);
}

function sqlWords(source: string): string[] {
  return source.toLowerCase().replace(/;\s*$/, '').split(/\s+/).filter(Boolean);
}

/** Whether `wide` applies to everybody and everything that `narrow` applies to. */
export function coversRule(wide: Rule, narrow: Rule): boolean {
  return (
    coversSubjects(wide.principals, narrow.principals) &&
    coversSubjects(wide.targets, narrow.targets) &&
    coversMatch(wide.match, narrow.match)
  );
}

function coversSubjects(
  wide: readonly Subject[] | null,
  narrow: readonly Subject[] | null,
): boolean {
  if (wide === null) return true;
  if (narrow === null) return false;
  return narrow.every((one) => wide.some((other) => JSON.stringify(other) === JSON.stringify(one)));
}

function coversMatch(own: Match, other: Match): boolean {
  return (
    coversPart(own.commands, other.commands, coversCommand) &&
    coversPart(own.paths, other.paths, coversPath) &&
    (own.paths === null || coversAccess(own, other)) &&
    coversPart(own.sql, other.sql, (one, two) => coversSql(one.source, two.source)) &&
    coversPart(own.regexes, other.regexes, (one, two) => one.source === two.source)
  );
}

function coversPart<T>(
  wide: readonly T[] | null,
  narrow: readonly T[] | null,
  covers: (wide: T, narrow: T) => boolean,
): boolean {
  if (wide === null) return true;
  if (narrow === null) return false;
  return narrow.every((one) => wide.some((other) => covers(other, one)));
}

function coversAccess(wide: Match, narrow: Match): boolean {
  for (const access of narrow.access) if (!wide.access.has(access)) return false;
  return true;
}
