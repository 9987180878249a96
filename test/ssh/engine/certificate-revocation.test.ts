import assert from 'node:assert/strict';
import { rmSync } from 'node:fs';
import { readCertificate, type Certificate } from '../../../server/ssh/engine/certificate.ts';
import {
  isRevoked,
  readRevocationList,
  type RevocationList,
} from '../../../server/ssh/engine/certificate-revocation.ts';
import { fingerprintOf } from '../../../server/ssh/engine/signature.ts';
import { parsePublicLine } from '../../../server/ssh/key.ts';
import { temporaryFolder } from '../../support/temporary-folder.ts';
import { certify, makeKey, revocationList, type KeyFile } from '../support/authority.ts';

describe('revocation lists', () => {
  let folder: string;
  let authority: KeyFile;
  let other: KeyFile;
  let user: KeyFile;
  before(async () => {
    folder = await temporaryFolder();
    authority = makeKey(folder, 'authority');
    other = makeKey(folder, 'other');
    user = makeKey(folder, 'user');
  });
  after(() => rmSync(folder, { recursive: true, force: true }));

  function listOf(bytes: Buffer): RevocationList {
    const outcome = readRevocationList(bytes, parsePublicLine);
    assert.ok(outcome.kind === 'list', JSON.stringify(outcome));
    return outcome.list;
  }
  function certificate(serial: number | string, keyId = 'test', signer = authority): Certificate {
    const args = ['-n', 'alice', '-z', String(serial), '-I', keyId];
    const outcome = readCertificate(certify(signer, user, args));
    assert.ok(outcome.kind === 'certificate');
    return outcome.certificate;
  }

  it('reads serial numbers as numbers, ranges and bitmaps', () => {
    const lines = ['serial: 5', 'serial: 7-9', 'serial: 1000-90000'];
    for (let serial = 100; serial < 200; serial += 3) lines.push(`serial: ${serial}`);
    const list = listOf(revocationList(folder, authority, `${lines.join('\n')}\n`));
    const sample = certificate(1);
    for (let serial = 0; serial < 220; serial += 1) {
      const expected =
        serial === 5 ||
        (serial >= 7 && serial <= 9) ||
        (serial >= 100 && serial < 200 && (serial - 100) % 3 === 0);
      assert.equal(isRevoked(list, { ...sample, serial: BigInt(serial) }), expected, `${serial}`);
    }
    for (const [serial, expected] of [
      [999n, false],
      [1000n, true],
      [90000n, true],
      [90001n, false],
      [18446744073709551615n, false],
    ] as const) {
      assert.equal(isRevoked(list, { ...sample, serial }), expected, `${serial}`);
    }
    assert.ok(isRevoked(list, certificate(8)));
    assert.ok(!isRevoked(list, certificate(8, 'test', other)), 'numbers are of one authority');
  });

  it('never takes the serial number 0, which means none, for revoked', () => {
    const list = listOf(revocationList(folder, authority, 'serial: 1-10\nid: x\n'));
    assert.ok(!isRevoked(list, certificate(0)));
    assert.ok(isRevoked(list, certificate(0, 'x')));
    assert.ok(isRevoked(list, certificate(1)));
  });

  it('reads key ids, of one authority and of all', () => {
    const one = listOf(revocationList(folder, authority, 'id: lost laptop\n'));
    assert.ok(isRevoked(one, certificate(1, 'lost laptop')));
    assert.ok(!isRevoked(one, certificate(1, 'lost laptop 2')));
    assert.ok(!isRevoked(one, certificate(1, 'lost laptop', other)));
    const all = listOf(revocationList(folder, null, 'id: lost laptop\nserial: 7\n'));
    assert.ok(isRevoked(all, certificate(1, 'lost laptop', other)));
    assert.ok(isRevoked(all, certificate(7, 'x', other)));
  });

  const forms: [string, (key: KeyFile) => string][] = [
    ['by itself', (key) => `key: ${key.publicLine}\n`],
    ['by its SHA-1', (key) => `sha1: ${key.publicLine}\n`],
    ['by its SHA-256', (key) => `sha256: ${key.publicLine}\n`],
    ['by its fingerprint', (key) => `hash: ${fingerprintOf(key.blob)}\n`],
  ];
  for (const [what, lines] of forms) {
    it(`reads a key that is named ${what}`, () => {
      const list = listOf(revocationList(folder, null, lines(user)));
      assert.ok(isRevoked(list, certificate(1)));
      const byAuthority = listOf(revocationList(folder, null, lines(authority)));
      assert.ok(isRevoked(byAuthority, certificate(1)), 'an authority takes all its own with it');
      assert.ok(!isRevoked(byAuthority, certificate(1, 'test', other)));
    });
  }

  it('reads plain lists of public keys', () => {
    const list = listOf(Buffer.from(`# lost in March\n\n${user.publicLine}\n`));
    assert.ok(isRevoked(list, certificate(1)));
    const empty = listOf(Buffer.from('# nobody\n'));
    assert.ok(!isRevoked(empty, certificate(1)));
    assert.ok(isRevoked(listOf(Buffer.from(authority.publicLine)), certificate(1)));
  });

  it('refuses a list that is cut anywhere between its sections', () => {
    const lines = `serial: 5\nid: lost\nkey: ${user.publicLine}\n`;
    const bytes = revocationList(folder, authority, lines);
    let whole = 0;
    for (let length = 8; length < bytes.length; length += 1) {
      if (readRevocationList(bytes.subarray(0, length), parsePublicLine).kind === 'list')
        whole += 1;
    }
    // A list that ends where a section does can't be told from a shorter one.
    assert.ok(whole <= 2, `${whole} prefixes were taken`);
  });

  const damaged: [string, (bytes: Buffer) => Buffer][] = [
    ['an unknown section', (bytes) => Buffer.concat([bytes, Buffer.from([9, 0, 0, 0, 0])])],
    ['a signature', (bytes) => Buffer.concat([bytes, Buffer.from([4, 0, 0, 0, 0])])],
    [
      'a critical extension',
      (bytes) =>
        Buffer.concat([bytes, Buffer.from([255, 0, 0, 0, 10, 0, 0, 0, 1, 120, 1, 0, 0, 0, 0])]),
    ],
    [
      'another format',
      (bytes) => {
        const other = Buffer.from(bytes);
        other.writeUInt32BE(2, 8);
        return other;
      },
    ],
  ];
  for (const [what, change] of damaged) {
    it(`refuses a list with ${what}`, () => {
      const bytes = change(revocationList(folder, authority, 'serial: 5\n'));
      assert.equal(readRevocationList(bytes, parsePublicLine).kind, 'invalid');
    });
  }

  it('refuses a plain list with a line that is no key, and names the line', () => {
    const outcome = readRevocationList(Buffer.from('# x\nserial: 5\n'), parsePublicLine);
    assert.ok(outcome.kind === 'invalid');
    assert.match(outcome.why, /^line 2 is no public key/);
  });
});
