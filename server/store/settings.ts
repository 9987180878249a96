/** Small facts that belong to an installation as a whole, by name. */
import type { Database } from './database.ts';
import { storable, storableJson } from './storable.ts';

export interface Settings {
  /** The JSON value, or undefined when it was never written. */
  read(key: string): Promise<unknown>;
  write(key: string, value: unknown): Promise<void>;
  /** Writes `value` unless the key has one; resolves with what is in force. Safe between processes. */
  writeOnce(key: string, value: unknown): Promise<unknown>;
}

export function createSettings(database: Pick<Database, 'knex'>): Settings {
  const { knex } = database;
  const read = async (key: string): Promise<unknown> => {
    const row = await knex('settings')
      .where('key', storable(key))
      .first<{ value: unknown } | undefined>('value');
    return row?.value;
  };
  const rowOf = (key: string, value: unknown): object => ({
    key: storable(key),
    value: JSON.stringify(storableJson(value)),
  });
  return {
    read,
    write: async (key, value) => {
      await knex('settings').insert(rowOf(key, value)).onConflict('key').merge();
    },
    writeOnce: async (key, value) => {
      await knex('settings').insert(rowOf(key, value)).onConflict('key').ignore();
      return read(key);
    },
  };
}
