/** An issuer of tokens on loopback, as CI systems and clouds run them. */
import { createServer, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { exportJWK, generateKeyPair, SignJWT, type JWTPayload } from 'jose';

export interface TestIssuer {
  /** `iss` */
  readonly name: string;
  /** Requests that it has answered, by path. */
  readonly asked: string[];
  /** Answers nothing but errors while set. */
  isDown: boolean;
  /** What discovery says instead of its own. */
  metadata: Readonly<Record<string, unknown>>;
  /** A token that is right in every way but for what `changes` says; a claim set to undefined is left out. */
  token(
    changes?: JWTPayload,
    header?: { readonly alg?: string; readonly kid?: string },
  ): Promise<string>;
  /** From here on it signs with another key, and shows both. */
  rotate(): Promise<void>;
  close(): Promise<void>;
}

export const TEST_AUDIENCE = 'sallyport';
export const TEST_SUBJECT = 'repo:acme/app:ref:refs/heads/main';

export async function startIssuer(nowMs: () => number = Date.now): Promise<TestIssuer> {
  const keys: { kid: string; pair: Awaited<ReturnType<typeof generateKeyPair>> }[] = [];
  const rotate = async (): Promise<void> => {
    keys.unshift({ kid: `k${keys.length}`, pair: await generateKeyPair('ES256') });
  };
  await rotate();
  const asked: string[] = [];
  const server: Server = createServer((request, response) => {
    void (async () => {
      const path = request.url ?? '';
      asked.push(path);
      if (issuer.isDown) return void response.writeHead(503).end('down');
      const documents: Readonly<Record<string, unknown>> = {
        '/.well-known/openid-configuration': {
          issuer: issuer.name,
          jwks_uri: `${issuer.name}/jwks`,
          ...issuer.metadata,
        },
        '/jwks': {
          keys: await Promise.all(
            keys.map(async ({ kid, pair }) => ({
              ...(await exportJWK(pair.publicKey)),
              kid,
              alg: 'ES256',
              use: 'sig',
            })),
          ),
        },
      };
      const found = documents[path];
      if (found === undefined) return void response.writeHead(404).end();
      response.writeHead(200, { 'content-type': 'application/json' }).end(JSON.stringify(found));
    })();
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const { port } = server.address() as AddressInfo;
  const issuer: TestIssuer = {
    name: `http://127.0.0.1:${port}`,
    asked,
    isDown: false,
    metadata: {},
    token: async (changes = {}, header = {}) => {
      const [key] = keys;
      if (key === undefined) throw new Error('the issuer has no key');
      const seconds = Math.floor(nowMs() / 1000);
      return new SignJWT({
        iss: issuer.name,
        aud: TEST_AUDIENCE,
        sub: TEST_SUBJECT,
        iat: seconds,
        exp: seconds + 300,
        run_id: '4711',
        run_attempt: '1',
        ...changes,
      })
        .setProtectedHeader({ alg: 'ES256', kid: key.kid, ...header })
        .sign(key.pair.privateKey);
    },
    rotate,
    close: () =>
      new Promise((resolve) => {
        server.closeAllConnections();
        server.close(() => resolve());
      }),
  };
  return issuer;
}
