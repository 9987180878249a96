/** What a running bastion does by itself when something happens: brings access up to date, tells receivers. */
import type { Config } from '../config/environment.ts';
import type { Stores } from '../context.ts';
import type { Logger } from '../log.ts';
import { startAccessClock } from '../store/access-clock.ts';
import { startJournalCopies } from '../store/journal-copies.ts';
import { journalCopySink, type JournalCopyPlace } from '../store/journal-copy-sinks.ts';
import { startWebhooks } from '../store/webhooks.ts';
import type { Closers } from './closers.ts';

/** @returns lines for `/metrics` */
export async function startAnnouncements(
  { accessRequests, clock, database, home, journal }: Stores,
  config: Config,
  publicUrl: () => string,
  logger: Logger,
  closers: Closers,
): Promise<{ readonly metrics: () => string }> {
  const access = await startAccessClock({ database, logger, requests: accessRequests });
  closers.add('access for a time', () => access.close());
  const webhooks = await startWebhooks({
    database,
    journal,
    clock,
    logger,
    publicUrl,
    variable: (name) => config.secrets.webhookVariable(name),
    chance: Math.random,
  });
  closers.add('webhooks', () => webhooks.close());
  const { file, syslog } = config.journal;
  const places: readonly JournalCopyPlace[] = [
    ...(file === null ? [] : [{ kind: 'file' as const, path: file }]),
    ...(syslog === null ? [] : [{ kind: 'syslog' as const, ...syslog }]),
  ];
  const sinks = places.map(journalCopySink);
  const copies = { database, sinks, instanceId: home.instanceId(), logger };
  const copying = await startJournalCopies(copies);
  closers.add('copies of the journal', () => copying.close());
  return {
    metrics: () => {
      const { dead, waiting } = webhooks.counts();
      return [
        '# TYPE sallyport_webhook_messages gauge',
        `sallyport_webhook_messages{state="waiting"} ${waiting}`,
        `sallyport_webhook_messages{state="dead"} ${dead}`,
        '',
      ].join('\n');
    },
  };
}
