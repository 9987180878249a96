import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { generateKeyPairSync, randomBytes } from 'node:crypto';
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { signData, verifySignature } from '../../server/ssh/engine/signature.ts';
import { encodeFields, encodeInteger } from '../../server/ssh/engine/wire.ts';
import { generateKeyPair, parsePrivateKey, parsePublicLine } from '../../server/ssh/key.ts';
import { createToken, TOKEN_TYPES } from './support/security-token.ts';

const PUBLIC_LINE = generateKeyPair('x').publicLine;

/** An RSA key whose exponent is as long as the modulus: verifying costs what signing does. */
function largeExponent(): string {
  const { publicKey } = generateKeyPairSync('rsa', { modulusLength: 2048 });
  const n = Buffer.from(publicKey.export({ format: 'jwk' }).n ?? '', 'base64url');
  const e = Buffer.from(n);
  e[e.length - 1] = 1;
  const fields = ['ssh-rsa', encodeInteger(e), encodeInteger(n)];
  return `ssh-rsa ${encodeFields(fields).toString('base64')}`;
}

/** Keys that the real ssh-keygen made. */
function keygen(...args: string[]): { pem: Buffer; line: string; shown: string } {
  const folder = mkdtempSync(join(tmpdir(), 'keys-'));
  const file = join(folder, 'k');
  const made = spawnSync('ssh-keygen', ['-q', '-C', 'a comment', '-f', file, ...args]);
  assert.equal(made.status, 0, made.stderr.toString());
  const shown = spawnSync('ssh-keygen', ['-l', '-f', `${file}.pub`]).stdout.toString();
  const key = { pem: readFileSync(file), line: readFileSync(`${file}.pub`, 'utf8').trim(), shown };
  rmSync(folder, { recursive: true });
  return key;
}

describe('keys', () => {
  it('are generated so that ssh-keygen reads them, with the same fingerprint', () => {
    const pair = generateKeyPair('ci\nbot');
    assert.match(pair.publicLine, /^ssh-ed25519 [A-Za-z0-9+/=]+ ci bot$/);
    const folder = mkdtempSync(join(tmpdir(), 'keys-'));
    const file = join(folder, 'k');
    writeFileSync(file, pair.privateKeyPem, { mode: 0o600 });
    const derived = spawnSync('ssh-keygen', ['-y', '-P', '', '-f', file]).stdout.toString().trim();
    assert.equal(derived, pair.publicLine);
    const shown = spawnSync('ssh-keygen', ['-l', '-f', file]).stdout.toString();
    assert.ok(shown.includes(pair.fingerprint), shown);
    rmSync(folder, { recursive: true });
  });

  for (const [algorithm, ...args] of [
    ['ssh-ed25519', '-t', 'ed25519'],
    ['ecdsa-sha2-nistp256', '-t', 'ecdsa', '-b', '256'],
    ['ecdsa-sha2-nistp384', '-t', 'ecdsa', '-b', '384'],
    ['ecdsa-sha2-nistp521', '-t', 'ecdsa', '-b', '521'],
    ['ssh-rsa', '-t', 'rsa', '-b', '2048'],
  ] as const) {
    for (const form of [[], ['-m', 'PEM'], ['-m', 'PKCS8']]) {
      // Ed25519 has only OpenSSH's form, whatever is asked for.
      it(`of type ${algorithm} are read in the form ${form[1] ?? 'OpenSSH'} and sign`, () => {
        const made = keygen(...args, ...form, '-N', '');
        const line = parsePublicLine(made.line);
        assert.ok(line.kind === 'key', JSON.stringify(line));
        assert.equal(line.algorithm, algorithm);
        assert.equal(line.comment, 'a comment');
        assert.ok(made.shown.includes(line.fingerprint));
        const secret = parsePrivateKey(made.pem);
        assert.ok(secret.kind === 'key', JSON.stringify(secret));
        assert.ok(secret.blob.equals(line.blob));
        const names = algorithm === 'ssh-rsa' ? ['rsa-sha2-256', 'rsa-sha2-512'] : [algorithm];
        for (const name of names) {
          for (let round = 0; round < 20; round += 1) {
            const data = randomBytes(round);
            const signature = signData(secret.key, name, data);
            assert.ok(verifySignature(line.blob, name, data, signature));
            assert.ok(
              !verifySignature(
                line.blob,
                name,
                Buffer.concat([data, data, Buffer.of(1)]),
                signature,
              ),
            );
          }
        }
        const forged = encodeFields([names[0] ?? '', Buffer.alloc(64)]);
        assert.ok(!verifySignature(line.blob, names[0] ?? '', Buffer.alloc(1), forged));
      });
    }
  }

  it('protected by a pass phrase are refused with what to do', () => {
    for (const form of [[], ['-m', 'PEM']]) {
      const outcome = parsePrivateKey(keygen('-t', 'rsa', '-N', 'secret', ...form).pem);
      assert.ok(outcome.kind === 'invalid' && /pass phrase/.test(outcome.why));
    }
  });

  for (const type of TOKEN_TYPES) {
    for (const [options, isTouchRequired, isVerifyRequired] of [
      ['', true, false],
      ['no-touch-required ', false, false],
      ['verify-required ', true, true],
      ['No-Touch-Required,verify-required ', false, true],
    ] as const) {
      it(`of type ${type} are read with "${options.trim()}" in front`, () => {
        const token = createToken(type);
        const outcome = parsePublicLine(`${options}${token.publicLine}`);
        assert.ok(outcome.kind === 'key');
        const { algorithm, blob, comment, demands } = outcome;
        assert.deepEqual(
          { algorithm, blob, comment, demands },
          {
            algorithm: type,
            blob: token.blob,
            comment: 'token',
            demands: { isTouchRequired, isVerifyRequired },
          },
        );
      });
    }
  }

  it('never verify for another algorithm than the one that was named', () => {
    const { privateKey, publicKey } = generateKeyPairSync('rsa', { modulusLength: 2048 });
    const pem = Buffer.from(privateKey.export({ type: 'pkcs8', format: 'pem' }));
    const secret = parsePrivateKey(pem);
    assert.ok(secret.kind === 'key' && publicKey.type === 'public');
    const signature = signData(secret.key, 'rsa-sha2-256', Buffer.from('x'));
    assert.ok(!verifySignature(secret.blob, 'rsa-sha2-512', Buffer.from('x'), signature));
    assert.ok(!verifySignature(secret.blob, 'ssh-rsa', Buffer.from('x'), signature));
    assert.ok(!verifySignature(secret.blob, 'ssh-ed25519', Buffer.from('x'), signature));
  });

  for (const [what, text, why] of [
    ['an empty line', '', /has the form/],
    ['a word', 'ssh-ed25519', /has the form/],
    ['no base64', 'ssh-ed25519 AAAA!', /base64/],
    ['a cut key', 'ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIA==', /cut/],
    [
      'a type that does not fit',
      generateKeyPair('x').publicLine.replace('ssh-ed25519', 'ssh-rsa'),
      /says ssh-rsa/,
    ],
    ['a certificate', lineOf('ssh-ed25519-cert-v01@openssh.com'), /certificate/],
    ['a cut key of a security token', lineOf('sk-ssh-ed25519@openssh.com'), /cut/],
    ['other options', `no-pty ${PUBLIC_LINE}`, /only no-touch-required and verify-required/],
    ['options with blanks', `command="ls -l" ${PUBLIC_LINE}`, /grants say/],
    ['a plain key with an option of tokens', `verify-required ${PUBLIC_LINE}`, /tokens only/],
    ['DSA', lineOf('ssh-dss'), /too weak/],
    ['an unknown type', lineOf('nonsense'), /unknown/],
    ['trailing bytes', trailing(), /trailing/],
    ['a line without end', `ssh-ed25519 ${'A'.repeat(9000)}`, /too long/],
    [
      'a short RSA key',
      keygen('-t', 'rsa', '-b', '1024', '-N', '').line,
      /2048 bits, this has 1024/,
    ],
    ['an RSA key with a large exponent', largeExponent(), /exponent/],
    ['a point that is not on the curve', offCurve(), /not valid/],
  ] as const) {
    it(`that are ${what} are refused with the reason`, () => {
      const outcome = parsePublicLine(text);
      assert.ok(outcome.kind === 'invalid');
      assert.match(outcome.why, why);
    });
  }

  it('that are no private keys are refused with the reason', () => {
    for (const text of [
      '',
      'hello',
      '-----BEGIN OPENSSH PRIVATE KEY-----\nAAAA\n',
      generateKeyPair('x').publicLine,
    ]) {
      assert.equal(parsePrivateKey(Buffer.from(text)).kind, 'invalid');
    }
  });
});

function lineOf(type: string): string {
  return `${type} ${encodeFields([type, Buffer.alloc(32)]).toString('base64')}`;
}

function trailing(): string {
  const blob = Buffer.concat([encodeFields(['ssh-ed25519', Buffer.alloc(32, 1)]), Buffer.of(0)]);
  return `ssh-ed25519 ${blob.toString('base64')}`;
}

function offCurve(): string {
  const point = Buffer.concat([Buffer.of(4), Buffer.alloc(64, 1)]);
  const blob = encodeFields(['ecdsa-sha2-nistp256', 'nistp256', point]);
  return `ecdsa-sha2-nistp256 ${blob.toString('base64')}`;
}
