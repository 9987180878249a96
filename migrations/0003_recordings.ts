import type { Knex } from 'knex';

/** Sessions, their commands, and the chunks and signed heads of their recordings. */
export async function up(knex: Knex): Promise<void> {
  await knex.schema.raw(`
    create function refuse_change() returns trigger language plpgsql as $$
      begin
        raise exception 'rows of % are written once and never changed', tg_table_name
          using errcode = 'insufficient_privilege';
      end $$;

    create table bastions (
      id uuid primary key,
      seen_at timestamptz not null default now()
    );

    create table sessions (
      id uuid primary key,
      owner uuid not null,
      kind text not null,
      principal text not null,
      principal_kind text not null check (principal_kind in ('human', 'agent')),
      principal_id uuid not null,
      target text not null,
      login text not null,
      via text not null check (via in ('direct', 'jump')),
      source text not null,
      run text,
      task text,
      attribution text check (attribution in ('verified', 'declared', 'claimed')),
      started_at timestamptz not null,
      ended_at timestamptz,
      status text not null default 'active' check (status in ('active', 'closed', 'failed')),
      exit_status int,
      width int not null,
      height int not null,
      term text,
      command text,
      policy text not null,
      policy_version int not null,
      bytes_out bigint,
      duration_us bigint,
      complete boolean not null default false
    );
    create index sessions_started on sessions (started_at desc, id desc);
    create index sessions_principal on sessions (principal, started_at desc);
    create index sessions_target on sessions (target, started_at desc);
    create index sessions_run on sessions (run) where run is not null;
    create index sessions_active on sessions (owner) where status = 'active';

    create table chunks (
      session_id uuid not null,
      seq int not null,
      t0_us bigint not null,
      t1_us bigint not null,
      first_event bigint not null,
      events int not null,
      raw_len int not null,
      output_bytes int not null,
      codec smallint not null,
      prev_hash bytea not null check (octet_length(prev_hash) = 32),
      hash bytea not null check (octet_length(hash) = 32),
      data bytea not null,
      primary key (session_id, seq)
    ) partition by range (session_id);
    alter table chunks alter column data set storage external;
    create index chunks_time on chunks (session_id, t0_us);
    create trigger chunks_once before update or delete on chunks
      for each row execute function refuse_change();
    create trigger chunks_kept before truncate on chunks
      for each statement execute function refuse_change();

    create table commands (
      session_id uuid not null,
      seq int not null,
      at_us bigint not null,
      text text not null,
      certainty text not null check (certainty in ('exact', 'observed', 'uncertain')),
      verdict text not null check (verdict in ('allow', 'deny', 'hold')),
      rule text,
      reason text,
      language text not null,
      argv jsonb,
      commands jsonb not null,
      primary key (session_id, seq)
    );
    create table command_ends (
      session_id uuid not null,
      seq int not null,
      output_from_us bigint not null,
      output_to_us bigint not null,
      exit_status int,
      primary key (session_id, seq)
    );
    create table heads (
      session_id uuid not null,
      chunks int not null,
      events bigint not null,
      hash bytea not null check (octet_length(hash) = 32),
      key_id text not null,
      signature text not null,
      signed_at timestamptz not null,
      primary key (session_id, chunks)
    );
  `);
  for (const table of ['commands', 'command_ends', 'heads']) await writeOnce(knex, table);
  // Without the extension a search reads every command; it is never a reason not to start.
  await knex.schema.raw(`
    do $$ begin
      create extension if not exists pg_trgm;
      create index commands_text on commands using gin (text gin_trgm_ops);
    exception when others then
      raise notice 'no trigram index: %', sqlerrm;
    end $$;
  `);
}

export async function down(knex: Knex): Promise<void> {
  await knex.schema.raw(`
    drop table heads, command_ends, commands, chunks, sessions, bastions;
    drop function refuse_change();
  `);
}

async function writeOnce(knex: Knex, table: string): Promise<void> {
  await knex.schema.raw(`
    create trigger ${table}_once before update or delete on ${table}
      for each row execute function refuse_change();
    create trigger ${table}_kept before truncate on ${table}
      for each statement execute function refuse_change();
  `);
}
