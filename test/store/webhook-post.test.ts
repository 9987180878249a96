import assert from 'node:assert/strict';
import { isPublicAddress } from '../../server/store/public-address.ts';
import { post, readKey, signedHeaders } from '../../server/store/webhook-post.ts';
import { WebhookReceiver } from '../support/webhook-receiver.ts';

const PUBLIC = ['1.1.1.1', '93.184.216.34', '172.15.255.255', '172.32.0.1', '2606:4700::1111'];
const NOT_PUBLIC = [
  '0.0.0.0',
  '10.1.2.3',
  '100.64.0.1',
  '127.0.0.1',
  '127.255.255.254',
  '169.254.169.254',
  '172.16.0.1',
  '172.31.255.255',
  '192.168.1.1',
  '192.0.2.1',
  '198.18.0.1',
  '224.0.0.1',
  '255.255.255.255',
  '::',
  '::1',
  '::ffff:127.0.0.1',
  '::ffff:7f00:1',
  '::ffff:10.0.0.1',
  '64:ff9b::7f00:1',
  '2001:db8::1',
  '2001::1',
  '2002:7f00:1::',
  'fc00::1',
  'fd12:3456::1',
  'fe80::1%eth0',
  'ff02::1',
  'localhost',
  '',
];

describe('posting a webhook', () => {
  let receiver: WebhookReceiver;
  before(async () => {
    receiver = await new WebhookReceiver().start();
  });
  after(() => receiver.kill());

  const send = (path: string, isPrivate = true, timeoutMs = 10_000) =>
    post({
      url: new URL(path.startsWith('/') ? receiver.url + path : path),
      body: '{"a":1}',
      headers: { 'webhook-id': 'msg_1' },
      isPrivate,
      timeoutMs,
    });

  it('knows addresses of the public Internet', () => {
    assert.deepEqual(
      PUBLIC.filter((one) => !isPublicAddress(one)),
      [],
    );
    assert.deepEqual(NOT_PUBLIC.filter(isPublicAddress), []);
  });

  it('signs as Standard Webhooks says, with every key', () => {
    const key = readKey('whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw');
    assert.ok(key !== null);
    const headers = signedHeaders(
      'msg_p5jXN8AQM9LWM0D4loKWxJek',
      1614265330,
      '{"test": 2432232314}',
      [key, Buffer.alloc(32, 1)],
    );
    const [first = '', second = '', ...more] = (headers['webhook-signature'] ?? '').split(' ');
    assert.equal(first, 'v1,g0hM9SsE+OTPJTGt/tmIKtSyZlE3uFJELVlNIOLJ1OE=');
    assert.match(second, /^v1,[A-Za-z0-9+/]{43}=$/);
    assert.deepEqual(more, []);
    assert.equal(headers['webhook-timestamp'], '1614265330');
    assert.deepEqual(
      [
        '',
        'whsec_',
        'short',
        `whsec_${'A'.repeat(31)}`,
        'whsec_not base64 at all, really not!',
        'A'.repeat(90),
      ].map(readKey),
      [null, null, null, null, null, null],
    );
  });

  it('takes 2xx for taken, and nothing else', async () => {
    assert.deepEqual(await send('/ok'), { kind: 'taken' });
    const [got] = await receiver.messages('/ok', 1);
    assert.equal(got?.body, '{"a":1}');
    assert.equal(got.method, 'POST');
    assert.equal(got.headers['content-type'], 'application/json');
    assert.deepEqual(await send('/refused'), {
      kind: 'refused',
      why: 'it answered 400: invalid_payload',
    });
    assert.deepEqual(await send('/failing'), {
      kind: 'unavailable',
      why: 'it answered 503: down',
      afterMs: 0,
    });
  });

  it('follows nobody elsewhere', async () => {
    const before = receiver.received.filter(({ url }) => url === '/ok').length;
    const outcome = await send('/moved');
    assert.deepEqual(outcome, {
      kind: 'refused',
      why: 'it answered 302, and redirects are not followed',
    });
    assert.equal(receiver.received.filter(({ url }) => url === '/ok').length, before);
  });

  it('waits for a bounded time and reads a bounded answer', async () => {
    const late = await send('/hanging', true, 200);
    assert.deepEqual(late, {
      kind: 'unavailable',
      why: 'it did not answer within 0.2 s',
      afterMs: null,
    });
    assert.equal((await send('/big')).kind, 'taken');
    assert.equal((await send('/cut')).kind, 'unavailable');
  });

  it('goes to no private address and without TLS nowhere, unless that is meant', async () => {
    const count = receiver.received.length;
    const secure = receiver.url.replace('http:', 'https:');
    for (const url of [
      `${secure}/ok`,
      secure.replace('127.0.0.1', 'localhost'),
      secure.replace('127.0.0.1', '[::ffff:127.0.0.1]'),
      secure.replace('127.0.0.1', '0x7f.1'),
      secure.replace('127.0.0.1', '2130706433'),
      'https://169.254.169.254/latest/meta-data/',
    ]) {
      const outcome = await send(url, false);
      assert.equal(outcome.kind, 'unavailable', url);
      assert.match(outcome.why, /private address/, url);
    }
    assert.equal((await send('/ok', false)).kind, 'refused');
    assert.equal(receiver.received.length, count);
  });
});
