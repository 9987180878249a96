/**
 * What goes on, counted: sessions now, decisions over time, busiest principals and rules, and how the
 * record does. A command counts when it was decided, by the bastion's clock.
 */
import type { Knex } from 'knex';
import type { Clock } from '../clock.ts';
import type { Database } from './database.ts';
import { readBounded } from './statement-timeout.ts';

/** Asked again within this time, the same figures are shown. */
export const COUNTED_FOR_MS = 30_000;
/** Older ones are shown once more while they are counted anew, unless they are older than this. */
export const SHOWN_FOR_MS = 10 * 60_000;
export const SHOWN_HOURS = 24;
export const SHOWN_DAYS = 30;
/** Of principals, rules and trouble. */
export const WINDOW_DAYS = 7;
export const MAX_BUSIEST = 10;
const HOUR_MS = 3_600_000;
const DAY_MS = 24 * HOUR_MS;

export type OverviewObject = Awaited<ReturnType<typeof count>>;

export interface StoredOverview {
  /** Rejects with `limit.exceeded` when it takes too long. */
  overview(): Promise<OverviewObject>;
}

export function createOverview(
  database: Pick<Database, 'knex'>,
  clock: Pick<Clock, 'nowMs'>,
): StoredOverview {
  let shown: { readonly atMs: number; readonly figures: OverviewObject } | null = null;
  let counting: Promise<OverviewObject> | null = null;
  const countAnew = async (atMs: number): Promise<OverviewObject> => {
    try {
      const figures = await readBounded(database.knex, (trx) => count(trx, atMs));
      shown = { atMs, figures };
      return figures;
    } finally {
      counting = null;
    }
  };
  return {
    overview: async () => {
      const nowMs = clock.nowMs();
      const ageMs = shown === null ? Infinity : Math.abs(nowMs - shown.atMs);
      if (shown !== null && ageMs < COUNTED_FOR_MS) return shown.figures;
      counting ??= countAnew(nowMs);
      if (shown === null || ageMs >= SHOWN_FOR_MS) return counting;
      // Who asks next is told if it fails.
      counting.catch(() => {});
      return shown.figures;
    },
  };
}

async function count(knex: Knex, nowMs: number) {
  const since = new Date(nowMs - WINDOW_DAYS * DAY_MS);
  return {
    at: new Date(nowMs).toISOString(),
    ...(await countNow(knex)),
    hours: await slots(knex, nowMs, HOUR_MS, SHOWN_HOURS),
    days: await slots(knex, nowMs, DAY_MS, SHOWN_DAYS),
    principals: await principals(knex, since),
    rules: await rules(knex, since),
    record: await record(knex, since),
  };
}

async function countNow(
  knex: Knex,
): Promise<{ readonly activeSessions: number; readonly waitingApprovals: number }> {
  const { rows } = await knex.raw<{ rows: readonly { active: number; waiting: number }[] }>(
    `select (select count(*)::int from sessions where status = 'active') as active,
            (select count(*)::int from approvals where status = 'waiting') as waiting`,
  );
  const [{ active, waiting } = { active: 0, waiting: 0 }] = rows;
  return { activeSessions: active, waitingApprovals: waiting };
}

/** A session of any age may still decide, so the running ones count whenever they began. */
const DECIDED = `
  select commands.*, sessions.started_at + commands.at_us * interval '1 microsecond' as decided_at
  from sessions join commands on commands.session_id = sessions.id
  where (sessions.started_at >= :since or sessions.ended_at is null or sessions.ended_at >= :since)`;

async function slots(knex: Knex, nowMs: number, slotMs: number, wanted: number) {
  const last = Math.floor(nowMs / slotMs);
  const first = last - wanted + 1;
  const { rows } = await knex.raw<{
    rows: readonly { slot: number; allowed: number; denied: number; held: number }[];
  }>(
    `select floor(extract(epoch from decided_at) * 1000 / :slotMs)::int as slot,
            (count(*) filter (where verdict = 'allow'))::int as allowed,
            (count(*) filter (where verdict = 'deny'))::int as denied,
            (count(*) filter (where verdict = 'hold'))::int as held
     from (${DECIDED}) as decided where decided_at >= :since group by 1`,
    { slotMs, since: new Date(first * slotMs) },
  );
  const found = new Map(rows.map((row) => [row.slot, row]));
  return Array.from({ length: wanted }, (_, index) => {
    const { allowed = 0, denied = 0, held = 0 } = found.get(first + index) ?? {};
    return { at: new Date((first + index) * slotMs).toISOString(), allowed, denied, held };
  });
}

async function principals(knex: Knex, since: Date) {
  const { rows } = await knex.raw<{
    rows: readonly {
      readonly name: string;
      readonly kind: 'human' | 'agent';
      readonly sessions: number;
      readonly commands: number;
      readonly stopped: number;
    }[];
  }>(
    `select principal as name, max(principal_kind) as kind, count(*)::int as sessions,
            coalesce(sum(commands), 0)::int as commands, coalesce(sum(stopped), 0)::int as stopped
     from sessions
     cross join lateral (
       select count(*) as commands, count(*) filter (where verdict <> 'allow') as stopped
       from commands where session_id = sessions.id
     ) as of_session
     where started_at >= :since
     group by principal order by commands desc, name limit ${MAX_BUSIEST}`,
    { since },
  );
  return rows;
}

async function rules(knex: Knex, since: Date) {
  const { rows } = await knex.raw<{
    rows: readonly {
      readonly policy: string;
      readonly rule: string | null;
      readonly decision: 'deny' | 'hold';
      readonly hits: number;
    }[];
  }>(
    `select sessions.policy, commands.rule, commands.verdict as decision, count(*)::int as hits
     from sessions join commands on commands.session_id = sessions.id
     where started_at >= :since and verdict <> 'allow'
     group by 1, 2, 3 order by hits desc, 1, 2 limit ${MAX_BUSIEST}`,
    { since },
  );
  return rows;
}

async function record(knex: Knex, since: Date) {
  const { rows } = await knex.raw<{
    rows: readonly {
      readonly failed: number;
      readonly gaps: number;
      readonly broken: number;
      readonly incomplete: number;
      readonly checkpoint: Date | null;
    }[];
  }>(
    `select
       (select count(*)::int from journal where type = 'recording.failed' and at >= :since) as failed,
       (select count(*)::int from journal where type = 'recording.gap' and at >= :since) as gaps,
       (select count(*)::int from journal where type = 'verify.failed' and at >= :since) as broken,
       (select count(*)::int from sessions
        where started_at >= :since and status <> 'active' and not complete) as incomplete,
       (select at from journal where type = 'recording.checkpoint'
        order by seq desc limit 1) as checkpoint`,
    { since },
  );
  const [row] = rows;
  return {
    failed: row?.failed ?? 0,
    gaps: row?.gaps ?? 0,
    broken: row?.broken ?? 0,
    incomplete: row?.incomplete ?? 0,
    lastCheckpointAt: row?.checkpoint?.toISOString() ?? null,
  };
}
