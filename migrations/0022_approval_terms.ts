import type { Knex } from 'knex';

/** Approvals of anything, by several people, for more than once. */
export async function up(knex: Knex): Promise<void> {
  await knex.schema.raw(`
    alter table approvals
      alter column session_id drop not null,
      alter column command_seq drop not null,
      add column kind text not null default 'command'
        check (kind in ('command', 'file', 'forward', 'access')),
      add column login text,
      add column demands jsonb not null default '[]',
      add column grounds jsonb not null default '[]',
      add column escalate_at timestamptz,
      add column escalated_at timestamptz,
      add column agreed int not null default 0,
      add column repeat jsonb,
      add column scope text not null default 'once' check (scope in ('once', 'session', 'time')),
      add column until timestamptz,
      add column uses int not null default 0,
      add column standing text,
      add column revoked_at timestamptz,
      add column revoked_by text,
      add column revoke_reason text,
      add constraint approvals_standing_ends check (scope = 'once' or until is not null);
    comment on column approvals.standing is 'the approval by which it passed without being asked for';
    comment on column approvals.repeat is 'what a later request must equal to pass by this approval';
    create index approvals_standing on approvals (principal, target)
      where status = 'approved' and scope <> 'once' and standing is null;

    create table approval_votes (
      approval_id text not null references approvals (id) on delete cascade,
      principal text not null,
      is_operator boolean not null,
      decision text not null check (decision in ('approved', 'refused')),
      scope text not null check (scope in ('once', 'session', 'time')),
      scope_ms bigint,
      reason text,
      at timestamptz not null,
      primary key (approval_id, principal)
    );
  `);
}

export async function down(knex: Knex): Promise<void> {
  await knex.schema.raw(`
    drop table approval_votes;
    delete from approvals where session_id is null or command_seq is null;
    alter table approvals
      drop constraint approvals_standing_ends,
      drop column revoke_reason,
      drop column revoked_by,
      drop column revoked_at,
      drop column standing,
      drop column uses,
      drop column until,
      drop column scope,
      drop column repeat,
      drop column agreed,
      drop column escalated_at,
      drop column escalate_at,
      drop column grounds,
      drop column demands,
      drop column login,
      drop column kind,
      alter column command_seq set not null,
      alter column session_id set not null;
  `);
}
