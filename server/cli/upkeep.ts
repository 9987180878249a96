/** `migrate` and `token create`. */
import { withStores } from '../context.ts';
import { SallyportError } from '../errors.ts';
import { durationMs, type Verb } from './verb.ts';

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

export const tokenCreate: Verb = {
  name: 'token create',
  usage: '--principal NAME [--ttl 1h]',
  summary: 'print a bearer token for the HTTP API',
  options: { principal: { type: 'string' }, ttl: { type: 'string' } },
  positionals: [0, 0],
  run: (input) => {
    const principalName = input.options.text('principal');
    if (principalName === null) {
      throw new SallyportError(
        'usage.invalid',
        'a token belongs to somebody',
        'give --principal NAME',
      );
    }
    const ttlMs = durationMs(input.options.text('ttl') ?? '1h');
    return withStores(input, async ({ tokens, journal, clock }) => {
      const token = await tokens.createToken({ kind: 'api', principalName, ttlMs });
      const expiresAt = new Date(clock.nowMs() + ttlMs).toISOString();
      await journal.append({
        type: 'token.created',
        principal: principalName,
        source: input.source,
        session: null,
        target: null,
        data: { expiresAt },
      });
      await input.terminal.out(
        input.options.flag('json') ? `${JSON.stringify({ token, expiresAt })}\n` : `${token}\n`,
      );
      return 0;
    });
  },
};
