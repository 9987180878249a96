/**
 * One real PostgreSQL server per test process, and a database of its own for every test that asks.
 * The server is started by the product's own code, on a socket in a temporary directory.
 */
import { rm } from 'node:fs/promises';
import { join } from 'node:path';
import { silentLogger, type Logger } from '../../server/log.ts';
import { createClient } from '../../server/store/connect.ts';
import { openDatabase, type Database } from '../../server/store/database.ts';
import { startPostgres, type RunningPostgres } from '../../server/store/postgres.ts';
import { urlOf } from './database-url.ts';
import { temporaryFolder } from './temporary-folder.ts';

export { urlOf };

interface TestServer {
  readonly home: string;
  readonly postgres: RunningPostgres;
}

let server: Promise<TestServer> | null = null;
let count = 0;
const open = new Set<Database>();

/** A new database with the tables of this build. Closed by itself at the end of the run. */
export async function freshDatabase(logger: Logger = silentLogger): Promise<Database> {
  const database = await openDatabase({ url: await freshUrl(), homeDirectory: '/nowhere', logger });
  open.add(database);
  return {
    ...database,
    close: async () => {
      open.delete(database);
      await database.close();
    },
  };
}

/** The address of a new database with the tables of this build, for DATABASE_URL. */
export async function freshUrl(): Promise<string> {
  const { postgres } = await sharedServer();
  const name = `test_${++count}`;
  const client = createClient({ kind: 'socket', ...postgres, database: 'postgres' }, () => {});
  await client.connect();
  try {
    await client.query(`create database ${name} template ${postgres.database}`);
  } finally {
    await client.end();
  }
  return urlOf(postgres, name);
}

/** The server behind `freshDatabase`, for tests that stop or kill it (they wait until it is back). */
export async function sharedServer(): Promise<TestServer> {
  server ??= startServer();
  return server;
}

async function startServer(): Promise<TestServer> {
  const home = await temporaryFolder();
  const postgres = await startPostgres({ directory: join(home, 'postgres'), logger: silentLogger });
  const url = urlOf(postgres, postgres.database);
  const template = await openDatabase({ url, homeDirectory: home, logger: silentLogger });
  await template.close();
  return { home, postgres };
}

after('stop the shared PostgreSQL server', async () => {
  for (const database of open) await database.close();
  if (server === null) return;
  const { home, postgres } = await server;
  await postgres.stop();
  await rm(home, { recursive: true, force: true });
});
