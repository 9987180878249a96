/** Filters of the list of sessions that people keep. */
import { SallyportError } from '../errors.ts';
import type { Database } from './database.ts';
import { storable } from './storable.ts';

/** Of one principal. */
export const MAX_SAVED_FILTERS = 50;

export interface StoredFilters {
  /** Of one principal, by name. */
  list(principalId: string): Promise<readonly { readonly name: string; readonly query: string }[]>;
  /** Replaces one of the same name. Rejects with `limit.exceeded` for one too many. */
  save(principalId: string, name: string, query: string): Promise<'saved' | 'replaced'>;
  /** Nothing happens when there is none. */
  remove(principalId: string, name: string): Promise<void>;
}

export function createSavedFilters({ knex }: Pick<Database, 'knex'>): StoredFilters {
  const table = 'saved_filters';
  return {
    list: (principalId) =>
      knex(table).where('principal_id', principalId).orderBy('name').select('name', 'query'),
    save: (principalId, name, query) =>
      knex.transaction(async (trx) => {
        const written = await trx(table)
          .insert({ principal_id: principalId, name: storable(name), query: storable(query) })
          .onConflict(['principal_id', 'name'])
          .merge()
          // Only a row that was there before has been locked by this transaction.
          .returning<{ isNew: boolean }[]>(trx.raw('(xmax = 0) as "isNew"'));
        const [count] = await trx(table).where('principal_id', principalId).count('* as kept');
        if (Number(count?.['kept']) <= MAX_SAVED_FILTERS) {
          return written[0]?.isNew === true ? 'saved' : 'replaced';
        }
        throw new SallyportError(
          'limit.exceeded',
          `${MAX_SAVED_FILTERS} filters are kept already`,
          'delete one first',
        );
      }),
    remove: async (principalId, name) => {
      await knex(table)
        .where({ principal_id: principalId, name: storable(name) })
        .delete();
    },
  };
}
