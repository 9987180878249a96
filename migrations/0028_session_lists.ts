import type { Knex } from 'knex';

/** Sessions in which something was stopped, and filters that people keep. */
export async function up(knex: Knex): Promise<void> {
  await knex.schema.raw(`
    create index commands_stopped on commands (verdict, session_id desc) where verdict <> 'allow';

    create table saved_filters (
      principal_id uuid not null references principals (id) on delete cascade,
      name text not null check (length(name) between 1 and 60),
      query text not null check (length(query) <= 2000),
      saved_at timestamptz not null default now(),
      primary key (principal_id, name)
    );
  `);
}

export async function down(knex: Knex): Promise<void> {
  await knex.schema.raw('drop table saved_filters; drop index commands_stopped');
}
