import assert from 'node:assert/strict';
import { createHmac } from 'node:crypto';
import { exportJWK, generateKeyPair, SignJWT } from 'jose';
import type { NamedIdentity } from '../../server/access/identity.ts';
import { MAX_ATTEMPTS } from '../../server/http/attempts.ts';
import { ISSUER_RETRY_MS, MAX_DOCUMENT_BYTES } from '../../server/http/issuers.ts';
import { generateKeyPair as generateSshKey } from '../../server/ssh/key.ts';
import { people, startHttpWorld, type HttpWorld } from '../support/http-world.ts';
import { startIssuer, TEST_AUDIENCE, type TestIssuer } from '../support/issuer.ts';

interface Answer {
  readonly principal?: string;
  readonly run?: string | null;
  readonly attribution?: string | null;
  readonly error?: { readonly code: string; readonly message: string };
}

describe('http ssh keys', () => {
  let world: HttpWorld;
  let issuer: TestIssuer;
  beforeEach(async () => {
    world = await startHttpWorld();
    issuer = await startIssuer(() => world.clock.nowMs());
    trust({ subject: 'repo:acme/app:*' });
  });
  afterEach(async () => {
    await world.close();
    await issuer.close();
  });

  function trust(over: Partial<NamedIdentity['identity']>, principal = 'deploy-bot'): void {
    world.shortKeys.named.push({
      principal,
      identity: {
        issuer: issuer.name,
        audience: TEST_AUDIENCE,
        subject: null,
        email: null,
        claims: {},
        run: null,
        task: null,
        ...over,
      },
    });
  }

  /** What the journal says of what was refused. */
  function refusals(): string[] {
    const text = (value: unknown): string => (typeof value === 'string' ? value : '');
    return world.audit.events
      .filter(({ type }) => type === 'auth.failed')
      .map(({ data }) => `${text(data['code'])}: ${text(data['why'])}`);
  }

  const publicKey = (): string => generateSshKey('ci').publicLine;

  async function ask(
    token: string | null,
    body: unknown = { publicKey: publicKey() },
  ): Promise<{ readonly status: number; readonly json: Answer; readonly message: string }> {
    const response = await fetch(`${world.url}/api/v1/ssh-keys`, {
      method: 'POST',
      headers: {
        'content-type': 'application/json',
        ...(token !== null && { authorization: `Bearer ${token}` }),
      },
      body: typeof body === 'string' ? body : JSON.stringify(body),
    });
    const json = (await response.json()) as Answer;
    return { status: response.status, json, message: json.error?.message ?? '' };
  }

  it('gives a key for a token, with run and attempt as the issuer vouches for them', async () => {
    const line = publicKey();
    const { status, json } = await ask(await issuer.token(), { publicKey: line });
    assert.equal(status, 201);
    const [kept] = world.shortKeys.registered;
    assert.deepEqual(json, {
      principal: 'deploy-bot',
      fingerprint: kept?.key.fingerprint,
      expiresAt: '2026-01-01T10:14:00.000Z',
      run: '4711.1',
      task: null,
      attribution: 'verified',
    });
    assert.equal(kept?.lifeMs, 600_000);
    assert.equal(kept.attribution, 'verified');
    assert.deepEqual(world.audit.ofType('key.registered'), ['deploy-bot -']);
  });

  it('keeps reruns of one run apart', async () => {
    const runs = [];
    for (const attempt of ['1', '2']) {
      runs.push((await ask(await issuer.token({ run_attempt: attempt }))).json.run);
    }
    assert.deepEqual(runs, ['4711.1', '4711.2']);
  });

  it('gives a key for a token of ours, with run and task as its owner says', async () => {
    const token = world.signIns.token(people.uma);
    const { status, json } = await ask(token, {
      publicKey: publicKey(),
      lifeSeconds: 60,
      run: 'r-1',
      task: 'OPS-1',
    });
    assert.equal(status, 201);
    assert.equal(json.principal, 'uma');
    assert.equal(json.attribution, 'declared');
    assert.equal(world.shortKeys.registered[0]?.lifeMs, 60_000);
  });

  it('takes run and task from whoever registers where the issuer names neither', async () => {
    const token = await issuer.token({ run_id: undefined, run_attempt: undefined });
    const { json } = await ask(token, { publicKey: publicKey(), run: 'r-1' });
    assert.deepEqual([json.run, json.attribution], ['r-1', 'declared']);
  });

  it('refuses another run than the one that the issuer vouches for', async () => {
    const { status, message } = await ask(await issuer.token(), {
      publicKey: publicKey(),
      run: '1',
    });
    assert.equal(status, 400);
    assert.equal(message, 'the token says run 4711.1, not 1');
  });

  const seconds = (): number => Math.floor(world.clock.nowMs() / 1000);
  const b64 = (value: unknown): string => Buffer.from(JSON.stringify(value)).toString('base64url');

  const FORGERIES: readonly [string, (token: string) => string | Promise<string>, RegExp][] = [
    [
      'no algorithm',
      (token) => `${b64({ alg: 'none' })}.${token.split('.')[1] ?? ''}.`,
      /not signed in a way that is trusted/,
    ],
    [
      'junk instead of the signature',
      (token) =>
        [...token.split('.').slice(0, 2), Buffer.alloc(64, 7).toString('base64url')].join('.'),
      /its signature is wrong/,
    ],
    [
      'other claims under the same signature',
      (token) => {
        const [head = '', body = '', signature = ''] = token.split('.');
        const claims = JSON.parse(Buffer.from(body, 'base64url').toString()) as object;
        return [head, b64({ ...claims, sub: 'repo:acme/app:admin' }), signature].join('.');
      },
      /its signature is wrong/,
    ],
    [
      'the public key as a shared secret',
      async (token) => {
        const jwks = (await (await fetch(`${issuer.name}/jwks`)).json()) as { keys: unknown[] };
        const head = b64({ alg: 'HS256', kid: 'k0' });
        const text = `${head}.${token.split('.')[1] ?? ''}`;
        const secret = JSON.stringify(jwks.keys[0]);
        return `${text}.${createHmac('sha256', secret).update(text).digest('base64url')}`;
      },
      /not signed in a way that is trusted/,
    ],
    [
      'a key that the token brings along',
      async () => {
        const pair = await generateKeyPair('ES256');
        const jwk = await exportJWK(pair.publicKey);
        return new SignJWT({ iss: issuer.name, aud: TEST_AUDIENCE, sub: 'repo:acme/app:x' })
          .setProtectedHeader({ alg: 'ES256', jwk })
          .setIssuedAt(seconds())
          .setExpirationTime(seconds() + 60)
          .sign(pair.privateKey);
      },
      /its signature is wrong/,
    ],
    [
      'a key at an address that the token names',
      async () => {
        const pair = await generateKeyPair('ES256');
        return new SignJWT({ iss: issuer.name, aud: TEST_AUDIENCE, sub: 'repo:acme/app:x' })
          .setProtectedHeader({ alg: 'ES256', kid: 'other', jku: 'https://evil.example/jwks' })
          .setIssuedAt(seconds())
          .setExpirationTime(seconds() + 60)
          .sign(pair.privateKey);
      },
      /signed by a key that its issuer does not have/,
    ],
    ['nothing but dots', () => '..', /no JSON Web Token/],
    ['words', () => 'hunter2', /no JSON Web Token/],
    ['too much', (token) => `${token}${'A'.repeat(9000)}`, /no JSON Web Token/],
  ];
  for (const [what, forge, expected] of FORGERIES) {
    it(`refuses ${what}`, async () => {
      const { status, message } = await ask(await forge(await issuer.token()));
      assert.equal(status, 401, message);
      assert.match(message, expected);
      assert.deepEqual(world.shortKeys.registered, []);
      assert.equal(world.audit.ofType('auth.failed').length, 1);
    });
  }

  const WRONG: readonly [string, () => Record<string, unknown>, RegExp][] = [
    ['another audience', () => ({ aud: 'other' }), /another audience/],
    ['no audience', () => ({ aud: undefined }), /another audience/],
    ['an expired one', () => ({ exp: seconds() - 31 }), /has expired/],
    ['one that never expires', () => ({ exp: undefined }), /never expires/],
    ['one of the future', () => ({ nbf: seconds() + 40 }), /not valid yet/],
    ['one without a time of issue', () => ({ iat: undefined }), /no time of issue/],
    ['one without a subject', () => ({ sub: undefined }), /has no subject/],
    ['a subject that nobody has', () => ({ sub: 'repo:acme/other:x' }), /nobody here is named/],
    [
      'an issuer that nobody trusts',
      () => ({ iss: 'https://evil.example' }),
      /is not trusted here/,
    ],
    ['an issuer that is no text', () => ({ iss: 7 }), /no JSON Web Token/],
  ];
  for (const [what, changes, expected] of WRONG) {
    it(`refuses ${what}`, async () => {
      const { status, message } = await ask(await issuer.token(changes()));
      assert.equal(status, 401, message);
      assert.match(message, expected);
      assert.deepEqual(world.shortKeys.registered, []);
      assert.deepEqual(refusals(), [`access.unauthenticated: ${message}`]);
    });
  }

  it('bears clocks that differ by less than half a minute', async () => {
    for (const changes of [{ exp: seconds() - 20 }, { nbf: seconds() + 20 }]) {
      assert.equal((await ask(await issuer.token(changes))).status, 201);
    }
  });

  it('refuses a token that names two principals', async () => {
    trust({ claims: { run_id: '4711' } }, 'other-bot');
    const { status, message } = await ask(await issuer.token());
    assert.equal(status, 401);
    assert.match(message, /names more than one principal/);
  });

  it('asks nothing of an issuer that nobody trusts', async () => {
    const stranger = await startIssuer(() => world.clock.nowMs());
    await ask(await stranger.token());
    assert.deepEqual(stranger.asked, []);
    await stranger.close();
  });

  it('says that the issuer is away, keeps its keys for a while, and asks again', async () => {
    issuer.isDown = true;
    const token = await issuer.token();
    const { status, json } = await ask(token);
    assert.equal(status, 503);
    assert.equal(json.error?.code, 'issuer.unavailable');
    assert.deepEqual(refusals(), [`issuer.unavailable: ${json.error.message}`]);
    issuer.isDown = false;
    assert.equal((await ask(token)).status, 503);
    world.clock.advance(ISSUER_RETRY_MS);
    assert.equal((await ask(token)).status, 201);
    issuer.isDown = true;
    assert.equal((await ask(token)).status, 201);
  });

  for (const [what, metadata] of [
    ['another issuer', { issuer: 'https://other.example' }],
    ['no keys', { jwks_uri: undefined }],
    ['keys that are no address', { jwks_uri: 'keys' }],
    ['more than is read', { padding: 'x'.repeat(MAX_DOCUMENT_BYTES) }],
  ] as const) {
    it(`believes no issuer that describes ${what}`, async () => {
      issuer.metadata = metadata;
      assert.equal((await ask(await issuer.token())).status, 503);
    });
  }

  for (const [what, body, expected] of [
    ['no key', {}, /"publicKey" is missing/],
    ['a private key', { publicKey: '-----BEGIN OPENSSH PRIVATE KEY-----' }, /is no public key/],
    ['a key with options', { publicKey: 'command="x" ssh-ed25519 AAAA' }, /is no public key/],
    ['a life of an hour', { publicKey: 1, lifeSeconds: 3600 }, /"publicKey" is missing/],
    ['no JSON', '{', /not valid JSON/],
    ['a list', [], /no JSON object/],
    ['what nobody knows', { ttl: '1h' }, /there is no "ttl"/],
  ] as const) {
    it(`refuses a body with ${what}`, async () => {
      const { status, message } = await ask(await issuer.token(), body);
      assert.equal(status, 400);
      assert.match(message, expected);
      if (body !== '{') assert.deepEqual(refusals(), [`usage.invalid: ${message}`]);
    });
  }
  for (const [what, more, expected] of [
    ['a life of an hour', { lifeSeconds: 3600 }, /"lifeSeconds" is out of range/],
    ['a life of no time', { lifeSeconds: 0 }, /"lifeSeconds" is out of range/],
    ['a life in words', { lifeSeconds: '60' }, /"lifeSeconds" is out of range/],
    ['a run with blanks', { run: 'a b' }, /"run" has characters/],
  ] as const) {
    it(`refuses ${what}`, async () => {
      const { status, message } = await ask(await issuer.token(), {
        publicKey: publicKey(),
        ...more,
      });
      assert.equal(status, 400);
      assert.match(message, expected);
    });
  }

  it('needs a proof: no cookie and nothing at all are refused', async () => {
    assert.equal((await ask(null)).status, 401);
    const cookie = `sallyport_session=${world.signIns.token(people.uma)}`;
    const response = await fetch(`${world.url}/api/v1/ssh-keys`, {
      method: 'POST',
      headers: { cookie, 'content-type': 'application/json', 'sec-fetch-site': 'same-origin' },
      body: JSON.stringify({ publicKey: publicKey() }),
    });
    assert.equal(response.status, 401);
  });

  it('counts what is refused, and not what is right', async () => {
    const token = await issuer.token();
    for (let at = 0; at < MAX_ATTEMPTS + 5; at += 1) assert.equal((await ask(token)).status, 201);
    for (let at = 0; at < MAX_ATTEMPTS; at += 1) assert.equal((await ask('a.b.c')).status, 401);
    assert.equal((await ask('a.b.c')).status, 429);
  });

  it('registers nothing that can not be journalled', async () => {
    world.audit.failing = true;
    assert.equal((await ask('a.b.c')).status, 503);
  });
});
