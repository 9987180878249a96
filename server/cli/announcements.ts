/** What a running bastion does by itself when something happens: brings access up to date, tells receivers. */
import type { Config } from '../config/environment.ts';
import type { Stores } from '../context.ts';
import type { Logger } from '../log.ts';
import { startAccessClock } from '../store/access-clock.ts';
import { startWebhooks } from '../store/webhooks.ts';
import type { Closers } from './closers.ts';

/** @returns lines for `/metrics` */
export async function startAnnouncements(
  { clock, database, journal, accessRequests }: Stores,
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
