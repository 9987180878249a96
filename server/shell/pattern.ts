/**
 * Patterns over text, as rules and shells write them, and whether two of them could name the same
 * text. Not caught here: character classes of locales, zsh's qualifiers.
 */

/** One position of a pattern. */
export type Token =
  | { readonly kind: 'char'; readonly char: string }
  /** Any one character but `/`. */
  | { readonly kind: 'one' }
  /** Any characters but `/`. */
  | { readonly kind: 'many' }
  /** Any characters. */
  | { readonly kind: 'all' };

const ONE: Token = { kind: 'one' };
const MANY: Token = { kind: 'many' };
export const ALL: Token = { kind: 'all' };

/** Alternatives that one pattern may stand for; more than these are read as `*`. */
const MAX_ALTERNATIVES = 32;
/** Cells of the comparison of two patterns; beyond, they are taken to meet. */
const MAX_CELLS = 4_000_000;

export function textTokens(text: string): Token[] {
  return [...text].map((char) => ({ kind: 'char', char }) as const);
}

/**
 * Tokens of a shell glob, each way it can be read (`@(a|b)` and `[ab]` give alternatives).
 * `**` crosses `/`, which only rules write.
 */
export function globTokens(pattern: string): Token[][] {
  let readings: Token[][] = [[]];
  const add = (...options: Token[][]) => {
    const wanted = readings.length * options.length > MAX_ALTERNATIVES ? [[MANY]] : options;
    readings = readings.flatMap((reading) => wanted.map((option) => [...reading, ...option]));
  };
  for (let index = 0; index < pattern.length;) {
    const char = pattern[index] as string;
    const group =
      /[?*+@!]/.test(char) && pattern[index + 1] === '(' ? groupEnd(pattern, index + 1) : -1;
    if (group > 0) {
      const options = pattern.slice(index + 2, group).split('|');
      if (char === '@') add(...options.flatMap((option) => globTokens(option)));
      else if (char === '?') add([], ...options.flatMap((option) => globTokens(option)));
      else add([MANY]);
      index = group + 1;
    } else if (char === '*') {
      const stars = /^\*+/.exec(pattern.slice(index))?.[0].length ?? 1;
      add([stars > 1 ? ALL : MANY]);
      index += stars;
    } else if (char === '?') {
      add([ONE]);
      index++;
    } else if (char === '[') {
      const set = readSet(pattern, index);
      if (set === null) add([{ kind: 'char', char }]);
      else if (set.chars === null) add([ONE]);
      else add(...set.chars.map((one): Token[] => [{ kind: 'char', char: one }]));
      index = set === null ? index + 1 : set.end;
    } else {
      const escaped = char === '\\' && index + 1 < pattern.length;
      add([{ kind: 'char', char: escaped ? (pattern[index + 1] as string) : char }]);
      index += escaped ? 2 : 1;
    }
  }
  return readings;
}

function groupEnd(pattern: string, open: number): number {
  let depth = 0;
  for (let index = open; index < pattern.length; index++) {
    if (pattern[index] === '(') depth++;
    else if (pattern[index] === ')' && --depth === 0) return index;
  }
  return -1;
}

/** A bracket set; `chars` null = too many to name (a range, a class, a negation). */
function readSet(
  pattern: string,
  open: number,
): { readonly chars: readonly string[] | null; readonly end: number } | null {
  let index = open + 1;
  const negated = pattern[index] === '!' || pattern[index] === '^';
  if (negated) index++;
  let close = pattern.indexOf(']', index + 1);
  const named = pattern.indexOf('[:', index);
  if (named >= 0 && named < close) close = pattern.indexOf(']', pattern.indexOf(':]', named) + 2);
  if (close < 0) return null;
  const body = pattern.slice(index, close).replaceAll('\\', '');
  const plain = !negated && body.length <= 4 && !body.includes('-') && !body.includes('[');
  return { chars: plain ? [...body] : null, end: close + 1 };
}

/** Could one text be named by both? Exact for texts and globs; true when it would take too long. */
export function meet(one: readonly Token[], other: readonly Token[]): boolean {
  if (one.length * other.length > MAX_CELLS) return true;
  // reach[j]: the first i tokens of `one` and the first j of `other` can name the same text.
  let reach = new Uint8Array(other.length + 1);
  reach[0] = 1;
  closeOver(reach, other);
  for (const token of one) {
    const next = new Uint8Array(other.length + 1);
    let alive = false;
    for (let j = 0; j <= other.length; j++) {
      const before = reach[j] === 1;
      if (isRun(token)) {
        // A run ends here, or takes one more character of the other side.
        if (before) next[j] = 1;
        const last = other[j - 1];
        if (j > 0 && next[j - 1] === 1 && last !== undefined && accepts(token, last)) next[j] = 1;
        if (j > 0 && next[j - 1] === 1 && last !== undefined && isRun(last)) next[j] = 1;
      } else {
        const current = other[j];
        if (before && current !== undefined && isRun(current) && accepts(current, token))
          next[j] = 1;
        const last = other[j - 1];
        if (
          j > 0 &&
          reach[j - 1] === 1 &&
          last !== undefined &&
          !isRun(last) &&
          same(token, last)
        ) {
          next[j] = 1;
        }
        if (j > 0 && next[j - 1] === 1 && last !== undefined && isRun(last)) next[j] = 1;
      }
      if (next[j] === 1) alive = true;
    }
    if (!alive) return false;
    reach = next;
  }
  return reach[other.length] === 1;
}

/** Runs at the start of `other` may be empty. */
function closeOver(reach: Uint8Array, other: readonly Token[]): void {
  for (let j = 0; j < other.length; j++) {
    const token = other[j];
    if (reach[j] === 1 && token !== undefined && isRun(token)) reach[j + 1] = 1;
  }
}

function isRun(token: Token): boolean {
  return token.kind === 'many' || token.kind === 'all';
}

function accepts(run: Token, token: Token): boolean {
  if (run.kind === 'all' || token.kind !== 'char') return true;
  return token.char !== '/';
}

function same(one: Token, other: Token): boolean {
  if (one.kind === 'char' && other.kind === 'char') return one.char === other.char;
  if (one.kind === 'char') return one.char !== '/';
  if (other.kind === 'char') return other.char !== '/';
  return true;
}

/** Does the glob name exactly this text? Here `*` crosses `/`, as in `case` and `${x#…}`. */
export function matchesText(patterns: readonly (readonly Token[])[], text: string): boolean {
  const tokens = textTokens(text);
  return patterns.some((pattern) =>
    meet(
      pattern.map((token) => (token.kind === 'many' ? ALL : token)),
      tokens,
    ),
  );
}
