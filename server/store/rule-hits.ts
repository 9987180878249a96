/** What rules decided, and the commands that a changed policy can be tried on. */
import type { Knex } from 'knex';
import type { Database } from './database.ts';
import { readBounded } from './statement-timeout.ts';
import { storable } from './storable.ts';

/** Newest commands that are looked at, and different ones that come out of them. */
export const MAX_LOOKED_AT = 50_000;
export const MAX_SAMPLES = 5_000;

export interface HitRow {
  readonly policy: string;
  /** null = the policy's default, or its verdict for the uncertain. */
  readonly rule: string | null;
  readonly verdict: 'allow' | 'deny' | 'hold';
  readonly week: number;
  readonly month: number;
  readonly lastAt: Date;
}

export interface SampleRow {
  readonly text: string;
  readonly language: 'shell' | 'sql';
  readonly principal: string;
  readonly target: string;
  readonly count: number;
  /** The newest session that ran it, and its number there. */
  readonly session: string;
  readonly seq: number;
}

export interface StoredRuleHits {
  /** Of rules that decided something within 30 days. Rejects with `limit.exceeded`. */
  hits(nowMs: number): Promise<readonly HitRow[]>;
  /** Commands of sessions under the policy, each kind once, newest first. */
  samples(
    policy: string,
    since: Date,
  ): Promise<{ readonly samples: readonly SampleRow[]; readonly isCut: boolean }>;
}

const DAY_MS = 86_400_000;

export function createRuleHits(database: Pick<Database, 'knex'>): StoredRuleHits {
  const { knex } = database;
  return {
    hits: (nowMs) => readBounded(knex, (trx) => hits(trx, nowMs)),
    samples: (policy, since) => readBounded(knex, (trx) => samples(trx, policy, since)),
  };
}

async function hits(knex: Knex, nowMs: number): Promise<readonly HitRow[]> {
  const { rows } = await knex.raw<{ rows: readonly HitRow[] }>(
    `select coalesce(commands.policy, sessions.policy) as policy, rule, verdict,
            (count(*) filter (where started_at >= :week))::int as week,
            count(*)::int as month, max(started_at) as "lastAt"
     from sessions join commands on commands.session_id = sessions.id
     where started_at >= :month and (rule is not null or verdict <> 'allow')
     group by 1, 2, 3`,
    { week: new Date(nowMs - 7 * DAY_MS), month: new Date(nowMs - 30 * DAY_MS) },
  );
  return rows;
}

async function samples(
  knex: Knex,
  policy: string,
  since: Date,
): Promise<{ samples: readonly SampleRow[]; isCut: boolean }> {
  const { rows } = await knex.raw<{ rows: readonly (SampleRow & { readonly looked: number })[] }>(
    `with newest as materialized (
       select sessions.started_at, sessions.principal, sessions.target, commands.session_id,
              commands.seq, commands.text, commands.language
       from sessions join commands on commands.session_id = sessions.id
       where started_at >= :since and coalesce(commands.policy, sessions.policy) = :policy
         and language in ('shell', 'sql')
       order by started_at desc, sessions.id desc, commands.seq desc limit ${MAX_LOOKED_AT + 1}
     )
     select text, language, principal, target, count(*)::int as count,
            (array_agg(session_id order by started_at desc, session_id desc, seq desc))[1] as session,
            (array_agg(seq order by started_at desc, session_id desc, seq desc))[1] as seq,
            (select count(*)::int from newest) as looked
     from newest group by text, language, principal, target
     order by max(started_at) desc, text limit ${MAX_SAMPLES + 1}`,
    { since, policy: storable(policy) },
  );
  return {
    samples: rows.slice(0, MAX_SAMPLES),
    isCut: rows.length > MAX_SAMPLES || (rows[0]?.looked ?? 0) > MAX_LOOKED_AT,
  };
}
