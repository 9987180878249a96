/**
 * Brace expansion on source text, quotes and substitutions left alone (bash manual, 3.5.1).
 * Not caught here: braces that come out of an expansion, which shells don't expand either.
 */
import { MAX_BRACE_WORDS } from './limits.ts';

/** The words that one written word becomes, in order; null = too many to follow. */
export function expandBraces(text: string): readonly string[] | null {
  return expandFrom(text, { characters: MAX_LOOKED_AT }, 0);
}

/** Characters looked at for one word: each `{` may be looked for its end. */
const MAX_LOOKED_AT = 100_000;
/** Braces behind and inside each other in one word. */
const MAX_BRACES = 100;

interface Budget {
  characters: number;
}

function expandFrom(text: string, budget: Budget, braces: number): readonly string[] | null {
  if (braces > MAX_BRACES) return null;
  const open = findBrace(text, budget);
  if (budget.characters < 0) return null;
  if (open === null) return [text];
  const before = text.slice(0, open.start);
  const after = expandFrom(text.slice(open.end), budget, braces + 1);
  if (after === null) return null;
  const words: string[] = [];
  for (const item of open.items) {
    const expanded = expandFrom(item, budget, braces + 1);
    if (expanded === null) return null;
    for (const middle of expanded) {
      for (const rest of after) words.push(before + middle + rest);
      if (words.length > MAX_BRACE_WORDS) return null;
    }
  }
  return words;
}

interface Brace {
  readonly start: number;
  readonly end: number;
  readonly items: readonly string[];
}

/** The first brace that expands at all. */
function findBrace(text: string, budget: Budget): Brace | null {
  budget.characters -= text.length;
  for (let index = 0; index < text.length && budget.characters >= 0;) {
    const skipped = skipQuoted(text, index);
    if (skipped > index) index = skipped;
    else if (text[index] === '{') {
      const brace = readBrace(text, index, budget);
      if (brace !== null) return brace;
      index++;
    } else index++;
  }
  return null;
}

function readBrace(text: string, start: number, budget: Budget): Brace | null {
  const items: string[] = [];
  let depth = 0;
  let itemStart = start + 1;
  for (let index = start; index < text.length;) {
    const skipped = skipQuoted(text, index);
    if (skipped > index) {
      index = skipped;
      continue;
    }
    const char = text[index];
    if (char === '{') depth++;
    else if (char === ',' && depth === 1) {
      items.push(text.slice(itemStart, index));
      itemStart = index + 1;
      if (items.length > MAX_BRACE_WORDS) break;
    } else if (char === '}' && --depth === 0) {
      const last = text.slice(itemStart, index);
      if (items.length > 0) return { start, end: index + 1, items: [...items, last] };
      const range = readRange(last);
      return range === null ? null : { start, end: index + 1, items: range };
    }
    index++;
  }
  budget.characters -= text.length - start;
  return null;
}

function readRange(text: string): readonly string[] | null {
  const match = /^(-?\d{1,9}|[A-Za-z])\.\.(-?\d{1,9}|[A-Za-z])(?:\.\.(-?\d{1,9}))?$/.exec(text);
  if (match === null) return null;
  const [from = '', to = ''] = [match[1], match[2]];
  const numeric = /\d/.test(from);
  if (numeric !== /\d/.test(to)) return null;
  const first = numeric ? Number(from) : from.charCodeAt(0);
  const last = numeric ? Number(to) : to.charCodeAt(0);
  const step = Math.abs(Number(match[3] ?? 1)) || 1;
  const items: string[] = [];
  for (
    let at = first;
    first <= last ? at <= last : at >= last;
    at += first <= last ? step : -step
  ) {
    items.push(numeric ? String(at) : String.fromCharCode(at));
    if (items.length > MAX_BRACE_WORDS) break;
  }
  return items;
}

/** The index after a quoted or substituted stretch that starts here; `index` itself if none does. */
function skipQuoted(text: string, index: number): number {
  const char = text[index];
  if (char === '\\') return index + 2;
  if (char === "'" || char === '`') {
    const close = text.indexOf(char, index + 1);
    return close < 0 ? text.length : close + 1;
  }
  if (char === '"') {
    let at = index + 1;
    while (at < text.length && text[at] !== '"') at += text[at] === '\\' ? 2 : 1;
    return at + 1;
  }
  const next = text[index + 1];
  if (char === '$' && (next === '(' || next === '{')) {
    let depth = 0;
    for (let at = index + 1; at < text.length; at++) {
      if (text[at] === '(' || text[at] === '{') depth++;
      else if ((text[at] === ')' || text[at] === '}') && --depth === 0) return at + 1;
    }
    return text.length;
  }
  return index;
}
