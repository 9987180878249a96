import type { Knex } from 'knex';

/** Principals, their keys and the tokens of the web and the API. */
export async function up(knex: Knex): Promise<void> {
  await knex.schema.raw(`
    create table principals (
      id uuid primary key,
      name text not null unique,
      kind text not null check (kind in ('human', 'agent')),
      roles text[] not null default '{}',
      groups text[] not null default '{}',
      owner text,
      disabled_at timestamptz,
      created_at timestamptz not null default now()
    );
    create table principal_keys (
      id uuid primary key,
      blob bytea not null unique,
      algorithm text not null,
      fingerprint text not null,
      comment text not null default '',
      principal_id uuid not null references principals (id) on delete cascade,
      expires_at timestamptz,
      revoked_at timestamptz,
      created_at timestamptz not null default now()
    );
    create index principal_keys_principal on principal_keys (principal_id);
    create table tokens (
      hash bytea primary key check (octet_length(hash) = 32),
      kind text not null check (kind in ('setup', 'web', 'api')),
      principal_id uuid not null references principals (id) on delete cascade,
      created_at timestamptz not null default now(),
      expires_at timestamptz not null,
      used_at timestamptz
    );
    create index tokens_principal on tokens (principal_id);
    create index tokens_expires on tokens (expires_at);
  `);
}

export async function down(knex: Knex): Promise<void> {
  await knex.schema.raw('drop table tokens, principal_keys, principals');
}
