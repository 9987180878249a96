import type { Knex } from 'knex';

/** What is asked of a person who signs in with the key of a security token. */
export async function up(knex: Knex): Promise<void> {
  await knex.schema.raw(`
    alter table principal_keys
      add column touch_required boolean not null default true,
      add column verify_required boolean not null default false;
  `);
}

export async function down(knex: Knex): Promise<void> {
  await knex.schema.raw(`
    alter table principal_keys drop column touch_required, drop column verify_required;
  `);
}
