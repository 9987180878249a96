import type { Knex } from 'knex';

/** Runs are listed by their newest session. */
export async function up(knex: Knex): Promise<void> {
  await knex.schema.raw(`
    drop index sessions_run;
    create index sessions_run on sessions (run, principal, started_at desc, id desc)
      where run is not null;
    create index sessions_with_run on sessions (started_at desc, id desc) where run is not null;
  `);
}

export async function down(knex: Knex): Promise<void> {
  await knex.schema.raw(`
    drop index sessions_with_run, sessions_run;
    create index sessions_run on sessions (run) where run is not null;
  `);
}
