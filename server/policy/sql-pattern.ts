/**
 * Patterns of SQL statements, word by word. Not caught here: what a statement does through functions,
 * triggers and views.
 */
import type { SqlStatement } from '../sql/statement.ts';
import { globPatterns, meet } from '../shell/pattern.ts';

export interface SqlPattern {
  readonly source: string;
  readonly words: readonly (readonly string[] | 'rest')[];
}

/** Words in any case; `*` alone stands for any words, also none; within a word it is a glob. */
export function compileSql(source: string): SqlPattern | null {
  const words = source.trim().toLowerCase().replace(/;$/, '').split(/\s+/).filter(Boolean);
  if (words.length === 0) return null;
  return { source, words: words.map((word) => (word === '*' ? 'rest' : globPatterns(word))) };
}

/** After these a statement may begin inside another one. */
const INNER_STARTS = new Set([
  '(',
  'as',
  'explain',
  'analyze',
  'verbose',
  'begin',
  'then',
  'else',
  'do',
  'loop',
]);

export function fitsSql(pattern: SqlPattern, statement: SqlStatement): boolean {
  const { words } = statement;
  for (let start = 0; start < words.length; start++) {
    const before = words[start - 1];
    if (start > 0 && (before === undefined || !INNER_STARTS.has(before))) continue;
    if (fitsFrom(pattern.words, words, start)) return true;
  }
  return false;
}

function fitsFrom(pattern: SqlPattern['words'], words: readonly string[], start: number): boolean {
  // reach: positions of `words` at which the pattern read so far may end.
  let reach = new Set([start]);
  for (const own of pattern) {
    const next = new Set<number>();
    if (own === 'rest') {
      const from = Math.min(...reach);
      for (let at = from; at <= words.length; at++) next.add(at);
    } else {
      for (const at of reach) {
        const word = words[at];
        if (word !== undefined && own.some((tokens) => meet(tokens, word))) next.add(at + 1);
      }
    }
    if (next.size === 0) return false;
    reach = next;
  }
  // What follows the pattern only adds to the statement.
  return true;
}
