/** Whether whoever came in may stay: asked again when the directory has changed. */
import type { Standings } from '../session/ports.ts';
import type { Database } from './database.ts';
import { PRINCIPAL_COLUMNS, principalOf, type PrincipalRow } from './directory.ts';
import { askThrough } from './outage.ts';

export function createStandings({ knex }: Pick<Database, 'knex'>): Standings {
  return {
    principalNow: (principalId, key) =>
      askThrough(async () => {
        if (key !== null) {
          const row = await knex('principal_keys')
            .where({ blob: key })
            .first<{ principal_id: string; revoked_at: Date | null } | undefined>();
          // Short-lived keys are forgotten some time after they have expired.
          if (row !== undefined && (row.revoked_at !== null || row.principal_id !== principalId)) {
            return null;
          }
        }
        const row = await knex('principals')
          .where('id', principalId)
          .whereNull('disabled_at')
          .first<PrincipalRow | undefined>(PRINCIPAL_COLUMNS);
        return row === undefined ? null : principalOf(row);
      }),
  };
}
