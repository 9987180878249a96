/** Commands that the index doesn't have yet: those of the last seconds, read from their own table. */
import type { Knex } from 'knex';
import type { Verdict } from '../policy/decision.ts';
import type { SearchEntry } from './search-block.ts';
import type { EntryFilter } from './search-filter.ts';

/** Sessions and commands that are looked through without the index, the newest first. */
export const MAX_UNINDEXED_SESSIONS = 2000;
export const MAX_UNINDEXED_COMMANDS = 5000;

interface Row {
  readonly session_id: string;
  readonly principal: string;
  readonly target: string;
  readonly run: string | null;
  readonly started_at: Date;
  readonly seq: number;
  readonly at_us: number;
  readonly verdict: Verdict;
  readonly text: string;
}

/** `left` counts the sessions that were too many to be looked through. */
export async function unindexedCommands(
  trx: Knex,
  filter: Pick<EntryFilter, 'principal' | 'target' | 'run'>,
): Promise<{ readonly entries: readonly SearchEntry[]; readonly left: number }> {
  const names = [filter.principal, filter.target, filter.run];
  const { rows: open } = await trx.raw<{ rows: readonly { session_id: string }[] }>(
    `select session_id from (
       (select session_id from search_progress where is_open
        order by session_id desc limit ${MAX_UNINDEXED_SESSIONS + 1})
       union
       (select session_id from search_changes order by id desc limit ${MAX_UNINDEXED_SESSIONS + 1})
     ) as open order by session_id desc limit ${MAX_UNINDEXED_SESSIONS + 1}`,
  );
  const ids = open.slice(0, MAX_UNINDEXED_SESSIONS).map((row) => row.session_id);
  if (ids.length === 0) return { entries: [], left: 0 };
  const { rows } = await trx.raw<{ rows: readonly Row[] }>(
    `select s.id as session_id, principal, target, run, started_at, seq, at_us, verdict, text
     from unnest(?::uuid[]) as open (id)
     join sessions as s on s.id = open.id
     left join search_progress as p on p.session_id = open.id
     cross join lateral (
       select seq, at_us, verdict, text from commands
       where session_id = open.id and seq > coalesce(p.commands, 0)
       order by seq desc limit ${MAX_UNINDEXED_COMMANDS}
     ) as newest
     where (?::text is null or principal = ?) and (?::text is null or target = ?)
       and (?::text is null or run = ?)
     limit ${MAX_UNINDEXED_COMMANDS}`,
    [ids, ...names.flatMap((value) => [value, value])] as unknown as Knex.RawBinding[],
  );
  const isAll = open.length <= MAX_UNINDEXED_SESSIONS && rows.length < MAX_UNINDEXED_COMMANDS;
  return {
    entries: rows.map((row) => ({
      session: { id: row.session_id, principal: row.principal, target: row.target, run: row.run },
      n: row.seq,
      seq: row.seq,
      atMs: row.started_at.getTime() + Math.floor(row.at_us / 1000),
      decision: row.verdict,
      text: row.text,
    })),
    left: isAll ? 0 : Math.max(1, open.length - MAX_UNINDEXED_SESSIONS),
  };
}
