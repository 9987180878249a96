/**
 * The page of a session comes with some of its commands; the others come from the same page at other
 * places, one window of numbers after another.
 */
import { freshPage } from './page-news.ts';

/** In one page; further ones are another page. */
const MAX_WINDOWS = 50;

export interface CommandWindows {
  /** Has the window with this command in the list, if there is one. Rejects when it can't be fetched. */
  until(seq: number): Promise<void>;
  /** Has all that follow in the list, then those before, up to a bound; `onRows` is told of each window. */
  rest(onRows: () => void): Promise<void>;
  /** Where the newest commands are. */
  lastAddress(): string;
  /** Takes the newest commands, and what was done beside them, from a fresh copy of that page. */
  renewLast(fresh: Document): void;
}

/** @param list the rows that the page came with */
export function commandWindows(list: HTMLElement): CommandWindows {
  const size = Math.max(1, Number(list.dataset['size']));
  const first = Number(list.dataset['from']);
  /** By their first number: the first number behind them; null = there is none. */
  const known = new Map<number, number | null>([[first, nextOf(list)]]);

  /** Commands of the session, as far as the page knows. */
  function total(): number {
    return Number(document.getElementById('command-count')?.dataset['total']);
  }

  function windowOf(seq: number): number {
    return seq - ((seq - 1) % size);
  }

  function addressOf(seq: number): string {
    return `${location.pathname}?from=${seq}`;
  }

  function lastKnown(): number {
    return Math.max(...known.keys());
  }

  function firstKnown(): number {
    return Math.min(...known.keys());
  }

  /** What isn't here: the next that follow, then those right before; null = there is none, or no room. */
  function missing(): number | null {
    if (known.size >= MAX_WINDOWS) return null;
    for (let next = known.get(first) ?? null; next !== null;) {
      const at = windowOf(next);
      if (!known.has(at)) return at;
      next = known.get(at) ?? null;
    }
    for (let at = first - size; at >= 1; at -= size) if (!known.has(at)) return at;
    return null;
  }

  async function load(from: number): Promise<void> {
    const page = await freshPage(addressOf(from));
    if (page === null) throw new Error('there is no such part of the list');
    const fresh = page.getElementById('commands');
    if (fresh === null || known.has(from)) return;
    known.set(from, nextOf(fresh));
    const behind = rowsFrom(from)[0] ?? null;
    for (const row of Array.from(fresh.children)) list.insertBefore(row, behind);
    showOthers();
  }

  /** The first row of these numbers or later ones, and all behind it. */
  function rowsFrom(seq: number): readonly Element[] {
    const rows = [...list.children];
    const at = rows.findIndex((row) => row.id !== '' && Number(row.id.slice('cmd-'.length)) >= seq);
    return at === -1 ? [] : rows.slice(at);
  }

  /** The way to what is still not here. */
  function showOthers(): void {
    const others = document.getElementById('other-commands');
    const earlier = firstKnown() > 1 ? firstKnown() - size : null;
    for (const [rel, there] of [
      ['prev', earlier],
      ['next', known.get(lastKnown()) ?? null],
    ] as const) {
      const link = others?.querySelector<HTMLAnchorElement>(`a[rel="${rel}"]`) ?? null;
      if (there === null) link?.remove();
      else if (link !== null) link.href = addressOf(there);
    }
    if (others?.querySelector('a') === null) others.remove();
    else others?.querySelector('span')?.remove();
  }

  return {
    until: async (seq) => {
      const from = windowOf(seq);
      if (known.has(from) || seq > total()) return;
      const isFar = Math.abs(from - first) / size >= MAX_WINDOWS;
      if (isFar) location.replace(`${addressOf(from)}#cmd-${seq}`);
      else await load(from);
    },
    rest: async (onRows) => {
      list.setAttribute('aria-busy', 'true');
      try {
        for (let from = missing(); from !== null; from = missing()) {
          await load(from);
          onRows();
        }
      } finally {
        list.removeAttribute('aria-busy');
      }
    },
    lastAddress: () => addressOf(lastKnown()),
    renewLast: (fresh) => {
      const there = fresh.getElementById('commands');
      if (there === null) return;
      // Another may have come while the page was fetched: then it is fetched anew.
      const from = Number(there.dataset['from']);
      for (const at of known.keys()) if (at > from) known.delete(at);
      // What was done to the session before its first command belongs to the first window as well.
      const old = from === firstKnown() ? [...list.children] : rowsFrom(from);
      for (const row of old) row.remove();
      list.append(...there.children);
      known.set(from, nextOf(there));
      showOthers();
    },
  };
}

function nextOf(list: HTMLElement): number | null {
  const { next } = list.dataset;
  return next === undefined ? null : Number(next);
}
