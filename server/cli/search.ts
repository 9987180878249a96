/** `sessions search` and `sessions reindex`. Searching is journalled. */
import { withStores } from '../context.ts';
import { SallyportError } from '../errors.ts';
import type { FoundCommand, FoundOutput, SearchPage, SearchQuery } from '../http/ports.ts';
import { searchQuery } from '../http/search-query.ts';
import { printable } from '../printable.ts';
import { Indexer, rebuildSearch } from '../store/search-indexer.ts';
import { table } from './table.ts';
import type { Verb, VerbInput } from './verb.ts';

const FILTERS = ['in', 'principal', 'target', 'run', 'decision', 'from', 'to', 'limit', 'cursor'];
/** Pages that are asked for until there are enough hits: one may have fewer than it could. */
const MAX_PAGES = 50;

const search: Verb = {
  name: 'sessions search',
  usage:
    '[TEXT] [--in commands|output] [--principal NAME] [--target NAME] [--run ID] [--decision allow|deny|hold] [--from TIME] [--to TIME] [--limit N] [--cursor CURSOR]',
  summary: 'commands, or lines that were on the screen, with this text, newest first',
  options: Object.fromEntries(FILTERS.map((name) => [name, { type: 'string' }])),
  positionals: [0, 1],
  run: (input) => {
    const query = queryOf(input);
    return withStores(input, async (stores) => {
      const { cursor: _cursor, limit: _limit, ...asked } = query;
      await stores.journal.append({
        type: 'recording.viewed',
        principal: null,
        source: input.source,
        session: null,
        target: query.target ?? null,
        data: { what: 'search', ...asked },
      });
      const page = await firstOf(query, (one) => stores.search.search(one));
      if (input.options.flag('json')) {
        await input.terminal.out(`${JSON.stringify(page)}\n`);
        return 0;
      }
      await input.terminal.out(
        table(
          ['AT', 'PRINCIPAL', 'WHERE', 'SESSION', 'N', 'DECISION', 'TEXT'],
          page.items.map(rowOf),
        ),
      );
      if (page.next !== null) input.terminal.err(`more: --cursor ${page.next}\n`);
      for (const line of missingLines(page)) input.terminal.err(`${line}\n`);
      return 0;
    });
  },
};

const reindex: Verb = {
  name: 'sessions reindex',
  usage: '',
  summary: 'make what searches read again from the record; meanwhile less is found',
  options: {},
  positionals: [0, 0],
  run: (input) =>
    withStores(input, async ({ database }) => {
      await rebuildSearch(database.knex);
      const indexer = new Indexer(database.knex);
      while (await indexer.step());
      const left = await sessionsLeft(database.knex('search_changes'));
      const ok = left === 0;
      await input.terminal.out(
        input.options.flag('json')
          ? `${JSON.stringify({ ok, sessionsLeft: left })}\n`
          : ok
            ? 'made again\n'
            : `begun; the running bastion takes in the other ${left} sessions\n`,
      );
      return 0;
    }),
};

export const searchVerbs: readonly Verb[] = [search, reindex];

async function sessionsLeft(changes: {
  count(): Promise<readonly { readonly count?: string | number }[]>;
}): Promise<number> {
  const [row] = await changes.count();
  return Number(row?.count ?? 0);
}

function queryOf(input: VerbInput): SearchQuery {
  const raw: Record<string, string> = {};
  for (const name of FILTERS) {
    const value = input.options.text(name);
    if (value !== null) raw[name] = value;
  }
  const [q] = input.positionals;
  if (q !== undefined) raw['q'] = q;
  if (Object.keys(raw).every((name) => name === 'in' || name === 'limit')) {
    throw new SallyportError(
      'usage.invalid',
      'there is nothing to search for',
      'give a text, or a filter such as --principal NAME',
    );
  }
  return searchQuery(raw);
}

/** As many hits as were asked for, however many pages that takes. */
async function firstOf(
  query: SearchQuery,
  search_: (query: SearchQuery) => Promise<SearchPage>,
): Promise<SearchPage> {
  let page = await search_(query);
  const items = [...page.items];
  for (let pages = 1; pages < MAX_PAGES && page.next !== null; pages += 1) {
    if (items.length >= query.limit) break;
    const limit = query.limit - items.length;
    page = await search_({ ...query, limit, cursor: page.next });
    items.push(...page.items);
  }
  return { ...page, items };
}

function rowOf(hit: FoundCommand | FoundOutput): (string | number | null)[] {
  return [
    hit.at,
    hit.principal,
    `${hit.login}@${hit.target}`,
    hit.session,
    hit.seq,
    hit.decision,
    printable(hit.text, 300),
  ];
}

function missingLines({ missing }: SearchPage): string[] {
  const lines: string[] = [];
  if (missing.cutSessions > 0) {
    lines.push(
      `not all of it: ${missing.cutSessions} sessions printed more than can be searched; see their recordings`,
    );
  }
  if (missing.waitingSessions > 0) {
    lines.push(
      `not yet all: ${missing.waitingSessions} sessions that ended are still being taken in`,
    );
  }
  return lines;
}
