import type { Knex } from 'knex';

/**
 * Access that is asked for and granted for a time; whom to tell of events, what is still to be sent, and
 * how far copies of the journal have come.
 */
export async function up(knex: Knex): Promise<void> {
  await knex.schema.raw(`
    create table request_rules (
      id uuid primary key,
      place integer not null,
      principals text[] not null,
      targets text[] not null,
      logins text[] not null,
      channels text[] not null,
      policy text not null,
      keep_days integer check (keep_days > 0),
      recording text not null default 'strict'
        check (recording in ('strict', 'strict-remote', 'balanced', 'continue')),
      files text not null default 'full',
      keep_files boolean not null default false,
      forward text[] not null default '{}',
      max_duration_s integer not null check (max_duration_s > 0),
      timeout_s integer not null check (timeout_s > 0),
      approvers text[] not null,
      approvals integer not null check (approvals > 0),
      four_eyes boolean not null default false,
      created_at timestamptz not null default now()
    );
    create table access_requests (
      -- Of the approval that decides.
      id text primary key,
      rule_id uuid not null,
      principal text not null,
      target text not null,
      login text not null,
      channels text[] not null,
      policy text not null,
      run text,
      task text,
      attribution text,
      reason text not null,
      duration_s integer not null check (duration_s > 0),
      requested_at timestamptz not null,
      expires_at timestamptz not null,
      status text not null default 'waiting'
        check (status in ('waiting', 'granted', 'refused', 'expired', 'withdrawn', 'ended')),
      approved_by text[] not null default '{}',
      granted_s integer,
      granted_at timestamptz,
      ends_at timestamptz,
      settled_by text,
      settled_at timestamptz,
      settled_why text,
      check ((granted_at is null) = (ends_at is null)),
      check (status <> 'granted' or ends_at is not null)
    );
    comment on table access_requests is
      'a granted row is a grant from granted_at to ends_at, as long as its rule still stands';
    create index access_requests_requested on access_requests (requested_at desc);
    create index access_requests_open on access_requests (principal)
      where status in ('waiting', 'granted');
    alter table sessions add column access_request text;

    create table webhooks (
      name text primary key,
      url text not null,
      events text[] not null,
      format text not null check (format in ('json', 'slack', 'teams')),
      secret_env text[] not null,
      private boolean not null default false,
      -- Entries of the journal up to this one have been looked at.
      seen_seq bigint not null default 0,
      -- Nothing is tried before this, because the receiver doesn't answer.
      rest_until timestamptz,
      failures integer not null default 0,
      last_error text,
      created_at timestamptz not null default now()
    );
    create table webhook_deliveries (
      webhook text not null references webhooks (name) on delete cascade,
      seq bigint not null,
      attempts integer not null default 0,
      due_at timestamptz not null default now(),
      last_error text,
      dead_at timestamptz,
      primary key (webhook, seq)
    );
    create index webhook_deliveries_due on webhook_deliveries (webhook, due_at) where dead_at is null;
    create table journal_copies (
      place text primary key,
      seq bigint not null,
      copied_at timestamptz not null default now()
    );
  `);
}

export async function down(knex: Knex): Promise<void> {
  await knex.schema.raw(`
    alter table sessions drop column access_request;
    drop table journal_copies, webhook_deliveries, webhooks, access_requests, request_rules;
  `);
}
