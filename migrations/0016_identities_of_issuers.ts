import type { Knex } from 'knex';

/** How issuers of tokens name principals, and what they vouched for when a key was registered. */
export async function up(knex: Knex): Promise<void> {
  await knex.schema.raw(`
    create table principal_identities (
      principal_id uuid not null references principals (id) on delete cascade,
      place integer not null,
      identity jsonb not null,
      primary key (principal_id, place)
    );
    alter table principal_keys
      add column run text,
      add column task text,
      add column attribution text check (attribution in ('verified', 'declared')),
      add constraint principal_keys_attributed
        check (attribution is not null or (run is null and task is null));
    create index principal_keys_expires on principal_keys (expires_at) where expires_at is not null;
  `);
}

export async function down(knex: Knex): Promise<void> {
  await knex.schema.raw(`
    drop index principal_keys_expires;
    alter table principal_keys drop constraint principal_keys_attributed;
    alter table principal_keys drop column run, drop column task, drop column attribution;
    drop table principal_identities;
  `);
}
