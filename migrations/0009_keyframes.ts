import type { Knex } from 'knex';

/**
 * Where replays can start. Derived from the chunks: rows can be deleted at any time and are made again
 * when somebody looks. They show what was recorded, so they go with their session. A recording's first
 * segment starts where the recording does and has no row.
 */
export async function up(knex: Knex): Promise<void> {
  const { rows } = await knex.raw<{ rows: readonly { schema: string }[] }>(
    'select quote_ident(current_schema()) as schema',
  );
  const schema = rows[0]?.schema ?? 'public';
  await knex.schema.raw(`
    create table keyframes (
      session_id uuid not null,
      n int not null check (n > 0),
      at_us bigint not null,
      chunk int not null,
      event bigint not null,
      cols int not null,
      rows int not null,
      init bytea not null,
      after_return boolean not null,
      pauses int not null,
      idle_us bigint not null,
      new_pauses jsonb not null,
      primary key (session_id, n)
    );
    comment on column keyframes.new_pauses is
      'pauses since the keyframe before: [when it begins, what skipping it leaves out], microseconds';
    alter table keyframes alter column init set storage external;

    create function drop_keyframes() returns trigger language plpgsql as $$
      begin
        delete from ${schema}.keyframes where session_id = old.id;
        return old;
      end $$;
    create trigger sessions_keyframes after delete on sessions
      for each row execute function drop_keyframes();
  `);
}

export async function down(knex: Knex): Promise<void> {
  await knex.schema.raw(`
    drop trigger sessions_keyframes on sessions;
    drop function drop_keyframes();
    drop table keyframes;
  `);
}
