/**
 * Fills a database with sessions and commands as they would be after a year: made by PostgreSQL itself,
 * taken into the search by the product's own indexer. Tables are as they always are; only the waiting for
 * the disk at each commit is switched off while it runs.
 */
import type { Knex } from 'knex';
import { Indexer } from '../../server/store/search-indexer.ts';

const CONTENT_INDEX = 'search_blocks_content';
/** Rows of one statement. */
const SESSIONS_AT_ONCE = 50_000;
/** Commands of a session by its number: every other one runs a single command, as agents do. */
const COMMANDS_OF = '(case when k % 2 = 0 then 1 else 1 + k % 77 end)';
/** A little less than the same on average, so that there are never fewer than asked for. */
export const COMMANDS_PER_SESSION = 19.9;
const YEAR_S = 365 * 24 * 60 * 60;

/** Stands in exactly one command, in the oldest tenth. */
export const NEEDLE = 'restore-ledger-q7';
/** Each is in its share of all commands. */
export const WORDS = { everywhere: 'kubectl', frequent: 'nginx', seldom: 'quarantine' } as const;
/** Who never runs what `WORDS.frequent` says. */
export const STRANGER = 'person-03';

export interface Filled {
  readonly sessions: number;
  readonly commands: number;
  readonly fillS: number;
  readonly indexS: number;
}

/** @param say called from time to time with what is being done */
export async function fillForSearch(
  knex: Knex,
  commands: number,
  say: (text: string) => void,
): Promise<Filled> {
  const startMs = performance.now();
  const sessions = Math.ceil(commands / COMMANDS_PER_SESSION);
  for (let from = 0; from < sessions; from += SESSIONS_AT_ONCE) {
    const to = Math.min(sessions, from + SESSIONS_AT_ONCE);
    await knex.transaction(async (trx) => {
      await trx.raw('set local synchronous_commit = off');
      await trx.raw(SESSIONS, { from, to: to - 1, sessions, year: YEAR_S });
      await trx.raw(COMMANDS, { from, to: to - 1, sessions, year: YEAR_S });
    });
    say(`${to} of ${sessions} sessions`);
  }
  await knex.raw('analyze sessions');
  await knex.raw('analyze commands');
  const filledMs = performance.now();
  await indexForSearch(knex, say);
  const indexedMs = performance.now();
  const { rows } = await knex.raw<{ rows: readonly { commands: string }[] }>(
    'select count(*) as commands from commands',
  );
  return {
    sessions,
    commands: Number(rows[0]?.commands),
    fillS: (filledMs - startMs) / 1000,
    indexS: (indexedMs - filledMs) / 1000,
  };
}

/** Takes everything that is new into the search. */
export async function indexForSearch(knex: Knex, say: (text: string) => void): Promise<void> {
  // An index is made faster from everything at once; it is the same in the end.
  const definition = await indexDefinition(knex);
  await knex.raw('drop index ??', [CONTENT_INDEX]);
  const indexer = new Indexer(knex);
  for (let steps = 0; await indexer.step(); steps += 1) {
    if (steps % 100 === 0) {
      const { rows } = await knex.raw<{ rows: readonly { done: string }[] }>(
        'select coalesce(sum(entries), 0) as done from search_blocks',
      );
      say(`${rows[0]?.done} commands indexed`);
    }
  }
  say('making the index');
  await knex.transaction(async (trx) => {
    await trx.raw(`set local maintenance_work_mem = '512MB'`);
    await trx.raw(definition);
  });
  for (const table of ['search_blocks', 'search_progress', 'search_changes']) {
    await knex.raw('vacuum analyze ??', [table]);
  }
}

async function indexDefinition(knex: Knex): Promise<string> {
  const { rows } = await knex.raw<{ rows: readonly { definition: string }[] }>(
    'select pg_get_indexdef(?::regclass) as definition',
    [CONTENT_INDEX],
  );
  const [row] = rows;
  if (row === undefined) throw new Error(`there is no index ${CONTENT_INDEX}`);
  return row.definition;
}

/** Numbers that look random and are the same in every run. */
const mixed = (expression: string, seed: number): string =>
  `(((${expression}) * 2654435761 + ${seed} * 40503) >> 7 & 1048575)`;

const PRINCIPAL = `case when k % 2 = 0 then 'agent-' || lpad((${mixed('k', 1)} % 30)::text, 2, '0')
  else 'person-' || lpad((${mixed('k', 2)} % 40)::text, 2, '0') end`;
const STARTED = `date_trunc('milliseconds', now())
  - (:sessions - k) * (:year::float / :sessions) * interval '1 second'`;

const NUMBERED = `
  select k, ${PRINCIPAL} as principal, ${STARTED} as started_at,
    (lpad(to_hex((extract(epoch from ${STARTED}) * 1000)::bigint), 12, '0') || '7'
      || substr(md5(k::text), 1, 3) || '8' || substr(md5(k::text), 4, 15))::uuid as id
  from generate_series(:from::bigint, :to::bigint) as k`;

const SESSIONS = `
  insert into sessions (id, owner, kind, principal, principal_kind, principal_id, target, login, via,
    source, run, task, attribution, started_at, ended_at, status, exit_status, width, height, term,
    command, policy, policy_version, bytes_out, duration_us, complete)
  select id, '0197a000-0000-7000-8000-000000000001', case when k % 2 = 0 then 'exec' else 'shell' end,
    principal, case when k % 2 = 0 then 'agent' else 'human' end,
    '0197a000-0000-7000-8000-000000000002', 'web-' || lpad((${mixed('k', 3)} % 200)::text, 3, '0'),
    'deploy', 'direct', '192.0.2.7:51514', case when k % 2 = 0 then 'run-' || k / 40 end, null,
    case when k % 2 = 0 then 'claimed' end, started_at, started_at + interval '10 minutes', 'closed', 0,
    80, 24, 'xterm', null, 'default', 1, 0, 600000000, true
  from (${NUMBERED}) as numbered`;

const COMMANDS = `
  insert into commands (session_id, seq, at_us, text, certainty, verdict, rule, reason, language, argv,
    commands)
  select id, seq, seq * 7000000, text, 'exact', case when m % 211 = 0 then 'deny' else 'allow' end,
    case when m % 211 = 0 then 'no-wipe' end, null, 'shell', null, '[]'
  from (
    select id, seq, m, case
      when k = :sessions / 20 and seq = 1 then '${NEEDLE} --from backup-' || m
      when m % 100003 = 17 then 'mv /srv/app/' || md5(m::text) || ' /srv/${WORDS.seldom}/'
      when m % 100 < 30 then '${WORDS.everywhere} get pods -n team-' || m % 97 || ' -o wide'
      when m % 100 < 33 and principal <> '${STRANGER}' then 'systemctl status ${WORDS.frequent}-' || m % 7
      when m % 100 < 45 then 'ls -la /srv/app/releases/' || m % 1009
      when m % 100 < 55 then 'tail -n ' || m % 500 || ' /var/log/app/worker-' || m % 31 || '.log'
      when m % 100 < 62 then 'git -C /srv/app fetch origin feature/' || substr(md5(m::text), 1, 8)
      when m % 100 < 70 then 'psql -c ''select * from orders where id = ' || m || ''''
      when m % 100 < 78 then 'docker logs --since 10m ' || substr(md5(m::text), 1, 12)
      when m % 100 < 85 then 'rm -rf /tmp/build-' || m % 65537
      when m % 100 < 92 then 'curl -fsS http://10.0.' || m % 256 || '.' || m % 251 || ':8080/healthz'
      else 'cd /srv/app && make -j4 test-' || m % 53 end as text
    from (
      select id, k, principal, seq, ${mixed('k * 79 + seq', 5)} as m
      from (${NUMBERED}) as numbered
      cross join lateral generate_series(1, ${COMMANDS_OF}) as seq
    ) as counted
  ) as written`;
