import assert from 'node:assert/strict';
import { rm } from 'node:fs/promises';
import { v7 as uuidV7 } from 'uuid';
import { SallyportError } from '../../server/errors.ts';
import { silentLogger } from '../../server/log.ts';
import { createClient } from '../../server/store/connect.ts';
import { openDatabase, type Database } from '../../server/store/database.ts';
import { APP_ROLE, APPEND_ONLY, roleFindings } from '../../server/store/roles.ts';
import { freshUrl, sharedServer, urlOf } from '../support/database.ts';
import { openRecordingWorld, sessionStart } from '../support/recording-world.ts';
import { temporaryFolder } from '../support/temporary-folder.ts';

const logger = silentLogger;
const END = { atUs: 9, status: 'closed', exitStatus: 0, bytesOut: 1, why: 'it ended' } as const;
/** What nobody who speaks SQL as the bastion may do to a table of the record. */
const ATTACKS: readonly (readonly [what: string, sql: (table: string) => string])[] = [
  ['UPDATE', (table) => `update ${table} set ${COLUMN[table] ?? 'seq = seq'}`],
  [
    'UPDATE of no row',
    (table) => `update ${table} set ${COLUMN[table] ?? 'seq = seq'} where false`,
  ],
  ['DELETE', (table) => `delete from ${table}`],
  ['TRUNCATE', (table) => `truncate ${table}`],
  ['DROP TABLE', (table) => `drop table ${table}`],
  ['ALTER TABLE', (table) => `alter table ${table} add column note text`],
  ['RENAME', (table) => `alter table ${table} rename to ${table}_old`],
  ['DISABLE TRIGGER', (table) => `alter table ${table} disable trigger all`],
  [
    'DROP TRIGGER',
    (table) => `drop trigger ${table.startsWith('chunks') ? 'chunks' : table}_once on ${table}`,
  ],
  [
    'CREATE TRIGGER',
    (table) =>
      `create trigger quiet before insert on ${table} for each row execute function refuse_change()`,
  ],
  ['CREATE RULE', (table) => `create rule quiet as on insert to ${table} do instead nothing`],
  ['ROW SECURITY', (table) => `alter table ${table} enable row level security`],
  ['OWNER', (table) => `alter table ${table} owner to current_user`],
  ['LOCK', (table) => `do $$ begin lock table ${table} in access exclusive mode; end $$`],
];
const COLUMN: Readonly<Record<string, string>> = {
  heads: "signature = ''",
  chunks_now: "data = ''",
  sessions: 'keep_days = 1',
  session_holds: "reason = ''",
};
const ESCAPES = [
  'set session_replication_role = replica',
  'set role sallyport',
  'set session authorization sallyport',
  'create role helper superuser',
  `alter role ${APP_ROLE} superuser`,
  `grant sallyport to ${APP_ROLE}`,
  'alter function refuse_change() rename to x',
  'create or replace function refuse_change() returns trigger language plpgsql as $$ begin return old; end $$',
  'create or replace function refuse_delete() returns trigger language plpgsql as $$ begin return old; end $$',
  'create function now() returns timestamptz language sql as $$ select null::timestamptz $$',
  'create table mine (id int)',
  'create extension dblink',
  "copy (select 1) to program 'true'",
  "copy (select 1) to '/tmp/x'",
  'drop schema public cascade',
  'drop owned by sallyport',
  'reassign owned by sallyport to current_user',
  'update sallyport_migrations set name = name',
  'update sessions set deleting_at = now()',
  "update sessions set started_at = 'epoch'",
  'delete from sessions',
  'truncate sessions',
  'delete from session_holds',
  'delete from policies',
  'delete from journal_head',
];

describe("the bastion's role in a database of our own", () => {
  let home: string;
  let database: Database;
  let partition: string;

  before(async () => {
    home = await temporaryFolder();
    database = await openDatabase({ url: null, homeDirectory: home, logger });
    await database.knex.raw('select make_chunks_month(now())');
    const { rows } = await database.knex.raw<{ rows: readonly { name: string }[] }>(
      `select inhrelid::regclass::text as name from pg_inherits where inhparent = 'chunks'::regclass`,
    );
    partition = rows[0]?.name ?? '';
    assert.match(partition, /^chunks_\d{4}_\d{2}$/);
  });
  after(async () => {
    await database.close();
    await rm(home, { recursive: true, force: true });
  });

  it('is not the owner of anything, and nothing is found that it could do', async () => {
    assert.equal(database.roles.mode, 'separate');
    assert.equal(database.roles.bastion, APP_ROLE);
    assert.deepEqual(await database.roles.findings(), []);
    assert.ok(database.owner !== null);
    assert.deepEqual(await roleFindings(database.owner, 150_000), ['it is a superuser']);
  });

  it('is the role that the pool and every other connection of the bastion have', async () => {
    const { rows } = await database.knex.raw<{ rows: readonly { name: string }[] }>(
      'select current_user::text as name',
    );
    assert.deepEqual(rows, [{ name: APP_ROLE }]);
    await database.listen('news', () => {});
    const others = await database.owner?.raw<{ rows: readonly { name: string }[] }>(
      `select distinct usename::text as name from pg_stat_activity where query like 'listen%'`,
    );
    assert.deepEqual(others?.rows, [{ name: APP_ROLE }]);
  });

  for (const table of [...APPEND_ONLY, 'partition']) {
    for (const [what, sql] of ATTACKS) {
      it(`is refused ${what} on ${table}`, async () => {
        const name = table === 'partition' ? partition : table;
        await assert.rejects(database.knex.raw(sql(name)), { code: '42501' });
      });
    }
  }

  it('gains nothing by granting to itself', async () => {
    for (const table of [...APPEND_ONLY, partition]) {
      // PostgreSQL warns and does nothing when some right may be used but none may be passed on.
      await database.knex
        .raw(`grant all on ${table} to ${APP_ROLE} with grant option`)
        .catch((error: unknown) => assert.match(String(error), /permission denied/));
    }
    assert.deepEqual(await database.roles.findings(), []);
  });

  it('may neither write to a partition past the table, nor detach it', async () => {
    for (const sql of [
      `insert into ${partition} select * from chunks`,
      `select * from ${partition}`,
      `alter table chunks detach partition ${partition}`,
      `create table chunks_2001_01 partition of chunks default`,
    ]) {
      await assert.rejects(database.knex.raw(sql), { code: '42501' });
    }
  });

  for (const sql of ESCAPES) {
    it(`is refused: ${sql}`, async () => {
      await assert.rejects(database.knex.raw(sql), (error: Error & { code?: string }) => {
        assert.match(error.code ?? '', /^(42501|28000|2BP01|0LP01)$/, error.message);
        return true;
      });
    });
  }

  it('keeps what was granted by hand no longer than to the next start', async () => {
    assert.ok(database.owner !== null);
    await database.owner.raw(
      `grant delete on heads to ${APP_ROLE}; grant all on journal to public`,
    );
    await database.owner.raw(`grant update (hash) on chunks to ${APP_ROLE}`);
    assert.ok((await database.roles.findings()).includes('it may delete heads'));
    assert.ok((await database.roles.findings()).includes('it may update chunks'));
    const again = await openDatabase({ url: null, homeDirectory: home, logger });
    assert.deepEqual(await again.roles.findings(), []);
    await again.close();
    await assert.rejects(database.knex('heads').delete(), { code: '42501' });
  });
});

describe('two roles in a database of somebody else', () => {
  let admin: string;
  let name: string;
  let ask: (sql: string) => Promise<void>;
  let urls: { readonly owner: string; readonly app: string };

  beforeEach(async () => {
    admin = await freshUrl();
    name = new URL(admin).pathname.slice(1);
    const { postgres } = await sharedServer();
    ask = async (sql) => {
      const client = createClient({ kind: 'socket', ...postgres, database: name }, () => {});
      await client.connect();
      try {
        await client.query(sql);
      } finally {
        await client.end();
      }
    };
    await ask(`create role ${name}_owner login; create role ${name}_app login;
      alter database ${name} owner to ${name}_owner`);
    urls = {
      owner: urlOf({ ...postgres, user: `${name}_owner` }, name),
      app: urlOf({ ...postgres, user: `${name}_app` }, name),
    };
  });

  const open = (url: string, ownerUrl: string | null): Promise<Database> =>
    openDatabase({ url, ownerUrl, homeDirectory: '/nowhere', logger });
  const refused = async (url: string, ownerUrl: string | null): Promise<SallyportError> => {
    const error: unknown = await open(url, ownerUrl).then(
      (database) => database.close(),
      (reason: unknown) => reason,
    );
    assert.ok(error instanceof SallyportError);
    return error;
  };
  /** The tables as a plain owner made them. */
  const fresh = (): Promise<void> =>
    ask(`drop schema public cascade; create schema public authorization ${name}_owner`);

  it('work from an empty database on, with owners that are no superusers', async () => {
    await fresh();
    const database = await open(urls.app, urls.owner);
    assert.equal(database.roles.mode, 'separate');
    assert.deepEqual(await database.roles.findings(), []);
    for (const table of APPEND_ONLY) {
      for (const sql of [`delete from ${table}`, `truncate ${table}`, `drop table ${table}`]) {
        await assert.rejects(database.knex.raw(sql), { code: '42501' });
      }
    }
    await database.close();
  });

  it('record, seal and read with the rights that are left', async () => {
    await fresh();
    await (await open(urls.app, urls.owner)).close();
    const world = await openRecordingWorld({ url: urls.app });
    assert.equal(world.database.roles.mode, 'bastion-only');
    assert.equal(world.database.owner, null);
    const start = sessionStart({ id: uuidV7() });
    const recording = await world.sink.begin(start);
    await recording.append({ atUs: 1, code: 'o', text: 'hello' });
    await recording.end(END);
    assert.equal((await world.reader.session(start.id))?.status, 'closed');
    await world.close();
  });

  it('take over a database in which the bastion owned everything', async () => {
    await fresh();
    await ask(
      `alter schema public owner to ${name}_app; alter database ${name} owner to ${name}_app`,
    );
    const before = await open(urls.app, null);
    assert.equal(before.roles.mode, 'single');
    assert.ok((await before.roles.findings()).includes('it owns chunks'));
    await before.knex.raw('select make_chunks_month(now())');
    await before.close();
    const error = await refused(urls.app, urls.owner);
    assert.equal(error.code, 'database.schema');
    assert.match(error.hint, /REASSIGN OWNED BY test_\d+_app TO/);
    await ask(`grant ${name}_app to ${name}_owner; alter role ${name}_owner createdb`);
    const database = await open(urls.app, urls.owner);
    assert.deepEqual(await database.roles.findings(), []);
    await assert.rejects(database.knex('chunks').delete(), { code: '42501' });
    await database.knex.raw('select make_chunks_month(now() + ?::interval)', ['40 days']);
    await database.close();
  });

  it('are refused when they are one, or when the lesser is not less', async () => {
    await fresh();
    const same = await refused(urls.owner, urls.owner);
    assert.equal(same.code, 'config.invalid');
    assert.match(same.message, /both connect as the role/);
    for (const [more, words] of [
      [`grant ${name}_owner to ${name}_app`, /it owns/],
      [`revoke ${name}_owner from ${name}_app; alter role ${name}_app createrole`, /CREATEROLE/],
      [`alter role ${name}_app nocreaterole superuser`, /superuser/],
      [
        `alter role ${name}_app nosuperuser; grant pg_write_all_data to ${name}_app`,
        /pg_write_all/,
      ],
    ] as const) {
      await ask(more);
      const error = await refused(urls.app, urls.owner);
      assert.equal(error.code, 'config.invalid');
      assert.match(error.message, words);
    }
  });

  it('say what to do when only the bastion is here and the tables are not up to date', async () => {
    await fresh();
    await (await open(urls.app, urls.owner)).close();
    await ask(`delete from sallyport_migrations where name = '0008_retention'`);
    const error = await refused(urls.app, null);
    assert.equal(error.code, 'database.schema');
    assert.match(error.hint, /SALLYPORT_DATABASE_OWNER_URL: npx sallyport migrate/);
  });
});
