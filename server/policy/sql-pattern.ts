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
    if (fitsFrom(pattern.words, words, strings, start)) return true;
    const plain = withoutNoise(words, start);
    return (
      plain !== null &&
      fitsFrom(
        pattern.words,
        plain.words,
        plain.positions.map((at) => strings[at] ?? null),
        0,
      )
    );
  });
}

/** The statement from `start` in its shortest spelling; null = it has no other. */
function withoutNoise(
  words: readonly string[],
  start: number,
): { readonly words: readonly string[]; readonly positions: readonly number[] } | null {
  const kept: string[] = [];
  const positions: number[] = [];
  let changed = false;
  for (let at = start; at < words.length; at++) {
    const noise =
      at > start && at < start + HEAD_WORDS
        ? NOISE.find((phrase) => phrase.every((word, offset) => words[at + offset] === word))
        : undefined;
    if (noise !== undefined) {
      at += noise.length - 1;
      changed = true;
      continue;
    }
    kept.push(words[at] as string);
    positions.push(at);
    // The word may be left out: `TRUNCATE x`, `DELETE x`, `INSERT x`.
    if (at === start) {
      const implied = IMPLIED[words[at] ?? ''];
      if (implied !== undefined && !kept.includes(implied) && words[at + 1] !== implied) {
        kept.push(implied);
        positions.push(-1);
        changed = true;
      }
    }
  }
  return changed ? { words: kept, positions } : null;
}

const IMPLIED: Readonly<Record<string, string>> = { truncate: 'table' };

function fitsFrom(
  pattern: SqlPattern['words'],
  words: readonly string[],
  strings: readonly (string | null)[],
  start: number,
): boolean {
  // reach: positions of `words` at which the pattern read so far may end.
  let reach = new Set([start]);
  for (const own of pattern) {
    const next = new Set<number>();
    if (own === 'rest') {
      const from = Math.min(...reach);
      for (let at = from; at <= words.length; at++) next.add(at);
    } else {
      for (const at of reach)
        if (at < words.length && fitsWord(own, words[at] as string, strings[at] ?? null))
          next.add(at + 1);
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
