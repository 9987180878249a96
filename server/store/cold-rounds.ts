/** Moves old chunks from time to time while the bastion runs, and writes in the journal what moved. */
import { setTimeout as sleep } from 'node:timers/promises';
import { messageOf } from '../errors.ts';
import type { Logger } from '../log.ts';
import { type ColdMoveOptions, moveCold, type MonthMove } from './cold-move.ts';
import type { StoredJournal } from './journal.ts';

/** Between two looks for months that are due. */
export const COLD_EVERY_MS = 3_600_000;

export interface ColdRoundOptions extends ColdMoveOptions {
  readonly journal: Pick<StoredJournal, 'append'>;
  /** Who moves, for the journal; null = the bastion itself. */
  readonly source: string | null;
}

/** Moves what is due and journals it. Rejects as `moveCold` does. */
export async function* moveColdAndTell(options: ColdRoundOptions): AsyncGenerator<MonthMove> {
  for await (const move of moveCold(options)) {
    if (move.kind === 'moved') {
      const { bytes, chunks, month, sessions } = move;
      await options.journal.append({
        type: 'recording.moved',
        principal: null,
        source: options.source,
        session: null,
        target: null,
        data: { month, sessions, chunks, bytes, place: options.objects.place },
      });
    }
    yield move;
  }
}

/** Starts at once; `close` waits for a move that runs. */
export function startColdRounds(options: ColdRoundOptions & { readonly logger: Logger }): {
  close(): Promise<void>;
} {
  const { logger } = options;
  const stop = new AbortController();
  const run = async (): Promise<void> => {
    while (!stop.signal.aborted) {
      try {
        for await (const move of moveColdAndTell(options)) {
          logger.info('recordings.cold', { ...move });
          if (stop.signal.aborted) break;
        }
      } catch (error) {
        logger.error('recordings.cold-failed', { why: messageOf(error) });
      }
      await sleep(COLD_EVERY_MS, null, { signal: stop.signal }).catch(() => {});
    }
  };
  const running = run();
  return {
    close: async () => {
      stop.abort();
      await running;
    },
  };
}
