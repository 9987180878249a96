import assert from 'node:assert/strict';
import {
  openBody,
  readEnvelope,
  sealBody,
  unwrapDataKey,
  wrapDataKey,
  writeEnvelope,
  type SealContext,
} from '../../server/vault/envelope.ts';
import { keyIdOf, wrappingKeyOf } from '../../server/vault/master-key.ts';
import { Secret } from '../../server/vault/secret.ts';

const masterKey = new Secret('master-key', Buffer.alloc(32, 1));
const otherKey = new Secret('master-key', Buffer.alloc(32, 2));
const context = { name: 'web-deploy', kind: 'password', version: 3 };
const plain = Buffer.from('correct horse battery staple');
/** Sealed by the first release with `masterKey` under `context`. */
const OLD =
  'AXOfBH6ZzpQaeamYmbcB1EECd1wY48V2UkJX2PHOP46r13ZaNCRUNjjeizR/VJpBIWqBLZOaMc0I4XT6r47B+v+6n/CLm/Vf0Jx8xUMQjhmhT8RPPa+iKwjMKeIRqLEeATBsTojUTUaQeju5Xia6Deh1Nni8oHhR3UQfTJY=';

function seal(key: typeof masterKey, where: SealContext, bytes: Buffer): Buffer {
  const dataKey = Buffer.alloc(32, Math.floor(Math.random() * 256));
  const wrapped = wrapDataKey(wrappingKeyOf(key), keyIdOf(key), where, dataKey);
  return writeEnvelope({ key: wrapped, body: sealBody(dataKey, where, bytes) });
}

function open(key: typeof masterKey, where: SealContext, sealed: Buffer): Buffer | null {
  const envelope = readEnvelope(sealed);
  if (envelope === null) return null;
  const dataKey = unwrapDataKey(wrappingKeyOf(key), envelope.key, where);
  return dataKey === null ? null : openBody(dataKey, where, envelope);
}

describe('envelope', () => {
  for (const length of [0, 1, 16, 28, 65_536]) {
    it(`gives back ${length} bytes`, () => {
      const bytes = Buffer.alloc(length, 0x5a);
      assert.deepEqual(open(masterKey, context, seal(masterKey, context, bytes)), bytes);
    });
  }

  it('opens what the first release sealed, and only in its place', () => {
    const sealed = Buffer.from(OLD, 'base64');
    assert.equal(readEnvelope(sealed)?.key.keyId, keyIdOf(masterKey));
    assert.deepEqual(open(masterKey, context, sealed), plain);
    assert.equal(open(masterKey, { ...context, name: 'web-deplox' }, sealed), null);
    assert.equal(open(masterKey, { ...context, version: 2 }, sealed), null);
  });

  it('seals the same bytes differently each time, and shows none of them', () => {
    const one = seal(masterKey, context, plain);
    const other = seal(masterKey, context, plain);
    assert.notDeepEqual(one.subarray(20), other.subarray(20));
    for (let at = 0; at + 4 <= plain.length; at += 1) {
      assert.ok(!one.includes(plain.subarray(at, at + 4)));
    }
  });

  for (const [format, made] of [
    ['2', seal(masterKey, context, plain)],
    ['1', Buffer.from(OLD, 'base64')],
  ] as const) {
    it(`fails for every single byte that is flipped, in every bit (format ${format})`, () => {
      for (let at = 0; at < made.length; at += 1) {
        for (let bit = 0; bit < 8; bit += 1) {
          const changed = Buffer.from(made);
          changed[at] = (changed[at] ?? 0) ^ (1 << bit);
          assert.equal(open(masterKey, context, changed), null, `byte ${at} bit ${bit}`);
        }
      }
    });

    it(`fails at every length but its own (format ${format})`, () => {
      for (let length = 0; length < made.length; length += 1) {
        assert.equal(open(masterKey, context, made.subarray(0, length)), null);
      }
      assert.equal(open(masterKey, context, Buffer.concat([made, Buffer.of(0)])), null);
    });
  }

  for (const [name, moved] of [
    ['name', { ...context, name: 'web-deplox' }],
    ['kind', { ...context, kind: 'private-key' }],
    ['version', { ...context, version: 2 }],
    ['parts that join to the same text', { ...context, name: 'web-deploy","password', kind: '3' }],
  ] as const) {
    it(`fails under another ${name}, in the wrapping and in the body`, () => {
      const sealed = seal(masterKey, context, plain);
      const envelope = readEnvelope(sealed);
      assert.ok(envelope !== null);
      const dataKey = unwrapDataKey(wrappingKeyOf(masterKey), envelope.key, context);
      assert.ok(dataKey !== null);
      assert.equal(unwrapDataKey(wrappingKeyOf(masterKey), envelope.key, moved), null);
      assert.equal(openBody(dataKey, moved, envelope), null);
    });
  }

  it('fails when a wrapping says another key id than it was made with', () => {
    const envelope = readEnvelope(seal(masterKey, context, plain));
    assert.ok(envelope !== null);
    const renamed = { ...envelope.key, keyId: keyIdOf(otherKey) };
    assert.equal(unwrapDataKey(wrappingKeyOf(masterKey), renamed, context), null);
  });

  it('fails when the parts of two envelopes are mixed', () => {
    const one = readEnvelope(seal(masterKey, context, plain));
    const other = readEnvelope(seal(masterKey, { ...context, name: 'db' }, plain));
    assert.ok(one !== null && other !== null);
    const mixed = writeEnvelope({ key: one.key, body: other.body });
    assert.equal(open(masterKey, context, mixed), null);
  });

  it('keeps the body when the data key is wrapped anew', () => {
    const envelope = readEnvelope(seal(masterKey, context, plain));
    assert.ok(envelope !== null);
    const dataKey = unwrapDataKey(wrappingKeyOf(masterKey), envelope.key, context);
    assert.ok(dataKey !== null);
    const key = wrapDataKey(wrappingKeyOf(otherKey), keyIdOf(otherKey), context, dataKey);
    const sealed = writeEnvelope({ key, body: envelope.body });
    assert.deepEqual(open(otherKey, context, sealed), plain);
    assert.equal(open(masterKey, context, sealed), null);
  });
});
