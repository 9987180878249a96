/**
 * Programs that take a part of their standard input and leave the rest to whoever reads it next. Where
 * that is a shell, nobody can tell from outside at which byte it goes on. Not caught here: programs that
 * this table doesn't know, and those that it knows when they are told to read their input by an option.
 */
import { optionGrammar } from './option-table.ts';
import { hasOption, readOptions } from './options.ts';
import { baseName } from './path.ts';
import { exactText } from './word.ts';
import type { Word } from './word.ts';

/** They read it whatever their operands are. */
const ALWAYS = new Set(
  (
    'read mapfile readarray dd tee tr xargs parallel perl python python2 python3 ruby node php lua tclsh expect ' +
    'ssh nc ncat netcat socat telnet ftp sftp lftp mail mysql mariadb psql sqlite3 bc dc ed ex vi vim gdb m4 busybox'
  ).split(' '),
);
/** They read it when they have no more operands than these; options that give the program count too. */
const WITHOUT_FILES: ReadonlyMap<string, number> = new Map([
  ...'cat head tail wc od xxd hexdump base64 cut sort uniq nl tac rev fold fmt pr less more md5sum sha256sum gzip'
    .split(' ')
    .map((name) => [name, 0] as const),
  ...'grep egrep fgrep rg sed awk gawk mawk nawk'.split(' ').map((name) => [name, 1] as const),
]);
const PROGRAM_OPTIONS = ['-e', '-f', '--expression', '--file', '--regexp'];
const STANDARD_INPUT = /^(?:-|\/dev\/(?:stdin|fd\/0)|\/proc\/self\/fd\/0)$/;

/** Whether a command of these words reads its standard input, as far as they show. */
export function readsInput(words: readonly Word[]): boolean {
  const first = words[0];
  if (first === undefined) return false;
  const path = exactText(first);
  if (path === null) return true;
  const name = baseName(path);
  if (ALWAYS.has(name)) return true;
  const most = WITHOUT_FILES.get(name);
  if (most === undefined) return false;
  const read = readOptions(words.slice(1), optionGrammar(name), false);
  const isGiven = hasOption(read, ...PROGRAM_OPTIONS);
  const files = read.operands.slice(isGiven ? 0 : most).map(({ word }) => exactText(word));
  return files.length === 0 || files.some((file) => file !== null && STANDARD_INPUT.test(file));
}
