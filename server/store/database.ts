/** The database: a pool of connections on migrated tables, and notifications. */
import { join } from 'node:path';
import createKnex, { type Knex } from 'knex';
import type { Logger } from '../log.ts';
import { clientConfig, probe, type ServerAddress } from './connect.ts';
import { migrate } from './migrate.ts';
import { Notifications } from './notifications.ts';
import { startPostgres, type RunningPostgres } from './postgres.ts';

export const POOL_SIZE = 10;
/** Longest wait for a connection while the server is down or the pool is busy, milliseconds. */
export const ACQUIRE_TIMEOUT_MS = 10_000;
/** Most characters of a driver's message that are logged. */
const LOGGED_CHARACTERS = 300;

export interface Database {
  readonly knex: Knex;
  readonly mode: 'embedded' | 'external';
  /** As the server says it, such as `15.20`. */
  readonly serverVersion: string;
  /**
   * Calls `onPayload` for every notification on `channel`, and with '' whenever some may have been
   * missed (after each connect): check again then. Resolves with the un-subscribe; never rejects.
   */
  listen(channel: string, onPayload: (payload: string) => void): Promise<() => void>;
  /** Closes every connection; stops the server if it is ours. */
  close(): Promise<void>;
}

export interface DatabaseOptions {
  /** DATABASE_URL, or null for a server of our own in `homeDirectory`. */
  readonly url: string | null;
  readonly homeDirectory: string;
  readonly logger: Logger;
}

/**
 * Opens the database and brings its tables up to date. Rejects with `database.unreachable`,
 * `database.too-old`, `database.schema`, `config.invalid` or `home.unwritable`.
 */
export async function openDatabase(options: DatabaseOptions): Promise<Database> {
  const { url, homeDirectory, logger } = options;
  if (url !== null) return openAt({ kind: 'url', url }, null, logger);
  const server = await startPostgres({ directory: join(homeDirectory, 'postgres'), logger });
  try {
    const { socketDirectory, port, user, database } = server;
    const address = { kind: 'socket', socketDirectory, port, user, database } as const;
    return await openAt(address, server, logger);
  } catch (error) {
    await server.stop();
    throw error;
  }
}

async function openAt(
  address: ServerAddress,
  server: RunningPostgres | null,
  logger: Logger,
): Promise<Database> {
  const { version } = await probe(address);
  const knex = createPool(address, logger);
  const notifications = new Notifications(address, logger);
  try {
    await migrate(knex, address, logger);
  } catch (error) {
    await knex.destroy();
    throw error;
  }
  return {
    knex,
    mode: server === null ? 'external' : 'embedded',
    serverVersion: version,
    listen: (channel, onPayload) => notifications.listen(channel, onPayload),
    close: async () => {
      await notifications.close();
      await knex.destroy();
      await server?.stop();
    },
  };
}

function createPool(address: ServerAddress, logger: Logger): Knex {
  const firstLine = (message: unknown): string =>
    String(message).split('\n', 1).join('').slice(0, LOGGED_CHARACTERS);
  return createKnex({
    client: 'pg',
    connection: clientConfig(address) as Knex.PgConnectionConfig,
    acquireConnectionTimeout: ACQUIRE_TIMEOUT_MS,
    // Without propagateCreateError callers wait out a restart of the server instead of failing.
    pool: { min: 0, max: POOL_SIZE, propagateCreateError: false },
    log: {
      warn: (message: unknown) => logger.warn('database.driver', { message: firstLine(message) }),
      error: (message: unknown) => logger.error('database.driver', { message: firstLine(message) }),
      deprecate: (method: unknown) =>
        logger.warn('database.driver', { message: firstLine(method) }),
      debug: () => {},
    },
  });
}
