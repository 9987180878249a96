import type { Knex } from 'knex';

/** Whether the bastion reads, or asks for, the marks that a target's shell prints around commands. */
export async function up(knex: Knex): Promise<void> {
  await knex.schema.raw(`
    alter table targets add column shell_integration text not null default 'off'
      check (shell_integration in ('off', 'observe', 'inject'));
  `);
}

export async function down(knex: Knex): Promise<void> {
  await knex.schema.raw('alter table targets drop column shell_integration');
}
