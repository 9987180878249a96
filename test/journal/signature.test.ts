import assert from 'node:assert/strict';
import { generateKeyPairSync } from 'node:crypto';
import { CHAIN_START } from '../../server/journal/chain.ts';
import {
  createHeadSigner,
  headPayload,
  type HeadStatement,
  isSignedBy,
  keyIdOf,
} from '../../server/journal/signature.ts';

const HEAD: HeadStatement = {
  sessionId: '01939b8e-7c00-7abc-8def-0123456789ab',
  chunks: 3,
  events: 120,
  hash: 'a'.repeat(64),
};

describe('head signature', () => {
  const { privateKey, publicKey } = generateKeyPairSync('ed25519');
  const signer = createHeadSigner(privateKey);

  it('covers a text that anybody can rebuild', () => {
    assert.equal(
      headPayload(HEAD).toString(),
      `sallyport recording head v1\n{"chunks":3,"events":120,"hash":"${'a'.repeat(64)}","sessionId":"01939b8e-7c00-7abc-8def-0123456789ab"}`,
    );
  });

  it('is accepted with the key that made it', () => {
    assert.ok(isSignedBy(HEAD, signer.sign(HEAD), publicKey));
    assert.equal(signer.keyId, keyIdOf(publicKey));
  });

  const CHANGES: readonly Partial<HeadStatement>[] = [
    { sessionId: '01939b8e-7c00-7abc-8def-0123456789ac' },
    { chunks: 2 },
    { events: 121 },
    { hash: CHAIN_START },
  ];
  for (const change of CHANGES) {
    it(`is refused after a change of ${Object.keys(change).join()}`, () => {
      assert.equal(isSignedBy({ ...HEAD, ...change }, signer.sign(HEAD), publicKey), false);
    });
  }

  it('is refused with another key, and when it is malformed', () => {
    const other = generateKeyPairSync('ed25519');
    assert.equal(isSignedBy(HEAD, signer.sign(HEAD), other.publicKey), false);
    for (const broken of ['', 'AAAA', 'not base64!', signer.sign(HEAD).slice(4)]) {
      assert.equal(isSignedBy(HEAD, broken, publicKey), false);
    }
  });
});
