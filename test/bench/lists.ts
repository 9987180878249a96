/** How long the lists behind the pages take with many sessions. */
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import type { Knex } from 'knex';
import { silentLogger } from '../../server/log.ts';
import { openDatabase } from '../../server/store/database.ts';
import { createOverview } from '../../server/store/overview.ts';
import { createRecordingReader } from '../../server/store/recording-reader.ts';
import { createRuleHits } from '../../server/store/rule-hits.ts';
import { createRuns } from '../../server/store/runs.ts';
import { median, percentile } from './statistics.ts';

const ROUNDS = 20;
const COMMANDS_PER_SESSION = 3;
/** Sessions that are made by one statement. */
const BATCH = 50_000;
const DAY_MS = 86_400_000;
/** Over how long the sessions are spread. */
const SPREAD_DAYS = 365;

export interface ListFigure {
  readonly name: string;
  readonly rows: number;
  readonly p50Ms: number;
  readonly p95Ms: number;
  readonly longestMs: number;
}

export interface ListFigures {
  readonly sessions: number;
  readonly commands: number;
  readonly server: string;
  readonly lists: readonly ListFigure[];
}

/** @param folder where the database is kept for the next time; null = nowhere */
export async function measureLists(
  sessions: number,
  folder: string | null,
  say: (text: string) => void,
): Promise<ListFigures> {
  const home = folder === null ? await mkdtemp(join(tmpdir(), 'bench-')) : resolve(folder);
  const database = await openDatabase({ url: null, homeDirectory: home, logger: silentLogger });
  try {
    const known = await count(database.knex, 'sessions');
    if (known < sessions) await fillSessions(database.owner ?? database.knex, known, sessions, say);
    say('listing');
    const nowMs = Date.now();
    const reader = createRecordingReader(database);
    const runs = createRuns(database);
    const hits = createRuleHits(database);
    const middle = (await reader.listSessions({ limit: 50, until: daysAgo(nowMs, 180) })).next;
    const list = (filter: object) => async (): Promise<number> =>
      (await reader.listSessions({ limit: 50, ...filter })).items.length;
    const lists: readonly (readonly [string, () => Promise<number>])[] = [
      ['sessions', list({})],
      ['sessions, in the middle', list(middle === null ? {} : { cursor: middle })],
      ['sessions of one principal', list({ principal: 'agent-17' })],
      ['sessions on one target', list({ target: 'host-23' })],
      ['sessions of one kind', list({ kind: 'sftp' })],
      ['sessions that run', list({ status: 'active' })],
      ['sessions with a denial (1 of 1,000)', list({ decision: 'deny' })],
      ['sessions with a hold (1 of 100,000)', list({ decision: 'hold' })],
      [
        'denials of one principal, in a month',
        list({
          decision: 'deny',
          principal: 'agent-0',
          since: daysAgo(nowMs, 200),
          until: daysAgo(nowMs, 170),
        }),
      ],
      ['sessions of one run', list({ run: 'run-4711', principal: 'agent-30' })],
      ['runs', async () => (await runs.listRuns({ limit: 50 })).items.length],
      [
        'runs of one principal',
        async () => (await runs.listRuns({ limit: 50, principal: 'agent-17' })).items.length,
      ],
      [
        'overview, counted anew',
        async () =>
          (await createOverview(database, { nowMs: () => Date.now() }).overview()).hours.length,
      ],
      ['hits of rules', async () => (await hits.hits(nowMs)).length],
      [
        'commands to try a policy on',
        async () => (await hits.samples('default', new Date(nowMs - 7 * DAY_MS))).samples.length,
      ],
    ];
    const figures: ListFigure[] = [];
    for (const [name, read] of lists) figures.push(await measure(name, read));
    return {
      sessions: await count(database.knex, 'sessions'),
      commands: await count(database.knex, 'commands'),
      server: database.serverVersion,
      lists: figures,
    };
  } finally {
    await database.close();
    if (folder === null) await rm(home, { recursive: true, force: true });
  }
}

function daysAgo(nowMs: number, days: number): string {
  return new Date(nowMs - days * DAY_MS).toISOString();
}

async function measure(name: string, read: () => Promise<number>): Promise<ListFigure> {
  const tookMs: number[] = [];
  let rows = 0;
  for (let round = 0; round < ROUNDS; round += 1) {
    const startedMs = performance.now();
    rows = await read();
    tookMs.push(performance.now() - startedMs);
  }
  return {
    name,
    rows,
    p50Ms: median(tookMs),
    p95Ms: percentile(tookMs, 0.95),
    longestMs: Math.max(...tookMs),
  };
}

async function count(knex: Knex, table: 'sessions' | 'commands'): Promise<number> {
  const [row] = await knex(table).count('* as count');
  return Number(row?.['count']);
}

/** Sessions spread evenly over the past year; one in a thousand commands is denied. */
export async function fillSessions(
  knex: Knex,
  from: number,
  to: number,
  say: (text: string) => void,
): Promise<void> {
  for (let first = from; first < to; first += BATCH) {
    const last = Math.min(first + BATCH, to) - 1;
    await knex.transaction(async (trx) => {
      await trx.raw(
        `create temporary table made on commit drop as
         select n, at,
           (lpad(to_hex((extract(epoch from at) * 1000)::bigint), 12, '0')
             || '7' || lpad(to_hex(n & 4095), 3, '0') || '8' || lpad(to_hex(n), 15, '0'))::uuid as id
         from (select n, now() - (:to::int - n) * :apart::float * interval '1 second' as at
               from generate_series(:first::int, :last::int) as n) as times`,
        { to, first, last, apart: (SPREAD_DAYS * 86_400) / to },
      );
      await trx.raw(`
        insert into sessions (id, owner, kind, principal, principal_kind, principal_id, target, login,
          via, source, run, task, attribution, started_at, ended_at, status, exit_status, width, height,
          policy, policy_version, bytes_out, duration_us, complete)
        select id, id, (array['shell','exec','exec','exec','sftp','scp'])[1 + n % 6],
          'agent-' || n % 50, 'agent', id, 'host-' || n % 200, 'deploy', 'direct', '192.0.2.7:51514',
          case when n % 3 = 0 then 'run-' || n / 30 end, 'nightly', 'verified', at,
          case when n % 200000 <> 0 then at + interval '20 seconds' end,
          case when n % 200000 <> 0 then 'closed' else 'active' end, 0, 80, 24,
          'default', 1, 1000, 20000000, true
        from made`);
      await trx.raw(`
        insert into commands (session_id, seq, at_us, text, certainty, verdict, rule, reason, language,
          argv, commands)
        select id, seq, seq * 1000000, 'systemctl status service-' || (n * 7 + seq) % 900, 'exact',
          case when (n * ${COMMANDS_PER_SESSION} + seq) % 3000 = 1 then 'deny'
               when (n * ${COMMANDS_PER_SESSION} + seq) % 300000 = 2 then 'hold' else 'allow' end,
          case when (n * ${COMMANDS_PER_SESSION} + seq) % 3000 = 1 then 'rule-' || n % 7 end, null,
          'shell', null, '[]'
        from made cross join generate_series(1, ${COMMANDS_PER_SESSION}) as seq`);
    });
    say(`${(last + 1).toLocaleString('en')} sessions`);
  }
  await knex.raw('vacuum analyze sessions');
  await knex.raw('vacuum analyze commands');
}

export function renderLists(figures: ListFigures): string {
  const lines = figures.lists.map(
    ({ longestMs, name, p50Ms, p95Ms, rows }) =>
      `| ${name} | ${rows} | ${p50Ms.toFixed(0)} | ${p95Ms.toFixed(0)} | ${longestMs.toFixed(0)} |`,
  );
  return [
    `${figures.sessions.toLocaleString('en')} sessions, ${figures.commands.toLocaleString('en')} commands, PostgreSQL ${figures.server}`,
    '',
    '| list | rows | p50 ms | p95 ms | longest ms |',
    '| --- | --- | --- | --- | --- |',
    ...lines,
    '',
  ].join('\n');
}
