/**
 * Patterns of SQL statements, word by word, compared where a statement begins: its own start and those of
 * the statements inside it. Not caught here: what a statement does through functions, triggers and views.
 */
import type { SqlStatement } from '../sql/statement.ts';
import { globPatterns, meet } from '../shell/pattern.ts';

type PatternWord =
  | 'rest'
  /** A string whose value fits, or any string. */
  | { readonly string: readonly string[] | null }
  | readonly string[];

export interface SqlPattern {
  readonly source: string;
  readonly words: readonly PatternWord[];
}

/** A pattern's words: strings, signs that stand alone in a statement, and everything between. */
const WORD = /'(?:[^']|'')*'|"[^"]*"|::|:=|\|\||<=|>=|<>|!=|->|=>|[(),;=.]|[^\s(),;=.']+/g;

/**
 * Words in any case; `*` alone stands for any words, also none; within a word it is a glob; `'…'` is a
 * string, whose value is a glob.
 */
export function compileSql(source: string): SqlPattern | null {
  const parts = source.trim().toLowerCase().replace(/;$/, '').split(/\s+/).filter(Boolean);
  if (parts.length === 0) return null;
  const words = parts.join(' ').match(/(?<=^|\s)\*(?=\s|$)|'(?:[^']|'')*'|\S+/g) ?? [];
  return { source, words: words.flatMap((word) => compileWord(word)) };
}

function compileWord(word: string): PatternWord[] {
  if (word === '*') return ['rest'];
  return (word.match(WORD) ?? []).map((part) => {
    if (part.startsWith("'")) {
      const value = part.slice(1, -1).replaceAll("''", "'");
      return { string: value === '*' || value === '…' ? null : globPatterns(value) };
    }
    return globPatterns(part.startsWith('"') ? part.slice(1, -1) : part);
  });
}

/** Words that a statement may hold or not without being another one. */
const NOISE: readonly (readonly string[])[] = [
  ['if', 'not', 'exists'],
  ['if', 'exists'],
  ['or', 'replace'],
  ['concurrently'],
  ['only'],
  ['low_priority'],
  ['quick'],
  ['ignore'],
  ['temporary'],
  ['temp'],
  ['unlogged'],
];
/** How far from its start a statement has such words. */
const HEAD_WORDS = 8;

/** Whether a statement, or one inside it, begins like the pattern. */
export function fitsSql(pattern: SqlPattern, statement: SqlStatement): boolean {
  const { words, strings, starts } = statement;
  return starts.some((start) => {
    const row = { words, strings, head: NO_HEAD, tail: start };
    if (fitsFrom(pattern.words, row)) return true;
    const plain = withoutNoise(words, start);
    return plain !== null && fitsFrom(pattern.words, { words, strings, ...plain });
  });
}

/** Comparisons that `fitsSql` makes at most, for whoever has to bound them. */
export function costOfSql({ words: own }: SqlPattern, { words, starts }: SqlStatement): number {
  const isOpen = own.slice(0, -1).includes('rest');
  return starts.length * (own.length + HEAD_WORDS + (isOpen ? words.length : 0));
}

/** The words of a statement from somewhere on: some of `head`, then all from `tail` on. */
interface Row {
  readonly words: readonly string[];
  readonly strings: readonly (string | null)[];
  /** Positions among `words`, or words that may be left out. */
  readonly head: readonly (number | string)[];
  readonly tail: number;
}

const NO_HEAD: Row['head'] = [];

/** The statement from `start` in its shortest spelling; null = it has no other. */
function withoutNoise(
  words: readonly string[],
  start: number,
): { readonly head: Row['head']; readonly tail: number } | null {
  const head: (number | string)[] = [];
  let changed = false;
  let at = start;
  for (; at < words.length && at < start + HEAD_WORDS; at++) {
    const noise =
      at > start
        ? NOISE.find((phrase) => phrase.every((word, offset) => words[at + offset] === word))
        : undefined;
    if (noise !== undefined) {
      at += noise.length - 1;
      changed = true;
      continue;
    }
    head.push(at);
    // The word may be left out: `TRUNCATE x`, `DELETE x`, `INSERT x`.
    const implied = at === start ? IMPLIED[words[at] ?? ''] : undefined;
    if (implied !== undefined && words[at + 1] !== implied) {
      head.push(implied);
      changed = true;
    }
  }
  return changed ? { head, tail: at } : null;
}

const IMPLIED: Readonly<Record<string, string>> = { truncate: 'table' };

function fitsFrom(pattern: SqlPattern['words'], row: Row): boolean {
  const { head, strings, tail, words } = row;
  const length = head.length + words.length - tail;
  // reach: positions in the row at which the pattern read so far may end.
  let reach = new Set([0]);
  for (const [index, own] of pattern.entries()) {
    const next = new Set<number>();
    if (own === 'rest') {
      if (index === pattern.length - 1) return true;
      for (let at = Math.min(...reach); at <= length; at++) next.add(at);
    } else {
      for (const at of reach) {
        if (at >= length) continue;
        const place = head[at] ?? tail + at - head.length;
        const isImplied = typeof place === 'string';
        const word = isImplied ? place : (words[place] as string);
        if (fitsWord(own, word, isImplied ? null : (strings[place] ?? null))) next.add(at + 1);
      }
    }
    if (next.size === 0) return false;
    reach = next;
  }
  // What follows the pattern only adds to the statement.
  return true;
}

function fitsWord(own: Exclude<PatternWord, 'rest'>, word: string, string: string | null): boolean {
  if (!('string' in own)) return own.some((tokens) => meet(tokens, word));
  if (string === null) return false;
  return own.string === null || own.string.some((tokens) => meet(tokens, string.toLowerCase()));
}
