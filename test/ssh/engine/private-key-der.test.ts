import assert from 'node:assert/strict';
import { generateKeyPairSync, type JsonWebKey } from 'node:crypto';
import { ecKey, ed25519Key, rsaKey } from '../../../server/ssh/engine/private-key-der.ts';

const bytes = (text: string | undefined): Buffer => Buffer.from(text ?? '', 'base64url');

describe('private keys as DER', () => {
  it('give an RSA key with the exponents of its primes', () => {
    for (const modulusLength of [2048, 2056, 3072]) {
      const { privateKey } = generateKeyPairSync('rsa', { modulusLength });
      const jwk: JsonWebKey = privateKey.export({ format: 'jwk' });
      const [n, e, d, inverse, p, q] = [jwk.n, jwk.e, jwk.d, jwk.qi, jwk.p, jwk.q].map(bytes);
      assert.ok(n && e && d && inverse && p && q);
      const before = Buffer.from(d);
      // OpenSSL takes wrong exponents without a word and computes around them.
      assert.deepEqual(rsaKey({ n, e, d, inverse, p, q }).export({ format: 'jwk' }), jwk);
      assert.deepEqual(d, before);
    }
  });

  it('give EC keys whatever zeros are in front, and Ed25519 keys', () => {
    for (const [namedCurve, name] of [
      ['P-256', 'nistp256'],
      ['P-384', 'nistp384'],
      ['P-521', 'nistp521'],
    ] as const) {
      const { privateKey } = generateKeyPairSync('ec', { namedCurve });
      const jwk: JsonWebKey = privateKey.export({ format: 'jwk' });
      const point = Buffer.concat([Buffer.of(4), bytes(jwk.x), bytes(jwk.y)]);
      for (const front of [0, 1]) {
        const d = Buffer.concat([Buffer.alloc(front), bytes(jwk.d)]);
        assert.deepEqual(ecKey(name, point, d)?.export({ format: 'jwk' }), jwk);
      }
    }
    assert.equal(ecKey('nistp224', Buffer.alloc(1), Buffer.alloc(1)), null);
    const { privateKey } = generateKeyPairSync('ed25519');
    const jwk = privateKey.export({ format: 'jwk' });
    const both = Buffer.concat([bytes(jwk.d), bytes(jwk.x)]);
    assert.deepEqual(ed25519Key(both).export({ format: 'jwk' }), jwk);
  });

  it('throw for numbers that are no key', () => {
    assert.throws(() => ed25519Key(Buffer.alloc(5)));
    assert.throws(() => ecKey('nistp256', Buffer.alloc(3), Buffer.alloc(32, 1)));
  });
});
