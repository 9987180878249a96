/**
 * The operations of `${x…}` on a known text (bash manual, 3.5.3). Not caught here: locales, whose letters
 * change case in other ways.
 */
import { unescapeAnsi } from './escape.ts';
import { globPatterns, matchEnds } from './pattern.ts';

/** `${x^pattern}`, `${x,,}`, `${x~}`. */
export function changeCase(known: string, operator: string, pattern: string): string {
  const tokens = pattern === '' ? null : globPatterns(pattern);
  const isAll = operator.length === 2;
  return Array.from(known, (char, index) => {
    if (
      (!isAll && index > 0) ||
      (tokens !== null && !matchEnds(tokens, char).includes(char.length))
    )
      return char;
    if (operator.startsWith('^')) return char.toUpperCase();
    if (operator.startsWith(',')) return char.toLowerCase();
    return char === char.toUpperCase() ? char.toLowerCase() : char.toUpperCase();
  }).join('');
}

/** `${x@U}` and the other letters whose result can be told. */
export function transform(known: string, letter: string): string | null {
  switch (letter) {
    case 'U':
      return known.toUpperCase();
    case 'L':
      return known.toLowerCase();
    case 'u':
      return known.slice(0, 1).toUpperCase() + known.slice(1);
    case 'E':
      return unescapeAnsi(known);
    case 'P':
      return /[\\$`!]/.test(known) ? null : known;
    default:
      return null;
  }
}

/** `${x:offset:length}`. */
export function sliceText(known: string, offset: number, length: number | undefined): string {
  const start = offset < 0 ? known.length + offset : offset;
  if (start < 0) return '';
  const rest = known.slice(start);
  return length === undefined ? rest : rest.slice(0, length);
}

/** `${x#pattern}`, `${x%pattern}`. */
export function removeMatch(
  known: string,
  patterns: readonly string[],
  operator: '#' | '##' | '%' | '%%',
): string {
  const fromStart = operator.startsWith('#');
  const ends = fromStart
    ? matchEnds(patterns, known)
    : matchEnds(patterns.map(reversed), reversed(known));
  const cut = operator.length === 2 ? ends.at(-1) : ends[0];
  if (cut === undefined) return known;
  return fromStart ? known.slice(cut) : known.slice(0, known.length - cut);
}

function reversed(text: string): string {
  return text.split('').toReversed().join('');
}

/** `${x/pattern/replacement}`. */
export function replaceMatches(
  known: string,
  patterns: readonly string[],
  replacement: string,
  operator: string,
): string {
  let out = '';
  for (let at = 0; at < known.length;) {
    const end = longestMatch(patterns, known, at, operator === '/%');
    if (end === null) out += known[at++] ?? '';
    else {
      out += replacement;
      at = end;
      if (operator !== '//') return out + known.slice(at);
    }
    if (operator === '/#') return out + known.slice(at);
  }
  return out;
}

function longestMatch(
  patterns: readonly string[],
  known: string,
  from: number,
  toEnd: boolean,
): number | null {
  const longest = matchEnds(patterns, known.slice(from)).at(-1);
  if (longest === undefined || longest === 0) return null;
  return toEnd && from + longest < known.length ? null : from + longest;
}
