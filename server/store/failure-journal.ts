/**
 * A journal in which failed sign-ins take a bounded number of rows, whoever writes them: see
 * journal/failure-tally.ts. Everything else goes straight through.
 */
import { sourceOfJournal } from '../access/source.ts';
import type { Clock } from '../clock.ts';
import { messageOf } from '../errors.ts';
import type { AuditEvent } from '../journal/event.ts';
import { FailureTally } from '../journal/failure-tally.ts';
import type { Logger } from '../log.ts';
import type { StoredJournal } from './journal.ts';

export interface FailureJournal {
  readonly journal: StoredJournal;
  /** Writes what was only counted so far. Call before the database is closed. */
  close(): Promise<void>;
}

export function createFailureJournal(options: {
  readonly journal: StoredJournal;
  readonly clock: Pick<Clock, 'nowMs'>;
  readonly logger: Logger;
}): FailureJournal {
  const { clock, journal, logger } = options;
  const tally = new FailureTally(sourceOfJournal);
  let timer: NodeJS.Timeout | null = null;
  const flush = async (): Promise<void> => {
    if (timer !== null) clearTimeout(timer);
    timer = null;
    await Promise.all(
      tally.close().map((event) =>
        journal.append(event).catch((error: unknown) => {
          // The number must not be lost with the row.
          const { count } = event.data;
          const source = event.source ?? 'many sources';
          logger.error('auth.failed not journalled', {
            source,
            count: Number(count),
            why: messageOf(error),
          });
        }),
      ),
    );
  };
  const append = (event: AuditEvent): Promise<void> => {
    if (event.type !== 'auth.failed') return journal.append(event);
    const nowMs = clock.nowMs();
    const row = tally.note(event, nowMs);
    if (timer === null && tally.endsMs !== null) {
      timer = setTimeout(() => void flush(), Math.max(0, tally.endsMs - nowMs));
      timer.unref();
    }
    return row === null ? Promise.resolve() : journal.append(row);
  };
  return { journal: { ...journal, append }, close: flush };
}
