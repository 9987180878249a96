/** A PostgreSQL server of its own for the clients under test. */
import { rm } from 'node:fs/promises';
import { join } from 'node:path';
import { silentLogger } from '../../server/log.ts';
import { startPostgres } from '../../server/store/postgres.ts';
import { temporaryFolder } from '../support/temporary-folder.ts';

export interface ClientDatabase {
  /** What makes `psql` find it. */
  readonly env: Readonly<Record<string, string>>;
  stop(): Promise<void>;
}

export async function startClientDatabase(): Promise<ClientDatabase> {
  const home = await temporaryFolder();
  const postgres = await startPostgres({ directory: join(home, 'postgres'), logger: silentLogger });
  return {
    env: {
      PGHOST: postgres.socketDirectory,
      PGPORT: String(postgres.port),
      PGUSER: postgres.user,
      PGDATABASE: postgres.database,
    },
    stop: async () => {
      await postgres.stop();
      await rm(home, { recursive: true, force: true });
    },
  };
}
