/** Writes to the journal that must not be lost because Postgres is away. */
import { setTimeout as sleep } from 'node:timers/promises';
import { messageOf, SallyportError } from '../errors.ts';
import type { Logger } from '../log.ts';
import { retryDelayMs } from './outage.ts';

/**
 * Tries until it works, or the process gives up (`stop`), or Postgres refuses it for good. Never rejects.
 * @returns whether it was written
 */
export async function persist(
  write: () => Promise<void>,
  sessionId: string,
  { stop, logger }: { readonly stop: AbortSignal; readonly logger: Logger },
): Promise<boolean> {
  for (let failures = 1; ; failures += 1) {
    try {
      await write();
      return true;
    } catch (error) {
      const isOutage = error instanceof SallyportError && error.code === 'journal.failed';
      logger.warn('recording.write-waits', { session: sessionId, why: messageOf(error) });
      if (!isOutage || stop.aborted) return false;
      await sleep(retryDelayMs(failures), null, { signal: stop }).catch(() => {});
    }
  }
}
