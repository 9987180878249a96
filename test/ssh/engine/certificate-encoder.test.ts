import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import { generateKeyPairSync, randomBytes, type KeyObject } from 'node:crypto';
import { rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import {
  encodeCertificate,
  type CertificateFields,
} from '../../../server/ssh/engine/certificate-encoder.ts';
import { blobOf, fingerprintOf } from '../../../server/ssh/engine/signature.ts';
import { temporaryFolder } from '../../support/temporary-folder.ts';

const KEYS = {
  'ssh-ed25519': () => generateKeyPairSync('ed25519').privateKey,
  'ecdsa-sha2-nistp256': () => generateKeyPairSync('ec', { namedCurve: 'P-256' }).privateKey,
  'ecdsa-sha2-nistp384': () => generateKeyPairSync('ec', { namedCurve: 'P-384' }).privateKey,
  'ssh-rsa': () => generateKeyPairSync('rsa', { modulusLength: 2048 }).privateKey,
} satisfies Record<string, () => KeyObject>;
const FROM_MS = Date.parse('2026-01-02T03:04:05Z');

describe('the certificate encoder', () => {
  let folder: string;
  before(async () => {
    folder = await temporaryFolder();
  });
  after(() => rmSync(folder, { recursive: true, force: true }));

  /** What ssh-keygen reads out of a certificate. */
  function shown(type: string, blob: Buffer): string {
    const file = join(folder, 'one-cert.pub');
    writeFileSync(file, `${type} ${blob.toString('base64')} test\n`);
    return execFileSync('ssh-keygen', ['-L', '-f', file], {
      encoding: 'utf8',
      env: { ...process.env, TZ: 'UTC' },
    });
  }

  function fields(key: KeyObject, more: Partial<CertificateFields> = {}): CertificateFields {
    return {
      kind: 'user',
      key: blobOf(key) ?? Buffer.alloc(0),
      nonce: randomBytes(32),
      serial: 42n,
      keyId: 'sallyport:alice:1',
      principals: ['deploy'],
      validAfterMs: FROM_MS,
      validBeforeMs: FROM_MS + 300_000,
      ...more,
    };
  }

  for (const [signerType, makeSigner] of Object.entries(KEYS)) {
    for (const [type, make] of Object.entries(KEYS)) {
      it(`${type} signed by ${signerType} is what ssh-keygen reads`, () => {
        const key = make();
        const signer = makeSigner();
        const certificate = encodeCertificate(
          fields(key, {
            extensions: ['permit-pty', 'no-touch-required'],
            criticalOptions: { 'source-address': '192.0.2.0/24', 'force-command': 'true' },
          }),
          signer,
        );
        const text = shown(certificate.type, certificate.blob);
        const fingerprint = (one: KeyObject): string =>
          fingerprintOf(blobOf(one) ?? Buffer.alloc(0));
        assert.match(text, new RegExp(`Type: ${type}-cert-v01@openssh.com user certificate`));
        assert.ok(text.includes(`CERT ${fingerprint(key)}`), text);
        assert.ok(text.includes(fingerprint(signer)), text);
        assert.match(text, /Key ID: "sallyport:alice:1"/);
        assert.match(text, /Serial: 42/);
        assert.match(text, /Valid: from 2026-01-02T03:04:05 to 2026-01-02T03:09:05/);
        assert.match(text, /Principals:\s+deploy\n/);
        assert.match(text, /force-command true\n\s+source-address 192.0.2.0\/24/);
        assert.match(text, /no-touch-required\n\s+permit-pty/);
      });
    }
  }

  it('writes host certificates with several names', () => {
    const certificate = encodeCertificate(
      fields(KEYS['ssh-ed25519'](), { kind: 'host', principals: ['web1', '10.0.0.5'] }),
      KEYS['ssh-ed25519'](),
    );
    const text = shown(certificate.type, certificate.blob);
    assert.match(text, /ed25519-cert-v01@openssh.com host certificate/);
    assert.match(text, /Principals:\s+web1\s+10.0.0.5\n/);
    assert.match(text, /Critical Options: \(none\)\s+Extensions: \(none\)/);
  });

  it('never makes one that is good for every name', () => {
    const key = KEYS['ssh-ed25519']();
    assert.throws(() => encodeCertificate(fields(key, { principals: [] }), key), {
      code: 'internal',
    });
  });

  it('never makes one without a random nonce', () => {
    const key = KEYS['ssh-ed25519']();
    assert.throws(() => encodeCertificate(fields(key, { nonce: Buffer.alloc(8) }), key), {
      code: 'internal',
    });
  });
});
