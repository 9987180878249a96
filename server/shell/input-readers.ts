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

/** They read it whatever their operands are, but for what NOT_WITH says. */
const ALWAYS = new Set(
  (
    'read mapfile readarray dd tee tr xargs parallel ssh nc ncat netcat socat telnet ftp sftp lftp mail bc dc ed ex ' +
    'vi vim gdb'
  ).split(' '),
);
/** Words with which they leave it alone: options, or what an operand looks like. */
const NOT_WITH: ReadonlyMap<string, RegExp> = new Map([
  ['read', /^-u.*/],
  ['mapfile', /^-u.*/],
  ['readarray', /^-u.*/],
  ['dd', /^if=(?!\/dev\/(?:stdin|fd\/0)$).*/],
  ['xargs', /^(?:-a.*|--arg-file=?.*)/],
  ['parallel', /^(?::::.*|-a.*|--arg-file=?.*)/],
  ['ssh', /^-[A-Za-z46]*[nf]$/],
  ['nc', /^-[a-z46]*z[a-z46]*$/],
  ['ncat', /^-[a-z46]*z[a-z46]*$/],
  ['netcat', /^-[a-z46]*z[a-z46]*$/],
  ['sftp', /^-b.+/],
  ['gdb', /^--?batch(?:-silent)?$/],
]);
/** They read their program from it, or code that they are given may read it; a script hardly does. */
const INTERPRETERS = new Set(
  'python python2 python3 pypy3 perl ruby node nodejs php lua tclsh expect m4 Rscript'.split(' '),
);
/** `python3.11`, `php8.2`. */
const VERSION = /[-.]?\d[\d.]*$/;
const CODE_OPTION = /^(?:-[A-Za-z]*[ceErRp]|--eval|--print)$/;
/** They read it when they have no more operands than these; options that give the program count too. */
const WITHOUT_FILES: ReadonlyMap<string, number> = new Map([
  ...'cat head tail wc od xxd hexdump base64 cut sort uniq nl tac rev fold fmt pr less more md5sum sha256sum gzip'
    .split(' ')
    .map((name) => [name, 0] as const),
  ...'mongosh mongo redis-cli groovysh gnuplot ts-node'
    .split(' ')
    .map((name) => [name, 0] as const),
  ...'grep egrep fgrep rg sed awk gawk mawk nawk'.split(' ').map((name) => [name, 1] as const),
]);
const PROGRAM_OPTIONS = ['-e', '-f', '--expression', '--file', '--regexp'];
/** They read what an operand names, and that may be their input. */
const NAMED = new Set(
  'ansible-playbook systemd-tmpfiles deno bun puppet nix-instantiate'.split(' '),
);
/** A program of awk that is over before it would read anything. */
const ONLY_BEGIN = /^\s*BEGIN\s*\{(?:(?!getline)[^{}])*\}\s*$/;
const STANDARD_INPUT = /^(?:-|\/dev\/(?:stdin|fd\/0)|\/proc\/self\/fd\/0)$/;

/** Whether a command of these words reads its standard input, as far as they show. */
export function readsInput(words: readonly Word[]): boolean {
  const first = words[0];
  if (first === undefined) return false;
  const path = exactText(first);
  if (path === null) return true;
  const name = baseName(path);
  if (ALWAYS.has(name)) {
    const without = NOT_WITH.get(name);
    return !words.slice(1).some((word) => without?.test(exactText(word) ?? '') === true);
  }
  if (INTERPRETERS.has(name) || INTERPRETERS.has(name.replace(VERSION, ''))) {
    return interpreterReads(name, words.slice(1));
  }
  if (NAMED.has(name)) {
    return words.slice(1).some((word) => STANDARD_INPUT.test(exactText(word) ?? ''));
  }
  const most = WITHOUT_FILES.get(name);
  if (most === undefined) return false;
  const read = readOptions(words.slice(1), optionGrammar(name), false);
  if (name.endsWith('awk') && ONLY_BEGIN.test(exactText(read.operands[0]?.word ?? []) ?? '')) {
    return false;
  }
  const isGiven = hasOption(read, ...PROGRAM_OPTIONS);
  const files = read.operands.slice(isGiven ? 0 : most).map(({ word }) => exactText(word));
  return files.length === 0 || files.some((file) => file !== null && STANDARD_INPUT.test(file));
}

function interpreterReads(name: string, words: readonly Word[]): boolean {
  const texts = words.map((word) => exactText(word));
  const operands = texts.filter((text) => text === null || !text.startsWith('-'));
  const isGivenCode = texts.some((text) => text !== null && CODE_OPTION.test(text));
  // `perl -pe CODE FILE` and its like read the files.
  const readsFiles = /^(?:perl|ruby)$/.test(name) && operands.length > 1;
  return isGivenCode ? !readsFiles : operands.length === 0;
}
