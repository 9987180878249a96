import assert from 'node:assert/strict';
import { decodeBase64, decodeHex, encodeBase64 } from '../server/base64.ts';

describe('base64 from bytes to bytes', () => {
  it('agrees with node at every length and with every byte', () => {
    for (let length = 0; length <= 260; length += 1) {
      const bytes = Buffer.from(Array.from({ length }, (_, at) => (at * 7 + length) & 0xff));
      const text = bytes.toString('base64');
      assert.equal(encodeBase64(bytes).toString(), text);
      for (const form of [
        text,
        text.replace(/=+$/, ''),
        bytes.toString('base64url'),
        ` ${text}\r\n`,
      ]) {
        assert.deepEqual(decodeBase64(Buffer.from(form)), bytes);
      }
      assert.deepEqual(decodeHex(Buffer.from(bytes.toString('hex'))), bytes);
      assert.deepEqual(decodeHex(Buffer.from(bytes.toString('hex').toUpperCase())), bytes);
    }
  });

  for (const text of ['A', 'AAAAA', 'AA=A', '*AAA', 'AAA\0', 'AAA.', 'AAAé', '=AAA']) {
    it(`refuses ${JSON.stringify(text)}`, () => {
      assert.equal(decodeBase64(Buffer.from(text)), null);
    });
  }

  for (const text of ['0', '0g', 'zz', '0 ', '000']) {
    it(`refuses ${JSON.stringify(text)} as hexadecimal`, () => {
      assert.equal(decodeHex(Buffer.from(text)), null);
    });
  }
});
