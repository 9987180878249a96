import type { Knex } from 'knex';

/** Principals whom somebody has shut out: no configuration lets them in again. */
export async function up(knex: Knex): Promise<void> {
  await knex.schema.raw(`
    alter table principals
      add column locked_at timestamptz,
      add constraint principals_locked_out check (locked_at is null or disabled_at is not null);
  `);
}

export async function down(knex: Knex): Promise<void> {
  await knex.schema.raw(
    'alter table principals drop constraint principals_locked_out, drop column locked_at',
  );
}
