/**
 * What `scp -t` and `scp -f` are told by their words, and where the files lie that the protocol then names.
 * Pure. Not caught here: links on the target; and, in an upload, whether the place is a directory.
 */
import { posix } from 'node:path';
import type { FilePlace } from '../policy/file-operation.ts';
import { wordPatterns } from '../policy/path-pattern.ts';
import { meet } from '../shell/pattern.ts';
import { hasOption, type ReadOptions } from '../shell/options.ts';
import { exactText, showWord, type Piece, type Word } from '../shell/word.ts';

export interface ScpCall {
  readonly direction: 'upload' | 'download';
  readonly isRecursive: boolean;
  /** Each place that it was told: of an upload the one where the files go. */
  readonly places: readonly ScpPlace[];
  /** The places say each file's path exactly; otherwise the words that start it count as well. */
  readonly isExact: boolean;
}

interface ScpPlace {
  /** Absolute, or below `~`. */
  readonly path: string;
  /** The directory in which it lies, null = it is a home; and every name that it may mean there. */
  readonly directory: string | null;
  readonly names: readonly string[];
  /** The words say that it is a directory. */
  readonly isDirectory: boolean;
}

/** @returns null when nobody can tell where it starts, or where its files go */
export function scpCall(read: ReadOptions, directories: readonly string[] | null): ScpCall | null {
  const [start, ...others] = directories ?? [];
  const words = read.operands.map(({ word }) => word);
  if (start === undefined || others.length > 0 || words.length === 0) return null;
  const direction = hasOption(read, '-t') ? 'upload' : 'download';
  if (direction === 'upload' && (words.length > 1 || words.some((one) => exactText(one) === null)))
    return null;
  const isDirectory = hasOption(read, '-d');
  return {
    direction,
    isRecursive: hasOption(read, '-r'),
    places: words.map((word) => placeOf(word, start, isDirectory)),
    isExact: words.every(isExact),
  };
}

function placeOf(word: Word, start: string, isDirectory: boolean): ScpPlace {
  const { directory, name } = split(word);
  const text = showWord(word);
  return {
    path: absolute(word, start),
    directory: name[0]?.kind === 'home' ? null : absolute(directory, start),
    names: wordPatterns(name).map((one) => one.slice(one.lastIndexOf('/') + 1)),
    isDirectory: isDirectory || /(?:^|\/)\.{0,2}\/*$/.test(text),
  };
}

function isExact(word: Word): boolean {
  const { directory, name } = split(word);
  return (
    exactText(directory) !== null && name.every(({ kind }) => /^(?:text|glob|home)$/.test(kind))
  );
}

/** The word before and behind its last slash, those at its end aside. */
function split(word: Word): { readonly directory: Word; readonly name: Word } {
  const pieces: Piece[] = [...word];
  const last = pieces.at(-1);
  if (last?.kind === 'text')
    pieces[pieces.length - 1] = { ...last, text: last.text.replace(/\/+$/, '') };
  for (let index = pieces.length - 1; index >= 0; index--) {
    const piece = pieces[index];
    const at = piece?.kind === 'text' ? piece.text.lastIndexOf('/') : -1;
    if (piece?.kind !== 'text' || at < 0) continue;
    const head = { ...piece, text: piece.text.slice(0, at + 1) };
    const rest = { ...piece, text: piece.text.slice(at + 1) };
    return {
      directory: [...pieces.slice(0, index), head],
      name: [rest, ...pieces.slice(index + 1)],
    };
  }
  return { directory: [], name: pieces };
}

function absolute(word: Word, start: string): string {
  const text = showWord(word);
  const isWhole = word[0]?.kind === 'home' || text.startsWith('/');
  return normalised(isWhole ? text : `${start}/${text}`);
}

/** Without `.`, and without `..` as far as that can be told. */
function normalised(path: string): string {
  if (path.startsWith('/'))
    return posix
      .normalize(path)
      .replace(/(?<=.)\/$/, '')
      .replace(/^\/+/, '/');
  const [home = '~', ...rest] = path.split('/');
  const below = posix.normalize(`./${rest.join('/')}`).replace(/\/$/, '');
  return below === '.' ? home : `${home}/${below}`;
}

/**
 * Where the file lies that the client sends under these names, the directories around it first: in the
 * place, or as the place itself where that is no directory.
 */
export function uploadPlace({ places }: ScpCall, names: readonly string[]): FilePlace {
  const [place] = places;
  const path = place?.path ?? '~';
  const inside = normalised([path, ...names].join('/'));
  if (place?.isDirectory === true) return { path: inside, spelt: null };
  return { path: inside, spelt: normalised([path, ...names.slice(1)].join('/')) };
}

/** Where the file lies that the target sends; null = nobody asked for a file of that name. */
export function downloadPlace({ places }: ScpCall, names: readonly string[]): FilePlace | null {
  const [top = ''] = names;
  const asked = places.find((place) => place.names.some((pattern) => meet(pattern, closed(top))));
  if (asked === undefined) return null;
  const { directory, path } = asked;
  const parts = directory === null ? [path, ...names.slice(1)] : [directory, ...names];
  return { path: normalised(parts.join('/')), spelt: null };
}

/** A character that stands for an open place of a pattern must fit nothing. */
function closed(name: string): string {
  return name.replace(/[\ue000-\ue002]/g, '\ufffd');
}
