/**
 * `serve`: starts everything in order, says that it is ready, drains on SIGTERM, and closes in
 * reverse. Whatever fails on the way up takes down what already stood.
 */
import { userInfo } from 'node:os';
import type { Bastion } from '../bastion.ts';
import { messageOf } from '../errors.ts';
import { Home } from './home.ts';
import type { Verb } from './verb.ts';

export const serve: Verb = {
  name: 'serve',
  usage: '',
  summary: 'run the bastion; without a configuration and with an empty database, the demo',
  options: {},
  positionals: [0, 0],
  run: async ({ config, logger, terminal, version }) => {
    // Most of the product: other verbs start three times as fast without it.
    const { openBastion } = await import('../bastion.ts');
    const { assertPatched } = await import('../ssh/engine/driver.ts');
    assertPatched();
    const home = Home.open(config.home);
    const unlock = home.lock();
    const stop = stopSignal();
    let bastion: Bastion | null = null;
    try {
      bastion = await openBastion({
        config,
        logger,
        version,
        login: userInfo().username,
        shell: userInfo().shell ?? '/bin/sh',
      });
      await home.writeRunFile(bastion.run);
      logger.info('ready', {
        ssh: `${bastion.run.ssh.host}:${bastion.run.ssh.port}`,
        http: bastion.run.http.url,
        database: bastion.run.database,
      });
      await terminal.out(await bastion.greeting());
      const signal = await stop.requested;
      logger.info('stopping', { signal });
      await bastion.drain(stop.repeated);
      return 0;
    } finally {
      await home.removeRunFile().catch((error: unknown) => {
        logger.warn('run.json not removed', { why: messageOf(error) });
      });
      await bastion?.close();
      stop.release();
      unlock();
    }
  },
};

/** The first SIGTERM or SIGINT asks for a drain; a second one cuts the drain short. */
function stopSignal(): {
  readonly requested: Promise<string>;
  readonly repeated: AbortSignal;
  release(): void;
} {
  const repeated = new AbortController();
  let first: ((signal: string) => void) | null = null;
  const requested = new Promise<string>((resolve) => (first = resolve));
  const onSignal = (signal: string): void => {
    if (first === null) {
      repeated.abort();
      return;
    }
    first(signal);
    first = null;
  };
  process.on('SIGTERM', onSignal);
  process.on('SIGINT', onSignal);
  return {
    requested,
    repeated: repeated.signal,
    release: () => {
      process.off('SIGTERM', onSignal);
      process.off('SIGINT', onSignal);
    },
  };
}
