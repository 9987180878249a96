/** What was found, as the objects that answers show. What was deleted meanwhile is left out. */
import type { Knex } from 'knex';
import type { SearchEntry, SearchKind } from './search-block.ts';
import { arrayLiteral, folded } from './search-grams.ts';
import { COMMAND_COLUMNS, type CommandRow, commandView } from './session-rows.ts';

/** A line of output that was found is shown up to this length, around what was found. */
export const SHOWN_CHARACTERS = 500;

interface HitSession {
  /** The session's id. */
  readonly session: string;
  readonly principal: string;
  readonly target: string;
  readonly login: string;
  readonly run: string | null;
  /** When, in ISO 8601. */
  readonly at: string;
}

/** A command object with where it is. */
export type CommandHit = HitSession & ReturnType<typeof commandView> & { readonly in: 'commands' };

/** A line that was on the screen. */
export interface OutputHit extends HitSession {
  readonly in: 'output';
  /** The command that printed it; null = before the first. */
  readonly seq: number | null;
  /** Milliseconds since the start of the session. */
  readonly atMs: number;
  readonly text: string;
  readonly decision: 'allow' | 'deny' | 'hold' | null;
  /** The text of that command. */
  readonly command: string | null;
}

type Row = Partial<CommandRow> & {
  readonly place: number;
  readonly session_id: string;
  readonly principal: string;
  readonly target: string;
  readonly login: string;
  readonly run: string | null;
  readonly started_at: Date;
};

/** In the same order. @param text what was searched for, folded */
export async function hydrate(
  trx: Knex,
  kind: SearchKind,
  entries: readonly SearchEntry[],
  text: string,
): Promise<readonly (CommandHit | OutputHit)[]> {
  if (entries.length === 0) return [];
  const { rows } = await trx.raw<{ rows: readonly Row[] }>(
    `select hit.place::int as place, s.id as session_id, s.principal, s.target, s.login, s.run,
       s.started_at, ${COMMAND_COLUMNS}
     from unnest(?::uuid[], ?::int[]) with ordinality as hit (session_id, seq, place)
     join sessions as s on s.id = hit.session_id
     left join commands on commands.session_id = hit.session_id and commands.seq = hit.seq
     left join command_ends
       on command_ends.session_id = hit.session_id and command_ends.seq = hit.seq
     order by hit.place`,
    [entries.map((entry) => entry.session.id), arrayLiteral(entries.map((entry) => entry.seq))],
  );
  return rows.flatMap((row): readonly (CommandHit | OutputHit)[] => {
    const entry = entries[row.place - 1];
    if (entry === undefined) return [];
    const session: HitSession = {
      session: row.session_id,
      principal: row.principal,
      target: row.target,
      login: row.login,
      run: row.run,
      at: new Date(entry.atMs).toISOString(),
    };
    const isCommand = typeof row.seq === 'number';
    if (kind === 'commands') {
      if (!isCommand) return [];
      return [{ in: 'commands', ...session, ...commandView(row as unknown as CommandRow) }];
    }
    return [
      {
        in: 'output',
        ...session,
        seq: isCommand ? entry.seq : null,
        atMs: entry.atMs - row.started_at.getTime(),
        text: lineWith(entry.text, text),
        decision: row.verdict ?? null,
        command: row.text ?? null,
      },
    ];
  });
}

/** The first line that has the text, without what is far from it. */
export function lineWith(piece: string, text: string): string {
  const line = piece.split('\n').find((one) => folded(one).includes(text)) ?? piece;
  if (line.length <= SHOWN_CHARACTERS) return line;
  const at = folded(line).indexOf(text);
  const from = Math.max(0, Math.min(at - SHOWN_CHARACTERS / 4, line.length - SHOWN_CHARACTERS));
  const shown = line.slice(from, from + SHOWN_CHARACTERS).toWellFormed();
  return `${from > 0 ? '…' : ''}${shown}${from + SHOWN_CHARACTERS < line.length ? '…' : ''}`;
}
