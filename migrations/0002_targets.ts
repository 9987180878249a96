import type { Knex } from 'knex';

/** What can be reached, with which sealed credential, by whom and under which policy. */
export async function up(knex: Knex): Promise<void> {
  await knex.schema.raw(`
    create table credentials (
      name text primary key,
      kind text check (kind in ('private-key', 'password')),
      version integer not null default 0 check (version >= 0),
      public_key text,
      sealed bytea,
      key_id text,
      created_at timestamptz not null default now(),
      updated_at timestamptz not null default now(),
      check ((sealed is null) = (kind is null) and (sealed is null) = (key_id is null))
    );
    create table targets (
      id uuid primary key,
      name text not null unique,
      host text not null,
      port integer not null check (port between 1 and 65535),
      host_key text,
      labels jsonb not null default '{}',
      created_at timestamptz not null default now()
    );
    create table target_logins (
      target_id uuid not null references targets (id) on delete cascade,
      name text not null,
      credential text not null,
      place integer not null,
      primary key (target_id, name)
    );
    create table grants (
      id uuid primary key,
      place integer not null,
      principals text[] not null,
      targets text[] not null,
      logins text[] not null,
      channels text[] not null,
      policy text not null,
      keep_days integer check (keep_days > 0),
      created_at timestamptz not null default now()
    );
    -- Versions are never changed or deleted, for sessions name them; a null document says "removed".
    create table policies (
      name text not null,
      version integer not null check (version > 0),
      document jsonb,
      created_at timestamptz not null default now(),
      primary key (name, version)
    );
    create table settings (
      key text primary key,
      value jsonb not null
    );
  `);
}

export async function down(knex: Knex): Promise<void> {
  await knex.schema.raw(
    'drop table settings, policies, grants, target_logins, targets, credentials',
  );
}
