import assert from 'node:assert/strict';
import type { Database } from '../../server/store/database.ts';
import { createSearch, type StoredSearch } from '../../server/store/search.ts';
import type { StoredSearchQuery } from '../../server/store/search-filter.ts';
import { fillForSearch, NEEDLE, STRANGER, WORDS } from '../bench/search-generator.ts';
import { freshDatabase } from '../support/database.ts';

const COMMANDS = 40_000;
/** The same for any number of commands: what is looked at without the index, and what one page shows. */
const MOST_ROWS = 1500;

interface Plan {
  readonly 'Node Type': string;
  readonly 'Relation Name'?: string;
  readonly 'Index Name'?: string;
  readonly 'Actual Rows': number;
  readonly 'Actual Loops': number;
  readonly 'Rows Removed by Filter'?: number;
  readonly Plans?: readonly Plan[];
}

describe('the plans of searches', () => {
  let database: Database;
  let search: StoredSearch;
  before(async function () {
    this.timeout(300_000);
    database = await freshDatabase();
    await fillForSearch(database.knex, COMMANDS, () => {});
    search = createSearch(database);
  });
  after(() => database.close());

  /** Every table that the statements of a search read, how, and how many rows of it. */
  const scansOf = async (query: Partial<StoredSearchQuery>) => {
    const statements: { sql: string; bindings: readonly unknown[] }[] = [];
    const note = ({ sql, bindings = [] }: { sql: string; bindings?: readonly unknown[] }): void =>
      void statements.push({ sql, bindings });
    database.knex.on('query', note);
    const page = await search.search({ in: 'commands', limit: 50, ...query });
    database.knex.removeListener('query', note);
    const scans: { how: string; table: string; index: string | null; rows: number }[] = [];
    const walk = (plan: Plan): void => {
      const table = plan['Relation Name'];
      if (table !== undefined) {
        const rows = plan['Actual Rows'] + (plan['Rows Removed by Filter'] ?? 0);
        const index = plan['Index Name'] ?? plan.Plans?.[0]?.['Index Name'] ?? null;
        scans.push({ how: plan['Node Type'], table, index, rows: rows * plan['Actual Loops'] });
      }
      for (const inner of plan.Plans ?? []) walk(inner);
    };
    const client = (await database.knex.client.acquireConnection()) as {
      query(sql: string, bindings?: readonly unknown[]): Promise<{ rows: readonly unknown[] }>;
    };
    try {
      await client.query('begin');
      for (const { sql, bindings } of statements) {
        if (sql.startsWith('set local')) await client.query(sql);
        if (!/^(select|with)/.test(sql.trim())) continue;
        const { rows } = await client.query(`explain (analyze, format json) ${sql}`, bindings);
        const [row] = rows as { 'QUERY PLAN': readonly { Plan: Plan }[] }[];
        const [top] = row?.['QUERY PLAN'] ?? [];
        assert.ok(top !== undefined);
        walk(top.Plan);
      }
      await client.query('rollback');
    } finally {
      await database.knex.client.releaseConnection(client);
    }
    return { page, scans };
  };

  const SEARCHES: readonly [
    name: string,
    query: Partial<StoredSearchQuery>,
    found: 'none' | 'one' | 'some' | 'page',
    index: string,
  ][] = [
    ['a text that is once in all', { q: NEEDLE }, 'one', 'search_blocks_content'],
    ['a text that is nowhere', { q: 'no-such-command' }, 'none', 'search_blocks_content'],
    ['a text that is everywhere', { q: WORDS.everywhere }, 'page', 'search_blocks_time'],
    ['two characters that are everywhere', { q: 'rm' }, 'page', 'search_blocks_time'],
    ['one principal', { q: 'psql', principal: 'person-07' }, 'page', 'search_blocks_time'],
    [
      'what this principal never does',
      { q: WORDS.frequent, principal: STRANGER },
      'none',
      'search_blocks_content',
    ],
    [
      'what was denied to one principal',
      { principal: 'person-07', decision: 'deny' },
      'some',
      'search_blocks_content',
    ],
    ['no text', {}, 'page', 'search_blocks_time'],
  ];
  for (const [name, query, found, index] of SEARCHES) {
    it(`read few rows through ${index} for ${name}`, async () => {
      const { page, scans } = await scansOf(query);
      const counts = { none: [0, 0], one: [1, 1], some: [1, 49], page: [50, 50] } as const;
      const [least, most] = counts[found];
      assert.ok(page.items.length >= least && page.items.length <= most, `${page.items.length}`);
      const said = JSON.stringify(scans, null, 1);
      assert.ok(
        scans.every((scan) => scan.how !== 'Seq Scan'),
        said,
      );
      assert.ok(
        scans.some((scan) => scan.table === 'search_blocks' && scan.index === index),
        said,
      );
      const rows = scans.reduce((sum, scan) => sum + scan.rows, 0);
      assert.ok(rows <= MOST_ROWS, `${rows} rows: ${said}`);
    });
  }

  it('need no extension', async () => {
    const rows = await database.knex('pg_extension').whereNot('extname', 'plpgsql');
    const used = await database
      .knex('pg_index')
      .whereRaw("indexdef like '%trgm%'")
      .from('pg_indexes');
    assert.deepEqual(used, []);
    assert.ok(rows.length <= 1);
  });
});
