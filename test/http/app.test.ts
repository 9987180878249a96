import assert from 'node:assert/strict';
import { once } from 'node:events';
import { connect } from 'node:net';
import { SallyportError } from '../../server/errors.ts';
import { MAX_BODY_BYTES, MAX_HTTP_CONNECTIONS_PER_SOURCE } from '../../server/http/app.ts';
import type { Logger } from '../../server/log.ts';
import { people, sessionId, startHttpWorld, type HttpWorld } from '../support/http-world.ts';

interface ApiError {
  readonly error: { readonly code: string; readonly message: string; readonly hint: string };
}

async function errorOf(response: Response): Promise<ApiError['error']> {
  return ((await response.json()) as ApiError).error;
}

async function until(condition: () => Promise<boolean>): Promise<void> {
  for (let attempt = 0; attempt < 500; attempt += 1) {
    if (await condition()) return;
    await new Promise((resolve) => setTimeout(resolve, 5));
  }
  assert.fail('it never happened');
}

describe('http app', () => {
  let world: HttpWorld;
  before(async () => {
    world = await startHttpWorld();
  });
  after(() => world.close());

  it('is healthy, ready and counted without signing in', async () => {
    const health = await world.fetch('/healthz');
    assert.deepEqual(await health.json(), { status: 'ok', version: '0.0.0' });
    const ready = await world.fetch('/readyz');
    assert.deepEqual(await ready.json(), { ready: true, checks: { database: 'ok' } });
    const metrics = await world.fetch('/metrics');
    assert.match(metrics.headers.get('content-type') ?? '', /^text\/plain; version=0\.0\.4/);
    assert.equal(await metrics.text(), 'sallyport_sessions_active 0\n');
  });

  it('answers 503 on /readyz with the checks while something is missing', async () => {
    const unready = await startHttpWorld({
      readiness: async () => ({ ready: false, checks: { database: 'away' } }),
    });
    try {
      const answer = await unready.fetch('/readyz');
      assert.equal(answer.status, 503);
      assert.deepEqual(await answer.json(), { ready: false, checks: { database: 'away' } });
    } finally {
      await unready.close();
    }
  });

  for (const path of ['/healthz', '/sessions', '/api/v1/sessions', '/nothing', '/setup/x']) {
    it(`sends the security headers with ${path}`, async () => {
      const { headers } = await world.fetch(path);
      assert.deepEqual((headers.get('content-security-policy') ?? '').split(';').toSorted(), [
        "base-uri 'none'",
        "connect-src 'self'",
        "default-src 'none'",
        "font-src 'self'",
        "form-action 'self'",
        "frame-ancestors 'none'",
        "img-src 'self'",
        "script-src 'self' 'wasm-unsafe-eval'",
        "style-src 'self'",
      ]);
      assert.equal(headers.get('x-content-type-options'), 'nosniff');
      assert.equal(headers.get('referrer-policy'), 'same-origin');
      assert.equal(headers.get('x-powered-by'), null);
      assert.equal(headers.get('strict-transport-security'), null);
    });
  }

  it('keeps answers about sessions out of every cache, and assets in it for ever', async () => {
    const list = await world.fetch('/sessions', people.alice);
    assert.equal(list.headers.get('cache-control'), 'no-store');
    const style = /href="(\/assets\/app-[0-9a-f]+\.css)"/.exec(await list.text())?.[1] ?? '';
    const asset = await world.fetch(style);
    assert.equal(asset.status, 200);
    assert.match(asset.headers.get('cache-control') ?? '', /immutable/);
    assert.match(asset.headers.get('content-type') ?? '', /^text\/css/);
  });

  it('answers unknown paths as JSON under /api and as a page elsewhere', async () => {
    const api = await world.fetch('/api/v1/nothing', people.alice);
    assert.equal(api.status, 404);
    assert.equal((await errorOf(api)).code, 'object.unknown');
    const page = await world.fetch('/nothing', people.alice);
    assert.equal(page.status, 404);
    assert.match(page.headers.get('content-type') ?? '', /^text\/html/);
    assert.equal((await world.fetch('/assets/..%2f..%2fpackage.json')).status, 404);
    assert.equal((await world.fetch('/assets/constructor')).status, 404);
  });

  it('asks strangers to sign in, in the form that they read', async () => {
    const api = await world.fetch('/api/v1/sessions');
    assert.equal(api.status, 401);
    assert.match(api.headers.get('www-authenticate') ?? '', /^Bearer/);
    const { code, hint } = await errorOf(api);
    assert.equal(code, 'access.unauthenticated');
    assert.match(hint, /sallyport token create/);
    const page = await world.fetch('/sessions');
    assert.equal(page.status, 401);
    assert.match(await page.text(), /<h1>Sign in<\/h1>/);
  });

  const methods: readonly [method: string, path: string, allow: string][] = [
    ['POST', '/api/v1/sessions', 'GET, HEAD'],
    ['DELETE', `/api/v1/sessions/${sessionId(1)}`, 'GET, HEAD'],
    ['PUT', `/api/v1/sessions/${sessionId(1)}/recording`, 'GET, HEAD'],
    ['GET', `/api/v1/sessions/${sessionId(1)}/terminate`, 'POST'],
    ['GET', '/api/v1/approvals/ab/approve', 'POST'],
    ['POST', '/sessions', 'GET, HEAD'],
    ['GET', '/sign-out', 'POST'],
    ['POST', '/healthz', 'GET, HEAD'],
  ];
  for (const [method, path, allow] of methods) {
    it(`answers 405 to ${method} ${path} and says what is possible`, async () => {
      const answer = await world.fetch(path, people.alice, { method });
      assert.equal(answer.status, 405);
      assert.equal(answer.headers.get('allow'), allow);
    });
  }

  it('answers HEAD like GET without the body', async () => {
    const answer = await world.fetch('/sessions', people.alice, { method: 'HEAD' });
    assert.equal(answer.status, 200);
    assert.equal(await answer.text(), '');
  });

  const bodies: readonly [what: string, status: number, body: string, type: string][] = [
    ['broken JSON', 400, '{"reason":', 'application/json'],
    [
      'a body that is too large',
      413,
      `{"reason":"${'x'.repeat(MAX_BODY_BYTES)}"}`,
      'application/json',
    ],
    ['a reason that is no text', 400, '{"reason":{"$ne":1}}', 'application/json'],
    ['a foreign character set', 415, '{}', 'application/json; charset=ebcdic'],
  ];
  for (const [what, status, body, type] of bodies) {
    it(`refuses ${what} with ${status}`, async () => {
      const answer = await world.fetch('/api/v1/approvals/ab/deny', people.piet, {
        method: 'POST',
        body,
        headers: { 'content-type': type },
      });
      assert.equal(answer.status, status);
      assert.equal((await errorOf(answer)).code, 'usage.invalid');
    });
  }

  it('refuses a compressed body', async () => {
    const answer = await world.fetch('/api/v1/approvals/a/deny', people.piet, {
      method: 'POST',
      headers: { 'content-type': 'application/json', 'content-encoding': 'gzip' },
      body: 'no gzip at all',
    });
    assert.equal(answer.status, 415);
  });

  it('keeps connections for others when one address takes all that it may', async () => {
    const crowded = await startHttpWorld();
    const { port } = crowded.server.address;
    const sockets = Array.from({ length: MAX_HTTP_CONNECTIONS_PER_SOURCE }, () =>
      connect(port, '127.0.0.1').on('error', () => {}),
    );
    try {
      await Promise.all(sockets.map((socket) => once(socket, 'connect')));
      const tooMany = connect(port, '127.0.0.1').on('error', () => {});
      await once(tooMany, 'close');
      const other = connect({ port, host: '127.0.0.1', localAddress: '127.0.0.2' });
      other.write('GET /healthz HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n');
      const [answer] = (await once(other, 'data')) as [Buffer];
      assert.match(answer.toString(), /^HTTP\/1.1 200 /);
      sockets[0]?.destroy();
      await until(async () => (await crowded.fetch('/healthz').catch(() => null))?.status === 200);
    } finally {
      for (const socket of sockets) socket.destroy();
      await crowded.close();
    }
  });

  it('refuses an address that is no valid encoding', async () => {
    const answer = await world.fetch('/api/v1/sessions/%ff', people.alice);
    assert.equal(answer.status, 400);
    assert.equal((await errorOf(answer)).code, 'usage.invalid');
  });

  it('keeps what broke inside, and gives a number to find it in the log', async () => {
    const lines: string[] = [];
    const logger: Logger = {
      info: () => {},
      warn: () => {},
      error: (event, fields) => lines.push(`${event} ${JSON.stringify(fields)}`),
    };
    const broken = await startHttpWorld({ logger });
    broken.recordings.listSessions = () => Promise.reject(new Error('password=hunter2'));
    try {
      const answer = await broken.fetch('/api/v1/sessions', people.alice);
      assert.equal(answer.status, 500);
      const { code, hint, message } = await errorOf(answer);
      assert.equal(code, 'internal');
      assert.doesNotMatch(message + hint, /hunter2/);
      const number = /"([0-9a-f]{8})"/.exec(hint)?.[1] ?? 'none';
      assert.equal(lines.length, 1);
      assert.ok(lines[0]?.includes(number));
      const page = await broken.fetch('/sessions', people.alice);
      assert.equal(page.status, 500);
      assert.doesNotMatch(await page.text(), /hunter2/);
    } finally {
      await broken.close();
    }
  });

  it('says that the database is away rather than that something broke', async () => {
    const away = await startHttpWorld({
      isOutage: (error) => error instanceof Error && error.message.includes('ECONNREFUSED'),
    });
    away.recordings.listSessions = () => Promise.reject(new Error('ECONNREFUSED 10.1.2.3'));
    try {
      const answer = await away.fetch('/api/v1/sessions', people.alice);
      assert.equal(answer.status, 503);
      const { code, hint, message } = await errorOf(answer);
      assert.equal(code, 'database.unreachable');
      assert.doesNotMatch(message + hint, /10\.1\.2\.3/);
    } finally {
      await away.close();
    }
  });

  it('says which variable to change when the port is taken', async () => {
    const { port } = world.server.address;
    await assert.rejects(
      startHttpWorld({ listen: { host: '127.0.0.1', port } }),
      (error) =>
        error instanceof SallyportError &&
        error.code === 'listen.failed' &&
        error.message.includes(`127.0.0.1:${port}`) &&
        error.hint.includes('SALLYPORT_HTTP_LISTEN'),
    );
  });

  it('names localhost for loopback addresses, and the public URL where there is one', async () => {
    assert.equal(world.server.url, `http://localhost:${world.server.address.port}`);
    const other = await startHttpWorld({ publicUrl: 'https://bastion.example/' });
    assert.equal(other.server.url, 'https://bastion.example');
    await other.close();
  });

  it('closes although a client holds a connection open', async () => {
    const other = await startHttpWorld();
    const socket = connect(other.server.address.port, '127.0.0.1');
    const ended = new Promise<void>((resolve) => {
      socket.on('close', () => resolve());
      socket.on('error', () => {});
    });
    await new Promise<void>((resolve) => {
      socket.once('connect', () => resolve());
    });
    socket.write('GET /healthz HTTP/1.1\r\n');
    await other.close();
    await ended;
  });
});
