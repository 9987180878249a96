/**
 * Paths as rules and commands write them, compared as patterns in both directions, without a disk.
 * Not caught here: symbolic links and mounts that the target already has.
 */
import { ALL, globPatterns, literalPrefix, MANY, meet, ONE } from '../shell/pattern.ts';
import type { Word } from '../shell/word.ts';
import type { Fit } from './policy.ts';

export interface PathPattern {
  readonly source: string;
  /** Each way to read it, with the literal text before its first open place. */
  readonly readings: readonly { readonly pattern: string; readonly prefix: string }[];
}

/** Ways to read one word; beyond, the word is taken for anything. */
const MAX_READINGS = 64;
/** Pieces of a word that are compared one by one. */
const MAX_PIECES = 500;
/** No path is longer on Linux (PATH_MAX), so literal text beyond names none. */
const MAX_PATH_CHARACTERS = 4_096;

/** @param source absolute, or below `~`, or beginning with `**` */
export function compilePath(source: string): PathPattern {
  const home = source.startsWith('~') ? '~' : '';
  const readings = globPatterns(source.slice(home.length)).flatMap((rest) =>
    homes(home).map((start) => normalisePattern(start + rest)),
  );
  return {
    source,
    readings: readings.map((pattern) => ({ pattern, prefix: literalPrefix(pattern) })),
  };
}

/** A word of a command as every path that it could name. */
export interface NamedPath {
  readonly patterns: readonly string[];
  /** It depends on a part that can't be known. */
  readonly unsure: boolean;
  /** It is relative, and read in a directory that can't be known: any directory might be that one. */
  readonly unsureBelow?: boolean;
  /** Its open places are patterns of the shell, which match no name that begins with a dot. */
  readonly isVisible: boolean;
}

/**
 * @param directories where the command may run; null = anywhere
 * @param tree everything below the path is reached as well
 */
export function namePath(
  word: Word,
  directories: readonly string[] | null,
  tree: boolean,
): NamedPath {
  const unsure = word.some((piece) => piece.kind === 'unknown');
  const isVisible = word.every(({ kind }) => !/^(?:tree|number|unknown)$/.test(kind));
  const readings = wordPatterns(word);
  const patterns = readings
    .flatMap((reading) => fromDirectories(reading, directories))
    .map(normalisePattern);
  if (!tree) return { patterns, unsure, isVisible };
  return {
    patterns: patterns.flatMap((one) => [one, one.endsWith('/') ? one + ALL : `${one}/${ALL}`]),
    unsure,
    isVisible,
  };
}

/** A name that begins with a dot, where the other begins with an open place. */
function hides(guarded: string, pattern: string): boolean {
  if (!guarded.includes('/.')) return false;
  const names = guarded.split('/');
  for (const [index, own] of pattern.split('/').entries()) {
    const name = names[index] ?? '';
    if (own.includes(ALL) || name.includes(ALL)) return false;
    if (name.startsWith('.') && (own.startsWith(MANY) || own.startsWith(ONE))) return true;
  }
  return false;
}

/** @param spent counts what was compared: one for a glance, more where it takes a closer look */
export function fitPath(
  pattern: PathPattern,
  named: NamedPath,
  spent: { comparisons: number } = { comparisons: 0 },
): Fit {
  const met = named.patterns.some((one) =>
    pattern.readings.some((own) => {
      spent.comparisons++;
      if (!startsAlike(own.prefix, one) || !endsAlike(own.pattern, one)) return false;
      spent.comparisons += costOf(one);
      return meet(own.pattern, one) && !(named.isVisible && hides(own.pattern, one));
    }),
  );
  if (!met) return 'no';
  if (named.unsure) return 'maybe';
  if (named.unsureBelow !== true) return 'yes';
  const exact = pattern.readings.filter((own) => !own.pattern.endsWith(ALL));
  return named.patterns.some((one) => exact.some((own) => meet(own.pattern, one)))
    ? 'yes'
    : 'maybe';
}

/** Tells most pairs apart at once. */
function startsAlike(prefix: string, pattern: string): boolean {
  for (let index = 0; index < prefix.length && index < pattern.length; index++) {
    const code = pattern.charCodeAt(index);
    if (isOpen(code)) return true;
    if (code !== prefix.charCodeAt(index)) return false;
  }
  return true;
}

/** As `startsAlike`, from the other end: most names differ there. */
function endsAlike(pattern: string, other: string): boolean {
  const count = Math.min(pattern.length, other.length);
  for (let at = 1; at <= count; at++) {
    const own = pattern.charCodeAt(pattern.length - at);
    const code = other.charCodeAt(other.length - at);
    if (isOpen(own) || isOpen(code)) return true;
    if (own !== code) return false;
  }
  return true;
}

function isOpen(code: number): boolean {
  return code >= 0xe000 && code <= 0xe002;
}

/** Characters of a literal path that cost as much as one comparison; open ones are read one by one. */
const LITERAL_CHARACTERS = 64;

function costOf(pattern: string): number {
  return literalPrefix(pattern) === pattern ? pattern.length / LITERAL_CHARACTERS : pattern.length;
}

/** A home directory as patterns; the login's own may be root's. */
function homes(home: string): readonly string[] {
  if (home === '') return [''];
  if (home === '~root') return ['/root'];
  return home === '~' ? ['/root', `/home/${MANY}`] : [`/home/${home.slice(1)}`];
}

/** Every way to read a word as text with open places. */
export function wordPatterns(word: Word): readonly string[] {
  if (word.length > MAX_PIECES) return [ALL];
  let readings: readonly string[] = [''];
  for (const piece of word) {
    const options = piecePatterns(piece);
    if (readings.length * options.length > MAX_READINGS) return [ALL];
    readings = readings.flatMap((reading) => options.map((option) => reading + option));
  }
  if (readings.every((one) => one.length <= MAX_PATH_CHARACTERS)) return readings;
  // Literal text that long names no file; a pattern may name anything.
  return readings.some((one) => one.length > MAX_PATH_CHARACTERS && literalPrefix(one) !== one)
    ? [ALL]
    : readings.filter((one) => one.length <= MAX_PATH_CHARACTERS);
}

function piecePatterns(piece: Word[number]): readonly string[] {
  switch (piece.kind) {
    case 'text':
      return [piece.text];
    case 'glob':
      return globPatterns(piece.pattern);
    case 'tree':
    case 'unknown':
      return [ALL];
    case 'number':
      return [piece.isOwnProcess === true ? ONE + ONE + MANY : MANY];
    case 'home':
      return homes(`~${piece.user ?? ''}`);
    case 'process':
      return ['/dev/fd/63'];
  }
}

function fromDirectories(
  pattern: string,
  directories: readonly string[] | null,
): readonly string[] {
  if (pattern === '' || pattern.startsWith('/') || pattern.startsWith(ALL)) return [pattern];
  if (directories === null) return [`/${pattern}`, `/${ALL}/${pattern}`];
  return directories.flatMap((directory) => {
    const home = directory.startsWith('~') ? (directory.split('/', 1)[0] ?? '~') : '';
    return homes(home).map((start) => `${start}${directory.slice(home.length)}/${pattern}`);
  });
}

/** Without `.`, `..` and empty segments; `/proc/self/root` is `/`. */
function normalisePattern(pattern: string): string {
  if (!/\/(\.{0,2}(\/|$)|proc\/)/.test(pattern)) return pattern;
  let floating = pattern.startsWith(ALL);
  const segments: string[] = [];
  for (const segment of pattern.split('/')) {
    if (segment === '' || segment === '.') continue;
    // What `**/..` leaves is still anything.
    if (segment !== '..') segments.push(segment);
    else if (segments.at(-1)?.includes(ALL) !== true) segments.pop();
    if (throughProc(segments) === 'anywhere') floating = true;
  }
  const path = segments.join('/');
  return floating && path.startsWith(ALL) ? path : `/${path}`;
}

/** `/proc/PID/root` is the root again, `/proc/PID/cwd` any directory. */
function throughProc(segments: string[]): 'anywhere' | null {
  if (segments[0] !== 'proc') return null;
  const at = segments[2] === 'task' ? 4 : 2;
  if (segments.length !== at + 1) return null;
  if (segments[at] === 'root') segments.length = 0;
  if (segments[at] !== 'cwd') return null;
  segments.splice(0, at + 1, ALL);
  return 'anywhere';
}
