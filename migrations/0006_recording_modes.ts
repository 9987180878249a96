import type { Knex } from 'knex';

/** When output may be delivered, per grant and, for what became of it after a crash, per session. */
export async function up(knex: Knex): Promise<void> {
  for (const table of ['grants', 'sessions']) {
    await knex.schema.raw(`
      alter table ${table} add column recording text not null default 'strict'
        check (recording in ('strict', 'strict-remote', 'balanced', 'continue'));
    `);
  }
}

export async function down(knex: Knex): Promise<void> {
  for (const table of ['grants', 'sessions']) {
    await knex.schema.raw(`alter table ${table} drop column recording`);
  }
}
