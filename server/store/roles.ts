/**
 * Who may do what in the database. The owner of the tables migrates and deletes what has been kept long
 * enough; the bastion works as another role, which can add to the record and can neither change nor
 * delete it. Where one role does both, nothing is enforced here, and `roleFindings` says so.
 */
import type { Knex } from 'knex';
import { messageOf, SallyportError } from '../errors.ts';
import { codeOf } from './connect.ts';

/** The bastion's role in a database of our own. */
export const APP_ROLE = 'sallyport_app';

/** Rows that the bastion writes once. */
export const APPEND_ONLY: readonly string[] = [
  'chunks',
  'commands',
  'command_ends',
  'kept_files',
  'heads',
  'journal',
];

const READ = ['SELECT'];
const APPEND = ['SELECT', 'INSERT'];
/** What the bastion may do with a table that isn't named below. */
const USUAL = ['SELECT', 'INSERT', 'UPDATE', 'DELETE'];

/** Privileges of the bastion's role by table; an update is narrowed to columns where that is possible. */
const RIGHTS: Readonly<Record<string, readonly string[]>> = {
  ...Object.fromEntries(APPEND_ONLY.map((table) => [table, APPEND])),
  journal_head: ['SELECT', 'UPDATE'],
  policies: APPEND,
  directory_versions: APPEND,
  session_controls: APPEND,
  session_notes: APPEND,
  session_reviews: APPEND,
  sallyport_migrations: READ,
  sallyport_migrations_lock: READ,
  session_holds: [...APPEND, 'UPDATE(release_reason,released_at,released_by)'],
  sessions: [...APPEND, 'UPDATE(bytes_out,complete,duration_us,ended_at,exit_status,status)'],
};
/** Functions that run with the owner's rights on the bastion's behalf. */
const FUNCTIONS: readonly string[] = ['make_chunks_month(timestamptz)'];

/** First server whose parameters have privileges (`server_version_num`). */
const PARAMETER_PRIVILEGES = 150_000;

/** How the two roles stand to each other. */
export type RoleMode =
  /** Two roles, and both are at hand. */
  | 'separate'
  /** The bastion's role only: others migrate and delete. */
  | 'bastion-only'
  /** One role does everything. */
  | 'single';

interface TableRow {
  readonly name: string;
  readonly is_partition: boolean;
  readonly is_sequence: boolean;
  /** Of the bastion's role, sorted, columns as in `UPDATE(a,b)`. */
  readonly rights: readonly string[];
  /** Everybody has rights. */
  readonly is_public: boolean;
}

/** Makes the bastion's role of a database of our own; the owner is a superuser there. */
export async function ensureAppRole(owner: Knex): Promise<void> {
  const { rows } = await owner.raw<{ rows: readonly unknown[] }>(
    'select 1 from pg_roles where rolname = ?',
    [APP_ROLE],
  );
  if (rows.length > 0) return;
  const MADE_ALREADY = ['42710', '23505'];
  await owner
    .raw(
      `create role ${APP_ROLE} login nosuperuser nocreatedb nocreaterole noreplication nobypassrls`,
    )
    .catch((error: unknown) => {
      if (!MADE_ALREADY.includes(codeOf(error))) throw error;
    });
}

/**
 * Gives `app` what RIGHTS says and nothing else; does nothing when it has just that. Call under the lock of
 * migrations, after them.
 */
export async function grantRights(owner: Knex, app: string): Promise<void> {
  await closeSchema(owner, app);
  for (const table of await tablesFor(owner, app)) {
    const wanted = rightsTo(table);
    if (!table.is_public && wanted.join() === table.rights.join()) continue;
    const what = table.is_sequence ? 'sequence' : 'table';
    await owner.raw(`revoke all on ${what} ?? from public, ??`, [table.name, app]);
    if (wanted.length > 0) {
      await owner.raw(`grant ${wanted.join(', ')} on ${what} ?? to ??`, [table.name, app]);
    }
  }
  for (const name of FUNCTIONS) {
    const { rows } = await owner.raw<{ rows: readonly { may: boolean | null }[] }>(
      'select has_function_privilege(?, to_regprocedure(?)::oid, ?) as may',
      [app, name, 'EXECUTE'],
    );
    if (rows[0]?.may === false) await owner.raw(`grant execute on function ${name} to ??`, [app]);
  }
}

/** Direct access to a partition has no use: what goes through the table is judged by the table's rights. */
function rightsTo({ is_partition: isPartition, is_sequence: isSequence, name }: TableRow) {
  if (isPartition) return [];
  return [...(isSequence ? ['SELECT', 'USAGE'] : (RIGHTS[name] ?? USUAL))].sort();
}

async function tablesFor(owner: Knex, app: string): Promise<readonly TableRow[]> {
  const { rows } = await owner.raw<{ rows: readonly TableRow[] }>(
    `select c.relname as name, c.relispartition as is_partition, c.relkind = 'S' as is_sequence,
       exists (select 1 from aclexplode(c.relacl) where grantee = 0) as is_public,
       array(
         select privilege collate "C" from (
           select privilege_type || case when is_grantable then '*' else '' end as privilege
           from aclexplode(c.relacl) where grantee = app.oid
           union all
           select privilege_type || '(' || string_agg(attname, ',' order by attname collate "C") || ')'
           from pg_attribute, aclexplode(attacl)
           where attrelid = c.oid and grantee = app.oid group by privilege_type
         ) as given order by 1
       ) as rights
     from pg_class c, pg_roles app
     where app.rolname = ? and c.relnamespace = current_schema()::regnamespace
       and c.relkind in ('r', 'p', 'v', 'm', 'S')
     order by c.relname`,
    [app],
  );
  return rows;
}

/**
 * Takes from `app` what it owns, because it was the only role before. Call under the lock of migrations.
 * Rejects with `database.schema` when the owner's role isn't allowed to.
 */
export async function takeOver(owner: Knex, app: string): Promise<void> {
  const { rows } = await owner.raw<{ rows: readonly { statement: string }[] }>(
    `select format('alter %s %s owner to %I', kind, name, current_user) as statement
     from (
       select 'database', quote_ident(datname), datdba from pg_database where datname = current_database()
       union all
       select 'schema', quote_ident(nspname), nspowner from pg_namespace
       where oid = current_schema()::regnamespace
       union all
       select 'table', oid::regclass::text, relowner from pg_class
       where relnamespace = current_schema()::regnamespace and relkind in ('r', 'p', 'v', 'm')
       union all
       select 'sequence', oid::regclass::text, relowner from pg_class
       where relnamespace = current_schema()::regnamespace and relkind = 'S'
         and not exists (select 1 from pg_depend where objid = pg_class.oid and deptype in ('a', 'i'))
       union all
       select 'routine', oid::regprocedure::text, proowner from pg_proc
       where pronamespace = current_schema()::regnamespace
     ) as objects (kind, name, owner)
     where owner = (select oid from pg_roles where rolname = ?)`,
    [app],
  );
  try {
    for (const { statement } of rows) await owner.raw(statement.replaceAll('?', '\\?'));
  } catch (error) {
    throw new SallyportError(
      'database.schema',
      `the role ${app} of DATABASE_URL owns the tables, and they can't be taken from it: ${messageOf(error)}`,
      `as a superuser, in this database: REASSIGN OWNED BY ${app} TO the role of SALLYPORT_DATABASE_OWNER_URL`,
    );
  }
}

/** Who may make tables and functions in the schema may put them where the owner looks for its own. */
async function closeSchema(owner: Knex, app: string): Promise<void> {
  const { rows } = await owner.raw<{
    rows: readonly { schema: string; open: boolean; usable: boolean }[];
  }>(
    `select current_schema()::text as schema, has_schema_privilege(?, current_schema(), 'CREATE') as open,
       has_schema_privilege(?, current_schema(), 'USAGE') as usable`,
    [app, app],
  );
  const [found] = rows;
  if (found === undefined) return;
  if (found.open)
    await owner.raw('revoke create on schema ?? from public, ??', [found.schema, app]);
  if (!found.usable) await owner.raw('grant usage on schema ?? to ??', [found.schema, app]);
}

/** How the role that is connected stands to the tables; null = there are none yet. */
export async function ownsTables(knex: Knex): Promise<boolean | null> {
  const { rows } = await knex.raw<{ rows: readonly { owns: boolean }[] }>(
    `select pg_has_role(current_user, relowner, 'MEMBER') as owns from pg_class
     where oid = to_regclass('sallyport_migrations')`,
  );
  return rows[0]?.owns ?? null;
}

/**
 * Everything by which the connected role could change or delete the record, in words; empty = nothing.
 * @param serverNumber `server_version_num`
 */
export async function roleFindings(knex: Knex, serverNumber: number): Promise<readonly string[]> {
  const { rows } = await knex.raw<{ rows: readonly { finding: string }[] }>(
    `with me as (select rolsuper, rolcreaterole from pg_roles where rolname = current_user),
     kept as (
       select c.oid, c.relname, c.relowner from pg_class c
       where c.relnamespace = current_schema()::regnamespace
         and (c.relname = any(?) or c.relispartition and exists (
           select 1 from pg_inherits where inhrelid = c.oid and inhparent = to_regclass('chunks')))
     )
     select 'it is a superuser' as finding from me where rolsuper
     union all
     select 'it may make itself a member of other roles (CREATEROLE)' from me
     where rolcreaterole and not rolsuper
     union all
     select 'it is a member of ' || r.rolname from pg_roles r, me
     where not me.rolsuper and pg_has_role(current_user, r.oid, 'MEMBER') and r.rolname in
       ('pg_write_all_data', 'pg_execute_server_program', 'pg_write_server_files')
     union all
     select 'it owns the database' from pg_database, me
     where not rolsuper and datname = current_database() and pg_has_role(current_user, datdba, 'MEMBER')
     union all
     select 'it owns the schema' from pg_namespace, me
     where not rolsuper and pg_namespace.oid = current_schema()::regnamespace
       and pg_has_role(current_user, nspowner, 'MEMBER')
     union all
     select 'it may make tables and functions beside those of the record' from me
     where not rolsuper and has_schema_privilege(current_user, current_schema(), 'CREATE')
     union all
     select 'it owns ' || relname from kept, me
     where not rolsuper and pg_has_role(current_user, relowner, 'MEMBER')
     union all
     select 'it may ' || lower(privilege) || ' ' || relname
     from kept, me, unnest(array['UPDATE', 'DELETE', 'TRUNCATE', 'TRIGGER']) as privilege
     where not rolsuper and not pg_has_role(current_user, relowner, 'MEMBER')
       and (has_table_privilege(current_user, kept.oid, privilege)
         or privilege = 'UPDATE' and has_any_column_privilege(current_user, kept.oid, privilege))`,
    [[...APPEND_ONLY]],
  );
  const findings = rows.map(({ finding }) => finding);
  if (serverNumber >= PARAMETER_PRIVILEGES && findings[0] !== 'it is a superuser') {
    const answer = await knex.raw<{ rows: readonly { may: boolean }[] }>(
      `select has_parameter_privilege(current_user, 'session_replication_role', 'SET') as may`,
    );
    if (answer.rows[0]?.may === true) findings.push('it may switch triggers off');
  }
  return findings;
}
