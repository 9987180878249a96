/**
 * Text that PostgreSQL can hold: `text` refuses U+0000 and `jsonb` refuses lone surrogates as well.
 * Not caught here: length, and characters that are dangerous to show.
 */

/** `text` with U+0000 shown as U+2400 and every lone surrogate as U+FFFD. */
export function storable(text: string): string {
  return text.toWellFormed().replaceAll('\u0000', '\u2400');
}

/**
 * A JSON value whose strings and property names are all storable, as it will come back from `jsonb`.
 * What JSON can't say (undefined, functions) is left out; a BigInt or a cycle throws a TypeError.
 */
export function storableJson(value: unknown): unknown {
  const mapped = (one: unknown): unknown => {
    if (typeof one === 'string') return storable(one);
    if (Array.isArray(one)) return one.map(mapped);
    if (typeof one !== 'object' || one === null) return one;
    return Object.fromEntries(
      Object.entries(one).map(([name, inner]) => [storable(name), mapped(inner)]),
    );
  };
  return mapped(JSON.parse(JSON.stringify(value) ?? 'null'));
}
