/** Runs: sessions of one principal that name the same run. */
import type { Knex } from 'knex';
import type { Database } from './database.ts';
import { containing, cursorOf, placeOf } from './query-text.ts';
import { COMMAND_COLUMNS, type CommandRow, commandView, type SessionRow } from './session-rows.ts';
import { readBounded } from './statement-timeout.ts';
import { storable } from './storable.ts';

export const MAX_RUN_PAGE = 200;
/** Sessions of a run that its figures count. */
export const MAX_COUNTED_SESSIONS = 1000;
/** Names of tasks and targets that are listed of a run. */
const MAX_NAMES = 20;
/** Commands of a run that are read at once. */
export const MAX_RUN_COMMANDS = 2000;

export interface RunName {
  readonly principal: string;
  readonly run: string;
}

export interface RunFilter {
  readonly principal?: string;
  /** Text in the name of the run or the task of its newest session. */
  readonly q?: string;
  readonly limit: number;
  readonly cursor?: string;
}

export type RunObject = ReturnType<typeof runView>;
export type RunCommandObject = ReturnType<typeof runCommandView>;

export interface StoredRuns {
  /** By their newest session, newest first. Rejects with `usage.invalid` for a malformed cursor. */
  listRuns(
    filter: RunFilter,
  ): Promise<{ readonly items: readonly RunObject[]; readonly next: string | null }>;
  run(name: RunName): Promise<RunObject | null>;
  /** In order over all sessions; at most MAX_RUN_COMMANDS. */
  runCommands(
    name: RunName,
  ): Promise<{ readonly commands: readonly RunCommandObject[]; readonly isCut: boolean }>;
}

interface RunRow extends Pick<SessionRow, 'principal' | 'principal_kind' | 'id'> {
  readonly run: string;
  readonly newest_at: Date;
  readonly trust: number;
  readonly tasks: readonly string[];
  readonly targets: readonly string[];
  readonly sessions: number;
  readonly active: number;
  readonly first_at: Date;
  readonly last_end: Date | null;
  readonly commands: number;
  readonly denied: number;
  readonly held: number;
  readonly masked: number;
}

/** From least to most; a session without a mark counts as the least. */
const TRUST = [null, 'claimed', 'declared', 'verified'] as const;

/** The newest session of each run; `newest` is what the figures are computed for. */
const FIGURES = `
  select newest.*, of_run.*
  from newest
  cross join lateral (
    with counted as (
      select * from sessions
      where run = newest.run and principal = newest.principal
      order by started_at desc, id desc limit ${MAX_COUNTED_SESSIONS + 1}
    )
    select min(case attribution when 'verified' then 3 when 'declared' then 2
                                when 'claimed' then 1 else 0 end) as trust,
           (array_remove(array_agg(distinct task), null))[1:${MAX_NAMES}] as tasks,
           (array_agg(distinct login || '@' || target))[1:${MAX_NAMES}] as targets,
           count(*)::int as sessions,
           (count(*) filter (where status = 'active'))::int as active,
           min(started_at) as first_at, max(ended_at) as last_end,
           coalesce(sum(of_session.commands), 0)::int as commands,
           coalesce(sum(of_session.denied), 0)::int as denied,
           coalesce(sum(of_session.held), 0)::int as held,
           coalesce(sum(of_session.masked), 0)::int as masked
    from counted
    cross join lateral (
      select count(*) as commands,
             count(*) filter (where verdict = 'deny') as denied,
             count(*) filter (where verdict = 'hold') as held,
             coalesce(sum(coalesce(command_ends.masked, commands.masked)), 0) as masked
      from commands left join command_ends using (session_id, seq)
      where session_id = counted.id
    ) as of_session
  ) as of_run
  order by newest.newest_at desc, newest.id desc`;

export function createRuns(database: Pick<Database, 'knex'>): StoredRuns {
  const { knex } = database;
  return {
    listRuns: (filter) => readBounded(knex, (trx) => listRuns(trx, filter)),
    run: async (name) => {
      const rows = await readBounded(knex, (trx) =>
        withFigures(trx, newestOf(trx).where({ ...stored(name) })),
      );
      return rows[0] === undefined ? null : runView(rows[0]);
    },
    runCommands: (name) => readBounded(knex, (trx) => runCommands(trx, name)),
  };
}

async function listRuns(
  knex: Knex,
  filter: RunFilter,
): Promise<{ items: readonly RunObject[]; next: string | null }> {
  const limit = Math.min(Math.max(filter.limit, 1), MAX_RUN_PAGE);
  const newest = newestOf(knex).limit(limit + 1);
  if (filter.principal !== undefined) void newest.where('principal', storable(filter.principal));
  if (filter.q !== undefined) {
    const pattern = containing(filter.q);
    void newest.whereRaw('(run ilike ? or task ilike ?)', [pattern, pattern]);
  }
  if (filter.cursor !== undefined) {
    const { atMs, id } = placeOf(filter.cursor);
    void newest.whereRaw('(started_at, id) < (?, ?)', [new Date(atMs), id]);
  }
  const rows = await withFigures(knex, newest);
  const items = rows.slice(0, limit);
  const last = items.at(-1);
  const isMore = rows.length > limit && last !== undefined;
  return {
    items: items.map(runView),
    next: isMore ? cursorOf({ atMs: last.newest_at.getTime(), id: last.id }) : null,
  };
}

/** The session of each run that no other of the run is newer than. */
function newestOf(knex: Knex): Knex.QueryBuilder {
  return knex('sessions')
    .select('id', 'principal', 'principal_kind', 'run', 'started_at as newest_at')
    .whereNotNull('run')
    .whereRaw(
      `not exists (
         select 1 from sessions as later
         where later.run = sessions.run and later.principal = sessions.principal
           and (later.started_at, later.id) > (sessions.started_at, sessions.id))`,
    )
    .orderBy([
      { column: 'started_at', order: 'desc' },
      { column: 'id', order: 'desc' },
    ]);
}

async function withFigures(knex: Knex, newest: Knex.QueryBuilder): Promise<readonly RunRow[]> {
  const { bindings, sql } = newest.toSQL();
  const { rows } = await knex.raw<{ rows: readonly RunRow[] }>(
    `with newest as materialized (${sql}) ${FIGURES}`,
    bindings as Knex.RawBinding[],
  );
  return rows;
}

async function runCommands(
  knex: Knex,
  name: RunName,
): Promise<{ commands: readonly RunCommandObject[]; isCut: boolean }> {
  const { principal, run } = stored(name);
  const { rows } = await knex.raw<{ rows: readonly RunCommandRow[] }>(
    `select ${COMMAND_COLUMNS}, sessions.id as session, sessions.target, sessions.login
     from sessions
     join commands on commands.session_id = sessions.id
     left join command_ends using (session_id, seq)
     where sessions.run = ? and sessions.principal = ?
     order by sessions.started_at, sessions.id, commands.seq limit ?`,
    [run, principal, MAX_RUN_COMMANDS + 1],
  );
  return {
    commands: rows.slice(0, MAX_RUN_COMMANDS).map(runCommandView),
    isCut: rows.length > MAX_RUN_COMMANDS,
  };
}

function stored({ principal, run }: RunName): RunName {
  return { principal: storable(principal), run: storable(run) };
}

interface RunCommandRow extends CommandRow {
  readonly session: string;
  readonly target: string;
  readonly login: string;
}

function runCommandView(row: RunCommandRow) {
  const { login, session, target } = row;
  return { ...commandView(row), session, target, login };
}

function runView(row: RunRow) {
  const isCut = row.sessions > MAX_COUNTED_SESSIONS;
  return {
    principal: row.principal,
    principalKind: row.principal_kind,
    run: row.run,
    attribution: TRUST[row.trust] ?? null,
    tasks: row.tasks,
    targets: row.targets,
    sessionCount: Math.min(row.sessions, MAX_COUNTED_SESSIONS),
    activeCount: row.active,
    startedAt: row.first_at.toISOString(),
    endedAt: row.active > 0 ? null : (row.last_end?.toISOString() ?? null),
    commandCount: row.commands,
    deniedCount: row.denied,
    heldCount: row.held,
    maskedCount: row.masked,
    isCut,
  };
}
