/**
 * Patterns over text, as rules and shells write them, and whether two of them could name the same
 * text. Not caught here: character classes of locales, zsh's qualifiers, `?` against characters outside
 * the basic plane.
 *
 * A pattern is a string in which three private-use characters stand for what isn't literal. Hostile text
 * that contains one of them is read as a pattern, which only makes it match more.
 */

/** Any one character but `/`. */
export const ONE = '\ue002';
/** Any characters but `/`, also none. */
export const MANY = '\ue000';
/** Any characters, also none. */
export const ALL = '\ue001';

const ONE_CODE = 0xe002;
const MANY_CODE = 0xe000;
const ALL_CODE = 0xe001;
const SLASH_CODE = 0x2f;

/** Alternatives that one pattern may stand for; more than these are read as `*`. */
const MAX_ALTERNATIVES = 32;
/** Cells of the comparison of two patterns; beyond, they are taken to meet. */
const MAX_CELLS = 400_000;

/** The literal text before the first open place. */
export function literalPrefix(pattern: string): string {
  const end = pattern.search(/[\ue000-\ue002]/);
  return end < 0 ? pattern : pattern.slice(0, end);
}

/**
 * A shell glob as patterns, each way it can be read (`@(a|b)` and `[ab]` give alternatives). `**` crosses
 * `/`, which only rules write.
 */
export function globPatterns(glob: string): readonly string[] {
  if (!/[*?[\\]|[+@!]\(/.test(glob)) return [glob];
  let readings = [''];
  const add = (...options: readonly string[]) => {
    const wanted = readings.length * options.length > MAX_ALTERNATIVES ? [MANY] : options;
    readings = readings.flatMap((reading) => wanted.map((option) => reading + option));
  };
  for (let index = 0; index < glob.length;) {
    const char = glob[index] as string;
    const group = /[?*+@!]/.test(char) && glob[index + 1] === '(' ? groupEnd(glob, index + 1) : -1;
    if (group > 0) {
      const options = glob.slice(index + 2, group).split('|');
      if (char === '@') add(...options.flatMap((option) => globPatterns(option)));
      else if (char === '?') add('', ...options.flatMap((option) => globPatterns(option)));
      else add(MANY);
      index = group + 1;
    } else if (char === '*') {
      const start = index;
      while (glob[index] === '*') index++;
      add(index - start > 1 ? ALL : MANY);
    } else if (char === '?') {
      add(ONE);
      index++;
    } else if (char === '[') {
      const set = readSet(glob, index);
      if (set === null) add(char);
      else if (set.chars === null) add(ONE);
      else add(...set.chars);
      index = set === null ? index + 1 : set.end;
    } else {
      const escaped = char === '\\' && index + 1 < glob.length;
      add(escaped ? (glob[index + 1] as string) : char);
      index += escaped ? 2 : 1;
    }
  }
  return readings;
}

function groupEnd(glob: string, open: number): number {
  let depth = 0;
  for (let index = open; index < glob.length; index++) {
    if (glob[index] === '(') depth++;
    else if (glob[index] === ')' && --depth === 0) return index;
  }
  return -1;
}

/** Longest name of a class, as in `[:alpha:]`, with its brackets. */
const MAX_CLASS_CHARACTERS = 16;

/** Where the set whose first character is at `first` closes; classes in it have brackets of their own. */
function setEnd(glob: string, first: number): number {
  for (let from = first + 1; ;) {
    const close = glob.indexOf(']', from);
    if (close < 0) return close;
    const before = glob.slice(Math.max(first, close - MAX_CLASS_CHARACTERS), close + 1);
    if (!/\[:[a-z]+:\]$/.test(before)) return close;
    from = close + 1;
  }
}

/** A bracket set; `chars` null = too many to name (a range, a class, a negation). */
function readSet(
  glob: string,
  open: number,
): { readonly chars: readonly string[] | null; readonly end: number } | null {
  let index = open + 1;
  const negated = glob[index] === '!' || glob[index] === '^';
  if (negated) index++;
  const close = setEnd(glob, index);
  if (close < 0) return null;
  const body = glob.slice(index, close).replaceAll('\\', '');
  const plain = !negated && body.length <= 4 && !body.includes('-') && !body.includes('[');
  return { chars: plain ? body.split('') : null, end: close + 1 };
}

/** Could one text be named by both? Exact; true when it would take too long to tell. */
export function meet(one: string, other: string): boolean {
  if (one === other) return true;
  const oneOpen = /[\ue000-\ue002]/.test(one);
  if (!oneOpen && !/[\ue000-\ue002]/.test(other)) return false;
  const shared = Math.min(literalPrefix(one).length, literalPrefix(other).length);
  if (one.slice(0, shared) !== other.slice(0, shared)) return false;
  return meetFrom(one.slice(shared), other.slice(shared));
}

function meetFrom(one: string, other: string): boolean {
  if (one.length * other.length > MAX_CELLS) return true;
  return reachOf(one, other)?.[other.length] === 1;
}

/** How far into `other` all of `one` can be read: 1 at each place where it can end; null = nowhere. */
function reachOf(one: string, other: string): Uint8Array | null {
  // reach[j]: what was read of `one` and the first j places of `other` can name the same text.
  let reach = new Uint8Array(other.length + 1);
  reach[0] = 1;
  for (let j = 0; j < other.length && reach[j] === 1; j++) {
    if (isRun(other.charCodeAt(j))) reach[j + 1] = 1;
  }
  for (let i = 0; i < one.length; i++) {
    const code = one.charCodeAt(i);
    const next = new Uint8Array(other.length + 1);
    let alive = false;
    for (let j = 0; j <= other.length; j++) {
      const last = j > 0 ? other.charCodeAt(j - 1) : -1;
      let here = false;
      if (j > 0 && next[j - 1] === 1) here = isRun(last) || (isRun(code) && accepts(code, last));
      if (!here && isRun(code)) here = reach[j] === 1;
      else if (!here) {
        const run = j < other.length ? other.charCodeAt(j) : -1;
        here = reach[j] === 1 && isRun(run) && accepts(run, code);
        if (!here && j > 0 && reach[j - 1] === 1) here = !isRun(last) && same(code, last);
      }
      if (here) {
        next[j] = 1;
        alive = true;
      }
    }
    if (!alive) return null;
    reach = next;
  }
  return reach;
}

function isRun(code: number): boolean {
  return code === MANY_CODE || code === ALL_CODE;
}

function accepts(run: number, code: number): boolean {
  return run === ALL_CODE || code !== SLASH_CODE;
}

function same(one: number, other: number): boolean {
  if (one === other) return true;
  if (one === ONE_CODE) return other !== SLASH_CODE;
  return other === ONE_CODE && one !== SLASH_CODE;
}

/** Where in the text a match from its start can end, in order. Here `*` crosses `/` as well. */
export function matchEnds(patterns: readonly string[], text: string): readonly number[] {
  const ends = new Set<number>();
  for (const pattern of patterns) {
    const reach = reachOf(pattern.replaceAll(MANY, ALL), text) ?? [];
    for (const [end, isEnd] of reach.entries()) if (isEnd === 1) ends.add(end);
  }
  return [...ends].toSorted((one, other) => one - other);
}
