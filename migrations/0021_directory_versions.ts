import type { Knex } from 'knex';

/** Versions of the directory, which of them decisions used, and API tokens that say less than their owner. */
export async function up(knex: Knex): Promise<void> {
  await knex.schema.raw(`
    create table directory_versions (
      number int primary key check (number > 0),
      at timestamptz not null default now(),
      via text not null check (via in ('apply', 'start', 'api', 'scan')),
      principal text,
      source text,
      origin text not null,
      changes jsonb not null,
      document text not null
    );
    comment on column directory_versions.document is 'the whole directory after the change, as JSON, without secrets';
    create trigger directory_versions_once before update or delete on directory_versions
      for each row execute function refuse_change();
    create trigger directory_versions_kept before truncate on directory_versions
      for each statement execute function refuse_change();

    alter table sessions add column directory_version int;
    alter table commands
      add column policy text,
      add column policy_version int,
      add column directory_version int;

    alter table tokens
      add column id uuid not null unique default gen_random_uuid(),
      add column name text not null default '',
      add column scopes text[],
      add column created_by text,
      add column last_used_at timestamptz,
      add column last_used_source text;
    comment on column tokens.scopes is 'null = all that the roles of its principal allow';
  `);
}

export async function down(knex: Knex): Promise<void> {
  await knex.schema.raw(`
    alter table tokens drop column id, drop column name, drop column scopes, drop column created_by,
      drop column last_used_at, drop column last_used_source;
    alter table commands
      drop column policy, drop column policy_version, drop column directory_version;
    alter table sessions drop column directory_version;
    drop table directory_versions;
  `);
}
