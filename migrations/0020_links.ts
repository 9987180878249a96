import type { Knex } from 'knex';

/** Links that sign ssh clients in, logins of machines without a browser, and where keys came from. */
export async function up(knex: Knex): Promise<void> {
  await knex.schema.raw(`
    create table sign_in_links (
      id uuid primary key,
      token_hash bytea not null unique check (octet_length(token_hash) = 32),
      code_hash bytea not null check (octet_length(code_hash) = 32),
      source text not null,
      user_name text not null,
      target text not null,
      login text,
      keys jsonb not null,
      state text not null default 'waiting'
        check (state in ('waiting', 'confirmed', 'refused', 'used', 'withdrawn', 'expired')),
      attempts integer not null default 0,
      principal_id uuid references principals (id) on delete cascade,
      browser text,
      remember_fingerprint text,
      remember_ms bigint,
      created_at timestamptz not null default now(),
      expires_at timestamptz not null,
      check ((state in ('confirmed', 'used')) <= (principal_id is not null and browser is not null)),
      check ((remember_fingerprint is null) = (remember_ms is null))
    );
    create index sign_in_links_expires on sign_in_links (expires_at);
    create table device_logins (
      id uuid primary key,
      device_hash bytea not null unique check (octet_length(device_hash) = 32),
      code_hash bytea not null unique check (octet_length(code_hash) = 32),
      source text not null,
      algorithm text,
      blob bytea,
      fingerprint text,
      state text not null default 'waiting'
        check (state in ('waiting', 'confirmed', 'refused', 'used')),
      principal_id uuid references principals (id) on delete cascade,
      browser text,
      interval_s integer not null,
      polled_at timestamptz,
      created_at timestamptz not null default now(),
      expires_at timestamptz not null,
      check ((blob is null) = (fingerprint is null) and (blob is null) = (algorithm is null)),
      check ((state in ('confirmed', 'used')) <= (principal_id is not null and browser is not null))
    );
    create index device_logins_source on device_logins (source, created_at);
    create index device_logins_expires on device_logins (expires_at);
    alter table principal_keys
      add column origin text check (origin in ('link', 'device')),
      add column registered_from text;
  `);
}

export async function down(knex: Knex): Promise<void> {
  await knex.schema.raw(`
    alter table principal_keys drop column origin, drop column registered_from;
    drop table device_logins, sign_in_links;
  `);
}
