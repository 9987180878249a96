import assert from 'node:assert/strict';
import type { Principal } from '../../server/access/principal.ts';
import { FINGERPRINT, LINK_CODE, LINK_TOKEN, waitingLink } from '../support/fake-links.ts';
import { type HttpWorld, people, startHttpWorld } from '../support/http-world.ts';
import { HOSTILE } from '../support/hostile-text.ts';

const HOUR_MS = 3_600_000;
const BOT: Principal = { ...people.uma, id: 'id-of-bot', name: 'bot', kind: 'agent' };

describe('http: signing ssh clients and machines in', () => {
  let world: HttpWorld;

  beforeEach(async () => {
    world = await startHttpWorld();
  });
  afterEach(() => world.close());

  /** As a browser does it; `fields` = a form of our own page. */
  function browse(
    path: string,
    person: Principal | null,
    fields: Readonly<Record<string, string>> | null = null,
    headers: Readonly<Record<string, string>> = { 'sec-fetch-site': 'same-origin' },
  ): Promise<Response> {
    const cookie = person === null ? '' : `sallyport_session=${world.signIns.token(person)}`;
    return fetch(`${world.url}${path}`, {
      redirect: 'manual',
      headers: { cookie, ...headers },
      ...(fields !== null && { method: 'POST', body: new URLSearchParams(fields) }),
    });
  }

  const PAGE = `/ssh/${LINK_TOKEN}`;

  it('shows where the client is, what it asks for and its keys, and an expired key as what it was', async () => {
    const html = await (await browse(PAGE, people.uma)).text();
    for (const shown of ['203.0.113.7', 'web-01', 'deploy', FINGERPRINT, 'uma']) {
      assert.ok(html.includes(shown), shown);
    }
    assert.match(html, /not from this browser’s address/);
    assert.match(html, /remembered until 2025-12-31 20:00:00 UTC/);
    assert.ok(!html.includes(LINK_CODE));
  });

  it('writes out what acts in names that a client has typed', async () => {
    const { clientSignIns } = world;
    clientSignIns.link = { ...waitingLink, target: HOSTILE, login: HOSTILE };
    const html = await (await browse(PAGE, people.uma)).text();
    assert.ok(!html.includes('<script>alert') && !html.includes('\u202e'));
  });

  it('takes the code of a person in a browser, and nothing of agents, tokens or other sites', async () => {
    const fields = { code: LINK_CODE, decision: 'once' };
    assert.equal((await browse(PAGE, null, fields)).status, 401);
    assert.equal((await browse(PAGE, BOT, fields)).status, 403);
    const foreign = { 'sec-fetch-site': 'cross-site', origin: 'https://evil.example' };
    assert.equal((await browse(PAGE, people.uma, fields, foreign)).status, 403);
    const init = { method: 'POST', body: new URLSearchParams(fields) };
    assert.equal((await world.fetch(PAGE, people.uma, init)).status, 403, 'a bearer token');
    assert.deepEqual(world.clientSignIns.decided, []);
    assert.equal((await browse(PAGE, people.uma, fields)).status, 200);
    assert.deepEqual(world.clientSignIns.decided, ['uma confirmed nothing 0']);
  });

  it('remembers a key for a time that it has offered, and for no other', async () => {
    const fields = { code: LINK_CODE, decision: 'remember', key: FINGERPRINT };
    for (const life of ['', '1', String(13 * HOUR_MS), 'NaN']) {
      assert.equal((await browse(PAGE, people.uma, { ...fields, life })).status, 400, life);
    }
    await browse(PAGE, people.uma, { ...fields, life: String(4 * HOUR_MS) });
    const expected = `uma confirmed ${FINGERPRINT} ${4 * HOUR_MS}`;
    assert.deepEqual(world.clientSignIns.decided, [expected]);
  });

  it('offers no key to be remembered where none may be', async () => {
    world.clientSignIns.rememberMs = 0;
    const html = await (await browse(PAGE, people.uma)).text();
    assert.ok(!html.includes('value="remember"'));
  });

  it('counts wrong codes down, and says when the link is void', async () => {
    const wrong = { code: 'BBBB-BBBB', decision: 'once' };
    assert.match(await (await browse(PAGE, people.uma, wrong)).text(), /4 more tries/);
    for (let guess = 0; guess < 3; guess += 1) await browse(PAGE, people.uma, wrong);
    const last = await browse(PAGE, people.uma, wrong);
    assert.equal(last.status, 404);
    assert.match(await last.text(), /void/);
    assert.equal((await browse(PAGE, people.uma)).status, 404);
  });

  it('keeps tokens of links out of the log', async () => {
    const lines: string[] = [];
    const keep = (event: string, fields?: object): number =>
      lines.push(`${event} ${JSON.stringify(fields)}`);
    const logger = { debug: keep, info: keep, warn: keep, error: keep };
    const other = await startHttpWorld({ logger });
    try {
      other.clientSignIns.links.waiting = async () => {
        throw new Error('broken');
      };
      const cookie = `sallyport_session=${other.signIns.token(people.uma)}`;
      const response = await fetch(`${other.url}${PAGE}`, { headers: { cookie } });
      assert.equal(response.status, 500);
      assert.ok(lines.some((line) => line.includes('/ssh/…')));
      assert.ok(!lines.join('\n').includes(LINK_TOKEN));
    } finally {
      await other.close();
    }
  });

  it('speaks to machines in the shapes of RFC 8628', async () => {
    const { clientSignIns } = world;
    const post = async (path: string, fields: Readonly<Record<string, string>>) => {
      const body = new URLSearchParams(fields);
      const response = await fetch(`${world.url}/api/v1${path}`, { method: 'POST', body });
      const answer = (await response.json()) as Record<string, unknown>;
      return [response.status, answer] as const;
    };
    const [status, begun] = await post('/device_authorization', { client_id: 'x' });
    assert.equal(status, 200);
    const { device_code, verification_uri, ...rest } = begun;
    assert.equal(device_code, 'device');
    assert.match(String(verification_uri), /\/device$/);
    assert.deepEqual(rest, { user_code: LINK_CODE, expires_in: 600, interval: 5 });
    const odd = await post('/device_authorization', { public_key: 'ssh-rsa junk' });
    assert.deepEqual([odd[0], odd[1]['error']], [400, 'invalid_request']);
    const grant = {
      grant_type: 'urn:ietf:params:oauth:grant-type:device_code',
      device_code: 'device',
    };
    const wrongGrant = await post('/device_token', { ...grant, grant_type: 'password' });
    assert.equal(wrongGrant[1]['error'], 'unsupported_grant_type');
    for (const [outcome, error] of [
      [{ kind: 'pending' }, 'authorization_pending'],
      [{ kind: 'slow-down', intervalMs: 10_000 }, 'slow_down'],
      [{ kind: 'refused' }, 'access_denied'],
      [{ kind: 'expired' }, 'expired_token'],
      [{ kind: 'unproven' }, 'invalid_request'],
      [{ kind: 'unknown' }, 'invalid_grant'],
    ] as const) {
      clientSignIns.outcome = outcome;
      const [code, answer] = await post('/device_token', grant);
      assert.deepEqual([code, answer['error']], [400, error]);
    }
    clientSignIns.outcome = {
      kind: 'signed-in',
      principal: 'uma',
      token: 'secret',
      lifeMs: HOUR_MS,
      key: null,
    };
    const [, given] = await post('/device_token', grant);
    const expected = { access_token: 'secret', token_type: 'Bearer', expires_in: 3600 };
    assert.deepEqual(given, { ...expected, principal: 'uma', key: null });
  });

  it('shows a machine only to who types its code, and asks before it lets it in', async () => {
    await fetch(`${world.url}/api/v1/device_authorization`, { method: 'POST' });
    assert.equal((await browse('/device', people.uma, { code: 'BBBB-BBBB' })).status, 400);
    const shown = await browse('/device', people.uma, { code: LINK_CODE });
    assert.match(await shown.text(), /127\.0\.0\.1[^]*Sign it in/);
    assert.deepEqual(world.clientSignIns.decided, []);
    await browse('/device', people.uma, { code: LINK_CODE, decision: 'allow' });
    assert.deepEqual(world.clientSignIns.decided, ['uma allowed']);
    assert.equal((await browse('/device', BOT)).status, 403);
  });

  it('lets people see and revoke their own keys, admins all, and nobody those of the configuration', async () => {
    const { clientSignIns } = world;
    const [own] = clientSignIns.own;
    assert.ok(own !== undefined);
    const path = `/api/v1/ssh-keys/${encodeURIComponent(own.fingerprint)}`;
    const remove = { method: 'DELETE' };
    assert.equal((await world.fetch(path, null, remove)).status, 401);
    assert.equal((await world.fetch(path, people.piet, remove)).status, 404, 'another’s');
    const hidden = await world.fetch('/api/v1/ssh-keys?principal=uma', people.piet);
    assert.deepEqual(await hidden.json(), { items: [], next: null });
    const seen = await world.fetch('/api/v1/ssh-keys?principal=uma', people.alice);
    assert.equal(((await seen.json()) as { items: unknown[] }).items.length, 2);
    const configured = await world.fetch('/api/v1/ssh-keys/configured', people.alice, remove);
    assert.equal(configured.status, 409);
    assert.equal((await world.fetch(path, people.uma, remove)).status, 200);
    assert.equal(clientSignIns.own.length, 1);
  });
});
