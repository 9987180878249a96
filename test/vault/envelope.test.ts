import assert from 'node:assert/strict';
import { ENVELOPE_BYTES, keyIdOf, open, seal } from '../../server/vault/envelope.ts';
import { Secret } from '../../server/vault/secret.ts';

const masterKey = new Secret('master-key', Buffer.alloc(32, 1));
const otherKey = new Secret('master-key', Buffer.alloc(32, 2));
const context = { name: 'web-deploy', kind: 'password', version: 3 };
const plain = Buffer.from('correct horse battery staple');

describe('envelope', () => {
  for (const length of [0, 1, 16, 28, 65_536]) {
    it(`gives back ${length} bytes`, () => {
      const bytes = Buffer.alloc(length, 0x5a);
      const sealed = seal(masterKey, context, bytes);
      assert.equal(sealed.length, length + ENVELOPE_BYTES);
      assert.deepEqual(open(masterKey, context, sealed), { kind: 'open', bytes });
    });
  }

  it('seals the same bytes differently each time, and shows none of them', () => {
    const one = seal(masterKey, context, plain);
    const other = seal(masterKey, context, plain);
    assert.notDeepEqual(one.subarray(9), other.subarray(9));
    for (let at = 0; at + 4 <= plain.length; at++) {
      assert.ok(!one.includes(plain.subarray(at, at + 4)));
    }
  });

  it('fails for every single byte that is flipped, in every bit', () => {
    const sealed = seal(masterKey, context, plain);
    for (let at = 0; at < sealed.length; at++) {
      for (let bit = 0; bit < 8; bit++) {
        const changed = Buffer.from(sealed);
        changed[at] = (changed[at] ?? 0) ^ (1 << bit);
        assert.notEqual(open(masterKey, context, changed).kind, 'open', `byte ${at} bit ${bit}`);
      }
    }
  });

  it('fails at every length but its own', () => {
    const sealed = seal(masterKey, context, plain);
    for (let length = 0; length < sealed.length; length++) {
      assert.equal(open(masterKey, context, sealed.subarray(0, length)).kind, 'damaged');
    }
    assert.equal(open(masterKey, context, Buffer.concat([sealed, Buffer.of(0)])).kind, 'damaged');
  });

  for (const [name, moved] of [
    ['name', { ...context, name: 'web-deplox' }],
    ['kind', { ...context, kind: 'private-key' }],
    ['version', { ...context, version: 2 }],
    ['parts that join to the same text', { ...context, name: 'web-deploy","password', kind: '3' }],
  ] as const) {
    it(`fails under another ${name}`, () => {
      const sealed = seal(masterKey, context, plain);
      assert.deepEqual(open(masterKey, moved, sealed), { kind: 'damaged' });
    });
  }

  it('fails when the parts of two envelopes are mixed', () => {
    const one = seal(masterKey, context, plain);
    const other = seal(masterKey, context, plain);
    const mixed = Buffer.concat([one.subarray(0, 69), other.subarray(69)]);
    assert.deepEqual(open(masterKey, context, mixed), { kind: 'damaged' });
  });

  it('names the master key that sealed it when another one is in use', () => {
    const sealed = seal(masterKey, context, plain);
    assert.deepEqual(open(otherKey, context, sealed), {
      kind: 'other-key',
      keyId: keyIdOf(masterKey),
    });
    assert.match(keyIdOf(masterKey), /^[0-9a-f]{16}$/);
    assert.notEqual(keyIdOf(masterKey), keyIdOf(otherKey));
  });
});
