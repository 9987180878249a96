/** A real provider, honest and not, against the web server; who the claims are for is decided by a fake. */
import assert from 'node:assert/strict';
import type { SignInSettings } from '../../server/access/sign-in.ts';
import { systemClock } from '../../server/clock.ts';
import { FakeIssuerDesk } from '../support/fake-issuer-desk.ts';
import { people, startHttpWorld, type HttpWorld } from '../support/http-world.ts';
import {
  CLIENT_ID,
  CLIENT_SECRET,
  startProvider,
  Walker,
  type TestProvider,
} from '../support/oidc-provider.ts';

/** Enough for all refusals: each takes so many of one address. */
const WORLDS = 4;

interface Side {
  readonly world: HttpWorld;
  readonly desk: FakeIssuerDesk;
  readonly base: string;
}

describe('http: signing in by OpenID Connect', () => {
  const sides: Side[] = [];
  let provider: TestProvider;
  let settings: SignInSettings;
  let turn = 0;
  let side: Side;

  before(async () => {
    for (let count = 0; count < WORLDS; count += 1) {
      const desk = new FakeIssuerDesk();
      const world = await startHttpWorld({ issuerDesk: desk, clock: systemClock });
      sides.push({ world, desk, base: `http://localhost:${world.server.address.port}` });
    }
    provider = await startProvider(...sides.map(({ base }) => base));
    settings = {
      issuer: provider.issuer,
      clientId: CLIENT_ID,
      title: 'ACME',
      scopes: ['openid', 'email', 'profile'],
      groupsClaim: 'groups',
      roles: {},
      create: null,
      logout: true,
    };
  });
  after(async () => {
    await provider.close();
    for (const { world } of sides) await world.close();
  });
  beforeEach(async () => {
    turn += 1;
    const next = sides[turn % sides.length];
    assert.ok(next !== undefined);
    side = next;
    const { desk, world } = side;
    desk.secret = CLIENT_SECRET;
    desk.configure(settings);
    desk.wishes.length = 0;
    desk.decide = () => ({
      kind: 'signed-in',
      token: world.signIns.token(people.alice),
      principal: people.alice,
    });
    world.audit.events.length = 0;
    const accounts = { alice: { email: 'alice@acme.example', email_verified: true } };
    await provider.control({ forge: null, auto: 'alice', accounts });
  });

  const isCallback = (url: URL): boolean => url.pathname === '/login/callback';

  /** That nobody is signed in, and that it is in the journal. */
  async function assertRefused(walker: Walker, answer: Response | null, why: RegExp) {
    const text = (await answer?.text()) ?? '';
    assert.ok([401, 403, 503].includes(answer?.status ?? 0), `status ${answer?.status}: ${text}`);
    assert.equal(walker.cookies(side.base).get('sallyport_session'), undefined);
    const events = side.world.audit.events.filter(({ type }) => type === 'auth.failed');
    assert.equal(events.length, 1);
    assert.equal(events[0]?.data['method'], 'oidc');
    assert.equal(events[0]?.source, 'http:127.0.0.1');
    assert.match(JSON.stringify(events[0]?.data['why']), why);
    assert.match(text, /Go to the sign-in page/);
  }

  it('goes there with code, PKCE, nonce and state, and comes back to where it was wanted', async () => {
    const walker = new Walker();
    const page = await walker.walk(`${side.base}/sessions?status=active`);
    assert.equal(page.url.pathname, '/sign-in');
    const html = (await page.answer?.text()) ?? '';
    const [, link = ''] = /href="(\/login\?[^"]+)"[^>]*>Sign in with ACME/.exec(html) ?? [];
    const there = await walker.walk(side.base + link, (url) => url.origin === provider.issuer);
    const asked = Object.fromEntries(there.url.searchParams);
    assert.equal(asked['response_type'], 'code');
    assert.equal(asked['code_challenge_method'], 'S256');
    assert.equal(asked['redirect_uri'], `${side.base}/login/callback`);
    for (const name of ['state', 'nonce', 'code_challenge']) assert.ok(asked[name]!.length >= 43);
    const back = await walker.walk(there.url.href);
    assert.equal(back.url.href, `${side.base}/sessions?status=active`);
    assert.equal(back.answer?.status, 200);
    const [wish] = side.desk.wishes;
    assert.equal(wish?.claims['email'], 'alice@acme.example');
    assert.equal(wish.source, 'http:127.0.0.1');
    assert.equal((await provider.control({})).includes('/me'), false, 'userinfo is never asked');
  });

  const forgeries: readonly [forge: string, why: RegExp][] = [
    ['alg-none', /not signed in a way that is trusted/],
    ['junk-signature', /signature of its token is wrong/],
    ['other-key', /signature of its token is wrong/],
    ['unknown-key', /signed by a key that the issuer does not have/],
    ['hmac-by-secret', /not signed in a way that is trusted/],
    ['wrong-nonce', /belongs to another sign-in/],
    ['no-nonce', /belongs to another sign-in/],
    ['wrong-audience', /issued for another client/],
    ['more-audiences', /issued for another client/],
    ['wrong-azp', /issued to another client/],
    ['wrong-issuer', /issued by another issuer/],
    ['expired', /has expired; compare the clocks/],
    ['future', /issued in the future; compare the clocks/],
    ['not-yet', /not valid yet; compare the clocks/],
    ['no-subject', /no subject/],
    ['long-subject', /no subject/],
    ['no-token', /no ID token/],
    ['junk', /no JSON Web Token/],
    ['token-html', /can't be asked: .* does not answer JSON/],
    ['token-empty', /answer can't be used/],
    ['token-500', /can't be asked: .* answers 500/],
    ['token-endless', /can't be asked: .* more than is read/],
  ];
  for (const [forge, why] of forgeries) {
    it(`refuses an answer with ${forge}`, async () => {
      await provider.control({ forge });
      const walker = new Walker();
      const { answer } = await walker.walk(`${side.base}/login?to=/sessions`);
      await assertRefused(walker, answer, why);
      assert.deepEqual(side.desk.wishes, []);
    });
  }

  it('refuses a token while the keys of the issuer can not be had', async () => {
    // A refusal makes it ask for the keys anew.
    await provider.control({ forge: 'junk' });
    await new Walker().walk(`${side.base}/login`);
    side.world.audit.events.length = 0;
    await provider.control({ forge: 'no-keys' });
    const walker = new Walker();
    const { answer } = await walker.walk(`${side.base}/login`);
    assert.equal(answer?.status, 503);
    await assertRefused(walker, answer, /can't be asked: .* answers 503/);
    await provider.control({ forge: null });
    assert.equal((await walker.walk(`${side.base}/login`)).url.pathname, '/sessions');
  });

  for (const forge of ['honest', 'late-by-tolerance']) {
    it(`accepts an answer that is ${forge}, by the same way as the forged ones`, async () => {
      await provider.control({ forge });
      const { url } = await new Walker().walk(`${side.base}/login?to=/sessions`);
      assert.equal(url.pathname, '/sessions');
      assert.equal(side.desk.wishes[0]?.claims['sub'], 'alice');
    });
  }

  const changed: readonly [what: string, change: (query: URLSearchParams) => void, why: RegExp][] =
    [
      [
        'from another issuer',
        (query) => query.set('iss', 'https://other.example'),
        /another issuer/,
      ],
      ['that does not say its issuer', (query) => query.delete('iss'), /another issuer/],
      ['without a code', (query) => query.delete('code'), /has no code/],
      ['with two codes', (query) => query.append('code', 'x'), /answer can't be used/],
      ['with a code of its own making', (query) => query.set('code', 'x'), /no token for the code/],
      ['without a state', (query) => query.delete('state'), /to which sign-in/],
      ['with two states', (query) => query.append('state', 'x'), /to which sign-in/],
      ['with another state', (query) => query.set('state', 'x'), /unknown, too old or already/],
      ['with an endless state', (query) => query.set('state', 'x'.repeat(999)), /to which sign-in/],
      ['with an error', (query) => query.set('error', 'access_denied'), /the issuer says access_d/],
    ];
  for (const [what, change, why] of changed) {
    it(`refuses a return ${what}`, async () => {
      const walker = new Walker();
      const { url } = await walker.walk(`${side.base}/login`, isCallback);
      change(url.searchParams);
      await assertRefused(walker, await walker.get(url.href), why);
      assert.deepEqual(side.desk.wishes, []);
    });
  }

  it('refuses a return that has been used', async () => {
    const walker = new Walker();
    const { url } = await walker.walk(`${side.base}/login`, isCallback);
    assert.equal((await walker.get(url.href)).status, 303);
    walker.cookies(side.base).delete('sallyport_session');
    await assertRefused(walker, await walker.get(url.href), /already used/);
  });

  it('refuses the return of another browser, which would sign that one in as the first', async () => {
    const { url } = await new Walker().walk(`${side.base}/login`, isCallback);
    const stranger = new Walker();
    await assertRefused(stranger, await stranger.get(url.href), /this browser has not begun/);
  });

  it('refuses the return of another browser that has begun to sign in as well', async () => {
    const { url } = await new Walker().walk(`${side.base}/login`, isCallback);
    const stranger = new Walker();
    await stranger.walk(`${side.base}/login`, isCallback);
    await assertRefused(stranger, await stranger.get(url.href), /unknown, too old or already used/);
  });

  it('refuses a code that was given for another sign-in', async () => {
    const attacker = await new Walker().walk(`${side.base}/login`, isCallback);
    const walker = new Walker();
    const { url } = await walker.walk(`${side.base}/login`, isCallback);
    url.searchParams.set('code', attacker.url.searchParams.get('code') ?? '');
    await assertRefused(walker, await walker.get(url.href), /no token for the code: invalid_grant/);
  });

  it('says so when the person refuses at the issuer', async () => {
    await provider.control({ auto: 'nobody' });
    const walker = new Walker();
    const { answer } = await walker.walk(`${side.base}/login`);
    await assertRefused(walker, answer, /the issuer says access_denied/);
  });

  it('says so when the issuer does not take the secret', async () => {
    side.desk.secret = 'another';
    const walker = new Walker();
    const { answer } = await walker.walk(`${side.base}/login`);
    await assertRefused(walker, answer, /invalid_client|does not accept our client id/);
  });

  it('tells somebody whom nobody here is, and which account it was', async () => {
    side.desk.decide = () => ({ kind: 'refused', why: 'nobody is named so', hint: 'ask' });
    const walker = new Walker();
    const { answer } = await walker.walk(`${side.base}/login`);
    assert.equal(answer?.status, 403);
    await assertRefused(walker, answer, /nobody is named so/);
    assert.equal(side.world.audit.events[0]?.data['sub'], 'alice');
  });

  it('says so when the configuration changes on the way', async () => {
    const walker = new Walker();
    const { url } = await walker.walk(`${side.base}/login`, isCallback);
    side.desk.configure({ ...settings, clientId: 'other' });
    await assertRefused(walker, await walker.get(url.href), /configuration .* has just changed/);
  });

  it('lets two tabs sign in at once', async () => {
    const walker = new Walker();
    const one = await walker.walk(`${side.base}/login?to=/sessions?tab=1`, isCallback);
    const two = await walker.walk(`${side.base}/login?to=/sessions?tab=2`, isCallback);
    for (const [tab, { url }] of [one, two].entries()) {
      const answer = await walker.get(url.href);
      const place = answer.headers.get('location') ?? (await answer.text());
      assert.equal(place, `/sessions?tab=${tab + 1}`);
    }
    assert.equal(side.desk.wishes[1]?.replaces?.startsWith('token-'), true);
  });

  it('tells of an issuer that is away, counts it as nobody’s attempt, and goes on with links', async () => {
    const gone = { ...settings, issuer: 'http://127.0.0.1:9' };
    side.desk.configure(gone);
    const walker = new Walker();
    for (let tries = 0; tries < 30; tries += 1) {
      const { answer } = await walker.walk(`${side.base}/login`);
      assert.equal(answer?.status, 503);
      const text = await answer.text();
      assert.match(text, /does not answer.*Try again in a minute; one-time links go on working/s);
    }
    const link = side.world.signIns.setup(people.alice);
    const answer = await side.world.fetch(`/setup/${link}`, null, { method: 'POST' });
    assert.equal(answer.status, 303);
  });

  it('keeps to itself why it has no secret', async () => {
    side.desk.secret = new Error('EACCES: /etc/secret');
    const { answer } = await new Walker().walk(`${side.base}/login`);
    assert.equal(answer?.status, 503);
    const text = await answer.text();
    assert.match(text, /client secret can(&#39;|')t be read/);
    assert.doesNotMatch(text, /etc/);
  });

  it('asks for a click before it goes on when another site has begun', async () => {
    for (const site of ['cross-site', 'same-site']) {
      const answer = await fetch(`${side.base}/login?to=/search`, {
        redirect: 'manual',
        headers: { 'sec-fetch-site': site },
      });
      assert.equal(answer.headers.get('location'), '/sign-in?to=%2Fsearch');
    }
  });

  it('leads nowhere but to itself', async () => {
    const { url } = await new Walker().walk(`${side.base}/login?to=//evil.example/x`);
    assert.equal(url.href, `${side.base}/sessions`);
  });

  it('goes to the host that the way back leads to', async () => {
    const answer = await fetch(`${side.world.url}/login?to=/search`, { redirect: 'manual' });
    assert.equal(answer.headers.get('location'), `${side.base}/login?to=/search`);
  });

  it('signs out at the issuer as well, when the session came from there', async () => {
    const walker = new Walker();
    await walker.walk(`${side.base}/login`);
    const token = walker.cookies(side.base).get('sallyport_session') ?? '';
    const post = (cookie: string): Promise<Response> =>
      fetch(`${side.base}/sign-out`, {
        method: 'POST',
        redirect: 'manual',
        headers: { cookie: `sallyport_session=${cookie}`, 'sec-fetch-site': 'same-origin' },
      });
    const url = new URL((await post(token)).headers.get('location') ?? '');
    assert.equal(url.origin, provider.issuer);
    assert.equal(url.searchParams.get('post_logout_redirect_uri'), `${side.base}/sign-in`);
    assert.equal(url.searchParams.get('id_token_hint'), side.desk.wishes[0]?.idToken);
    const link = side.world.signIns.token(people.uma);
    assert.equal((await post(link)).headers.get('location'), '/');
    side.desk.configure({ ...settings, logout: false });
    assert.equal((await post(token)).headers.get('location'), '/');
  });

  it('lets forms lead to the issuer only while signing out leads there', async () => {
    const policy = async (): Promise<string> =>
      /form-action ([^;]*)/.exec(
        (await fetch(`${side.base}/sign-in`)).headers.get('content-security-policy') ?? '',
      )?.[1] ?? '';
    const deadlineMs = Date.now() + 10_000;
    while ((await policy()) !== `'self' ${provider.issuer}` && Date.now() < deadlineMs);
    assert.equal(await policy(), `'self' ${provider.issuer}`);
    side.desk.configure(null);
    while ((await policy()) !== "'self'" && Date.now() < deadlineMs);
    assert.equal(await policy(), "'self'");
  });

  it('learns where signing out leads from an issuer that was away at the start', async () => {
    const desk = new FakeIssuerDesk();
    desk.configure(settings);
    desk.follow = () => Promise.reject(new Error('away'));
    const late = await startHttpWorld({ issuerDesk: desk, clock: systemClock });
    try {
      const policy = async (path: string): Promise<string> =>
        (await late.fetch(path)).headers.get('content-security-policy') ?? '';
      assert.doesNotMatch(await policy('/sign-in'), /form-action 'self' http/);
      await fetch(`http://localhost:${late.server.address.port}/login`, { redirect: 'manual' });
      assert.match(await policy('/sign-in'), new RegExp(`form-action 'self' ${provider.issuer};`));
    } finally {
      await late.close();
    }
  });

  it('leaves programs and pages without an issuer as they were', async () => {
    const html = { headers: { accept: 'text/html' }, redirect: 'manual' } as const;
    assert.equal((await fetch(`${side.base}/api/v1/sessions`, html)).status, 401);
    assert.equal((await fetch(`${side.base}/sessions`)).status, 401);
    const bearer = { ...html, headers: { ...html.headers, authorization: 'Bearer x' } };
    assert.equal((await fetch(`${side.base}/sessions`, bearer)).status, 401);
    side.desk.configure(null);
    assert.equal((await fetch(`${side.base}/sessions`, html)).status, 401);
    assert.equal(
      (await fetch(`${side.base}/login`, html)).headers.get('location'),
      '/sign-in?to=%2Fsessions',
    );
    const page = await (await fetch(`${side.base}/sign-in`, html)).text();
    assert.match(page, /Open a one-time link/);
    assert.doesNotMatch(page, /Sign in with/);
  });

  it('sets cookies that no script, no other host and no other site gets', async () => {
    const answer = await fetch(`${side.base}/login`, { redirect: 'manual' });
    assert.match(
      answer.headers.get('set-cookie') ?? '',
      /^sallyport_sign_in=[\w-]{43}; Max-Age=600; Path=\/; Expires=[^;]+; HttpOnly; SameSite=Lax$/,
    );
    const desk = new FakeIssuerDesk();
    desk.configure(settings);
    const secure = await startHttpWorld({
      issuerDesk: desk,
      clock: systemClock,
      publicUrl: 'https://bastion.example',
    });
    try {
      const there = await secure.fetch('/login');
      assert.match(
        there.headers.get('set-cookie') ?? '',
        /^__Host-sallyport_sign_in=[\w-]{43}; Max-Age=600; Path=\/; Expires=[^;]+; HttpOnly; Secure; SameSite=Lax$/,
      );
      const { searchParams } = new URL(there.headers.get('location') ?? '');
      assert.equal(searchParams.get('redirect_uri'), 'https://bastion.example/login/callback');
    } finally {
      await secure.close();
    }
  });
});
