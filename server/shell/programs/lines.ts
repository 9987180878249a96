/**
 * What programs print when it isn't known word by word but bounded: the files that a search lists, a
 * date, a fresh temporary file. Not caught here: names with line ends in them, which somebody made on
 * purpose.
 */
import { NO_VALUES, optionGrammar } from '../option-table.ts';
import { readOptions, type ReadOptions } from '../options.ts';
import type { Call, Lines, Output, Program } from '../runner.ts';
import { exactText, literal, type Piece, type Word } from '../word.ts';
import { foundWords } from './collect.ts';

type Listing = (call: Call, read: ReadOptions) => Lines | null;

const NAME: Piece = { kind: 'number' };
const FILE: Piece = { kind: 'number', splits: true };
const SLASH: Piece = { kind: 'text', text: '/', quoted: true };
const BELOW: Word = [NAME, { kind: 'tree' }];

/** The programs with what is known of the lines that they print. */
export function withLines(programs: ReadonlyMap<string, Program>): ReadonlyMap<string, Program> {
  const followed = new Map(programs);
  for (const [name, listing] of LISTINGS) {
    const program = programs.get(name);
    followed.set(name, (call): Output => {
      const output = program?.(call) ?? null;
      const { aliases, functions } = call.frame.state;
      if (output !== null || aliases.has(name) || functions.has(name)) return output;
      return listing(call, readOptions(call.words, optionGrammar(name) ?? NO_VALUES, false));
    });
  }
  return followed;
}

/** One line without `/`. */
function oneName(): Lines {
  return { words: [[NAME]], single: true };
}

function lines(words: readonly Word[]): Lines {
  return { words, single: false };
}

function only(read: ReadOptions, options: string): boolean {
  const allowed = options.split(' ');
  return read.options.every(({ name }) => allowed.includes(name));
}

function has(read: ReadOptions, ...names: readonly string[]): boolean {
  return read.options.some(({ name }) => names.includes(name));
}

function operands(read: ReadOptions): readonly Word[] {
  return read.operands.map(({ word }) => word);
}

/** What a filter leaves of the lines that it reads. */
function kept(options: string, most: number): Listing {
  return (call, read) => {
    const { input } = call.frame;
    const words = operands(read);
    if (input.kind !== 'unknown' || input.lines === undefined) return null;
    const numbered = words.filter((word) => !/^-\d+$/.test(exactText(word) ?? ''));
    if (numbered.length > most || !only(read, options)) return null;
    const single = / -(n ?|-lines=)?1( |$)/.test(` ${call.texts.join(' ')}`);
    return { words: input.lines, single: single && /^(head|tail|shuf)$/.test(call.name) };
  };
}

const GREP_OPTIONS =
  '-l -L -r -R -i -E -F -w -n -e -z -Z -I -s -q -x -P -v -g -t -T -S -u -0 -f --regexp --file --recursive ' +
  '--ignore-case --include --exclude --exclude-dir --files-with-matches --files-without-match --files ' +
  '--type --glob --hidden --no-ignore --null';
const FD_OPTIONS =
  '-e -t -H -I -g -E -d -0 -i -s -L -u -p --type --extension --hidden --no-ignore --glob --exclude --max-depth';
const STANDARD_INPUT = /^(-|\/dev\/(stdin|fd\/\d+))$/;

function grep(call: Call, read: ReadOptions): Lines | null {
  const words = operands(read);
  const isGrep = call.name.endsWith('grep');
  const pattern = has(read, '-e', '-f', '--regexp', '--file', '--files') ? 0 : 1;
  if (!has(read, '-l', '-L', '--files-with-matches', '--files-without-match', '--files')) {
    const options = '-v -i -E -F -w -x -e -P -a -q -m --invert-match --ignore-case --max-count';
    return isGrep ? kept(options, pattern)(call, read) : null;
  }
  const starts = words.slice(pattern);
  if (!only(read, GREP_OPTIONS)) return null;
  if (starts.some((word) => STANDARD_INPUT.test(exactText(word) ?? ''))) return null;
  const walks = !isGrep || has(read, '-r', '-R', '--recursive');
  if (starts.length === 0) return walks ? lines([BELOW]) : null;
  return lines(
    walks ? starts.flatMap((word): Word[] => [word, [...word, SLASH, { kind: 'tree' }]]) : starts,
  );
}

function find(call: Call): Lines | null {
  const other = /^-(exec|execdir|ok|okdir|printf|fprint|fprint0|fprintf|fls|ls|files0-from)$/;
  if (call.texts.some((text) => text !== null && other.test(text))) return null;
  // An action may hide behind a word that isn't known, unless it stands where a test has its value.
  const dynamic = call.texts.some(
    (text, at) => text === null && call.texts[at - 1]?.startsWith('-') !== true && at > 0,
  );
  return dynamic ? null : lines(foundWords(call.words).found);
}

function fd(_: Call, read: ReadOptions): Lines | null {
  if (!only(read, FD_OPTIONS)) return null;
  const starts = operands(read).map((word): Word => [...word, SLASH, { kind: 'tree' }]);
  return lines([BELOW, ...starts]);
}

/** Short listings: the operands themselves, or the names in them, which have no `/`. */
function ls(call: Call, read: ReadOptions): Lines | null {
  if (call.texts.includes(null) && call.words.some((word) => isOpen(word))) return null;
  if (!only(read, '-1 -t -r -a -A -d -S -c -u -v -X -U --sort -h')) return null;
  const words = operands(read);
  const names: Word[] = [[FILE]];
  if (has(read, '-a', '-A')) names.push([{ kind: 'text', text: '.', quoted: true }, FILE]);
  return lines(has(read, '-d') && words.length > 0 ? words : [...words, ...names]);
}

/** Only the last segment may be a pattern: a directory's name may end in a blank. */
function isOpen(word: Word): boolean {
  const at = word.findIndex((piece) => piece.kind !== 'text' && piece.kind !== 'home');
  if (at < 0) return false;
  return word
    .slice(at)
    .some((piece) => (piece.kind === 'text' ? piece.text.includes('/') : piece.kind !== 'glob'));
}

/** What a pattern of git names; `*` crosses directories there. */
function tracked(pattern: string | null): Word {
  const ending = /^\*(\.\w+)$/.exec(pattern ?? '')?.[1];
  return ending === undefined ? BELOW : [...BELOW, { kind: 'text', text: ending, quoted: true }];
}

function git(_: Call, read: ReadOptions): Lines | null {
  const [verb, ...rest] = operands(read).map(exactText);
  if (verb === 'ls-files') {
    const options = '-C -z -o -c -m -d --others --exclude-standard --cached --modified --deleted';
    return only(read, options) ? lines(rest.length === 0 ? [BELOW] : rest.map(tracked)) : null;
  }
  if (verb === 'diff') {
    const options = '-C -z --name-only --cached --staged --diff-filter';
    return has(read, '--name-only') && only(read, options) ? lines([BELOW]) : null;
  }
  // It prints words that it doesn't understand.
  if (verb !== 'rev-parse' || rest.length !== 1 || !/^[\w.~^@-]+$/.test(rest[0] ?? '')) return null;
  return only(read, '-C --short --verify --quiet -q') ? oneName() : null;
}

function mktemp(call: Call, read: ReadOptions): Lines | null {
  if (call.frame.state.variables.has('TMPDIR')) return null;
  if (!only(read, '-d -q --directory --quiet')) return null;
  const [template] = operands(read);
  if (template === undefined) return { words: [[...literal('/tmp/tmp.'), NAME]], single: true };
  const text = exactText(template)?.replace(/X{3,}[^X/]*$/, '');
  return text === undefined ? null : { words: [[...literal(text), NAME]], single: true };
}

function pwd(call: Call): Lines | null {
  const { directory } = call.frame.state;
  if (directory === null || call.words.length > 0) return null;
  const home = /^~[^/]*/.exec(directory)?.[0];
  if (home === undefined) return { words: [literal(directory)], single: true };
  const user = home.slice(1);
  const rest = directory.slice(home.length);
  return {
    words: [[{ kind: 'home', user: user === '' ? null : user }, ...literal(rest)]],
    single: true,
  };
}

function date(call: Call, read: ReadOptions): Lines | null {
  if (call.texts.some((text) => text === null || /^-\w*f|^--file|%[Dx+c]/.test(text))) return null;
  const format = operands(read).find((word) => exactText(word)?.startsWith('+') === true);
  // Letters of the format could spell any name.
  const text = exactText(format ?? [])?.replace(/%[-_0^#]?\d*:{0,3}[A-Za-z]/g, '') ?? '';
  return /^\+?[-_:.T ]*Z?$/.test(text) && !/\.\w/.test(text) ? oneName() : null;
}

/** With `-t` it prints nothing but the numbers of processes. */
function lsof(call: Call): Lines | null {
  return call.texts.some((text) => /^-[abClnNOPRUVwX]*t/.test(text ?? '')) ? lines([[NAME]]) : null;
}

/** Process numbers or other short names, one a line. */
function names(options: string, needed: RegExp | null = null): Listing {
  return (call, read) => {
    const isAsked = needed === null || call.texts.some((text) => needed.test(text ?? ''));
    return isAsked && only(read, options) ? lines([[NAME]]) : null;
  };
}

const LISTINGS: ReadonlyMap<string, Listing> = new Map(
  Object.entries<Listing>({
    head: kept('-n -q --lines -1', 0),
    tail: kept('-n -q --lines -1', 0),
    sort: kept('-u -r -n -h -V -k -t -R -f -z --unique --reverse', 0),
    uniq: kept('-d -u', 0),
    tac: kept('', 0),
    cat: kept('', 0),
    shuf: kept('-n', 0),
    grep,
    egrep: grep,
    fgrep: grep,
    rg: grep,
    ag: grep,
    find,
    gfind: find,
    fd,
    fdfind: fd,
    ls,
    git,
    mktemp,
    pwd,
    date,
    hostname: (_, read) => (has(read, '-F', '--file') ? null : oneName()),
    whoami: oneName,
    logname: oneName,
    nproc: oneName,
    uname: oneName,
    arch: oneName,
    id: oneName,
    uuidgen: oneName,
    pgrep: names('-f -x -u -n -o -P -U -g -c --full --exact --newest --oldest'),
    pidof: names('-s -x'),
    lsof,
    docker: names('-a -q -f -l --quiet --all --filter', /^ps$/),
  }),
);
