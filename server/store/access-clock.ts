/**
 * Brings requests for access up to date as soon as something happens to them: a decision, a change of the
 * configuration, the end of a time. In every process; whoever is first writes it down.
 */
import { messageOf } from '../errors.ts';
import type { Logger } from '../log.ts';
import type { StoredAccessRequests } from './access-requests.ts';
import { APPROVALS_CHANNEL } from './approval-settle.ts';
import type { Database } from './database.ts';
import { DIRECTORY_CHANNEL } from './directory-change.ts';

/** How often it looks without being told, and how soon after a failure. */
const LOOK_EVERY_MS = 60_000;
const RETRY_MS = 1_000;
/** A moment later, so that what is due by the clock of the database is due indeed. */
const SLACK_MS = 20;

export async function startAccessClock({
  database,
  logger,
  requests,
}: {
  readonly database: Pick<Database, 'listen'>;
  readonly logger: Logger;
  readonly requests: Pick<StoredAccessRequests, 'settle'>;
}): Promise<{ close(): Promise<void> }> {
  const closing = new AbortController();
  let timer: NodeJS.Timeout | undefined;
  let isAsked = false;
  let running: Promise<void> | null = null;
  const round = async (): Promise<void> => {
    let waitMs = LOOK_EVERY_MS;
    try {
      const dueMs = await requests.settle();
      if (dueMs !== null) waitMs = Math.min(waitMs, dueMs + SLACK_MS);
    } catch (error) {
      logger.error('access.not-settled', { why: messageOf(error) });
      waitMs = RETRY_MS;
    }
    if (closing.signal.aborted) return;
    clearTimeout(timer);
    timer = setTimeout(look, waitMs).unref();
  };
  const rounds = async (): Promise<void> => {
    while (isAsked && !closing.signal.aborted) {
      isAsked = false;
      await round();
    }
    running = null;
  };
  // What happens during a round is looked at in the next one.
  const look = (): void => {
    isAsked = true;
    running ??= rounds();
  };
  const unlisten = [
    await database.listen(APPROVALS_CHANNEL, look),
    await database.listen(DIRECTORY_CHANNEL, look),
  ];
  look();
  return {
    close: async () => {
      closing.abort();
      clearTimeout(timer);
      for (const stop of unlisten) stop();
      await running;
    },
  };
}
