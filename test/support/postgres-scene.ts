/** PostgreSQL servers of our own for the tests of one `describe`, each test in a home of its own. */
import assert from 'node:assert/strict';
import * as fs from 'node:fs/promises';
import { join } from 'node:path';
import { silentLogger } from '../../server/log.ts';
import { createClient } from '../../server/store/connect.ts';
import { OUTSIDE_ROOT } from '../../server/store/postgres-data.ts';
import { findRun } from '../../server/store/postgres-process.ts';
import {
  startPostgres,
  type PostgresOptions,
  type RunningPostgres,
} from '../../server/store/postgres.ts';
import { bundleOwner, killOwners } from './postgres-processes.ts';
import { temporaryFolder } from './temporary-folder.ts';

export const IS_ROOT = process.getuid?.() === 0;

type Place = Pick<RunningPostgres, 'socketDirectory' | 'port' | 'user' | 'database'>;

export interface PostgresScene {
  /** Kept for all tests of the scene; holds what other processes execute. */
  readonly bundleHome: string;
  readonly bundle: string;
  /** A new folder for each test. */
  readonly home: string;
  /** Where servers of this test keep their files; a test may set it to another place in its home. */
  directory: string;
  start(options?: Partial<PostgresOptions>): Promise<RunningPostgres>;
  dataDirectory(): Promise<string>;
  /** 0 = none runs. */
  serverPid(): Promise<number>;
}

/** Call it in a `describe`: it adds the hooks that make and remove the folders and stop the servers. */
export function postgresScene(): PostgresScene {
  const started: RunningPostgres[] = [];
  const scene = {
    bundleHome: '',
    bundle: '',
    home: '',
    directory: '',
    start: async (options: Partial<PostgresOptions> = {}): Promise<RunningPostgres> => {
      const { directory } = scene;
      const server = await startPostgres({ directory, logger: silentLogger, ...options });
      started.push(server);
      return server;
    },
    dataDirectory: async (): Promise<string> => join(await fs.realpath(scene.directory), 'data'),
    serverPid: async (): Promise<number> => (await findRun(await scene.dataDirectory()))?.pid ?? 0,
  };

  before(async () => {
    scene.bundleHome = await temporaryFolder();
    scene.bundle = await bundleOwner(scene.bundleHome);
  });
  after(() => removeFolder(scene.bundleHome));

  beforeEach(async () => {
    scene.home = '';
    scene.home = await temporaryFolder();
    scene.directory = join(scene.home, 'postgres');
  });
  afterEach(async () => {
    await killOwners();
    for (const server of started.splice(0)) await server.stop();
    assert.equal(await scene.serverPid().catch(() => 0), 0, 'a server was left running');
    await removeFolder(await outsideOf(scene));
    await removeFolder(scene.home);
  });
  return scene;
}

export async function ask<T>(place: Place, sql: string): Promise<T> {
  const client = createClient({ kind: 'socket', ...place }, () => {});
  await client.connect();
  try {
    const { rows } = await client.query<{ answer: T }>(sql);
    return rows[0]?.answer as T;
  } finally {
    await client.end();
  }
}

/** The folder that a root's server made beyond this test's home, from the link to it; '' = none. */
async function outsideOf(scene: Pick<PostgresScene, 'home' | 'directory'>): Promise<string> {
  if (scene.home === '' || !scene.directory.startsWith(`${scene.home}/`)) return '';
  const target = await fs.readlink(scene.directory).catch(() => '');
  const name = target.slice(OUTSIDE_ROOT.length + 1);
  return target.startsWith(`${OUTSIDE_ROOT}/`) && /^[0-9a-f-]{36}$/.test(name) ? target : '';
}

/** An empty path would mean the working directory: only what was made is removed. */
async function removeFolder(made: string): Promise<void> {
  if (made !== '') await fs.rm(made, { recursive: true });
}
