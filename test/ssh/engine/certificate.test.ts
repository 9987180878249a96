import assert from 'node:assert/strict';
import { rmSync } from 'node:fs';
import {
  certificateAlgorithm,
  isCertificateName,
  isSignedByAuthority,
  readCertificate,
  type Certificate,
} from '../../../server/ssh/engine/certificate.ts';
import { readTerms, type CertificateTerms } from '../../../server/ssh/engine/certificate-terms.ts';
import { temporaryFolder } from '../../support/temporary-folder.ts';
import { certify, makeKey, type KeyFile, type KeyKind } from '../support/authority.ts';

const KINDS: readonly KeyKind[] = ['ed25519', 'ecdsa-256', 'ecdsa-384', 'ecdsa-521', 'rsa-2048'];

function read(blob: Buffer): Certificate {
  const outcome = readCertificate(blob);
  if (outcome.kind === 'invalid') assert.fail(outcome.why);
  return outcome.certificate;
}

function termsOf(certificate: Certificate): CertificateTerms {
  const outcome = readTerms(certificate);
  assert.ok(outcome.kind === 'terms', JSON.stringify(outcome));
  return outcome.terms;
}

describe('certificates', () => {
  let folder: string;
  let authority: KeyFile;
  let user: KeyFile;
  before(async () => {
    folder = await temporaryFolder();
    authority = makeKey(folder, 'authority');
    user = makeKey(folder, 'user');
  });
  after(() => rmSync(folder, { recursive: true, force: true }));

  for (const [index, kind] of KINDS.entries()) {
    const signerKind = KINDS[(index + 1) % KINDS.length] ?? 'ed25519';
    it(`reads ${kind} certified by ${signerKind}, and verifies the signature`, () => {
      const signer = makeKey(folder, `signer-${kind}`, signerKind);
      const key = makeKey(folder, `key-${kind}`, kind);
      const blob = certify(signer, key, ['-n', 'alice,bob', '-z', '18446744073709551615']);
      const certificate = read(blob);
      assert.deepEqual(certificate.key, key.blob);
      assert.deepEqual(certificate.authority, signer.blob);
      assert.deepEqual(certificate.principals, ['alice', 'bob']);
      assert.equal(certificate.serial, 18446744073709551615n);
      assert.equal(certificate.keyId, 'test');
      assert.equal(certificate.kind, 'user');
      assert.equal(certificate.validAfterS, 0n);
      assert.equal(certificate.validBeforeS, 18446744073709551615n);
      assert.ok(isSignedByAuthority(certificate));
    });
  }

  it('verifies nothing when any byte that was signed, or the signature, is another', () => {
    const blob = certify(authority, user, ['-n', 'alice', '-V', '+1h']);
    let changed = 0;
    for (let at = 0; at < blob.length; at += 1) {
      const other = Buffer.from(blob);
      other[at] = (other[at] ?? 0) ^ 1;
      const outcome = readCertificate(other);
      if (outcome.kind === 'invalid') continue;
      changed += 1;
      assert.equal(isSignedByAuthority(outcome.certificate), false, `byte ${at}`);
    }
    assert.ok(changed > 100, `${changed} of ${blob.length} bytes`);
  });

  it('refuses every prefix of a certificate, and bytes behind it', () => {
    const blob = certify(authority, user, ['-n', 'alice']);
    for (let length = 0; length < blob.length; length += 1) {
      assert.equal(readCertificate(blob.subarray(0, length)).kind, 'invalid', `${length} bytes`);
    }
    assert.equal(readCertificate(Buffer.concat([blob, Buffer.of(0)])).kind, 'invalid');
  });

  it('refuses the SHA-1 signature of an authority', () => {
    const signer = makeKey(folder, 'sha1-signer', 'rsa-2048');
    const key = makeKey(folder, 'sha1-key');
    const certificate = read(certify(signer, key, ['-t', 'ssh-rsa', '-n', 'alice']));
    assert.equal(isSignedByAuthority(certificate), false);
    assert.ok(isSignedByAuthority(read(certify(signer, key, ['-t', 'rsa-sha2-256', '-n', 'a']))));
  });

  it('tells certificates of hosts from those of users', () => {
    const key = makeKey(folder, 'host');
    assert.equal(read(certify(authority, key, ['-h', '-n', 'web1'])).kind, 'host');
  });

  it('reads the default terms: everything is permitted, a touch is asked for', () => {
    assert.deepEqual(termsOf(read(certify(authority, user, ['-n', 'alice']))), {
      forceCommand: null,
      sourceAddress: null,
      isVerifyRequired: false,
      isTouchRequired: true,
      permitsPty: true,
      permitsPortForwarding: true,
      permitsAgentForwarding: true,
      permitsX11Forwarding: true,
    });
  });

  const terms: [string, readonly string[], Partial<CertificateTerms>][] = [
    [
      'nothing permitted',
      ['-O', 'clear'],
      {
        permitsPty: false,
        permitsPortForwarding: false,
        permitsAgentForwarding: false,
        permitsX11Forwarding: false,
      },
    ],
    ['no terminal', ['-O', 'no-pty'], { permitsPty: false, permitsPortForwarding: true }],
    ['no forwards', ['-O', 'no-port-forwarding'], { permitsPortForwarding: false }],
    ['no agent', ['-O', 'no-agent-forwarding'], { permitsAgentForwarding: false }],
    ['no X11', ['-O', 'no-x11-forwarding'], { permitsX11Forwarding: false }],
    ['no touch', ['-O', 'no-touch-required'], { isTouchRequired: false }],
    ['a verified person', ['-O', 'verify-required'], { isVerifyRequired: true }],
    [
      'a command',
      ['-O', 'force-command=uptime -p; id'],
      { forceCommand: Buffer.from('uptime -p; id') },
    ],
    ['addresses', ['-O', 'source-address=192.0.2.0/24,::1'], { sourceAddress: '192.0.2.0/24,::1' }],
    ['an unknown extension', ['-O', 'extension:x@example.com=1'], { permitsPty: true }],
  ];
  for (const [what, args, expected] of terms) {
    it(`reads the terms: ${what}`, () => {
      const found = termsOf(read(certify(authority, user, ['-n', 'alice', ...args])));
      assert.deepEqual({ ...found, ...expected }, found);
    });
  }

  it('refuses a critical option that it does not know', () => {
    const certificate = read(
      certify(authority, user, ['-n', 'alice', '-O', 'critical:x@example.com=1']),
    );
    assert.ok(isSignedByAuthority(certificate));
    const outcome = readTerms(certificate);
    assert.ok(outcome.kind === 'invalid');
    assert.match(outcome.why, /critical option x@example.com is unknown/);
  });

  for (const name of ['force-command', 'source-address', 'verify-required', 'permit-pty']) {
    it(`refuses a damaged ${name}`, () => {
      const blob = certify(authority, user, ['-n', 'alice']);
      const certificate = read(blob);
      const value = name === 'permit-pty' || name === 'verify-required' ? [1] : [0, 0, 0, 9, 1];
      const one = new Map([[name, Buffer.from(value)]]);
      const damaged =
        name === 'permit-pty'
          ? { ...certificate, extensions: one }
          : { ...certificate, criticalOptions: one };
      assert.equal(readTerms(damaged).kind, 'invalid');
    });
  }

  const algorithms: [string, ReturnType<typeof certificateAlgorithm>][] = [
    [
      'ssh-ed25519-cert-v01@openssh.com',
      { type: 'ssh-ed25519-cert-v01@openssh.com', signature: 'ssh-ed25519' },
    ],
    [
      'rsa-sha2-512-cert-v01@openssh.com',
      { type: 'ssh-rsa-cert-v01@openssh.com', signature: 'rsa-sha2-512' },
    ],
    [
      'sk-ssh-ed25519-cert-v01@openssh.com',
      { type: 'sk-ssh-ed25519-cert-v01@openssh.com', signature: 'sk-ssh-ed25519@openssh.com' },
    ],
    ['ssh-rsa-cert-v01@openssh.com', null],
    ['ssh-dss-cert-v01@openssh.com', null],
    ['ssh-ed25519', null],
    ['ssh-ed25519-cert-v02@openssh.com', null],
  ];
  for (const [name, expected] of algorithms) {
    it(`${expected === null ? 'refuses' : 'knows'} the algorithm ${name}`, () => {
      assert.deepEqual(certificateAlgorithm(name), expected);
      assert.equal(isCertificateName(name), name !== 'ssh-ed25519');
    });
  }
});
