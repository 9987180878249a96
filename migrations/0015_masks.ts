import type { Knex } from 'knex';

/** How many secrets were replaced in the text of a command, and in both text and output at its end. */
export async function up(knex: Knex): Promise<void> {
  await knex.schema.raw(`
    alter table commands add column masked int not null default 0 check (masked >= 0);
    alter table command_ends add column masked int not null default 0 check (masked >= 0);
  `);
}

export async function down(knex: Knex): Promise<void> {
  await knex.schema.raw(`
    alter table command_ends drop column masked;
    alter table commands drop column masked;
  `);
}
