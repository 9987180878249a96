/** What the list of sessions needs beside them, in memory. */
import type { NewsSource } from '../../server/http/news-feed.ts';
import type { SavedFilterDesk } from '../../server/http/saved-filter-ports.ts';

export function fakeSavedFilters(): SavedFilterDesk {
  const kept = new Map<string, Map<string, string>>();
  const of = (principalId: string): Map<string, string> => {
    const own = kept.get(principalId) ?? new Map<string, string>();
    kept.set(principalId, own);
    return own;
  };
  return {
    list: async (id) => [...of(id)].map(([name, query]) => ({ name, query })),
    save: async (id, name, query) => {
      const outcome = of(id).has(name) ? 'replaced' : 'saved';
      of(id).set(name, query);
      return outcome;
    },
    remove: async (id, name) => void of(id).delete(name),
  };
}

export class FakeNews implements NewsSource {
  readonly #told = new Set<() => void>();

  async watch(onNews: () => void): Promise<() => void> {
    this.#told.add(onNews);
    return () => this.#told.delete(onNews);
  }

  tell(): void {
    for (const onNews of this.#told) onNews();
  }
}
