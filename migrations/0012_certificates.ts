import type { Knex } from 'knex';

/** Authorities that certify principals, their revocation lists, and whom the names in certificates mean. */
export async function up(knex: Knex): Promise<void> {
  await knex.schema.raw(`
    create table authorities (
      name text primary key,
      revocations bytea,
      revocations_digest text,
      created_at timestamptz not null default now(),
      check ((revocations is null) = (revocations_digest is null))
    );
    create table authority_keys (
      blob bytea primary key,
      fingerprint text not null,
      authority text not null references authorities (name) on delete cascade
    );
    create index authority_keys_authority on authority_keys (authority);
    create table principal_certificates (
      authority text not null references authorities (name) on delete cascade,
      name text not null,
      principal_id uuid not null references principals (id) on delete cascade,
      primary key (authority, name)
    );
    create index principal_certificates_principal on principal_certificates (principal_id);
    comment on table principal_certificates is
      'a name in the certificates of an authority stands for one principal';
  `);
}

export async function down(knex: Knex): Promise<void> {
  await knex.schema.raw('drop table principal_certificates, authority_keys, authorities');
}
