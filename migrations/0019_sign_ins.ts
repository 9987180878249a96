import type { Knex } from 'knex';

/** People who sign in with an issuer: who is who there, what it said last, and sign-ins under way. */
export async function up(knex: Knex): Promise<void> {
  await knex.schema.raw(`
    alter table principals
      add column origin text not null default 'configuration'
        check (origin in ('configuration', 'sign-in')),
      add column issuer_roles text[] not null default '{}',
      add column issuer_groups text[] not null default '{}',
      add column issuer_until timestamptz;
    create table principal_accounts (
      issuer text not null,
      subject text not null,
      principal_id uuid not null references principals (id) on delete cascade,
      identity jsonb,
      bound_at timestamptz not null default now(),
      primary key (issuer, subject)
    );
    create unique index principal_accounts_identity
      on principal_accounts (principal_id, issuer, coalesce(identity, 'null'::jsonb));
    create table pending_sign_ins (
      state_hash bytea primary key check (octet_length(state_hash) = 32),
      browser_hash bytea not null check (octet_length(browser_hash) = 32),
      issuer text not null,
      client_id text not null,
      nonce text not null,
      code_verifier text not null,
      return_path text not null,
      source text not null,
      created_at timestamptz not null default now(),
      expires_at timestamptz not null
    );
    create index pending_sign_ins_source on pending_sign_ins (source, created_at);
    create index pending_sign_ins_expires on pending_sign_ins (expires_at);
    create table issuer_sessions (
      token_hash bytea primary key references tokens (hash) on delete cascade,
      issuer text not null,
      id_token text
    );
  `);
}

export async function down(knex: Knex): Promise<void> {
  await knex.schema.raw(`
    drop table issuer_sessions, pending_sign_ins, principal_accounts;
    alter table principals
      drop column origin, drop column issuer_roles, drop column issuer_groups,
      drop column issuer_until;
  `);
}
