/** `token …`: bearer tokens of the HTTP API, and one-time links that sign a browser in. */
import { isTokenScope, TOKEN_SCOPES, type TokenScope } from '../access/token-scope.ts';
import { withStores } from '../context.ts';
import { SallyportError } from '../errors.ts';
import { TOKEN_LIFE_MS } from '../store/tokens.ts';
import { table } from './table.ts';
import { durationMs, type Verb, type VerbInput } from './verb.ts';

const create: Verb = {
  name: 'token create',
  usage: '--principal NAME [--ttl 1h] [--name TEXT] [--scope SCOPE,…] [--link]',
  summary: `print a bearer token for the HTTP API, or a one-time link that signs a browser in; scopes: ${TOKEN_SCOPES.join(', ')}`,
  options: {
    principal: { type: 'string' },
    ttl: { type: 'string' },
    name: { type: 'string' },
    scope: { type: 'string' },
    link: { type: 'boolean' },
  },
  positionals: [0, 0],
  run: (input) => {
    const principal = input.options.text('principal');
    if (principal === null) {
      throw new SallyportError(
        'usage.invalid',
        'a token belongs to somebody',
        'give --principal NAME',
      );
    }
    const scopes = scopesOf(input.options.text('scope'));
    const ttl = input.options.text('ttl');
    if (!input.options.flag('link')) {
      return createToken(input, principal, scopes, ttl === null ? null : durationMs(ttl));
    }
    if (scopes !== null || input.options.text('name') !== null) {
      throw new SallyportError(
        'usage.invalid',
        'a link signs its owner in and has neither scopes nor a name',
        'leave --scope and --name out, or --link',
      );
    }
    return createLink(input, principal, ttl === null ? TOKEN_LIFE_MS.setup : durationMs(ttl));
  },
};

function scopesOf(text: string | null): readonly TokenScope[] | null {
  if (text === null) return null;
  return text.split(',').map((one) => {
    const scope = one.trim();
    if (isTokenScope(scope)) return scope;
    throw new SallyportError(
      'usage.invalid',
      `there is no scope "${scope}"`,
      `use some of: ${TOKEN_SCOPES.join(', ')}`,
    );
  });
}

function createToken(
  input: VerbInput,
  principal: string,
  scopes: readonly TokenScope[] | null,
  ttlMs: number | null,
): Promise<number> {
  return withStores(input, async ({ tokenDesk }) => {
    const { object, token } = await tokenDesk.create(
      {
        principal,
        name: input.options.text('name') ?? '',
        scopes,
        ttlMs: ttlMs ?? TOKEN_LIFE_MS.api,
        madeWith: null,
      },
      { principal: null, source: input.source },
    );
    await input.terminal.out(
      input.options.flag('json') ? `${JSON.stringify({ token, ...object })}\n` : `${token}\n`,
    );
    return 0;
  });
}

function createLink(input: VerbInput, principalName: string, ttlMs: number): Promise<number> {
  return withStores(input, async ({ home, tokens, journal, clock }) => {
    const url = input.config.publicUrl ?? (await home.readRunFile())?.http.url;
    if (url === undefined) {
      throw new SallyportError(
        'object.unknown',
        `no bastion runs in ${home.directory}, so there is nothing to link to`,
        'start it first, or set SALLYPORT_PUBLIC_URL',
      );
    }
    const token = await tokens.createToken({ kind: 'setup', principalName, ttlMs });
    const expiresAt = new Date(clock.nowMs() + ttlMs).toISOString();
    await journal.append({
      type: 'token.created',
      principal: principalName,
      source: input.source,
      session: null,
      target: null,
      data: { kind: 'setup', expiresAt },
    });
    const link = `${url}/setup/${token}`;
    await input.terminal.out(
      input.options.flag('json') ? `${JSON.stringify({ link, expiresAt })}\n` : `${link}\n`,
    );
    return 0;
  });
}

const list: Verb = {
  name: 'token list',
  usage: '[--principal NAME]',
  summary: 'API tokens that are valid: whose, what for, until when, and where they were used last',
  options: { principal: { type: 'string' } },
  positionals: [0, 0],
  run: (input) =>
    withStores(input, async ({ tokenDesk }) => {
      const items = await tokenDesk.list(input.options.text('principal'));
      const rows = items.map((one) => [
        one.id,
        one.principal,
        one.name,
        one.scopes?.join(',') ?? 'all',
        one.expiresAt,
        one.lastUsedAt,
        one.lastUsedFrom,
      ]);
      await input.terminal.out(
        input.options.flag('json')
          ? `${JSON.stringify({ items, next: null })}\n`
          : table(['ID', 'PRINCIPAL', 'NAME', 'SCOPES', 'EXPIRES', 'LAST USED', 'FROM'], rows),
      );
      return 0;
    }),
};

const revoke: Verb = {
  name: 'token revoke',
  usage: 'ID',
  summary: 'end an API token at once',
  options: {},
  positionals: [1, 1],
  run: (input) =>
    withStores(input, async ({ tokenDesk }) => {
      const id = input.positionals[0] ?? '';
      if (!(await tokenDesk.revoke(id, { principal: null, source: input.source }))) {
        throw new SallyportError(
          'object.unknown',
          'there is no such API token, or it has ended already',
          'see which there are: sallyport token list',
        );
      }
      await input.terminal.out(
        input.options.flag('json')
          ? `${JSON.stringify({ id, revoked: true })}\n`
          : `${id} is revoked\n`,
      );
      return 0;
    }),
};

export const tokenVerbs: readonly Verb[] = [create, list, revoke];
