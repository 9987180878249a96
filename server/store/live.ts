/** Tells who watches running sessions of news, and the bastions that record them that somebody watches. */
import { messageOf } from '../errors.ts';
import type { Logger } from '../log.ts';
import type { Database } from './database.ts';
import { SESSIONS_CHANNEL } from './head-row.ts';
import { CHUNKS_CHANNEL } from './shipper.ts';

/** Notified with the id of a session that somebody watches: its chunks are sealed sooner for a while. */
export const WATCHED_CHANNEL = 'sallyport_watched';
/** How often that is said again. */
export const WATCHED_EVERY_MS = 5000;

export interface LiveSignals {
  /**
   * Calls `onNews` when chunks of the session were stored, when it ended, and when that may have been
   * missed; any number of times. @returns the un-subscribe
   */
  watch(sessionId: string, onNews: () => void): () => void;
  close(): void;
}

/** @returns once it hears of new chunks */
export async function createLiveSignals(database: Database, logger: Logger): Promise<LiveSignals> {
  const watchers = new Map<string, Set<() => void>>();
  const tell = (sessionId: string): void => {
    const told = sessionId === '' ? [...watchers.values()] : [watchers.get(sessionId) ?? []];
    for (const onNews of told.flatMap((some) => [...some])) onNews();
  };
  const announce = async (sessionIds: readonly string[]): Promise<void> => {
    try {
      await database.knex.raw('select pg_notify(?, id) from unnest(?::text[]) as id', [
        WATCHED_CHANNEL,
        [...sessionIds],
      ]);
    } catch (error) {
      logger.warn('live.not-announced', { why: messageOf(error) });
    }
  };
  const unlisten = await Promise.all(
    [CHUNKS_CHANNEL, SESSIONS_CHANNEL].map((channel) => database.listen(channel, tell)),
  );
  const timer = setInterval(() => {
    if (watchers.size > 0) void announce([...watchers.keys()]);
  }, WATCHED_EVERY_MS);
  timer.unref();
  return {
    watch: (sessionId, onNews) => {
      const known = watchers.get(sessionId);
      const watching = known ?? new Set();
      watching.add(onNews);
      watchers.set(sessionId, watching);
      if (known === undefined) void announce([sessionId]);
      return () => {
        watching.delete(onNews);
        if (watching.size === 0 && watchers.get(sessionId) === watching) watchers.delete(sessionId);
      };
    },
    close: () => {
      clearInterval(timer);
      for (const stop of unlisten) stop();
      watchers.clear();
    },
  };
}
