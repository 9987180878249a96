/** Reading the commands of one session, from any number on. */
import type { Knex } from 'knex';
import { isUuid } from './query-text.ts';
import { COMMAND_COLUMNS, type CommandRow, commandView, milliseconds } from './session-rows.ts';

/** Without a range. */
const MAX_COMMANDS = 10_000;
/** Of a text, where only its beginning is shown. */
const MARK_CHARACTERS = 1000;

export type CommandObject = ReturnType<typeof commandView>;

/** Which commands of a session. */
export interface CommandRange {
  /** The first number, from 1. */
  readonly from: number;
  /** At most so many. */
  readonly limit: number;
}

/** In order; without a range the first MAX_COMMANDS. */
export async function sessionCommands(
  knex: Knex,
  sessionId: string,
  { from, limit }: CommandRange = { from: 1, limit: MAX_COMMANDS },
): Promise<readonly CommandObject[]> {
  if (!isUuid(sessionId)) return [];
  const { rows } = await knex.raw<{ rows: readonly CommandRow[] }>(
    `select ${COMMAND_COLUMNS}
     from commands left join command_ends using (session_id, seq)
     where session_id = ? and seq >= ? order by seq limit ?`,
    [sessionId, from, limit],
  );
  return rows.map(commandView);
}

/** When its output began and ended, microseconds from the start; null = it has none, or there is no such command. */
export async function outputRange(
  knex: Knex,
  sessionId: string,
  seq: number,
): Promise<{ readonly fromUs: number; readonly toUs: number | null } | null> {
  if (!isUuid(sessionId)) return null;
  const { rows } = await knex.raw<{
    rows: readonly { readonly from_us: number | null; readonly to_us: number | null }[];
  }>(
    `select output_from_us as from_us, output_to_us as to_us from command_ends
     where session_id = ? and seq = ?`,
    [sessionId, seq],
  );
  const [row] = rows;
  if (row === undefined || row.from_us === null) return null;
  return { fromUs: row.from_us, toUs: row.to_us };
}

/** When each began and how it starts: all that a time line needs. In order; at most MAX_COMMANDS. */
export async function commandMarks(
  knex: Knex,
  sessionId: string,
): Promise<readonly { readonly atMs: number; readonly text: string }[]> {
  if (!isUuid(sessionId)) return [];
  const { rows } = await knex.raw<{
    rows: readonly { readonly at_us: number; readonly text: string }[];
  }>(
    'select at_us, left(text, ?) as text from commands where session_id = ? order by seq limit ?',
    [MARK_CHARACTERS, sessionId, MAX_COMMANDS],
  );
  return rows.map(({ at_us, text }) => ({ atMs: milliseconds(at_us), text }));
}
