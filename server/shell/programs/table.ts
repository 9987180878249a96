/** Which part of the reader follows which program. */
import { globPatterns, MANY, meet } from '../pattern.ts';
import { mayBeOwn } from '../program-file.ts';
import type { Program } from '../runner.ts';
import type { ShellState } from '../state.ts';
import { isUnknown, patternText, showWord, whyUnknown, type Word } from '../word.ts';
import { BUILTINS } from './builtins.ts';
import { COLLECTING_PROGRAMS } from './collect.ts';
import { EMBEDDED_PROGRAMS } from './embedded.ts';
import { FILE_PROGRAMS } from './files.ts';
import { INTERPRETER_PROGRAMS } from './interpreters.ts';
import { withLines } from './lines.ts';
import { withNames } from './name-lists.ts';
import { REMOTE_PROGRAMS } from './remote.ts';
import { SHELL_PROGRAMS } from './shells.ts';
import { SQL_PROGRAMS } from './sql-clients.ts';
import { TEXT_PROGRAMS } from './text.ts';
import { WRAPPER_PROGRAMS } from './wrappers.ts';

/** Names of which two tables know something that the other doesn't. */
const IN_TWO_TABLES = new Set(['bun', 'bpftrace', 'wget', 'strace', 'ltrace']);

/** Those that may run something. */
const RUNNING = [
  INTERPRETER_PROGRAMS,
  EMBEDDED_PROGRAMS,
  SQL_PROGRAMS,
  COLLECTING_PROGRAMS,
  REMOTE_PROGRAMS,
  WRAPPER_PROGRAMS,
  SHELL_PROGRAMS,
  BUILTINS,
];
const PROGRAMS: ReadonlyMap<string, Program> = joinTables([
  TEXT_PROGRAMS,
  FILE_PROGRAMS,
  ...RUNNING,
]);
const RUNNING_NAMES = RUNNING.flatMap((table) => Object.keys(table));

/** Later tables win, but for the names that two tables speak about. */
function joinTables(
  tables: readonly Readonly<Record<string, Program>>[],
): ReadonlyMap<string, Program> {
  const programs = new Map<string, Program>();
  for (const [name, program] of tables.flatMap((table) => Object.entries(table))) {
    const first = IN_TWO_TABLES.has(name) ? programs.get(name) : undefined;
    if (first === undefined) programs.set(name, program);
    else {
      programs.set(name, (call) => {
        first(call);
        return program(call);
      });
    }
  }
  return programs;
}

const FOLLOWED: ReadonlyMap<string, Program> = withLines(withNames(PROGRAMS));

/**
 * @param name base name as called; `python3.11` is followed as `python`
 * @returns undefined for a program that isn't followed: only its words are known
 */
export function findProgram(
  name: string,
): { readonly name: string; readonly program: Program } | undefined {
  for (const one of [name, name.replace(/[-.]?\d[\d.]*$/, '')]) {
    const program = FOLLOWED.get(one);
    if (program !== undefined) return { name: one, program };
  }
  return undefined;
}

/** Shorter names have no versions behind them. */
const LEAST_VERSIONED = 3;

/** Why what a word calls can't be told; null where it is a pattern which fits nothing that runs others. */
export function whyOpen(word: Word, state: ShellState): string | null {
  if (isUnknown(word)) {
    return `the command's name isn't known: ${whyUnknown(word) ?? 'it is dynamic'}`;
  }
  const why = `the command's name is a pattern (${showWord(word)})`;
  const text = patternText(word);
  if (text === null || state.files.size + state.functions.size + state.aliases.size > 0) return why;
  const [, directory = '', base = ''] = /^((?:[^*?[\]()]*\/)?)([^/]*)$/.exec(text) ?? [];
  if (base === '' || mayBeOwn(`${directory}${base}`, state)) return why;
  const globs = globPatterns(base);
  const fits = (name: string) => globs.some((glob) => meet(glob, name));
  const isRunning = RUNNING_NAMES.some(
    (name) => fits(name) || (name.length >= LEAST_VERSIONED && fits(name + MANY)),
  );
  return isRunning ? why : null;
}
