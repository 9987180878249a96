import assert from 'node:assert/strict';
import { once } from 'node:events';
import * as fs from 'node:fs/promises';
import { join } from 'node:path';
import { SallyportError } from '../../server/errors.ts';
import { LOG_BYTES } from '../../server/store/postgres-process.ts';
import { RESTARTS, type RunningPostgres } from '../../server/store/postgres.ts';
import { launchOwner, startOwner } from '../support/postgres-processes.ts';
import { ask, IS_ROOT, postgresScene } from '../support/postgres-scene.ts';

/** Asks until there is an answer; the test's own time limit ends it. */
async function askUntilUp<T>(place: RunningPostgres, sql: string): Promise<T> {
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

describe('PostgreSQL of our own: its life', () => {
  const scene = postgresScene();

  it('listens on a private socket only, durable and checked, and keeps its data', async () => {
    const server = await scene.start();
    assert.equal(server.adopted, false);
    const setting = (name: string): Promise<string> =>
      ask(server, `select current_setting('${name}') as answer`);
    assert.equal(await setting('listen_addresses'), '');
    assert.equal(await setting('fsync'), 'on');
    assert.equal(await setting('data_checksums'), 'on');
    assert.equal(await setting('server_encoding'), 'UTF8');
    assert.equal((await setting('server_version')).split(' ')[0], server.version);
    const modeOf = async (path: string): Promise<number> => (await fs.stat(path)).mode & 0o777;
    assert.equal(await modeOf(scene.directory), 0o700);
    assert.equal(await modeOf(await scene.dataDirectory()), 0o700);
    assert.equal(await modeOf(server.socketDirectory), 0o700);
    await ask(server, 'create table kept as select 42 as answer');
    await server.stop();
    await server.stop();
    assert.equal(await scene.serverPid(), 0);
    assert.equal(await ask(await scene.start(), 'select answer from kept'), 42);
  });

  it('writes neither statements nor values to its log', async () => {
    const server = await scene.start();
    await assert.rejects(ask(server, `select 'topsecret'::int`));
    await ask(server, 'create table once (word text primary key)');
    await ask(server, `insert into once values ('topsecret')`);
    await assert.rejects(ask(server, `insert into once values ('topsecret')`));
    const log = await fs.readFile(join(scene.directory, 'server.log'), 'utf8');
    assert.ok(!log.includes('topsecret'), log);
    assert.match(log, /ready to accept connections/);
  });

  it('survives a kill -9 of its process and is adopted by the next start', async () => {
    const owner = await startOwner(scene.bundle, scene.directory);
    assert.equal(owner.facts.adopted, false);
    await ask(owner.facts, 'create table kept as select 42 as answer');
    const pid = await scene.serverPid();
    await owner.kill();
    const server = await scene.start();
    assert.equal(server.adopted, true);
    assert.equal(await scene.serverPid(), pid);
    assert.equal(await ask(server, 'select answer from kept'), 42);
    await server.stop();
    assert.equal(await scene.serverPid(), 0);
  });

  it('is left running by a second process that used it beside the first', async () => {
    const server = await scene.start();
    const guest = await startOwner(scene.bundle, scene.directory);
    assert.equal(guest.facts.adopted, true);
    await guest.stop();
    assert.equal(await ask(server, 'select 1 as answer'), 1);
  });

  it('is taken over by a process that used it when the first one stops', async () => {
    const first = await startOwner(scene.bundle, scene.directory);
    const server = await scene.start();
    const pid = await scene.serverPid();
    await first.stop();
    assert.equal(await askUntilUp(server, 'select 1 as answer'), 1);
    assert.notEqual(await scene.serverPid(), pid);
    await server.stop();
    assert.equal(await scene.serverPid(), 0);
  });

  it('is started once by two first starts at the same time', async () => {
    const [one, other] = await Promise.all([
      startOwner(scene.bundle, scene.directory),
      startOwner(scene.bundle, scene.directory),
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
    const server = await scene.start({
      onExit: (willRestart) => {
        exits.push(willRestart);
        if (!willRestart) gaveUp();
      },
    });
    await ask(server, 'create table kept as select 42 as answer');
    for (let crash = 0; crash < RESTARTS.most; crash++) {
      const pid = await scene.serverPid();
      process.kill(pid, 'SIGKILL');
      do {
        assert.equal(await askUntilUp(server, 'select answer from kept'), 42);
      } while ((await scene.serverPid()) === pid);
    }
    process.kill(await scene.serverPid(), 'SIGKILL');
    await down;
    assert.deepEqual(exits, [...Array.from({ length: RESTARTS.most }, () => true), false]);
  });

  it('starts although its lock files name a live process that is no server', async () => {
    const server = await scene.start();
    const { socketDirectory } = server;
    const pid = await scene.serverPid();
    process.kill(pid, 'SIGSTOP');
    const pidFile = join(await scene.dataDirectory(), 'postmaster.pid');
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
      const { uid, gid } = await fs.stat(await scene.dataDirectory());
      await fs.chown(pidFile, uid, gid);
    }
    assert.equal((await scene.start()).adopted, false);
  });

  it('starts although a crash of the machine left its pid file empty', async () => {
    await (await scene.start()).stop();
    await fs.writeFile(join(await scene.dataDirectory(), 'postmaster.pid'), '');
    assert.equal((await scene.start()).adopted, false);
  });

  it('heals after its first initdb was killed half-way', async () => {
    const child = launchOwner(scene.bundle, scene.directory);
    for (;;) {
      const names = await filesIn(scene.directory);
      const unfinished = names.find((name) => name.startsWith('initdb-'));
      const files = await filesIn(join(scene.directory, unfinished ?? 'none'));
      if (files.includes('global')) break;
      assert.ok(!names.includes('data'), 'initdb was too fast to be killed');
      await new Promise((resolve) => setTimeout(resolve, 1));
    }
    child.kill('SIGKILL');
    await once(child, 'exit');
    const server = await scene.start();
    assert.equal(await ask(server, 'select 42 as answer'), 42);
    const left = (await fs.readdir(scene.directory)).filter((name) => name.startsWith('initdb-'));
    // The orphaned initdb may still be writing while the next start cleans up after it.
    assert.ok(left.length <= 1, left.join(' '));
  });

  for (const [major, code] of [
    ['9.6', 'database.too-old'],
    ['99', 'database.schema'],
  ] as const) {
    it(`refuses the data of PostgreSQL ${major} and says what is needed`, async () => {
      await fs.mkdir(join(scene.directory, 'data'), { recursive: true });
      await fs.writeFile(join(scene.directory, 'data', 'PG_VERSION'), `${major}\n`);
      await assert.rejects(scene.start(), (error) => {
        assert.ok(error instanceof SallyportError);
        assert.equal(error.code, code);
        assert.ok(error.message.includes(`PostgreSQL ${Number.parseInt(major, 10)}`));
        assert.match(error.hint, /postgresql-\d+/);
        return true;
      });
    });
  }

  it('puts an overgrown log aside at its start', async () => {
    await (await scene.start()).stop();
    const log = join(scene.directory, 'server.log');
    await fs.truncate(log, LOG_BYTES.atStart + 1);
    await scene.start();
    assert.equal((await fs.stat(`${log}.1`)).size, LOG_BYTES.atStart + 1);
    assert.ok((await fs.stat(log)).size < LOG_BYTES.atStart);
  });

  it('says why it does not start', async () => {
    await (await scene.start()).stop();
    await fs.rm(join(await scene.dataDirectory(), 'global', 'pg_control'));
    await assert.rejects(scene.start(), (error) => {
      assert.ok(error instanceof SallyportError);
      assert.equal(error.code, 'database.unreachable');
      assert.match(error.message, /pg_control/);
      assert.ok(error.hint.includes('server.log'));
      return true;
    });
  });
});
