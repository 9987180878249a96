import type { Knex } from 'knex';

/** What people did to running sessions: notices, pauses, their ends, terminations. */
export async function up(knex: Knex): Promise<void> {
  await knex.schema.raw(`
    create table session_controls (
      session_id uuid not null,
      seq int not null check (seq > 0),
      kind text not null check (kind in ('notice', 'pause', 'resume', 'terminate')),
      at timestamptz not null,
      by_name text not null,
      words text,
      until timestamptz check ((until is not null) = (kind = 'pause')),
      primary key (session_id, seq)
    );
    comment on column session_controls.until is 'a pause that lasts longer ends the session';
    create trigger session_controls_once before update or delete on session_controls
      for each row execute function refuse_delete();
    create trigger session_controls_kept before truncate on session_controls
      for each statement execute function refuse_change();
  `);
}

export async function down(knex: Knex): Promise<void> {
  await knex.schema.raw('drop table session_controls');
}
