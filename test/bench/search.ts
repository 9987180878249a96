/** How long searches take in a database that the generator filled. */
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import { silentLogger } from '../../server/log.ts';
import { openDatabase, type Database } from '../../server/store/database.ts';
import { createRecordingReader } from '../../server/store/recording-reader.ts';
import { createSearch } from '../../server/store/search.ts';
import type { StoredSearchQuery } from '../../server/store/search-filter.ts';
import { type Filled, fillForSearch, NEEDLE, STRANGER, WORDS } from './search-generator.ts';
import { median, percentile } from './statistics.ts';

const ROUNDS = 20;
/** Pages that are turned to measure a later one. */
const TURNED_PAGES = 50;

export interface SearchFigure {
  readonly name: string;
  readonly hits: number;
  readonly isWhole: boolean;
  readonly p50Ms: number;
  readonly p95Ms: number;
  readonly longestMs: number;
}

export interface SearchFigures {
  readonly commands: number;
  readonly sessions: number;
  /** null = the folder was filled already. */
  readonly filled: Filled | null;
  readonly commandMegabytes: number;
  readonly searchMegabytes: number;
  readonly server: string;
  readonly searches: readonly SearchFigure[];
}

/** @param folder where the database is kept for the next time; null = nowhere */
export async function measureSearch(
  commands: number,
  folder: string | null,
  say: (text: string) => void,
): Promise<SearchFigures> {
  const home = folder === null ? await mkdtemp(join(tmpdir(), 'bench-')) : resolve(folder);
  const database = await openDatabase({ url: null, homeDirectory: home, logger: silentLogger });
  try {
    const known = await count(database);
    const filled =
      known >= commands
        ? null
        : await fillForSearch(database.owner ?? database.knex, commands, say);
    say('searching');
    const searches: SearchFigure[] = [];
    for (const [name, query] of await queriesOf(database)) {
      searches.push(await measure(name, () => createSearch(database).search(query)));
    }
    const reader = createRecordingReader(database);
    for (const q of Object.values(WORDS)) {
      const name = `sessions with "${q}"`;
      searches.push(await measure(name, () => reader.listSessions({ q, limit: 50 })));
    }
    return {
      commands: await count(database),
      sessions: await figureOf(database, 'select count(*) as figure from sessions'),
      filled,
      commandMegabytes: await megabytesOf(database, ['commands']),
      searchMegabytes: await megabytesOf(database, ['search_blocks', 'search_progress']),
      server: database.serverVersion,
      searches,
    };
  } finally {
    await database.close();
    if (folder === null) await rm(home, { recursive: true, force: true });
  }
}

type Named = readonly [name: string, query: StoredSearchQuery];

async function queriesOf(database: Database): Promise<readonly Named[]> {
  const month = await monthOf(database);
  const some: readonly (readonly [string, Partial<StoredSearchQuery>])[] = [
    ['once in all', { q: NEEDLE }],
    ['nowhere', { q: 'no-such-command' }],
    ['nowhere, of parts that are everywhere', { q: 'get pods -n releases' }],
    [`seldom: "${WORDS.seldom}"`, { q: WORDS.seldom }],
    [`frequent: "${WORDS.frequent}"`, { q: WORDS.frequent }],
    [`everywhere: "${WORDS.everywhere}"`, { q: WORDS.everywhere }],
    ['two characters: "rm"', { q: 'rm' }],
    ['one character: "-"', { q: '-' }],
    ['two characters that are nowhere: "@%"', { q: '@%' }],
    ['an address of many', { q: '10.0.77.191' }],
    ['everywhere, one principal', { q: WORDS.everywhere, principal: 'agent-11' }],
    ['what this principal never does', { q: WORDS.frequent, principal: STRANGER }],
    ['seldom, one principal', { q: WORDS.seldom, principal: 'person-07' }],
    ['frequent, one target', { q: WORDS.frequent, target: 'web-150' }],
    ['one run', { run: 'run-1000' }],
    ['frequent, one run', { q: WORDS.frequent, run: 'run-1001' }],
    ['denied', { decision: 'deny' }],
    [
      'denied, one principal and target',
      { decision: 'deny', principal: 'person-09', target: 'web-017' },
    ],
    ['frequent, denied', { q: WORDS.frequent, decision: 'deny' }],
    ['everywhere, in one month', { q: WORDS.everywhere, ...month }],
    ['seldom, in one month', { q: WORDS.seldom, ...month }],
    ['no text', {}],
    ['an unknown principal', { principal: 'nobody' }],
  ];
  const named = some.map(([name, query]): Named => [name, { in: 'commands', limit: 50, ...query }]);
  const late = await latePage(database, { in: 'commands', limit: 50, q: WORDS.frequent });
  return [...named, [`frequent, page ${TURNED_PAGES}`, late]];
}

async function monthOf(
  database: Database,
): Promise<{ readonly from: string; readonly to: string }> {
  const newest = await figureOf(
    database,
    'select extract(epoch from max(started_at)) * 1000 as figure from sessions',
  );
  const DAY_MS = 86_400_000;
  const at = (days: number): string => new Date(newest - days * DAY_MS).toISOString();
  return { from: at(200), to: at(170) };
}

async function latePage(database: Database, query: StoredSearchQuery): Promise<StoredSearchQuery> {
  const search = createSearch(database);
  let late = query;
  for (let page = 1; page < TURNED_PAGES; page += 1) {
    const { next } = await search.search(late);
    if (next === null) break;
    late = { ...query, cursor: next };
  }
  return late;
}

async function measure(
  name: string,
  search: () => Promise<{ readonly items: readonly unknown[]; readonly next: string | null }>,
): Promise<SearchFigure> {
  let page = await search();
  const timesMs: number[] = [];
  for (let round = 0; round < ROUNDS; round += 1) {
    const startMs = performance.now();
    page = await search();
    timesMs.push(performance.now() - startMs);
  }
  return {
    name,
    hits: page.items.length,
    isWhole: page.next === null,
    p50Ms: median(timesMs),
    p95Ms: percentile(timesMs, 0.95),
    longestMs: percentile(timesMs, 1),
  };
}

function count(database: Database): Promise<number> {
  return figureOf(database, 'select count(*) as figure from commands');
}

function megabytesOf(database: Database, tables: readonly string[]): Promise<number> {
  const sizes = tables.map((table) => `pg_total_relation_size('${table}')`).join(' + ');
  return figureOf(database, `select (${sizes}) / 1e6 as figure`);
}

async function figureOf(database: Database, sql: string): Promise<number> {
  const { rows } = await database.knex.raw<{ rows: readonly { figure: string }[] }>(sql);
  return Number(rows[0]?.figure ?? 0);
}

export function renderSearch(figures: SearchFigures): string {
  const { commands, filled, sessions, searches } = figures;
  const ms = (value: number): string => `${value.toFixed(1)} ms`.padStart(11);
  return [
    `${commands} commands in ${sessions} sessions, PostgreSQL ${figures.server}`,
    ...(filled === null
      ? []
      : [`filled in ${filled.fillS.toFixed(0)} s, indexed in ${filled.indexS.toFixed(0)} s`]),
    `commands ${figures.commandMegabytes.toFixed(0)} MB, search ${figures.searchMegabytes.toFixed(0)} MB`,
    `${''.padEnd(42)}${'hits'.padStart(6)}${'p50'.padStart(11)}${'p95'.padStart(11)}${'longest'.padStart(11)}`,
    ...searches.map(
      ({ name, hits, isWhole, p50Ms, p95Ms, longestMs }) =>
        `${name.padEnd(42)}${`${hits}${isWhole ? '' : '+'}`.padStart(6)}${ms(p50Ms)}${ms(p95Ms)}${ms(longestMs)}`,
    ),
    '',
  ].join('\n');
}
