/** `migrate` and `token create`. */
import { withStores } from '../context.ts';
import { SallyportError } from '../errors.ts';
import { TOKEN_LIFE_MS } from '../store/tokens.ts';
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
  usage: '--principal NAME [--ttl 1h] [--link]',
  summary: 'print a bearer token for the HTTP API, or a one-time link that signs a browser in',
  options: { principal: { type: 'string' }, ttl: { type: 'string' }, link: { type: 'boolean' } },
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
    const kind = input.options.flag('link') ? 'setup' : 'api';
    const ttl = input.options.text('ttl');
    const ttlMs = ttl === null ? TOKEN_LIFE_MS[kind] : durationMs(ttl);
    return withStores(input, async ({ home, tokens, journal, clock }) => {
      const url = input.config.publicUrl ?? (await home.readRunFile())?.http.url;
      if (kind === 'setup' && url === undefined) {
        throw new SallyportError(
          'object.unknown',
          `no bastion runs in ${home.directory}, so there is nothing to link to`,
          'start it first, or set SALLYPORT_PUBLIC_URL',
        );
      }
      const token = await tokens.createToken({ kind, principalName, ttlMs });
      const expiresAt = new Date(clock.nowMs() + ttlMs).toISOString();
      await journal.append({
        type: 'token.created',
        principal: principalName,
        source: input.source,
        session: null,
        target: null,
        data: { kind, expiresAt },
      });
      const made = kind === 'api' ? { token } : { link: `${url}/setup/${token}` };
      await input.terminal.out(
        input.options.flag('json')
          ? `${JSON.stringify({ ...made, expiresAt })}\n`
          : `${made.link ?? made.token}\n`,
      );
      return 0;
    });
  },
};
