/**
 * A certified OpenID provider as a process of its own, and what a hostile one or a hostile wire would do with
 * its answers. Started by `startProvider` of oidc-provider.ts; settings come by `POST /control`.
 */
import { generateKeyPairSync, sign, type KeyObject } from 'node:crypto';
import { createServer, type IncomingMessage, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { Provider, type Configuration } from 'oidc-provider';
import type { ProviderSettings } from './oidc-provider.ts';

const [clientId = '', clientSecret = '', ...bases] = process.argv.slice(2);
const SIGNING_KEY_ID = 'signing';
const MAX_BODY_BYTES = 64 * 1024;

function newKey(): KeyObject {
  return generateKeyPairSync('rsa', { modulusLength: 2048 }).privateKey;
}
const signingKey = newKey();
const otherKey = newKey();

let settings: ProviderSettings = { accounts: {}, auto: null, forge: null };
const asked: string[] = [];

const server = createServer((request, response) => {
  answer(request, response).catch((error: unknown) => {
    response.writeHead(500).end(String(error));
  });
});
await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
const issuer = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;

const configuration: Configuration = {
  clients: [
    {
      client_id: clientId,
      client_secret: clientSecret,
      redirect_uris: bases.map((base) => `${base}/login/callback`),
      post_logout_redirect_uris: bases.map((base) => `${base}/sign-in`),
      grant_types: ['authorization_code'],
      response_types: ['code'],
    },
  ],
  jwks: {
    keys: [
      { ...signingKey.export({ format: 'jwk' }), kid: SIGNING_KEY_ID, use: 'sig', alg: 'RS256' },
    ],
  },
  cookies: { keys: ['a key for tests'] },
  claims: {
    openid: ['sub'],
    email: ['email', 'email_verified'],
    profile: ['preferred_username', 'groups', 'name'],
  },
  // Claims stand in the ID token and not at another place.
  conformIdTokenClaims: false,
  pkce: { required: () => true },
  features: {
    devInteractions: { enabled: false },
    rpInitiatedLogout: {
      enabled: true,
      logoutSource: (context, form) => {
        context.body = `<!doctype html><title>Provider</title><h1>Sign out?</h1>${form}
          <button form="op.logoutForm" name="logout" value="yes">Yes</button>`;
      },
    },
  },
  interactions: { url: (_context, interaction) => `/interaction/${interaction.uid}` },
  ttl: { Session: 3600, Grant: 3600, Interaction: 3600, IdToken: 3600, AccessToken: 3600 },
  findAccount: (_context, id) => ({
    accountId: id,
    claims: async () => ({ ...settings.accounts[id], sub: settings.accounts[id]?.sub ?? id }),
  }),
  loadExistingGrant: async (context) => {
    const { client, session } = context.oidc;
    const known = session?.grantIdFor(client?.clientId ?? '');
    if (known !== undefined) return provider.Grant.find(known);
    const grant = new provider.Grant({
      clientId: client?.clientId ?? '',
      accountId: session?.accountId ?? '',
    });
    grant.addOIDCScope('openid email profile');
    await grant.save();
    return grant;
  },
};
const provider = new Provider(issuer, configuration);
const callback = provider.callback();
process.stdout.write(`${JSON.stringify({ issuer })}\n`);

async function answer(request: IncomingMessage, response: ServerResponse): Promise<void> {
  const path = (request.url ?? '').split('?')[0] ?? '';
  if (path === '/control') return control(request, response);
  asked.push(path);
  const { forge } = settings;
  if (path === '/favicon.ico') return void response.writeHead(204).end();
  if (path.startsWith('/interaction/')) return interact(request, response);
  if (path === '/jwks' && forge === 'no-keys') return void response.writeHead(503).end('down');
  if (path === '/me') {
    // Whoever asks here gets somebody else.
    response.writeHead(200, { 'content-type': 'application/json' });
    return void response.end(JSON.stringify({ sub: 'root', email: 'root@example.com' }));
  }
  if (path !== '/token' || forge === null || forge === 'no-keys')
    return callback(request, response);
  if (forge === 'token-html') {
    response.writeHead(200, { 'content-type': 'text/html' });
    return void response.end('<html>proxy error</html>');
  }
  if (forge === 'token-empty') {
    response.writeHead(200, { 'content-type': 'application/json' });
    return void response.end('{}');
  }
  if (forge === 'token-500') return void response.writeHead(500).end('{}');
  if (forge === 'token-endless') {
    response.writeHead(200, { 'content-type': 'application/json' });
    return void response.end(`{"x":"${'x'.repeat(300 * 1024)}"}`);
  }
  rewriteToken(response, forge);
  await callback(request, response);
}

/** Changes the ID token in the answer that the provider is about to give. */
function rewriteToken(response: ServerResponse, forge: string): void {
  const end = response.end.bind(response);
  response.end = ((body: unknown) => {
    const tokens = JSON.parse(String(body)) as Record<string, unknown>;
    if (typeof tokens['id_token'] === 'string') {
      const forged = forgedToken(forge, tokens['id_token']);
      if (forged === null) delete tokens['id_token'];
      else tokens['id_token'] = forged;
    }
    const text = JSON.stringify(tokens);
    response.setHeader('content-length', Buffer.byteLength(text));
    return end(text);
  }) as ServerResponse['end'];
}

function forgedToken(forge: string, token: string): string | null {
  const [, payload = '', signature = ''] = token.split('.');
  const claims = JSON.parse(Buffer.from(payload, 'base64url').toString()) as Record<
    string,
    unknown
  >;
  const now = Math.floor(Date.now() / 1000);
  const signed = (changes: Record<string, unknown>): string =>
    jwt({ alg: 'RS256', kid: SIGNING_KEY_ID }, { ...claims, ...changes }, signingKey);
  switch (forge) {
    case 'honest':
      return signed({});
    case 'alg-none':
      return jwt({ alg: 'none' }, { ...claims, sub: 'root' }, null);
    case 'junk-signature':
      return [
        ...jwt({ alg: 'RS256', kid: SIGNING_KEY_ID }, { ...claims, sub: 'root' }, null)
          .split('.')
          .slice(0, 2),
        signature,
      ].join('.');
    case 'other-key':
      return jwt({ alg: 'RS256', kid: SIGNING_KEY_ID }, { ...claims, sub: 'root' }, otherKey);
    case 'unknown-key':
      return jwt({ alg: 'RS256', kid: 'nobody-has-it' }, { ...claims, sub: 'root' }, otherKey);
    case 'hmac-by-secret':
      return jwt({ alg: 'HS256' }, { ...claims, sub: 'root' }, null);
    case 'wrong-nonce':
      return signed({ nonce: 'another' });
    case 'no-nonce':
      return signed({ nonce: undefined });
    case 'wrong-audience':
      return signed({ aud: 'another-client' });
    case 'more-audiences':
      return signed({ aud: [clientId, 'another-client'] });
    case 'wrong-azp':
      return signed({ azp: 'another-client' });
    case 'wrong-issuer':
      return signed({ iss: 'https://other.example' });
    case 'expired':
      return signed({ exp: now - 120, iat: now - 240 });
    case 'late-by-tolerance':
      return signed({ exp: now - 10, iat: now - 240 });
    case 'future':
      return signed({ iat: now + 300, exp: now + 600 });
    case 'not-yet':
      return signed({ nbf: now + 300 });
    case 'no-subject':
      return signed({ sub: '' });
    case 'long-subject':
      return signed({ sub: 'x'.repeat(300) });
    case 'no-token':
      return null;
    default:
      return 'no.token.at-all';
  }
}

function jwt(header: object, claims: object, key: KeyObject | null): string {
  const encoded = [header, claims].map((part) =>
    Buffer.from(JSON.stringify(part)).toString('base64url'),
  );
  const text = encoded.join('.');
  const signature =
    key === null ? '' : sign('sha256', Buffer.from(text), key).toString('base64url');
  return `${text}.${signature}`;
}

/** The provider's own sign-in page: a name is enough. */
async function interact(request: IncomingMessage, response: ServerResponse): Promise<void> {
  const { auto } = settings;
  if (request.method === 'GET' && auto === null) {
    response.writeHead(200, { 'content-type': 'text/html' });
    response.end(`<!doctype html><title>Provider</title><h1>Provider</h1>
      <form method="post"><label>Account <input name="account"></label><button>Continue</button></form>`);
    return;
  }
  const account = auto ?? new URLSearchParams(await bodyOf(request)).get('account') ?? '';
  const result =
    account === 'nobody' ? { error: 'access_denied' } : { login: { accountId: account } };
  await provider.interactionFinished(request, response, result, { mergeWithLastSubmission: false });
}

async function control(request: IncomingMessage, response: ServerResponse): Promise<void> {
  const changes = JSON.parse(await bodyOf(request)) as Partial<ProviderSettings>;
  settings = { ...settings, ...changes };
  response.writeHead(200, { 'content-type': 'application/json' });
  response.end(JSON.stringify({ asked }));
}

async function bodyOf(request: IncomingMessage): Promise<string> {
  const parts: Buffer[] = [];
  let size = 0;
  for await (const part of request as AsyncIterable<Buffer>) {
    size += part.length;
    if (size > MAX_BODY_BYTES) throw new Error('the body is too long');
    parts.push(part);
  }
  return Buffer.concat(parts).toString('utf8');
}

process.on('SIGTERM', () => process.exit(0));
