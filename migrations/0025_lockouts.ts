import type { Knex } from 'knex';

/** Who has to wait after too many failed sign-ins: shared by all processes, and kept over restarts. */
export async function up(knex: Knex): Promise<void> {
  await knex.schema.raw(`
    create table lockouts (
      key text primary key,
      failures integer not null check (failures > 0),
      last_at timestamptz not null,
      until_at timestamptz not null
    );
    comment on column lockouts.key is 'a source, or a source and a principal; never a principal alone';
    create index lockouts_until on lockouts (until_at);
  `);
}

export async function down(knex: Knex): Promise<void> {
  await knex.schema.raw('drop table lockouts');
}
