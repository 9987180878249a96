import assert from 'node:assert/strict';
import { createHash, createPrivateKey, createPublicKey, randomBytes } from 'node:crypto';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { ml_kem768 } from '@noble/post-quantum/ml-kem.js';
import { createHybridExchange, KEM } from '../../../server/ssh/engine/hybrid-exchange.ts';
import {
  KEM_CIPHERTEXT_BYTES,
  KEM_PUBLIC_BYTES,
  nativeKem,
  PORTABLE_KEM,
  type Kem,
} from '../../../server/ssh/engine/ml-kem.ts';
import { verifySignature } from '../../../server/ssh/engine/signature.ts';
import { encodeFields } from '../../../server/ssh/engine/wire.ts';

/** A key exchange with a real server, and the keys that we had in it. */
type RecordField =
  | 'clientIdentification'
  | 'serverIdentification'
  | 'kemSeed'
  | 'x25519Scalar'
  | 'clientKexInit'
  | 'serverKexInit'
  | 'hostKey'
  | 'reply'
  | 'signature';

const POINT_BYTES = 32;
/** Every implementation that this node has, each with each. */
const KEMS: readonly Kem[] = [PORTABLE_KEM, nativeKem()].filter((kem) => kem !== null);
const PAIRS = KEMS.flatMap((client) => KEMS.map((server) => ({ client, server })));

function nameOf(kem: Kem): string {
  return kem.isNative ? "node's own ML-KEM" : 'the ML-KEM in JavaScript';
}

/** Points whose secret is zero, whatever the other side's key: RFC 7748 section 6.1. */
const LOW_ORDER = [
  '0000000000000000000000000000000000000000000000000000000000000000',
  '0100000000000000000000000000000000000000000000000000000000000000',
  'e0eb7a7c3b41b8ae1656e3faf19fc46ada098deb9c32b1fd866205165f49b800',
  '5f9c95bca3508c24b1d0b1559c83ef5b04445cc4581c8e86d8224eddd09f1157',
  'ecffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff7f',
  'edffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff7f',
];

describe('the key exchange mlkem768x25519-sha256', () => {
  it('uses the ML-KEM of node where node has one', () => {
    assert.equal(KEM.isNative, nativeKem() !== null);
  });

  for (const { client, server } of PAIRS) {
    it(`agrees between ${nameOf(client)} and ${nameOf(server)}`, () => {
      const ours = createHybridExchange(false, client);
      const theirs = createHybridExchange(true, server);
      const request = ours.message();
      assert.equal(request.length, KEM_PUBLIC_BYTES + POINT_BYTES);
      const secret = theirs.secret(request);
      const reply = theirs.message();
      assert.equal(reply.length, KEM_CIPHERTEXT_BYTES + POINT_BYTES);
      assert.deepEqual(ours.secret(reply), secret);
      assert.equal(secret.length, 32);
    });
  }

  it('agrees with OpenSSH 10.3: its signature covers the secret that we compute', () => {
    const path = join(import.meta.dirname, '../../cases/ssh/mlkem768x25519.json');
    const record = JSON.parse(readFileSync(path, 'utf8')) as Readonly<Record<RecordField, string>>;
    const bytes = (name: RecordField): Buffer => Buffer.from(record[name], 'base64');
    const head = Buffer.from('302e020100300506032b656e04220420', 'hex');
    const privateKey = createPrivateKey({
      key: Buffer.concat([head, Buffer.from(record.x25519Scalar, 'hex')]),
      format: 'der',
      type: 'pkcs8',
    });
    const { publicKey, secretKey } = ml_kem768.keygen(Buffer.from(record.kemSeed, 'hex'));
    const seeded: Kem = {
      ...PORTABLE_KEM,
      generate: () => ({
        publicKey: Buffer.from(publicKey),
        decapsulate: (ciphertext) => Buffer.from(ml_kem768.decapsulate(ciphertext, secretKey)),
      }),
    };
    const pair = { privateKey, publicKey: createPublicKey(privateKey) };
    const ours = createHybridExchange(false, seeded, pair);
    // RFC 5656 section 4: what the host key signs.
    const exchangeHash = createHash('sha256')
      .update(
        encodeFields([
          record.clientIdentification,
          record.serverIdentification,
          bytes('clientKexInit'),
          bytes('serverKexInit'),
          bytes('hostKey'),
          ours.message(),
          bytes('reply'),
          ours.secret(bytes('reply')),
        ]),
      )
      .digest();
    const { hostKey, signature } = { hostKey: bytes('hostKey'), signature: bytes('signature') };
    assert.equal(verifySignature(hostKey, 'ssh-ed25519', exchangeHash, signature), true);
  });

  it('has another secret each time', () => {
    const client = createHybridExchange(false).message();
    const secrets = [1, 2].map(() => createHybridExchange(true).secret(client).toString('hex'));
    assert.equal(new Set(secrets).size, 2);
  });

  for (const kem of KEMS) {
    it(`refuses requests of another length, with ${nameOf(kem)}`, () => {
      const request = createHybridExchange(false, kem).message();
      for (const wrong of [
        Buffer.alloc(0),
        request.subarray(0, KEM_PUBLIC_BYTES),
        request.subarray(0, -1),
        request.subarray(1),
        Buffer.concat([request, Buffer.of(0)]),
      ]) {
        assert.throws(() => createHybridExchange(true, kem).secret(wrong), /bytes/);
      }
    });

    it(`refuses replies of another length, with ${nameOf(kem)}`, () => {
      const ours = createHybridExchange(false, kem);
      const theirs = createHybridExchange(true, kem);
      theirs.secret(ours.message());
      const reply = theirs.message();
      for (const wrong of [
        Buffer.alloc(0),
        reply.subarray(0, -1),
        Buffer.concat([reply, Buffer.of(0)]),
      ]) {
        assert.throws(() => ours.secret(wrong), /bytes/);
      }
    });

    it(`refuses an ML-KEM key that is not reduced, with ${nameOf(kem)}`, () => {
      const request = Buffer.from(createHybridExchange(false, kem).message());
      request.fill(0xff, 0, 3);
      assert.throws(() => createHybridExchange(true, kem).secret(request));
    });

    it(`refuses points of low order, with ${nameOf(kem)}`, () => {
      for (const point of LOW_ORDER.map((hex) => Buffer.from(hex, 'hex'))) {
        const ours = createHybridExchange(false, kem);
        const request = Buffer.concat([ours.message().subarray(0, KEM_PUBLIC_BYTES), point]);
        assert.throws(() => createHybridExchange(true, kem).secret(request));
        const reply = Buffer.concat([randomBytes(KEM_CIPHERTEXT_BYTES), point]);
        assert.throws(() => ours.secret(reply));
      }
    });

    it(`gives a secret that nobody shares for a forged ciphertext, with ${nameOf(kem)}`, () => {
      const ours = createHybridExchange(false, kem);
      const theirs = createHybridExchange(true, kem);
      const secret = theirs.secret(ours.message());
      const forged = Buffer.from(theirs.message());
      forged[7] = (forged[7] ?? 0) ^ 1;
      assert.notDeepEqual(ours.secret(forged), secret);
    });
  }
});
