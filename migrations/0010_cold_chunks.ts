import type { Knex } from 'knex';

/** Chunks whose data lies in an object store; their place in the chain stays here. */
export async function up(knex: Knex): Promise<void> {
  await knex.schema.raw(`
    alter table chunks alter column data drop not null;
    alter table chunks
      add column cold_key text,
      add column cold_at int,
      add column cold_len int;
    alter table chunks add constraint chunks_somewhere check (
      (data is null) = (cold_key is not null)
      and (cold_key is null) = (cold_at is null)
      and (cold_key is null) = (cold_len is null));
    comment on column chunks.cold_key is
      'the object that holds the data as it was stored here, from byte cold_at on, cold_len bytes';

    create index heads_signed on heads (signed_at);
  `);
}

export async function down(knex: Knex): Promise<void> {
  await knex.schema.raw(`
    drop index heads_signed;
    alter table chunks drop constraint chunks_somewhere;
    alter table chunks drop column cold_key, drop column cold_at, drop column cold_len;
    alter table chunks alter column data set not null;
  `);
}
