import assert from 'node:assert/strict';
import { readBlob, tokenFlags, verifySignature } from '../../../server/ssh/engine/signature.ts';
import { encodeFields } from '../../../server/ssh/engine/wire.ts';
import { createToken, TOKEN_TYPES, TOUCHED, VERIFIED } from '../support/security-token.ts';

const DATA = Buffer.from('what is signed');

for (const type of TOKEN_TYPES) {
  describe(`a key of a security token, ${type}`, () => {
    it('is read with its application', () => {
      const outcome = readBlob(createToken(type).blob);
      assert.ok(outcome.kind === 'key');
      assert.equal(outcome.type, type);
      assert.equal(outcome.application?.toString(), 'ssh:');
    });

    it('is refused when it is cut, goes on, or names a very long application', () => {
      const { blob } = createToken(type);
      for (const wrong of [
        blob.subarray(0, -1),
        blob.subarray(0, -8),
        Buffer.concat([blob, Buffer.of(0)]),
        createToken(type, 'x'.repeat(256)).blob,
      ]) {
        assert.equal(readBlob(wrong).kind, 'invalid');
      }
    });

    it('verifies what the token signed, with its flags and counter', () => {
      const token = createToken(type);
      token.flags = TOUCHED | VERIFIED;
      const signature = token.sign(DATA);
      assert.equal(verifySignature(token.blob, type, DATA, signature), true);
      assert.deepEqual(tokenFlags(signature), { isTouched: true, isVerified: true });
    });

    it('says when nobody touched it', () => {
      const token = createToken(type);
      token.flags = 0;
      const signature = token.sign(DATA);
      assert.equal(verifySignature(token.blob, type, DATA, signature), true);
      assert.deepEqual(tokenFlags(signature), { isTouched: false, isVerified: false });
    });

    it('does not verify when the flags or the counter were changed afterwards', () => {
      const token = createToken(type);
      token.flags = 0;
      for (const fromEnd of [1, 2, 3, 4, 5]) {
        const signature = token.sign(DATA);
        const at = signature.length - fromEnd;
        signature[at] = (signature[at] ?? 0) ^ 1;
        assert.equal(verifySignature(token.blob, type, DATA, signature), false);
      }
    });

    it('does not verify what it signed for another application: a web site', () => {
      const token = createToken(type);
      token.application = 'https://example.com';
      assert.equal(verifySignature(token.blob, type, DATA, token.sign(DATA)), false);
    });

    it('does not verify other data, another key, a cut or longer signature', () => {
      const token = createToken(type);
      const signature = token.sign(DATA);
      assert.equal(verifySignature(token.blob, type, Buffer.from('other'), signature), false);
      assert.equal(verifySignature(createToken(type).blob, type, DATA, signature), false);
      const longer = Buffer.concat([signature, Buffer.of(0)]);
      for (const wrong of [signature.subarray(0, -1), signature.subarray(0, -5), longer]) {
        assert.equal(verifySignature(token.blob, type, DATA, wrong), false);
      }
    });

    it('does not verify the signature of a plain key, nor a plain key one of a token', () => {
      const token = createToken(type);
      const plain = type.includes('ed25519') ? 'ssh-ed25519' : 'ecdsa-sha2-nistp256';
      const signature = token.sign(DATA);
      const renamed = Buffer.concat([
        encodeFields([plain]),
        signature.subarray(encodeFields([type]).length),
      ]);
      assert.equal(verifySignature(token.blob, plain, DATA, renamed), false);
      assert.equal(verifySignature(token.blob, type, DATA, renamed), false);
      assert.equal(tokenFlags(renamed), null);
    });
  });
}
