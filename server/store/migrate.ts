/** Brings the tables of a database to the form that this build works with. */
import type { Knex } from 'knex';
import { MIGRATIONS, type NamedMigration } from '../../migrations/index.ts';
import { messageOf, SallyportError } from '../errors.ts';
import type { Logger } from '../log.ts';
import { codeOf, createClient, endClient, type ServerAddress } from './connect.ts';

/** How long another process may be migrating the same database, seconds. */
export const MIGRATION_LOCK_TIMEOUT_S = 120;
/** Any number that no other program's advisory locks use: `sallypor` in ASCII, within int8. */
const MIGRATION_LOCK = '8313488158263144306';
const TABLE = 'sallyport_migrations';
const LOCK_NOT_AVAILABLE = '55P03';

/**
 * Runs what is missing, one process at a time, with `around` under the same lock. Rejects with `database.schema` when the database was
 * made by a newer build, or a migration fails (nothing of it is left then).
 */
export async function migrate(
  knex: Knex,
  address: ServerAddress,
  logger: Logger,
  migrations: readonly NamedMigration[] = MIGRATIONS,
  around: { before?(): Promise<void>; after?(): Promise<void> } = {},
): Promise<void> {
  // An advisory lock belongs to one connection and vanishes with it, also after kill -9; a pool
  // could not promise to unlock on the connection that locked.
  const guard = createClient(address, () => {});
  try {
    await guard.connect();
    await guard.query(`set lock_timeout = '${MIGRATION_LOCK_TIMEOUT_S}s'`);
    await guard.query(`select pg_advisory_lock(${MIGRATION_LOCK})`);
    await around.before?.();
    await migrateAlone(knex, logger, migrations);
    await around.after?.();
  } catch (error) {
    throw error instanceof SallyportError ? error : schemaError(error);
  } finally {
    await endClient(guard);
  }
}

async function migrateAlone(
  knex: Knex,
  logger: Logger,
  migrations: readonly NamedMigration[],
): Promise<void> {
  await refuseNewer(knex, migrations);
  const source: Knex.MigrationSource<NamedMigration> = {
    getMigrations: () => Promise.resolve([...migrations]),
    getMigrationName: (one) => one.name,
    getMigration: (one) => Promise.resolve(one.migration),
  };
  const migrator = knex.migrate;
  const config = { tableName: TABLE, migrationSource: source };
  if (await isLeftLocked(knex)) {
    // We hold the advisory lock, so nobody is migrating: the row was left by a killed process.
    logger.warn('database.migration-lock-freed');
    await migrator.forceFreeMigrationsLock(config);
  }
  const [, done] = (await migrator.latest(config)) as [number, readonly string[]];
  if (done.length > 0) logger.info('database.migrated', { migrations: done.join(' ') });
}

/**
 * For a role that can't migrate. Rejects with `database.schema` unless the tables are just those of this
 * build.
 */
export async function requireMigrated(knex: Knex): Promise<void> {
  await refuseNewer(knex, MIGRATIONS);
  const present = new Set(await applied(knex));
  const missing = MIGRATIONS.filter((one) => !present.has(one.name)).map((one) => one.name);
  if (missing.length === 0) return;
  throw new SallyportError(
    'database.schema',
    `the tables lack ${missing.join(', ')}, and the role of DATABASE_URL doesn't own them`,
    'run once with SALLYPORT_DATABASE_OWNER_URL: npx sallyport migrate',
  );
}

async function refuseNewer(knex: Knex, migrations: readonly NamedMigration[]): Promise<void> {
  const known = new Set(migrations.map((one) => one.name));
  const unknown = (await applied(knex)).filter((name) => !known.has(name));
  if (unknown.length === 0) return;
  throw new SallyportError(
    'database.schema',
    `the database was made by a newer Sallyport (it has ${unknown.join(', ')})`,
    'start that newer version, or point SALLYPORT_HOME or DATABASE_URL at another database',
  );
}

async function applied(knex: Knex): Promise<readonly string[]> {
  if (!(await knex.schema.hasTable(TABLE))) return [];
  const rows = await knex<{ id: number; name: string }>(TABLE).select('name').orderBy('id');
  return rows.map((row) => row.name);
}

async function isLeftLocked(knex: Knex): Promise<boolean> {
  if (!(await knex.schema.hasTable(`${TABLE}_lock`))) return false;
  const row = await knex<{ is_locked: number }>(`${TABLE}_lock`).where('is_locked', 1).first();
  return row !== undefined;
}

function schemaError(error: unknown): SallyportError {
  if (codeOf(error) === LOCK_NOT_AVAILABLE) {
    return new SallyportError(
      'database.schema',
      `another process has been migrating this database for ${MIGRATION_LOCK_TIMEOUT_S} s`,
      'let it finish or stop it, then start again',
    );
  }
  return new SallyportError(
    'database.schema',
    `the tables can't be brought up to date: ${messageOf(error)}`,
    'the user of DATABASE_URL needs the right to create tables in its database',
  );
}
