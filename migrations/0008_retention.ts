import type { Knex } from 'knex';

/** Tables whose rows belong to one session and are written once; retention alone deletes them. */
const WRITTEN_ONCE = ['chunks', 'commands', 'command_ends', 'heads'];

/**
 * How long sessions are kept, legal holds, and what the database itself refuses: a session is deleted only
 * when its time is over, nothing holds it, and the owner of the tables has said so before.
 */
export async function up(knex: Knex): Promise<void> {
  const { rows } = await knex.raw<{ rows: readonly { schema: string }[] }>(
    'select quote_ident(current_schema()) as schema',
  );
  const schema = rows[0]?.schema ?? 'public';
  await knex.schema.raw(`
    alter table sessions add column keep_days int check (keep_days > 0);
    comment on column sessions.keep_days is
      'as the grant said when the session began; null = for ever. Counted from its end';
    alter table sessions add column deleting_at timestamptz;
    comment on column sessions.deleting_at is
      'retention has decided to delete it; set by the owner of the table only, and never taken back';
    create index sessions_kept on sessions (ended_at, id) where keep_days is not null;
    create index sessions_deleting on sessions (id) where deleting_at is not null;

    create table session_holds (
      id uuid primary key,
      session_id uuid not null,
      held_at timestamptz not null,
      held_by text not null,
      reason text not null,
      released_at timestamptz,
      released_by text,
      release_reason text
    );
    create unique index session_holds_open on session_holds (session_id) where released_at is null;
    create index session_holds_session on session_holds (session_id, held_at);

    create function refuse_delete() returns trigger language plpgsql as $$
      begin
        if tg_op = 'DELETE' and exists (
          select 1 from ${schema}.sessions where id = old.session_id and deleting_at is not null
        ) then
          return old;
        end if;
        raise exception 'rows of % are written once and never changed', tg_table_name
          using errcode = 'insufficient_privilege';
      end $$;

    create function guard_session() returns trigger language plpgsql as $$
      begin
        if tg_op = 'DELETE' then
          if old.deleting_at is not null then return old; end if;
          raise exception 'sessions are deleted by retention only'
            using errcode = 'insufficient_privilege';
        end if;
        if old.deleting_at is not null or
          (new.id, new.owner, new.kind, new.principal, new.principal_kind, new.principal_id, new.target,
           new.login, new.via, new.source, new.started_at, new.command, new.policy, new.policy_version,
           new.recording, new.keep_days) is distinct from
          (old.id, old.owner, old.kind, old.principal, old.principal_kind, old.principal_id, old.target,
           old.login, old.via, old.source, old.started_at, old.command, old.policy, old.policy_version,
           old.recording, old.keep_days)
        then
          raise exception 'how a session began is written once and never changed'
            using errcode = 'insufficient_privilege';
        end if;
        if old.status <> 'active' and
          (new.status, new.ended_at, new.exit_status) is distinct from
          (old.status, old.ended_at, old.exit_status)
        then
          raise exception 'how a session ended is written once and never changed'
            using errcode = 'insufficient_privilege';
        end if;
        if new.deleting_at is not null and (
          new.status = 'active' or new.ended_at is null or new.keep_days is null
          or greatest(new.started_at, new.ended_at,
               (select max(signed_at) from ${schema}.heads where session_id = new.id))
             + new.keep_days * interval '24 hours' > now()
          or exists (select 1 from ${schema}.session_holds
                     where session_id = new.id and released_at is null)
        ) then
          raise exception 'session % must be kept', new.id using errcode = 'insufficient_privilege';
        end if;
        return new;
      end $$;
    create trigger sessions_guarded before update or delete on sessions
      for each row execute function guard_session();
    create trigger sessions_kept before truncate on sessions
      for each statement execute function refuse_change();
    create trigger session_holds_kept before delete or truncate on session_holds
      for each statement execute function refuse_change();

    -- The bastion's role doesn't own the table, so it can't make partitions of it by itself.
    create function make_chunks_month(at timestamptz) returns void
      language plpgsql security definer set search_path = ${schema}, pg_temp as $$
      declare
        first_day timestamp := date_trunc('month', at at time zone 'UTC');
        first_id uuid := ${idAt('first_day')};
        end_id uuid := ${idAt("first_day + interval '1 month'")};
      begin
        execute format('create table if not exists %I partition of chunks for values from (%L) to (%L)',
          'chunks_' || to_char(first_day, 'YYYY_MM'), first_id, end_id);
      end $$;
    revoke all on function make_chunks_month(timestamptz) from public;
  `);
  for (const table of WRITTEN_ONCE) {
    await knex.schema.raw(`
      drop trigger ${table}_once on ${table};
      create trigger ${table}_once before update or delete on ${table}
        for each row execute function refuse_delete();
    `);
  }
}

/** First UUIDv7 of a UTC timestamp. */
function idAt(sql: string): string {
  const hex = `to_hex((extract(epoch from ${sql}) * 1000)::bigint)`;
  return `(lpad(${hex}, 12, '0') || repeat('0', 20))::uuid`;
}

export async function down(knex: Knex): Promise<void> {
  for (const table of WRITTEN_ONCE) {
    await knex.schema.raw(`
      drop trigger ${table}_once on ${table};
      create trigger ${table}_once before update or delete on ${table}
        for each row execute function refuse_change();
    `);
  }
  await knex.schema.raw(`
    drop function make_chunks_month(timestamptz);
    drop trigger sessions_guarded on sessions;
    drop trigger sessions_kept on sessions;
    drop function guard_session();
    drop function refuse_delete();
    drop table session_holds;
    alter table sessions drop column deleting_at, drop column keep_days;
  `);
}
