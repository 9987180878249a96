/**
 * Paths as rules and commands write them, compared as patterns in both directions, without a disk.
 * Not caught here: symbolic links and mounts that the target already has.
 */
import { ALL, globTokens, meet, textTokens, type Token } from '../shell/pattern.ts';
import type { Word } from '../shell/word.ts';
import type { Fit } from './policy.ts';

export interface PathPattern {
  readonly source: string;
  readonly readings: readonly Path[];
}

/** One way to read a path: tokens, and what its literal start is, to tell most paths apart at once. */
interface Path {
  readonly tokens: readonly Token[];
  readonly prefix: string;
}

const SLASH: Token = { kind: 'char', char: '/' };
const MANY: Token = { kind: 'many' };
/** Ways to read one word; beyond, the word is taken for anything. */
const MAX_READINGS = 64;

/** Absolute or below `~`; `**` crosses `/`. */
export function compilePath(source: string): PathPattern {
  const readings = globTokens(source.replace(/^~(?=\/|$)/, '')).flatMap((tokens) =>
    homeReadings(source.startsWith('~') ? '~' : '').map((home) => [...home, ...tokens]),
  );
  return { source, readings: readings.map((tokens) => path(normalise(tokens))) };
}

/** A word of a command as every path that it could name. */
export interface NamedPath {
  readonly readings: readonly Path[];
  /** It depends on a part that can't be known. */
  readonly unsure: boolean;
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
  let readings = wordReadings(word);
  if (readings.length > MAX_READINGS) readings = [[SLASH, ALL]];
  const absolute = readings.flatMap((tokens) => fromDirectories(tokens, directories));
  const normal = absolute.map(normalise);
  const all = tree ? normal.flatMap((tokens) => [tokens, below(tokens)]) : normal;
  return { readings: all.map(path), unsure };
}

export function fitPath(pattern: PathPattern, named: NamedPath): Fit {
  const met = named.readings.some((reading) =>
    pattern.readings.some((own) => {
      const length = Math.min(own.prefix.length, reading.prefix.length);
      if (own.prefix.slice(0, length) !== reading.prefix.slice(0, length)) return false;
      return meet(own.tokens, reading.tokens);
    }),
  );
  if (!met) return 'no';
  return named.unsure ? 'maybe' : 'yes';
}

function path(tokens: readonly Token[]): Path {
  const end = tokens.findIndex((token) => token.kind !== 'char');
  const literal = end < 0 ? tokens : tokens.slice(0, end);
  return {
    tokens,
    prefix: literal.map((token) => (token.kind === 'char' ? token.char : '')).join(''),
  };
}

function below(tokens: readonly Token[]): Token[] {
  const last = tokens.at(-1);
  const slash = last?.kind === 'char' && last.char === '/';
  return slash ? [...tokens, ALL] : [...tokens, SLASH, ALL];
}

function homeReadings(home: string): Token[][] {
  if (home === '') return [[]];
  if (home === '~root') return [textTokens('/root')];
  if (home === '~') return [textTokens('/root'), [...textTokens('/home/'), MANY]];
  return [textTokens(`/home/${home.slice(1)}`)];
}

function wordReadings(word: Word): Token[][] {
  let readings: Token[][] = [[]];
  for (const piece of word) {
    let options: Token[][];
    switch (piece.kind) {
      case 'text':
        options = [textTokens(piece.text)];
        break;
      case 'glob':
        options = globTokens(piece.pattern);
        break;
      case 'tree':
      case 'unknown':
        options = [[ALL]];
        break;
      case 'number':
        options = [[MANY]];
        break;
      case 'home':
        options = homeReadings(`~${piece.user ?? ''}`);
        break;
      case 'process':
        options = [textTokens('/dev/fd/63')];
    }
    if (readings.length * options.length > MAX_READINGS) return [[ALL]];
    readings = readings.flatMap((reading) => options.map((option) => [...reading, ...option]));
  }
  return readings;
}

function fromDirectories(
  tokens: readonly Token[],
  directories: readonly string[] | null,
): Token[][] {
  const first = tokens[0];
  if (first === undefined || isSlash(first) || first.kind === 'all') return [[...tokens]];
  if (directories === null)
    return [
      [SLASH, ...tokens],
      [SLASH, ALL, SLASH, ...tokens],
    ];
  return directories.flatMap((directory) => {
    const home = directory.startsWith('~') ? (directory.split('/', 1)[0] ?? '~') : '';
    const rest = textTokens(directory.slice(home.length));
    return homeReadings(home).map((start) => [...start, ...rest, SLASH, ...tokens]);
  });
}

function isSlash(token: Token): boolean {
  return token.kind === 'char' && token.char === '/';
}

/** Segments without `.`, `..` and empty ones; `/proc/self/root` is `/`. */
function normalise(tokens: readonly Token[]): Token[] {
  if (!tokens.some(isSlash)) return [...tokens];
  const segments: Token[][] = [];
  let current: Token[] = [];
  const close = () => {
    const text = literalOf(current);
    if (text === '..') popSegment(segments);
    else if (text !== '' && text !== '.') segments.push(current);
    current = [];
    throughProc(segments);
  };
  for (const token of tokens) {
    if (isSlash(token)) close();
    else current.push(token);
  }
  close();
  const floating = tokens[0]?.kind === 'all';
  return segments
    .flatMap((segment, index) => (index === 0 && floating ? segment : [SLASH, ...segment]))
    .concat(segments.length === 0 ? [SLASH] : []);
}

function popSegment(segments: Token[][]): void {
  // What `**/..` leaves is still anything.
  if (segments.at(-1)?.some((token) => token.kind === 'all') !== true) segments.pop();
}

/** `/proc/PID/root` is the root again, `/proc/PID/cwd` any directory. */
function throughProc(segments: Token[][]): void {
  if (segments.length !== 3 || literalOf(segments[0] ?? []) !== 'proc') return;
  const last = literalOf(segments[2] ?? []);
  if (last === 'root') segments.length = 0;
  else if (last === 'cwd') segments.splice(0, 3, [ALL]);
}

/** The segment's text; null when it has a pattern. */
function literalOf(segment: readonly Token[]): string | null {
  let text = '';
  for (const token of segment) {
    if (token.kind !== 'char') return null;
    text += token.char;
  }
  return text;
}
