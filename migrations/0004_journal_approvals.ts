import type { Knex } from 'knex';

/** The journal with its head, and approvals. */
export async function up(knex: Knex): Promise<void> {
  await knex.schema.raw(`
    create table journal (
      seq bigint primary key,
      at timestamptz not null,
      type text not null,
      principal text,
      session text,
      target text,
      body text not null,
      prev_hash text not null,
      hash text not null
    );
    comment on column journal.body is
      'the entry as canonical JSON without its hash: the hashed bytes; other columns are for search';
    create index journal_type on journal (type, seq desc);
    create index journal_principal on journal (principal, seq desc);
    create index journal_session on journal (session, seq desc) where session is not null;
    create index journal_at on journal (at);
    create trigger journal_once before update or delete on journal
      for each row execute function refuse_change();
    create trigger journal_kept before truncate on journal
      for each statement execute function refuse_change();

    create table journal_head (
      only_row boolean primary key default true check (only_row),
      seq bigint not null,
      hash text not null
    );
    insert into journal_head (seq, hash) values (0, repeat('0', 64));

    create table approvals (
      id text primary key,
      session_id uuid not null,
      principal text not null,
      target text not null,
      command_seq int not null,
      text text not null,
      rule text,
      reason text,
      approvers text[] not null,
      requested_at timestamptz not null,
      expires_at timestamptz not null,
      status text not null default 'waiting'
        check (status in ('waiting', 'approved', 'refused', 'expired', 'cancelled')),
      decided_by text,
      decided_at timestamptz,
      decision_reason text
    );
    create index approvals_requested on approvals (requested_at desc);
    create index approvals_waiting on approvals (expires_at) where status = 'waiting';
    create index approvals_session on approvals (session_id, command_seq);
  `);
}

export async function down(knex: Knex): Promise<void> {
  await knex.schema.raw('drop table approvals, journal_head, journal');
}
