/**
 * What the index knows of a text: its runs of one, two and three characters, as small numbers, and facts
 * such as the principal, as hashes. Whatever contains a text has all of the text's runs.
 * Not caught here: the reverse. Runs with other characters than letters and digits share numbers, and all
 * runs of a text may lie apart: what the index finds is read and compared.
 */

/** Runs of a searched text that are looked up; more say nothing new and cost time. */
export const MAX_QUERY_GRAMS = 16;

/** a to z, 0 to 9, and one for all blanks: runs of these have numbers of their own. */
const CLASSES = 37;
const BLANK = CLASSES - 1;
const PAIRS = CLASSES ** 3;
const SINGLES = PAIRS + CLASSES ** 2;
/** Every other run has one of these numbers, which it shares with few. */
const HASHED = SINGLES + CLASSES;
const GRAMS = 2 ** 16;
/** The numbers begin here, so that they fit into PostgreSQL's `smallint`. */
const FIRST_GRAM = -32_768;

/** 255 = none. */
const classOf = Uint8Array.from({ length: 128 }, (_, code) => {
  if (code <= 0x20) return BLANK;
  const digit = Number.parseInt(String.fromCharCode(code), BLANK);
  return Number.isNaN(digit) ? 255 : digit;
});

function classAt(text: string, at: number): number {
  const code = text.charCodeAt(at);
  return code < 128 ? (classOf[code] ?? 255) : 255;
}

/** The number of the run of `length` characters that ends at `end`. */
function gramAt(text: string, end: number, length: number): number {
  let number = 0;
  let hash = 0x811c9dc5 + length;
  let isOwn = true;
  for (let at = end - length + 1; at <= end; at += 1) {
    const one = classAt(text, at);
    if (one === 255) isOwn = false;
    number = number * CLASSES + one;
    hash = Math.imul(hash ^ (one === 255 ? text.charCodeAt(at) + 256 : one), 0x01000193);
  }
  if (!isOwn) return HASHED + (((hash ^ (hash >>> 15)) >>> 0) % (GRAMS - HASHED));
  return number + (length === 3 ? 0 : length === 2 ? PAIRS : SINGLES);
}

/** As texts are compared: upper and lower case alike, and the sigma at the end of a word as any other. */
export function folded(text: string): string {
  return text.toLowerCase().replaceAll('ς', 'σ');
}

/** Gathers the runs of many texts. */
export class GramSet {
  readonly #seen = new Uint8Array(GRAMS);

  /** @param text folded */
  add(text: string): void {
    const seen = this.#seen;
    for (let at = 0; at < text.length; at += 1) {
      seen[gramAt(text, at, 1)] = 1;
      if (at > 0) seen[gramAt(text, at, 2)] = 1;
      if (at > 1) seen[gramAt(text, at, 3)] = 1;
    }
  }

  /** The numbers in order; empties the set. */
  take(): number[] {
    const grams: number[] = [];
    for (let at = this.#seen.indexOf(1); at !== -1; at = this.#seen.indexOf(1, at + 1)) {
      grams.push(at + FIRST_GRAM);
    }
    this.#seen.fill(0);
    return grams;
  }
}

/** What a text must have that contains `query`: its longest runs. @param query folded */
export function queryGrams(query: string): number[] {
  const length = Math.min(3, query.length);
  if (length === 0) return [];
  const runs = new Set<number>();
  for (let end = length - 1; end < query.length; end += 1) {
    runs.add(gramAt(query, end, length) + FIRST_GRAM);
  }
  const all = [...runs];
  if (all.length <= MAX_QUERY_GRAMS) return all;
  const step = all.length / MAX_QUERY_GRAMS;
  return all.filter((_, at) => Math.floor(at / step) !== Math.floor((at - 1) / step));
}

/** Facts by which entries are told apart, and their values. */
export interface Facts {
  readonly principal: string | null;
  readonly target: string | null;
  readonly run: string | null;
  readonly decision: string | null;
}

/** A fact, or several together, as a number of PostgreSQL's `int` (FNV-1a). */
export function facet(name: string, ...values: readonly string[]): number {
  let hash = 0x811c9dc5;
  const text = [name, ...values].join('\u0000');
  for (let at = 0; at < text.length; at += 1) {
    hash = Math.imul(hash ^ text.charCodeAt(at), 0x01000193);
  }
  return hash | 0;
}

/** What all entries of a session have. */
export function sessionFacets(session: {
  readonly id: string;
  readonly principal: string;
  readonly target: string;
  readonly run: string | null;
}): number[] {
  const { id, principal, target, run } = session;
  return [
    facet('session', id),
    ...factFacets({ principal, target, run, decision: null }),
    facet('principal', principal),
    facet('target', target),
  ];
}

/** What an entry has beside its session's. Together with others only what is seldom: what was not allowed. */
export function entryFacets(
  { principal, target }: { readonly principal: string; readonly target: string },
  decision: string | null,
): number[] {
  if (decision === null) return [];
  if (decision === 'allow') return [facet('decision', decision)];
  const none = { principal: null, target: null, run: null, decision };
  return [
    none,
    { ...none, principal },
    { ...none, target },
    { ...none, principal, target },
  ].flatMap(factFacets);
}

/** By which numbers an entry with all of these facts is found. */
export function factFacets({ principal, target, run, decision }: Facts): number[] {
  const facets = run === null ? [] : [facet('run', run)];
  const isSeldom = decision !== null && decision !== 'allow';
  if (decision !== null && !isSeldom) facets.push(facet('decision', decision));
  const together = [isSeldom ? decision : null, principal, target];
  if (together.some((value) => value !== null)) {
    const names = ['decision', 'principal', 'target'].filter((_, at) => together[at] !== null);
    const values = together.filter((value) => value !== null);
    facets.push(facet(names.join(' '), ...values));
  }
  return facets;
}

/** An array in PostgreSQL's own spelling. */
export function arrayLiteral(numbers: Iterable<number>): string {
  return `{${[...numbers].join(',')}}`;
}
