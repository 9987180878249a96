/** The commands that the page of a session shows at once: as many as a browser and the bastion make quickly. */
import type { CommandWindow } from './pages.ts';
import type { RecordingReader } from './ports.ts';

/** Numbers of one window: they start at 1, at this and one, and so on, whoever asks. */
export const WINDOW_COMMANDS = 200;
/** Of one answer of the API. */
export const MAX_COMMANDS = 10_000;
/** No number is larger. */
export const MAX_COMMAND_NUMBER = 999_999_999;

/**
 * The window that the command `number`, from 1, is in; behind the last command the one that this is in.
 * @param total commands of the session
 */
export async function commandWindow(
  recordings: Pick<RecordingReader, 'commands'>,
  sessionId: string,
  number: number,
  total: number,
): Promise<CommandWindow> {
  const wanted = Math.min(number, Math.max(total, 1));
  const from = wanted - ((wanted - 1) % WINDOW_COMMANDS);
  const rows = await recordings.commands(sessionId, { from, limit: WINDOW_COMMANDS + 1 });
  const items = rows.filter(({ seq }) => seq < from + WINDOW_COMMANDS);
  const next = rows[items.length];
  return {
    items,
    from,
    size: WINDOW_COMMANDS,
    earlier: from > 1 ? from - WINDOW_COMMANDS : null,
    next: next === undefined ? null : { seq: next.seq, atMs: next.atMs },
  };
}
