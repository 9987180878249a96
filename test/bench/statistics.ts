/** Figures from samples. Pure. */

/** The nearest-rank percentile, `share` from 0 to 1. Throws on no samples: a figure from nothing is a lie. */
export function percentile(samples: readonly number[], share: number): number {
  const sorted = [...samples].sort((one, other) => one - other);
  const found = sorted[Math.max(0, Math.ceil(share * sorted.length) - 1)];
  if (found === undefined) throw new RangeError('no samples');
  return found;
}

export function median(samples: readonly number[]): number {
  return percentile(samples, 0.5);
}

/** In random order, so that no lane always follows the same other. */
export function shuffled<T>(items: readonly T[], random: () => number): T[] {
  return items
    .map((item) => ({ item, key: random() }))
    .sort((one, other) => one.key - other.key)
    .map(({ item }) => item);
}
