/** Against a stand-in that follows the documentation; no Vault or OpenBao could be had for the tests. */
import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { readFile, rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { SallyportError } from '../../server/errors.ts';
import type { WrappedKey } from '../../server/vault/envelope.ts';
import { MAX_ANSWER_BYTES } from '../../server/vault/transit-client.ts';
import { createTransitKeys, keepTokenAlive, type TransitKeys } from '../../server/vault/transit.ts';
import { temporaryFolder } from '../support/temporary-folder.ts';
import {
  startTransitServer,
  type TransitServer,
  type TransitServerOptions,
} from '../support/transit-server.ts';

const CONTEXT = { name: 'web', kind: 'password', version: 1 };
const PREFIX = 'transit:transit/sallyport:v';

describe('transit keys (a stand-in after the API documentation, not a real Vault)', () => {
  let folder: string;
  let tokenFile: string;
  let server: TransitServer;
  let keys: TransitKeys;

  before(async () => {
    folder = await temporaryFolder();
    tokenFile = join(folder, 'token');
  });
  after(() => rm(folder, { recursive: true, force: true }));

  const keysAt = (address: string, more: object = {}, keepMs = 0): TransitKeys =>
    createTransitKeys({
      place: {
        address,
        mount: 'transit',
        key: 'sallyport',
        namespace: null,
        tokenFile,
        caFile: null,
        ...more,
      },
      keepMs,
    });
  const begin = async (options: TransitServerOptions = {}): Promise<void> => {
    server = await startTransitServer(options);
    await writeFile(tokenFile, `${server.token}\n`, { mode: 0o600 });
    keys = keysAt(server.address);
  };
  beforeEach(() => begin());
  afterEach(async () => {
    keys.close();
    await server[Symbol.asyncDispose]();
  });

  const isLocked =
    (...words: readonly string[]) =>
    (error: unknown): boolean => {
      assert.ok(error instanceof SallyportError);
      assert.equal(error.code, 'vault.locked');
      for (const word of words) assert.ok(error.message.includes(word), error.message);
      assert.ok(!`${error.message}${error.hint}`.includes(server.token));
      return true;
    };
  async function opened(key: WrappedKey, context = CONTEXT): Promise<Buffer | string> {
    const outcome = await keys.unwrap(key, context);
    return outcome.kind === 'open' ? outcome.dataKey : outcome.kind;
  }

  it('makes a data key and opens it again, in calls of the documented form', async () => {
    const { dataKey, key } = await keys.make(CONTEXT);
    assert.equal(dataKey.length, 32);
    assert.equal(key.keyId, `${PREFIX}1`);
    assert.match(key.wrapping.toString(), /^vault:v1:/);
    assert.ok(!key.wrapping.includes(dataKey));
    assert.deepEqual(await opened(key), dataKey);
    assert.deepEqual(server.asked, [
      'POST transit/datakey/plaintext/sallyport',
      'POST transit/decrypt/sallyport',
    ]);
    const [made, read] = server.requests;
    assert.equal(made?.headers['x-vault-token'], server.token);
    assert.equal(made?.headers['x-vault-request'], 'true');
    const context = Buffer.from('["sallyport","web","password",1]').toString('base64');
    assert.deepEqual(JSON.parse(made?.body ?? ''), { context, bits: 256 });
    assert.deepEqual(JSON.parse(read?.body ?? ''), {
      ciphertext: key.wrapping.toString(),
      context,
    });
  });

  it('reads answers that the documentation shows', async () => {
    const { key } = await keys.make(CONTEXT);
    const plaintext = Buffer.alloc(32, 7).toString('base64');
    for (const body of [
      `{"data":{"plaintext":"${plaintext}"}}`,
      `{\n  "request_id": "x",\n  "data": {\n    "plaintext": "${plaintext}"\n  }\n}\n`,
    ]) {
      server.trouble = { status: 200, body };
      assert.deepEqual(await opened(key), Buffer.alloc(32, 7));
    }
  });

  it('wraps the same data key under the newest version, and says what is current', async () => {
    const { dataKey, key } = await keys.make(CONTEXT);
    assert.deepEqual(await keys.rewrap(key, CONTEXT), { kind: 'current' });
    server.rotate();
    assert.equal(await keys.current(), `${PREFIX}2`);
    const again = await keys.rewrap(key, CONTEXT);
    assert.ok(again.kind === 'wrapped');
    assert.equal(again.key.keyId, `${PREFIX}2`);
    assert.deepEqual(await opened(again.key), dataKey);
    assert.deepEqual(await opened(key), dataKey);
    server.leastVersion = 2;
    assert.equal(await opened(key), 'missing-key');
    assert.equal((await keys.rewrap(key, CONTEXT)).kind, 'missing-key');
    assert.equal(await keys.knows(key.keyId), false);
    assert.equal(await keys.knows(again.key.keyId), true);
  });

  it('does not need to look at the key', async () => {
    server.mayLook = false;
    const { key } = await keys.make(CONTEXT);
    assert.equal(await keys.current(), null);
    assert.equal(await keys.knows(key.keyId), true);
  });

  it('takes a changed ciphertext, and one of another credential of a derived key, for damaged', async () => {
    const { key } = await keys.make(CONTEXT);
    const text = key.wrapping.toString();
    const changed = { ...key, wrapping: Buffer.from(`${text.slice(0, 12)}AAAA${text.slice(16)}`) };
    assert.equal(await opened(changed), 'damaged');
    await server[Symbol.asyncDispose]();
    await begin({ isDerived: true });
    const derived = await keys.make(CONTEXT);
    assert.deepEqual(await opened(derived.key), derived.dataKey);
    assert.equal(await opened(derived.key, { ...CONTEXT, name: 'db' }), 'damaged');
  });

  it('knows nothing of keys of other mounts and names', async () => {
    const { key } = await keys.make(CONTEXT);
    const asked = server.asked.length;
    for (const keyId of [
      'transit:other/sallyport:v1',
      'transit:transit/sallyport2:v1',
      `${PREFIX}x`,
    ]) {
      assert.equal(await opened({ ...key, keyId }), 'missing-key');
    }
    assert.equal(server.asked.length, asked);
  });

  it('reads the token anew, so that another process may renew or replace it', async () => {
    const { dataKey, key } = await keys.make(CONTEXT);
    server.token = 'hvs.another';
    await assert.rejects(opened(key), isLocked('permission denied', '403'));
    await writeFile(tokenFile, server.token);
    assert.deepEqual(await opened(key), dataKey);
    await rm(tokenFile);
    await assert.rejects(opened(key), isLocked(tokenFile));
    await writeFile(tokenFile, 'two words');
    await assert.rejects(opened(key), isLocked(tokenFile));
  });

  it('speaks of a namespace where there is one', async () => {
    await server[Symbol.asyncDispose]();
    await begin({ namespace: 'team1/', mount: 'a/transit' });
    await assert.rejects(keysAt(server.address, { mount: 'a/transit' }).make(CONTEXT), isLocked());
    const own = keysAt(server.address, { namespace: 'team1/', mount: 'a/transit' });
    const { key } = await own.make(CONTEXT);
    assert.equal(key.keyId, 'transit:a/transit/sallyport:v1');
  });

  it('checks the certificate against the named authorities', async () => {
    const files = ['-keyout', join(folder, 'tls.key'), '-out', join(folder, 'tls.pem')];
    const made = spawnSync(
      'openssl',
      // prettier-ignore
      ['req', '-x509', '-newkey', 'ec', '-pkeyopt', 'ec_paramgen_curve:P-256', '-nodes', '-days', '2',
       '-subj', '/CN=vault', '-addext', 'subjectAltName=IP:127.0.0.1', ...files],
    );
    assert.equal(made.status, 0, made.stderr.toString());
    const [key, cert] = [
      await readFile(join(folder, 'tls.key')),
      await readFile(join(folder, 'tls.pem')),
    ];
    await server[Symbol.asyncDispose]();
    await begin({ tls: { key, cert } });
    await assert.rejects(keys.make(CONTEXT), isLocked('self-signed'));
    assert.equal(server.asked.length, 0);
    const trusting = keysAt(server.address, { caFile: join(folder, 'tls.pem') });
    assert.equal((await trusting.make(CONTEXT)).dataKey.length, 32);
  });

  const troubles: readonly (readonly [string, number, string, readonly string[]])[] = [
    ['is sealed', 503, '{"errors":["Vault is sealed"]}', ['503', 'Vault is sealed']],
    ['fails', 500, '{"errors":["internal error"]}', ['500', 'internal error']],
    ['answers through a broken proxy', 502, '<html>bad gateway</html>', ['502']],
    ['limits', 429, '{"errors":["rate limit quota exceeded"]}', ['429']],
    ['has no such mount', 404, '{"errors":["no handler for route"]}', ['404', 'no handler']],
    ['sends elsewhere', 307, '', ['307', 'active server']],
    ['answers no JSON', 200, 'hello', ['not JSON']],
    ['answers something else', 200, '{"data":{"keys":[]}}', ['vault:vN']],
    [
      'answers a short key',
      200,
      '{"data":{"ciphertext":"vault:v1:AAAA","plaintext":"AAAA"}}',
      ['32'],
    ],
    ['answers too much', 200, `{"data":"${'x'.repeat(MAX_ANSWER_BYTES)}"}`, ['too long']],
    ['writes to the terminal', 400, '{"errors":["\\u001b[2Jgone"]}', ['400']],
  ];
  for (const [name, status, body, words] of troubles) {
    it(`fails closed and says why when the service ${name}`, async () => {
      server.trouble = { status, body };
      await assert.rejects(keys.make(CONTEXT), (error: unknown) => {
        // oxlint-disable-next-line no-control-regex -- what must not be there
        assert.ok(!/[\u0000-\u001f]/.test((error as Error).message));
        return isLocked(...words)(error);
      });
      const calls =
        status >= 500 || status === 429 || words.includes('not JSON') || words.includes('too long')
          ? 2
          : 1;
      assert.equal(server.asked.length, calls);
    });
  }

  it('fails closed when the service is away, and works again when it is back', async () => {
    const { dataKey, key } = await keys.make(CONTEXT);
    server.trouble = { status: 503, body: '' };
    await assert.rejects(opened(key), isLocked('503'));
    server.trouble = null;
    assert.deepEqual(await opened(key), dataKey);
    const nobody = keysAt('http://127.0.0.1:1');
    await assert.rejects(nobody.make(CONTEXT), isLocked('127.0.0.1:1', 'ECONNREFUSED'));
  });

  it('does not wait for a service that does not answer', async () => {
    server.trouble = 'hang';
    const impatient = keysAt(server.address, { timeoutMs: 100 });
    await assert.rejects(impatient.make(CONTEXT), isLocked('no answer within 100 ms'));
    assert.equal(server.asked.length, 2);
  });

  it('keeps no opened data key by default, and for the given time where one is given', async () => {
    const { dataKey, key } = await keys.make(CONTEXT);
    await opened(key);
    await opened(key);
    assert.equal(server.asked.filter((one) => one.includes('/decrypt/')).length, 2);
    keys = keysAt(server.address, {}, 60_000);
    assert.deepEqual(await opened(key), dataKey);
    server.trouble = { status: 503, body: '' };
    assert.deepEqual(await opened(key), dataKey);
    await assert.rejects(opened(key, { ...CONTEXT, version: 2 }), isLocked('503'));
    keys.close();
    await assert.rejects(opened(key), isLocked('503'));
  });

  it('renews its token, and says so once', async () => {
    const told: string[] = [];
    const wait = async (count: number): Promise<void> => {
      for (let left = 400; told.length < count && left > 0; left -= 1) {
        await new Promise((resolve) => setTimeout(resolve, 25));
      }
    };
    const one = keepTokenAlive(keys.client, (event) => void told.push(event));
    await wait(1);
    one.close();
    server.trouble = { status: 403, body: '{"errors":["permission denied"]}' };
    const other = keepTokenAlive(keys.client, (event) => void told.push(event));
    await wait(2);
    other.close();
    server.trouble = { status: 400, body: '{"errors":["lease is not renewable"]}' };
    const third = keepTokenAlive(keys.client, (event) => void told.push(event));
    await wait(3);
    third.close();
    assert.deepEqual(told, ['renewed', 'failed', 'not-renewable']);
    assert.equal(server.asked[0], 'POST auth/token/renew-self');
  });
});
