/** Bounds how long one statement may keep the database busy, and says so when it did. */
import type { Knex } from 'knex';
import { SallyportError } from '../errors.ts';
import { codeOf } from './connect.ts';

/** One statement of a search can't keep the database busy for longer. */
export const SEARCH_TIMEOUT_MS = 5000;
const CANCELLED = '57014';

/**
 * Runs `read` in a transaction that sees one state of the database and changes nothing. Rejects with
 * `limit.exceeded` when a statement takes too long.
 */
export async function readBounded<T>(
  knex: Knex,
  read: (trx: Knex.Transaction) => Promise<T>,
): Promise<T> {
  try {
    return await knex.transaction(
      async (trx) => {
        await trx.raw(`set local statement_timeout = ${SEARCH_TIMEOUT_MS}`);
        return read(trx);
      },
      { readOnly: true, isolationLevel: 'repeatable read' },
    );
  } catch (error) {
    if (codeOf(error) !== CANCELLED) throw error;
    throw new SallyportError(
      'limit.exceeded',
      `the search took longer than ${SEARCH_TIMEOUT_MS} ms and was stopped`,
      'search for a longer text, or narrow it down by principal, target or time',
      { cause: error },
    );
  }
}
