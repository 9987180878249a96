/** `migrate`: the tables of the database. */
import { withStores } from '../context.ts';
import type { Verb } from './verb.ts';

/** Opening the stores migrates; this verb only says so. */
export const migrate: Verb = {
  name: 'migrate',
  usage: '',
  summary: "bring the database's tables up to date",
  options: {},
  positionals: [0, 0],
  run: (input) =>
    withStores(input, async ({ database }) => {
      const answer = { ok: true, mode: database.mode, server: database.serverVersion };
      await input.terminal.out(
        input.options.flag('json')
          ? `${JSON.stringify(answer)}\n`
          : `up to date (PostgreSQL ${database.serverVersion}, ${database.mode})\n`,
      );
      return 0;
    }),
};
