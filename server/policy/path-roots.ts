/**
 * Tells most paths and rules apart by the first name of the path, before either is worked out. Not
 * caught here: anything that isn't plain; then the comparison itself decides.
 */
import type { Piece, Word } from '../shell/word.ts';
import type { Effect } from './effects.ts';
import type { PathPattern } from './path-pattern.ts';
import { ACCESSES, type Access, type Rule } from './policy.ts';

/** Every way to reach a path that a policy's rules are about, by the first name of the path. */
export interface GuardedRoots {
  /** Accesses that some rule guards below `/NAME`, as bits. */
  readonly named: ReadonlyMap<string, number>;
  /** Accesses that some rule guards wherever the path begins. */
  readonly anywhere: number;
}

const BITS = new Map<Access, number>(ACCESSES.map((access, index) => [access, 1 << index]));

function bitsOf(accesses: ReadonlySet<Access>): number {
  let bits = 0;
  for (const access of accesses) bits |= BITS.get(access) ?? 0;
  return bits;
}

export function guardedRoots(rules: readonly Rule[]): GuardedRoots {
  const named = new Map<string, number>();
  let anywhere = 0;
  for (const { match } of rules) {
    const bits = bitsOf(match.access);
    for (const root of (match.paths ?? []).flatMap(rootsOfPattern)) {
      if (root === null) anywhere |= bits;
      else named.set(root, (named.get(root) ?? 0) | bits);
    }
  }
  return { named, anywhere };
}

/** null = it may begin with any name. */
function rootsOfPattern({ readings }: PathPattern): (string | null)[] {
  return readings.map(({ pattern, prefix }) => {
    if (!prefix.startsWith('/')) return null;
    const end = prefix.indexOf('/', 1);
    if (end > 0) return prefix.slice(1, end);
    return prefix === pattern ? prefix.slice(1) : null;
  });
}

/** False only when no rule can fit this path. */
export function mayBeGuarded(
  roots: GuardedRoots,
  effect: Effect,
  directories: readonly string[] | null,
): boolean {
  const bits = bitsOf(effect.access);
  if ((roots.anywhere & bits) !== 0) return true;
  const { word } = effect;
  const first = word[0];
  if (first === undefined || !isPlain(word)) return true;
  if (first.kind === 'home') return homeIsGuarded(roots, first.user ?? '', bits);
  if (first.kind !== 'text' || first.text === '') return true;
  if (first.text.startsWith('/')) {
    return nameIsGuarded(roots, firstName(first.text, word.length === 1), bits);
  }
  if (effect.directory !== null || directories === null || directories.length === 0) return true;
  for (const directory of directories) {
    if (directory.includes('..')) return true;
    if (directory.startsWith('~')) {
      if (homeIsGuarded(roots, directory.split('/', 1)[0]?.slice(1) ?? '', bits)) return true;
    } else if (nameIsGuarded(roots, firstName(directory, true), bits)) return true;
  }
  return false;
}

/** Longer words are read in other ways, as are those that lead up again. */
const MAX_PLAIN_CHARACTERS = 1_000;
const MAX_PLAIN_PIECES = 8;

function isPlain(word: Word): boolean {
  if (word.length > MAX_PLAIN_PIECES) return false;
  const [only] = word;
  if (word.length === 1 && only?.kind === 'text') return isPlainText(only.text);
  // Two patterns may have more readings than are kept, and then the word is taken for anything.
  const isSingle = word.reduce((count, { kind }) => count + (kind === 'glob' ? 1 : 0), 0) < 2;
  return isSingle && word.every(isPlainPiece);
}

function isPlainPiece(piece: Piece, index: number): boolean {
  switch (piece.kind) {
    case 'text':
      // Dots of neighbours may come together.
      return (
        isPlainText(piece.text) &&
        !piece.text.includes(index === 0 ? '/.' : '.') &&
        !piece.text.endsWith('.')
      );
    case 'glob':
      return !piece.pattern.includes('.');
    case 'home':
      return index === 0;
    case 'number':
    case 'tree':
    case 'unknown':
      return true;
    case 'process':
      return false;
  }
}

function isPlainText(text: string): boolean {
  return (
    text.length <= MAX_PLAIN_CHARACTERS &&
    !text.includes('..') &&
    !text.includes('//') &&
    !/[\ue000-\ue002]/.test(text)
  );
}

/** @returns null when it can't be told */
function firstName(path: string, isWhole: boolean): string | null {
  const end = path.indexOf('/', 1);
  const name = end > 0 ? path.slice(1, end) : isWhole ? path.slice(1) : null;
  return name === null || name === '' || name === '.' || name === '..' || name === 'proc'
    ? null
    : name;
}

function nameIsGuarded(roots: GuardedRoots, name: string | null, bits: number): boolean {
  return name === null || ((roots.named.get(name) ?? 0) & bits) !== 0;
}

function homeIsGuarded(roots: GuardedRoots, user: string, bits: number): boolean {
  const isRoot = user === '' || user === 'root';
  return (
    (isRoot && nameIsGuarded(roots, 'root', bits)) ||
    (user !== 'root' && nameIsGuarded(roots, 'home', bits))
  );
}
