/** Sessions that ran a command with some text, for the list of sessions. */
import type { Knex } from 'knex';
import { filterOf } from './search-filter.ts';
import { walk } from './search-walk.ts';

/** Commands that are looked up for one page of sessions; most often the first number is enough. */
export const LOOKED_UP_COMMANDS = [200, 1000] as const;

export interface SessionsWithCommand {
  readonly ids: readonly string[];
  /** These are all that started after this moment; null = these are all. */
  readonly afterMs: number | null;
}

/**
 * Null = the index can't say it at the moment. Settings of the transaction are changed.
 * @param filter times in ISO 8601; a session's commands can't be older than the session
 */
export async function sessionsWithCommand(
  trx: Knex.Transaction,
  filter: {
    readonly q: string;
    readonly principal?: string;
    readonly target?: string;
    readonly run?: string;
    readonly since?: string;
  },
  most: number,
): Promise<SessionsWithCommand | null> {
  const { q, principal, target, run, since } = filter;
  const wanted = filterOf({
    in: 'commands',
    q,
    limit: most,
    ...(principal === undefined ? {} : { principal }),
    ...(target === undefined ? {} : { target }),
    ...(run === undefined ? {} : { run }),
    ...(since === undefined ? {} : { from: since }),
  });
  const { entries, next, left } = await walk(trx, 'commands', wanted, most);
  if (left > 0) return null;
  return {
    ids: [...new Set(entries.map((entry) => entry.session.id))],
    afterMs: next?.atMs ?? null,
  };
}
