import type { Knex } from 'knex';

/** What auditors say of sessions: marks that they were reviewed, and notes. */
export async function up(knex: Knex): Promise<void> {
  await knex.schema.raw(`
    create table session_reviews (
      session_id uuid not null,
      seq int not null check (seq > 0),
      kind text not null check (kind in ('reviewed', 'withdrawn')),
      at timestamptz not null,
      by_name text not null,
      primary key (session_id, seq)
    );
    comment on column session_reviews.kind is 'the newest row of a session counts';
    create table session_notes (
      session_id uuid not null,
      seq int not null check (seq > 0),
      command_seq int check (command_seq > 0),
      at timestamptz not null,
      by_name text not null,
      text text not null check (length(text) between 1 and 2000),
      primary key (session_id, seq)
    );
    comment on column session_notes.command_seq is 'null = of the whole session';
  `);
  for (const table of ['session_reviews', 'session_notes']) {
    await knex.schema.raw(`
      create trigger ${table}_once before update or delete on ${table}
        for each row execute function refuse_delete();
      create trigger ${table}_kept before truncate on ${table}
        for each statement execute function refuse_change();
    `);
  }
}

export async function down(knex: Knex): Promise<void> {
  await knex.schema.raw('drop table session_notes; drop table session_reviews');
}
