/** The word that the directory or a credential has changed, for every process on this database. */
import type { Knex } from 'knex';

export const DIRECTORY_CHANNEL = 'sallyport_directory';

/** Inside a transaction it goes out with the commit. */
export async function tellDirectoryChange(knex: Knex): Promise<void> {
  await knex.raw('select pg_notify(?, ?)', [DIRECTORY_CHANNEL, 'changed']);
}
