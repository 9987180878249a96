import assert from 'node:assert/strict';
import { rm } from 'node:fs/promises';
import { join } from 'node:path';
import type { NamedMigration } from '../../migrations/index.ts';
import { SallyportError } from '../../server/errors.ts';
import { createLogger, silentLogger } from '../../server/log.ts';
import { openDatabase, type Database } from '../../server/store/database.ts';
import { migrate } from '../../server/store/migrate.ts';
import { findRun } from '../../server/store/postgres-process.ts';
import { freshDatabase, freshUrl } from '../support/database.ts';
import { temporaryFolder } from '../support/temporary-folder.ts';

const open = (url: string): Promise<Database> =>
  openDatabase({ url, homeDirectory: '/nowhere', logger: silentLogger });

const schemaError =
  (words: RegExp) =>
  (error: unknown): boolean => {
    assert.ok(error instanceof SallyportError);
    assert.equal(error.code, 'database.schema');
    assert.match(error.message, words);
    return true;
  };

describe('database', () => {
  it('gives every test a database of its own with all tables', async () => {
    const one = await freshDatabase();
    const other = await freshDatabase();
    assert.equal(one.mode, 'external');
    assert.match(one.serverVersion, /^\d+\.\d+$/);
    await one.knex('settings').insert({ key: 'a', value: JSON.stringify({ b: 1 }) });
    assert.deepEqual(await other.knex('settings').select('*'), []);
    assert.deepEqual(await one.knex('settings').select('*'), [{ key: 'a', value: { b: 1 } }]);
    await one.close();
    await other.close();
  });

  it('reads int8 as a number, and refuses one that a number cannot hold', async () => {
    const database = await freshDatabase();
    const read = async (text: string): Promise<unknown> => {
      const { rows } = await database.knex.raw<{ rows: readonly { n: unknown }[] }>(
        'select ?::int8 as n',
        [text],
      );
      return rows[0]?.n;
    };
    assert.equal(await read('-9007199254740991'), Number.MIN_SAFE_INTEGER);
    assert.equal(await read('9007199254740991'), Number.MAX_SAFE_INTEGER);
    await assert.rejects(read('9007199254740993'), /beyond 2\^53/);
    assert.equal(await read('7'), 7);
    await database.close();
  });

  it('leaves no connection behind when it is closed', async () => {
    const url = await freshUrl();
    const [watcher, database] = [await open(url), await open(url)];
    await database.listen('news', () => {});
    await Promise.all(Array.from({ length: 8 }, () => database.knex.raw('select pg_sleep(0.01)')));
    const count = async (): Promise<number> => {
      const { rows } = await watcher.knex.raw<{ rows: readonly { n: number }[] }>(
        `select count(*) as n from pg_stat_activity
         where datname = current_database() and pid <> pg_backend_pid()`,
      );
      return rows[0]?.n ?? 0;
    };
    assert.ok((await count()) > 1);
    await database.close();
    // A backend is gone a moment after its client.
    while ((await count()) > 0);
    await watcher.close();
  });
});

describe('migrations', () => {
  it('run once when several processes open an empty database at once', async () => {
    const url = await freshUrl();
    const first = await open(url);
    await first.knex.raw('drop schema public cascade; create schema public');
    const others = await Promise.all([open(url), open(url), open(url)]);
    const rows = await first.knex('sallyport_migrations').orderBy('id').select('name');
    const names = rows.map((row: { name: string }) => row.name);
    assert.deepEqual(names.slice(0, 2), ['0001_identities', '0002_targets']);
    assert.equal(new Set(names).size, names.length);
    for (const database of [first, ...others]) await database.close();
  });

  it('refuse a database that a newer build has made', async () => {
    const url = await freshUrl();
    const database = await open(url);
    await database
      .knex('sallyport_migrations')
      .insert({ name: '9999_future', batch: 2, migration_time: new Date() });
    await assert.rejects(open(url), schemaError(/newer Sallyport .*9999_future/));
    await database.close();
  });

  it('go on after a process was killed while it held the lock row', async () => {
    const url = await freshUrl();
    const database = await open(url);
    await database.knex('sallyport_migrations_lock').update({ is_locked: 1 });
    const lines: string[] = [];
    const logger = createLogger('json', (line) => lines.push(line), Date.now);
    const again = await openDatabase({ url, homeDirectory: '/nowhere', logger });
    assert.equal(lines.filter((line) => line.includes('database.migration-lock-freed')).length, 1);
    await again.close();
    await (await open(url)).close();
    await database.close();
  });

  it('leave nothing of a batch that fails, and say which statement could not run', async () => {
    const url = await freshUrl();
    const database = await open(url);
    const down = (): Promise<void> => Promise.resolve();
    const table = (name: string): NamedMigration => ({
      name: `${name}_x`,
      migration: { up: (knex) => knex.schema.raw(`create table ${name} (id int)`), down },
    });
    const bad: NamedMigration = {
      name: '3_bad',
      migration: { up: (knex) => knex.schema.raw('create table settings (id int)'), down },
    };
    const done = await database.knex('sallyport_migrations').orderBy('id').select('name');
    const known = done.map((row: { name: string }) => ({ ...table('none'), name: row.name }));
    const address = { kind: 'url', url } as const;
    const run = (list: readonly NamedMigration[]): Promise<void> =>
      migrate(database.knex, address, silentLogger, [...known, ...list]);
    await assert.rejects(run([table('one'), bad]), schemaError(/"settings" already exists/));
    assert.equal(await database.knex.schema.hasTable('one'), false);
    await run([table('one')]);
    assert.equal(await database.knex.schema.hasTable('one'), true);
    await database.close();
  });
});

describe('notifications', () => {
  it('arrive at every listener of their channel until it leaves', async () => {
    const database = await freshDatabase();
    const heard: string[] = [];
    let wake: () => void = () => {};
    const listen = (name: string, channel: string): Promise<() => void> =>
      database.listen(channel, (payload) => {
        heard.push(`${name} ${payload}`);
        wake();
      });
    const notify = async (channel: string, payload: string, awaited: string): Promise<void> => {
      await database.knex.raw('select pg_notify(?, ?)', [channel, payload]);
      while (!heard.includes(awaited)) await new Promise<void>((resolve) => (wake = resolve));
    };
    const leave = await listen('a', `it's "news"`);
    const stay = await listen('b', `it's "news"`);
    await listen('c', 'other');
    heard.length = 0;
    await notify(`it's "news"`, '1', 'b 1');
    leave();
    leave();
    await notify(`it's "news"`, '2', 'b 2');
    stay();
    await notify(`it's "news"`, '3', 'b 2');
    await notify('other', '4', 'c 4');
    const again = await listen('d', `it's "news"`);
    await notify(`it's "news"`, '5', 'd 5');
    again();
    assert.deepEqual(heard, ['a 1', 'b 1', 'b 2', 'c 4', 'd 5']);
    await database.close();
  });

  it('reach the others when one listener throws', async () => {
    const lines: string[] = [];
    const logger = createLogger('json', (line) => lines.push(line), Date.now);
    const database = await freshDatabase(logger);
    await database.listen('news', () => {
      throw new Error('a defect');
    });
    await new Promise<void>((resolve) => {
      void database
        .listen('news', (payload) => payload === 'x' && resolve())
        .then(() => database.knex.raw(`notify news, 'x'`));
    });
    assert.ok(lines.some((line) => line.includes('a defect')));
    await database.close();
  });

  it('are said to be missed after the connection was lost, and arrive again', async () => {
    const database = await freshDatabase();
    const heard: string[] = [];
    let wake: () => void = () => {};
    await database.listen('news', (payload) => {
      heard.push(payload);
      wake();
    });
    heard.length = 0;
    await database.knex.raw(
      `select pg_terminate_backend(pid) from pg_stat_activity
       where datname = current_database() and query like 'listen%'`,
    );
    while (heard.length === 0) await new Promise<void>((resolve) => (wake = resolve));
    await database.knex.raw(`notify news, 'after'`);
    while (heard.length === 1) await new Promise<void>((resolve) => (wake = resolve));
    assert.deepEqual(heard, ['', 'after']);
    await database.close();
  });
});

describe('the server of our own under the pool', () => {
  it('loses nothing that was committed when it is killed under writers, who just wait', async () => {
    const home = await temporaryFolder();
    const lines: string[] = [];
    const logger = createLogger('json', (line) => lines.push(line), Date.now);
    const database = await openDatabase({ url: null, homeDirectory: home, logger });
    assert.equal(database.mode, 'embedded');
    assert.ok(database.owner !== null);
    await database.owner.raw(
      'create table written (id int primary key); grant select, insert on written to sallyport_app',
    );
    const missed = new Promise<void>((resolve) => {
      void database.listen('news', (payload) => payload === '' && killed && resolve());
    });
    let [killed, next, afterKill] = [false, 0, 0];
    const acknowledged: number[] = [];
    const failures: string[] = [];
    const write = async (): Promise<void> => {
      while (afterKill < 200) {
        const id = next++;
        try {
          await database.knex('written').insert({ id });
          acknowledged.push(id);
          if (killed) afterKill++;
        } catch (error) {
          failures.push(String(error));
        }
      }
    };
    const kill = async (): Promise<void> => {
      while (acknowledged.length < 300) await new Promise(setImmediate);
      const run = await findRun(join(home, 'postgres', 'data'));
      assert.ok(run !== null);
      process.kill(run.pid, 'SIGKILL');
      killed = true;
    };
    await Promise.all([kill(), ...Array.from({ length: 4 }, write)]);
    await missed;
    const stored = new Set(
      (await database.knex('written').select('id')).map((row: { id: number }) => row.id),
    );
    const lost = acknowledged.filter((id) => !stored.has(id));
    assert.deepEqual(lost, []);
    // At most the statement that each writer had under way, its retry against the dying server, and no more.
    assert.ok(failures.length <= 12, failures.slice(0, 20).join('\n'));
    assert.ok(lines.some((line) => line.includes('database.server-restarted')));
    assert.ok(!lines.some((line) => line.includes('    at ')), 'a stack was logged');
    await database.close();
    assert.equal(await findRun(join(home, 'postgres', 'data')), null);
    await rm(home, { recursive: true });
  });
});
