/**
 * Is a line on the screen the one that was typed? Not caught here: which of two that differ is true; the
 * reader judges both.
 */

/** The same but for blanks at the end. */
export function sameText(one: string, other: string): boolean {
  return one.trimEnd() === other.trimEnd();
}

/** The same but for blanks: rows that were wrapped at a wide character, tabs, indented lines. */
export function sameLetters(one: string, other: string): boolean {
  return one.replace(/\s+/g, '') === other.replace(/\s+/g, '');
}

/**
 * A line of more rows than the screen has is shown in part: what is shown are rows of it in order, with
 * the first and the last.
 */
export function isWindow(typed: string, shown: string, rows: number): boolean {
  const all = typed.trimEnd().split('\n');
  const part = shown.trimEnd().split('\n');
  if (part.length < rows - 1 || part[0] !== all[0] || part.at(-1) !== all.at(-1)) return false;
  let at = 0;
  for (const row of part) {
    while (at < all.length && all[at] !== row) at += 1;
    if (at >= all.length) return false;
    at += 1;
  }
  return true;
}
