import type { Knex } from 'knex';

/**
 * Search over commands and output text: blocks of many entries each, with an index of what is in them.
 * Derived from sessions, commands and chunks: everything here can be deleted and is made again. It needs
 * no extension. Whoever records never waits for it: triggers add rows to a list that nobody locks.
 */
export async function up(knex: Knex): Promise<void> {
  const { rows } = await knex.raw<{ rows: readonly { schema: string }[] }>(
    'select quote_ident(current_schema()) as schema',
  );
  const schema = rows[0]?.schema ?? 'public';
  await knex.schema.raw(`
    -- It made every command slower to store, needed an extension, and sorted all that it found.
    drop index if exists commands_text;

    create table search_blocks (
      id bigint generated always as identity primary key,
      kind text not null check (kind in ('commands', 'output')),
      level smallint not null check (level in (0, 1)),
      t0_ms bigint not null,
      t1_ms bigint not null,
      entries int not null,
      characters int not null,
      grams smallint[] not null,
      facets int[] not null,
      folded text not null,
      body bytea not null
    );
    comment on table search_blocks is 'derived: see sallyport sessions reindex';
    comment on column search_blocks.level is '0 = small, as it came in; 1 = merged';
    alter table search_blocks alter column grams set storage external;
    alter table search_blocks alter column body set storage external;
    create index search_blocks_time on search_blocks (kind, t1_ms desc, id desc);
    create index search_blocks_small on search_blocks (kind, id) where level = 0;
    create index search_blocks_content on search_blocks using gin (grams, facets)
      with (gin_pending_list_limit = 1024);

    create table search_progress (
      session_id uuid primary key,
      is_open boolean not null default true,
      was_ended boolean not null default false,
      commands int not null default 0,
      chunks int not null default 0,
      pieces int not null default 0,
      characters int not null default 0,
      cut_at_ms bigint
    );
    comment on column search_progress.was_ended is
      'its output was taken in up to its end; what comes later belongs before that';
    comment on column search_progress.cut_at_ms is
      'from here on the output of the session is too long to be searched; null = it is all there';
    create index search_progress_open on search_progress (session_id) where is_open;
    create index search_progress_cut on search_progress (session_id) where cut_at_ms is not null;

    create table search_changes (
      id bigint generated always as identity primary key,
      session_id uuid not null
    );
    comment on table search_changes is 'sessions that began, ended or were deleted since search looked';
    insert into search_changes (session_id) select id from sessions order by id;

    create function note_for_search() returns trigger language plpgsql as $$
      begin
        insert into ${schema}.search_changes (session_id)
          values (case when tg_op = 'DELETE' then old.id else new.id end);
        return null;
      end $$;
    create trigger sessions_searched
      after insert or update of status, complete, duration_us or delete on sessions
      for each row execute function note_for_search();
  `);
}

export async function down(knex: Knex): Promise<void> {
  await knex.schema.raw(`
    drop trigger sessions_searched on sessions;
    drop function note_for_search();
    drop table search_changes, search_progress, search_blocks;
  `);
  await knex.schema.raw(`
    do $$ begin
      create extension if not exists pg_trgm;
      create index commands_text on commands using gin (text gin_trgm_ops);
    exception when others then
      raise notice 'no trigram index: %', sqlerrm;
    end $$;
  `);
}
