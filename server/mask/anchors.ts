/**
 * Finds the words by which secrets are known, all of them in one pass that looks at every second pair of
 * characters. Not caught here: whether a secret stands there.
 */

interface Anchor {
  readonly text: string;
  /** Three characters from here on are rarer than the others. */
  readonly window: number;
}

const anchor = (text: string, window = 0): Anchor => ({ text, window });

/** Tokens begin with these, or these name what stands behind them. None is shorter than three. */
const ANCHORS: readonly Anchor[] = [
  ...['AKIA', 'ASIA', 'ABIA', 'ACCA', 'A3T', 'gho_', 'ghu_', 'ghs_', 'ghr_'].map((one) =>
    anchor(one),
  ),
  ...['xox', 'xapp-', 'eyJ', 'aws', 'Aws', 'AWS', 'bearer', 'Bearer', 'BEARER'].map((one) =>
    anchor(one),
  ),
  ...['AIza', 'ghp_', 'ya29.', 'secret', 'Secret', 'SECRET'].map((one) => anchor(one, 1)),
  ...['pwd=', 'Pwd=', 'PWD=', 'assword', 'ASSWORD'].map((one) => anchor(one, 1)),
  anchor('GOCSPX-', 3),
  anchor('github_p', 5),
  anchor('hooks.slack', 4),
  anchor('uthorization', 5),
  anchor('UTHORIZATION', 5),
];

interface Candidate {
  readonly text: string;
  /** The pair stands so far behind its beginning. */
  readonly offset: number;
}

const PAIRS = new Uint8Array(0x10000);
const CANDIDATES = new Map<number, Candidate[]>();
for (const { text, window } of ANCHORS) {
  for (const offset of [window, window + 1]) {
    const pair = pairAt(text, offset);
    PAIRS[pair] = 1;
    const known = CANDIDATES.get(pair) ?? [];
    CANDIDATES.set(pair, [...known, { text, offset }]);
  }
}

function pairAt(text: string, at: number): number {
  return (text.charCodeAt(at) << 8) | text.charCodeAt(at + 1);
}

/** Calls `visit` with each anchor and its place, in order; it may say from where to go on. */
export function eachAnchor(
  text: string,
  visit: (anchor: string, at: number) => number | null,
): void {
  const last = text.length - 1;
  let done = 0;
  // Of three characters in a row, the first or the last two are at an even place.
  for (let at = 0; at < last; at += 2) {
    const pair = (text.charCodeAt(at) << 8) | text.charCodeAt(at + 1);
    if (PAIRS[pair] !== 1) continue;
    for (const { text: wanted, offset } of CANDIDATES.get(pair) ?? []) {
      const start = at - offset;
      if (start < done || !text.startsWith(wanted, start)) continue;
      done = Math.max(start + 1, visit(wanted, start) ?? 0);
    }
  }
}

/** Whether an anchor of a token stands in the text. */
export function hasAnchor(text: string): boolean {
  let found = false;
  eachAnchor(text, () => {
    found = true;
    return text.length;
  });
  return found;
}
