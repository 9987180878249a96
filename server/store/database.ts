/** The database: a pool of connections on migrated tables, and notifications. */
import { join } from 'node:path';
import createKnex, { type Knex } from 'knex';
import type { Logger } from '../log.ts';
import { MIGRATIONS } from '../../migrations/index.ts';
import { SallyportError } from '../errors.ts';
import { withObjects } from './cold-chunks.ts';
import { clientConfig, probe, type ServerAddress, type ServerFacts } from './connect.ts';
import { migrate, requireMigrated } from './migrate.ts';
import { Notifications } from './notifications.ts';
import type { ObjectStore } from './object-store.ts';
import { startPostgres } from './postgres.ts';
import {
  APP_ROLE,
  ensureAppRole,
  grantRights,
  ownsTables,
  roleFindings,
  takeOver,
  type RoleMode,
} from './roles.ts';

export const POOL_SIZE = 10;
/** Connections of the owner's role: migrations and retention. */
export const OWNER_POOL_SIZE = 2;
/** Longest wait for a connection while the server is down or the pool is busy, milliseconds. */
export const ACQUIRE_TIMEOUT_MS = 10_000;
/** Most characters of a driver's message that are logged. */
const LOGGED_CHARACTERS = 300;

export interface Database {
  /** For threads that open connections of their own, as the bastion's role. */
  readonly address: ServerAddress;
  /** As the bastion's role, which can't change or delete the record where there are two roles. */
  readonly knex: Knex;
  /** As the owner of the tables, for retention; null when this process has no access as the owner. */
  readonly owner: Knex | null;
  readonly roles: {
    readonly mode: RoleMode;
    readonly bastion: string;
    readonly owner: string | null;
    /** By what the bastion's role could change the record, in words. */
    findings(): Promise<readonly string[]>;
  };
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
  /** SALLYPORT_DATABASE_OWNER_URL: whoever owns the tables, for migrations and retention. */
  readonly ownerUrl?: string | null;
  /** Where old chunks are; null = all of them are in the database. */
  readonly objects?: ObjectStore | null;
  readonly homeDirectory: string;
  readonly logger: Logger;
}

/**
 * Opens the database and brings its tables up to date. Rejects with `database.unreachable`,
 * `database.too-old`, `database.schema`, `config.invalid` or `home.unwritable`.
 */
export async function openDatabase(options: DatabaseOptions): Promise<Database> {
  const { url, ownerUrl = null, objects = null, homeDirectory, logger } = options;
  if (url !== null) {
    const owner = ownerUrl === null ? null : ({ kind: 'url', url: ownerUrl } as const);
    return openAt({ kind: 'url', url }, owner, null, logger, objects);
  }
  const server = await startPostgres({ directory: join(homeDirectory, 'postgres'), logger });
  try {
    const { socketDirectory, port, user, database } = server;
    const owner = { kind: 'socket', socketDirectory, port, user, database } as const;
    return await openAt({ ...owner, user: APP_ROLE }, owner, () => server.stop(), logger, objects);
  } catch (error) {
    await server.stop();
    throw error;
  }
}

/** @param stopServer of our own; null = the server is somebody else's */
async function openAt(
  address: ServerAddress,
  ownerAddress: ServerAddress | null,
  stopServer: (() => Promise<void>) | null,
  logger: Logger,
  objects: ObjectStore | null,
): Promise<Database> {
  const ownerFacts = ownerAddress === null ? null : await probe(ownerAddress);
  const owner = ownerAddress === null ? null : createPool(ownerAddress, OWNER_POOL_SIZE, logger);
  const knex = createPool(address, POOL_SIZE, logger, objects);
  const notifications = new Notifications(address, logger);
  const close = async (): Promise<void> => {
    await notifications.close();
    await knex.destroy();
    await owner?.destroy();
  };
  try {
    // The bastion's role in a server of our own may be missing yet.
    if (owner !== null && stopServer !== null) await ensureAppRole(owner);
    const facts = await probe(address);
    const findings = () => roleFindings(knex, facts.number);
    let mode: RoleMode = 'separate';
    if (owner === null || ownerAddress === null) {
      mode = (await ownsTables(knex)) === false ? 'bastion-only' : 'single';
      if (mode === 'single') await migrate(knex, address, logger);
      else await requireMigrated(knex);
    } else {
      if (ownerFacts?.role === facts.role) throw oneRoleTwice(facts);
      await migrate(owner, ownerAddress, logger, MIGRATIONS, {
        before: () => takeOver(owner, facts.role),
        after: () => grantRights(owner, facts.role),
      });
      const found = await findings();
      if (found.length > 0) throw tooMighty(facts, found);
    }
    return {
      address,
      knex,
      owner: mode === 'single' ? knex : owner,
      roles: {
        mode,
        bastion: facts.role,
        owner: mode === 'single' ? facts.role : (ownerFacts?.role ?? null),
        findings,
      },
      mode: stopServer === null ? 'external' : 'embedded',
      serverVersion: facts.version,
      listen: (channel, onPayload) => notifications.listen(channel, onPayload),
      close: async () => {
        await close();
        await stopServer?.();
      },
    };
  } catch (error) {
    await close();
    throw error;
  }
}

function oneRoleTwice({ role }: ServerFacts): SallyportError {
  return new SallyportError(
    'config.invalid',
    `DATABASE_URL and SALLYPORT_DATABASE_OWNER_URL both connect as the role "${role}"`,
    'give the bastion a role of its own in DATABASE_URL; the README has the statements',
  );
}

function tooMighty({ role }: ServerFacts, findings: readonly string[]): SallyportError {
  return new SallyportError(
    'config.invalid',
    `the role "${role}" of DATABASE_URL could change the record: ${findings.slice(0, 5).join(', ')}`,
    'take that from it, or give the bastion a role of its own; the README has the statements',
  );
}

/**
 * Connections that callers share; they wait out a restart of the server.
 * @param objects holds what was moved out of the database
 */
export function createPool(
  address: ServerAddress,
  size: number,
  logger: Logger,
  objects: ObjectStore | null = null,
): Knex {
  const firstLine = (message: unknown): string =>
    String(message).split('\n', 1).join('').slice(0, LOGGED_CHARACTERS);
  const knex = createKnex({
    client: 'pg',
    connection: clientConfig(address) as Knex.PgConnectionConfig,
    acquireConnectionTimeout: ACQUIRE_TIMEOUT_MS,
    // Without propagateCreateError callers wait out a restart of the server instead of failing.
    pool: { min: 0, max: size, propagateCreateError: false },
    log: {
      warn: (message: unknown) => logger.warn('database.driver', { message: firstLine(message) }),
      error: (message: unknown) => logger.error('database.driver', { message: firstLine(message) }),
      deprecate: (method: unknown) =>
        logger.warn('database.driver', { message: firstLine(method) }),
      debug: () => {},
    },
  });
  return knex.withUserParams(withObjects(objects));
}
