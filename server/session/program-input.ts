/**
 * Who reads the input of a session without a terminal: a shell, a client of a database, or a program for
 * which it is data. Not caught here: programs that read it though nothing in their words says so.
 */
import type { Decision, SqlPlace } from '../policy/decision.ts';
import type { Language, ReadCommand, ResolvedCommand } from '../shell/command.ts';
import { exactText } from '../shell/word.ts';
import { isDialectRead } from './sql-pieces.ts';

export interface InputReader {
  /** The language of what is read; null = data. */
  readonly language: Language | null;
  /** Where the client of a database starts; null for anything else. */
  readonly sql: SqlPlace | null;
  /** Others may take a part of it as well. */
  readonly isShared: boolean;
}

/** Of a session without a command. */
export const LOGIN_SHELL: InputReader = { language: 'shell', sql: null, isShared: false };

/** A shell that takes its input byte by byte, so that another goes on exactly where it ends. */
const EXACT_SHELL = /^(?:r?bash)$/;

/** Who reads the input of an exec request that was decided so. */
export function inputReader({ commands, sqlInput }: Decision): InputReader {
  const at = commands.findIndex(({ stdinLanguage }) => stdinLanguage !== null);
  const reader = commands[at];
  if (reader === undefined) return { language: null, sql: null, isShared: false };
  const others = commands.filter(
    (one, index) => one !== reader && takesInput(one) && !carries(commands, index, at),
  );
  const language = reader.stdinLanguage;
  const isShared = others.length > 0;
  if (language === 'shell') return { language, sql: null, isShared };
  return { language, sql: sqlInput ?? null, isShared };
}

/** Whether one of these commands, run by what reads the session's input, may take a part of it. */
export function mayTakeInput(commands: readonly ReadCommand[]): boolean {
  return commands.some(
    (one) =>
      takesInput(one) && !(one.stdinLanguage === 'shell' && EXACT_SHELL.test(programOf(one) ?? '')),
  );
}

/** Programs that look at nothing but their operands, unless they are told to ask. */
const NEVER_ASKS = new Set(
  (
    'echo printf cd pushd popd pwd export unset set shopt declare local typeset readonly alias unalias shift return ' +
    'exit break continue true false : test [ [[ trap umask wait hash type command builtin let getopts ulimit jobs ' +
    'mkdir rmdir touch ls stat date sleep id whoami hostname uname basename dirname realpath readlink seq nproc df du ' +
    'free uptime ps env which tty mktemp cat head tail grep sed awk cut sort uniq wc tr tee find xargs diff cmp cp mv ' +
    'ln rm chmod chown chgrp install systemctl service journalctl kill pkill sync tar gzip gunzip base64 md5sum ' +
    'sha256sum curl wget'
  ).split(' '),
);
/** Not even with words that nobody knows. */
const NEVER_READS = /^(?:echo|printf|cd|export|test|\[|\[\[|:|true|false|exit|return|sleep)$/;
const ASKS = /^(?:-[a-zA-Z]*[iIp][a-zA-Z]*|--interactive.*|--ok.*|-ok.*)$/;

/** Whether one of these commands may ask for a line and take it from the session's input. */
export function mayTakeLine(
  commands: readonly (ReadCommand & Partial<Pick<ResolvedCommand, 'isFunction' | 'words'>>)[],
): boolean {
  return commands.some((one) => {
    // What a function of the session runs is listed by itself.
    if (one.isFunction === true) return false;
    const program = programOf(one);
    if (program === null) {
      return one.argv === null && !NEVER_READS.test(exactText(one.words?.[0] ?? []) ?? '');
    }
    return !NEVER_ASKS.has(program) || one.argv?.some((word) => ASKS.test(word)) === true;
  });
}

/** Programs whose input is commands that reach files and other programs, in languages of their own. */
const CODE_READERS = new Set(
  (
    'ed red ex vi vim view nvim gdb dc m4 ftp sftp lftp mongosh mongo redis-cli groovysh gnuplot ts-node ' +
    'ansible-playbook systemd-tmpfiles deno bun puppet nix-instantiate'
  ).split(' '),
);
/** Options that give them what to do, and mostly to end. */
const GIVEN_CODE = /^(?:-(?:[cfx].*|e)|\+.+|--(?:eval|cmd|execute|ex).*|-ex)$/;
/** Shells of another grammar than the one that is read here. */
const OTHER_SHELLS = new Set('fish csh tcsh elvish nu xonsh'.split(' '));

function readsOtherCode(command: ReadCommand): boolean {
  const program = programOf(command) ?? '';
  if (command.stdinLanguage === 'shell') return OTHER_SHELLS.has(program);
  if (!command.readsInput || !CODE_READERS.has(program)) return false;
  return command.argv?.some((word) => GIVEN_CODE.test(word)) !== true;
}

/**
 * Why nobody can tell what the commands on the input of these will mean; null when it can be told. Asked
 * for requests without a terminal only: at one, people use editors.
 * @param isInput the commands came by the input themselves
 */
export function inputDoubt(
  { commands, sqlInput }: { commands: readonly ReadCommand[]; sqlInput: SqlPlace | null },
  isInput: boolean,
): string | null {
  const readers = commands.filter(({ stdinLanguage }) => stdinLanguage !== null);
  const sql = readers.find(({ stdinLanguage }) => stdinLanguage === 'sql');
  if (sql !== undefined && isInput) {
    return `${programOf(sql) ?? 'it'} would read the rest of this input as SQL; give it its statements by an option or a here-document`;
  }
  if (sql !== undefined && (sqlInput === null || !isDialectRead(sqlInput.dialect))) {
    return `${programOf(sql) ?? 'it'} reads statements from its input in a language that is not judged here`;
  }
  const other = isInput ? undefined : commands.find(readsOtherCode);
  if (other !== undefined) {
    return `${programOf(other) ?? 'it'} reads commands from its input in a language that is not judged here`;
  }
  return readers.length > 1 && !isInput
    ? 'more than one program reads commands from the input'
    : null;
}

function takesInput({ readsInput, stdinLanguage }: ReadCommand): boolean {
  return readsInput || stdinLanguage !== null;
}

/** Commands are listed with what they carry behind them, and `via` grows on the way. */
function carries(commands: readonly ReadCommand[], outer: number, inner: number): boolean {
  const depth = commands[outer]?.via.length ?? 0;
  if (outer >= inner) return false;
  return commands.slice(outer + 1, inner + 1).every(({ via }) => via.length > depth);
}

function programOf({ argv }: ReadCommand): string | null {
  return argv?.[0]?.replace(/^.*\//, '') ?? null;
}
