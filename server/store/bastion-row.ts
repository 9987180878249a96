/** Which bastions use this database and live: each says so from time to time. */
import type { Knex } from 'knex';

export const SEEN_EVERY_MS = 30_000;
/** A bastion that wasn't seen for this long is taken to be gone for good. */
export const LOST_AFTER_MS = 10 * 60_000;

export async function bastionSeen(knex: Knex, owner: string): Promise<void> {
  await knex.raw(
    `insert into bastions (id, seen_at) values (?, now())
     on conflict (id) do update set seen_at = excluded.seen_at`,
    [owner],
  );
}

/** SQL condition: the row's `owner` is this bastion (which has just started) or one that is gone. */
export function ownerIsGone(owner: string): { readonly sql: string; readonly bindings: string[] } {
  return {
    sql: `(owner = ? or not exists (
      select 1 from bastions
      where bastions.id = owner and seen_at > now() - ? * interval '1 millisecond'))`,
    bindings: [owner, String(LOST_AFTER_MS)],
  };
}
