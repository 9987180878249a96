/** Seals the chunks of sessions that somebody watches sooner, so that they are seen as they happen. */
import type { Database } from './database.ts';
import { WATCHED_CHANNEL, WATCHED_EVERY_MS } from './live.ts';

/** What was recorded since is sealed this often while somebody watches. */
export const SEAL_WATCHED_MS = 250;
/** Without another word a session counts as watched for so long. */
export const WATCHED_FOR_MS = 3 * WATCHED_EVERY_MS;
/** Sessions that are watched at once; others are sealed as usual. */
export const MAX_WATCHED = 1000;

interface Sealable {
  readonly sessionId: string;
  /** Does nothing when nothing was recorded since the last time. */
  seal(): void;
}

/** @returns what stops it */
export function sealWatched(database: Database, live: ReadonlySet<Sealable>): () => void {
  /** Until when, by session. */
  const watched = new Map<string, number>();
  let timer: NodeJS.Timeout | null = null;
  let isStopped = false;

  const stop = (): void => {
    if (timer !== null) clearInterval(timer);
    timer = null;
  };
  const sealAll = (): void => {
    const nowMs = performance.now();
    for (const [id, untilMs] of watched) if (untilMs < nowMs) watched.delete(id);
    for (const recording of live) if (watched.has(recording.sessionId)) recording.seal();
    if (watched.size === 0) stop();
  };
  const onWatched = (sessionId: string): void => {
    // Whoever can connect to the database can notify.
    const isOurs = [...live].some((recording) => recording.sessionId === sessionId);
    if (!isOurs || isStopped || watched.size >= MAX_WATCHED) return;
    watched.set(sessionId, performance.now() + WATCHED_FOR_MS);
    timer ??= setInterval(sealAll, SEAL_WATCHED_MS);
    timer.unref();
  };
  const listening = database.listen(WATCHED_CHANNEL, onWatched);
  return () => {
    isStopped = true;
    stop();
    void listening.then((unlisten) => unlisten());
  };
}
