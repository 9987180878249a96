import type { Knex } from 'knex';

/** What a grant says of file transfers and forwards. */
export async function up(knex: Knex): Promise<void> {
  await knex.schema.raw(`
    alter table grants
      add column files text not null default 'full'
        check (files in ('full', 'read-only', 'upload-only')),
      add column keep_files boolean not null default false,
      add column forward text[] not null default '{}';
  `);
}

export async function down(knex: Knex): Promise<void> {
  await knex.schema.raw(
    'alter table grants drop column files, drop column keep_files, drop column forward',
  );
}
