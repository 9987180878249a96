/**
 * A word as far as it can be known before it runs: a row of pieces, each literal, patterned or unknown.
 * Not caught here: what a pattern matches on the target; only what it could match.
 */

import { MAX_VALUE_CHARACTERS } from './limits.ts';

export type Piece =
  | { readonly kind: 'text'; readonly text: string; readonly quoted: boolean }
  /** An unquoted pattern within one path segment: `*`, `?`, `[a-z]`, `@(a|b)`. */
  | { readonly kind: 'glob'; readonly pattern: string }
  /** Any text, `/` included, of a shape known from the input: what `find` finds below a directory. */
  | { readonly kind: 'tree' }
  /** The home directory of a user; null = the login's own. */
  | { readonly kind: 'home'; readonly user: string | null }
  /**
   * Text without `/` that can't be known: `${#x}`, a date, a file's name, which may `split`. A process of
   * the session itself (`$$`) is never the first one of the host.
   */
  | { readonly kind: 'number'; readonly splits?: true; readonly isOwnProcess?: true }
  /** Any text. `splits`: unquoted, so it may become several words, options too. */
  | { readonly kind: 'unknown'; readonly why: string; readonly splits: boolean }
  /** A process substitution: what reading from it yields, null = unknown. */
  | { readonly kind: 'process'; readonly reads: string | null };

export type Word = readonly Piece[];

/** The path that stands for a process substitution. */
const PROCESS_PATH = '/dev/fd/63';

export function literal(text: string): Word {
  return [{ kind: 'text', text, quoted: true }];
}

export function unknown(why: string, splits = false): Piece {
  return { kind: 'unknown', why, splits };
}

/** The word's text if every piece is literal, else null. A home directory reads as `~`. */
export function exactText(word: Word): string | null {
  let text = '';
  for (const piece of word) {
    if (piece.kind === 'text') text += piece.text;
    else if (piece.kind === 'home') text += `~${piece.user ?? ''}`;
    else if (piece.kind === 'process') text += PROCESS_PATH;
    else return null;
  }
  return text;
}

/** Like `exactText`, with patterns in the spelling in which they were written. */
export function patternText(word: Word): string | null {
  let text = '';
  for (const piece of word) {
    if (piece.kind === 'glob') text += piece.pattern;
    else {
      const exact = exactText([piece]);
      if (exact === null) return null;
      text += exact;
    }
  }
  return text;
}

/** The word for people; what isn't known reads as `…`. */
export function showWord(word: Word): string {
  return word
    .map((piece) => {
      if (piece.kind === 'glob') return piece.pattern;
      return exactText([piece]) ?? '…';
    })
    .join('');
}

export function isUnknown(word: Word): boolean {
  return word.some((piece) => piece.kind === 'unknown');
}

/** Why a word isn't known, in words; null if it is. */
export function whyUnknown(word: Word): string | null {
  for (const piece of word) if (piece.kind === 'unknown') return piece.why;
  return null;
}

/** Words joined by single spaces into one, as `eval` and `ssh` do. */
export function joinWords(words: readonly Word[]): Word {
  return words.flatMap((word, index) =>
    index === 0 ? word : [{ kind: 'text', text: ' ', quoted: true } as const, ...word],
  );
}

/** Replaces every occurrence of `mark` in the literal pieces. */
export function replaceInWord(word: Word, mark: string, value: Word): Word {
  if (mark === '') return word;
  const size = value.reduce((sum, piece) => sum + (exactText([piece])?.length ?? 1), 0);
  const marks = word.reduce(
    (sum, one) => sum + (one.kind === 'text' ? one.text.split(mark).length - 1 : 0),
    0,
  );
  if (marks > 1 && marks * size > MAX_VALUE_CHARACTERS)
    return [unknown('a word grows too long to follow')];
  return word.flatMap((piece): Piece[] => {
    if (piece.kind !== 'text' || !piece.text.includes(mark)) return [piece];
    return piece.text
      .split(mark)
      .flatMap((text, index): Piece[] => [
        ...(index === 0 ? [] : value),
        ...(text === '' ? [] : [{ ...piece, text }]),
      ]);
  });
}

/** The word with neighbouring literal pieces joined and their quotes forgotten: a variable's value. */
export function mergeText(word: Word): Word {
  const merged: Piece[] = [];
  for (const piece of word) {
    const last = merged.at(-1);
    if (piece.kind !== 'text') merged.push(piece);
    else if (last?.kind === 'text')
      merged[merged.length - 1] = { ...last, text: last.text + piece.text };
    else merged.push({ ...piece, quoted: false });
  }
  return merged;
}

/** Names of variables that stand for pieces of a text that aren't literal begin so. */
export const STAND_IN = 'SALLYPORT_PIECE_';

/** Program text in which variables stand for the pieces that aren't literal; `state` gets them. */
export function withVariables(
  word: Word,
  state: { setWord(name: string, word: Word): void },
): string {
  let program = '';
  let quote = '';
  word.forEach((piece, index) => {
    const text = exactText([piece]);
    if (text !== null) {
      program += text;
      quote = quoteAfter(text, quote);
      return;
    }
    const name = `${STAND_IN}${index}`;
    state.setWord(name, [piece]);
    // Inside single quotes nothing would stand for anything.
    program += quote === "'" ? `'"\${${name}}"'` : `\${${name}}`;
  });
  return program;
}

/** The quote that a text leaves open. */
function quoteAfter(text: string, before: string): string {
  let quote = before;
  for (let index = 0; index < text.length; index++) {
    const char = text[index] as string;
    if (char === '\\' && quote !== "'") index++;
    else if (char === quote) quote = '';
    else if (quote === '' && (char === "'" || char === '"')) quote = char;
  }
  return quote;
}

/** The text for people: `…` where a variable only stands for something. */
export function withoutStandIns(text: string): string {
  return text.replace(/'"\$\{SALLYPORT_PIECE_\d+\}"'|\$\{SALLYPORT_PIECE_\d+\}/g, '…');
}
