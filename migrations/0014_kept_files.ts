import type { Knex } from 'knex';

/** Contents of transferred files, for grants that keep them; the journal has their hashes. */
export async function up(knex: Knex): Promise<void> {
  await knex.schema.raw(`
    create table kept_files (
      session_id uuid not null,
      seq int not null,
      direction text not null check (direction in ('read', 'written')),
      part int not null check (part > 0),
      raw_len int not null,
      codec smallint not null,
      data bytea not null,
      primary key (session_id, seq, direction, part)
    );
    alter table kept_files alter column data set storage external;
    create trigger kept_files_once before update or delete on kept_files
      for each row execute function refuse_delete();
    create trigger kept_files_kept before truncate on kept_files
      for each statement execute function refuse_change();
  `);
}

export async function down(knex: Knex): Promise<void> {
  await knex.schema.raw('drop table kept_files');
}
