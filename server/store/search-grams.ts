/**
 * What the index knows of a text: its runs of one, two and three characters, as small numbers, and facts
 * such as the principal, as hashes. Whatever contains a text has all of the text's runs.
 * Not caught here: the reverse. Letters other than a to z, punctuation and hashes share numbers, and runs
 * may lie apart: what the index finds is read and compared.
 */

/** Runs of a searched text that are looked up; more say nothing new and cost time. */
export const MAX_QUERY_GRAMS = 16;

/** a to z, 0 to 9; space, separators, everything else. */
const LETTERS_AND_DIGITS = 36;
const CLASSES = LETTERS_AND_DIGITS + 3;
const PAIRS = CLASSES ** 3;
const SINGLES = PAIRS + CLASSES ** 2;
/** How many numbers there are. */
const GRAMS = SINGLES + CLASSES;
/** The numbers begin here, so that they fit into PostgreSQL's `smallint`. */
const FIRST_GRAM = -32_768;

const classOf = Uint8Array.from({ length: 128 }, (_, code) => {
  const digit = Number.parseInt(String.fromCharCode(code), LETTERS_AND_DIGITS);
  if (!Number.isNaN(digit)) return digit;
  if (code <= 0x20) return LETTERS_AND_DIGITS;
  return '/-._:'.includes(String.fromCharCode(code))
    ? LETTERS_AND_DIGITS + 1
    : LETTERS_AND_DIGITS + 2;
});

function classAt(text: string, at: number): number {
  const code = text.charCodeAt(at);
  return code < 128 ? (classOf[code] ?? 0) : code % LETTERS_AND_DIGITS;
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
    let before = -1;
    let pair = -1;
    for (let at = 0; at < text.length; at += 1) {
      const current = classAt(text, at);
      seen[SINGLES + current] = 1;
      if (pair >= 0) seen[pair * CLASSES + current] = 1;
      if (before >= 0) {
        pair = before * CLASSES + current;
        seen[PAIRS + pair] = 1;
      }
      before = current;
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
  const classes = Array.from({ length: query.length }, (_, at) => classAt(query, at));
  const [first = 0, second = 0] = classes;
  if (classes.length === 0) return [];
  if (classes.length === 1) return [SINGLES + first + FIRST_GRAM];
  if (classes.length === 2) return [PAIRS + first * CLASSES + second + FIRST_GRAM];
  const runs = new Set<number>();
  for (let at = 2; at < classes.length; at += 1) {
    const [a = 0, b = 0, c = 0] = classes.slice(at - 2, at + 1);
    runs.add((a * CLASSES + b) * CLASSES + c + FIRST_GRAM);
  }
  const all = [...runs];
  const step = Math.max(1, all.length / MAX_QUERY_GRAMS);
  return Array.from({ length: Math.min(all.length, MAX_QUERY_GRAMS) }, (_, at) =>
    all.at(Math.floor(at * step)),
  ).filter((gram) => gram !== undefined);
}

export type FacetName = 'kind' | 'session' | 'principal' | 'target' | 'run' | 'decision';

/** A fact about an entry, as a number of PostgreSQL's `int` (FNV-1a). */
export function facet(name: FacetName, value: string): number {
  let hash = 0x811c9dc5;
  const text = `${name} ${value}`;
  for (let at = 0; at < text.length; at += 1) {
    hash = Math.imul(hash ^ text.charCodeAt(at), 0x01000193);
  }
  return hash | 0;
}

/** An array in PostgreSQL's own spelling. */
export function arrayLiteral(numbers: Iterable<number>): string {
  return `{${[...numbers].join(',')}}`;
}
