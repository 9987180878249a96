import type { Knex } from 'knex';

/** Credentials that are the private key of a CA. */
export async function up(knex: Knex): Promise<void> {
  await knex.schema.raw(`
    alter table credentials
      drop constraint credentials_kind_check,
      add constraint credentials_kind_check
        check (kind in ('private-key', 'password', 'authority'));
  `);
}

/** An older build can't use a CA: its credential is as good as empty. */
export async function down(knex: Knex): Promise<void> {
  await knex.schema.raw(`
    update credentials set kind = null, sealed = null, key_id = null, public_key = null
      where kind = 'authority';
    alter table credentials
      drop constraint credentials_kind_check,
      add constraint credentials_kind_check check (kind in ('private-key', 'password'));
  `);
}
