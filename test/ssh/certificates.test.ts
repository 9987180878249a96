import assert from 'node:assert/strict';
import { rmSync } from 'node:fs';
import type { Principal } from '../../server/access/principal.ts';
import type { CertificateVerdict, PublicKey } from '../../server/session/ports.ts';
import { createCertificates, readRevocations } from '../../server/ssh/certificates.ts';
import { fingerprintOf } from '../../server/ssh/engine/signature.ts';
import { temporaryFolder } from '../support/temporary-folder.ts';
import { certify, makeKey, revocationList, type KeyFile } from './support/authority.ts';

const NOW_MS = Date.parse('2026-06-01T12:00:00Z');
const HOUR = 3600;

function principal(name: string): Principal {
  return { id: `id-of-${name}`, name, kind: 'human', roles: [], groups: [] };
}

describe('the judge of certificates', () => {
  let folder: string;
  let authority: KeyFile;
  let user: KeyFile;
  let list: Buffer | null = null;
  let lookups = 0;
  let nowMs = NOW_MS;
  const alice = principal('alice');
  before(async () => {
    folder = await temporaryFolder();
    authority = makeKey(folder, 'authority');
    user = makeKey(folder, 'user');
  });
  beforeEach(() => {
    list = null;
    lookups = 0;
    nowMs = NOW_MS;
  });
  after(() => rmSync(folder, { recursive: true, force: true }));

  function judge(
    args: readonly string[],
    more: Partial<PublicKey> & { readonly source?: string } = {},
  ): Promise<CertificateVerdict> {
    const certificate = certify(authority, user, args);
    const { source = '192.0.2.7:51514', ...rest } = more;
    const certificates = createCertificates({
      clock: { nowMs: () => nowMs, monotonicUs: () => 0 },
      authorities: {
        authorityByKey: (blob) =>
          Promise.resolve(
            blob.equals(authority.blob)
              ? {
                  name: 'corp',
                  revocations: list === null ? null : `digest ${list.length}`,
                  names: [
                    { name: 'alice', principal: alice },
                    { name: 'alice-admin', principal: alice },
                    { name: 'bob', principal: principal('bob') },
                  ],
                }
              : null,
          ),
        revocations: (name, digest) => {
          lookups += 1;
          assert.equal(name, 'corp');
          return Promise.resolve(digest === `digest ${list?.length}` ? list : null);
        },
      },
    });
    const fingerprint = fingerprintOf(user.blob);
    const key = { algorithm: 'ssh-ed25519', blob: user.blob, fingerprint, certificate, ...rest };
    return certificates.judge(key, source);
  }

  function utc(seconds: number): string {
    const text = new Date(NOW_MS + seconds * 1000).toISOString();
    return text.replaceAll(/[-:T]/g, '').slice(0, 14).concat('Z');
  }

  it('says who it is, from which authority, and what is permitted', async () => {
    const verdict = await judge(['-n', 'alice', '-z', '9', '-I', 'laptop', '-O', 'no-pty']);
    assert.deepEqual(verdict, {
      kind: 'accepted',
      principal: alice,
      facts: { authority: 'corp', keyId: 'laptop', serial: '9' },
      forceCommand: null,
      permits: { pty: false, portForwarding: true, agentForwarding: true, x11Forwarding: true },
    });
  });

  const cases: [string, readonly string[], string | null][] = [
    ['two names of one principal', ['-n', 'alice,alice-admin'], null],
    ['names of two principals', ['-n', 'alice,bob'], 'several principals'],
    ['a name in another case', ['-n', 'Alice'], 'stand for nobody'],
    ['a certificate for hosts', ['-h', '-n', 'alice'], 'for hosts'],
    ['the right network', ['-n', 'alice', '-O', 'source-address=192.0.2.0/24'], null],
    ['another network', ['-n', 'alice', '-O', 'source-address=198.51.100.0/24'], 'this address'],
  ];
  for (const [what, args, why] of cases) {
    it(`${why === null ? 'accepts' : 'refuses'} ${what}`, async () => {
      const verdict = await judge(args);
      assert.equal(verdict.kind, why === null ? 'accepted' : 'refused');
      if (verdict.kind === 'refused') assert.ok(verdict.why.includes(why ?? ''), verdict.why);
    });
  }

  it('counts time to the second, with no tolerance', async () => {
    const times: [number, string | null][] = [
      [-1, 'not valid yet'],
      [0, null],
      [HOUR - 1, null],
      [HOUR, 'expired'],
    ];
    for (const [seconds, why] of times) {
      nowMs = NOW_MS + seconds * 1000;
      const verdict = await judge(['-n', 'alice', '-V', `${utc(0)}:${utc(HOUR)}`]);
      assert.equal(verdict.kind, why === null ? 'accepted' : 'refused', `${seconds}`);
      if (verdict.kind === 'refused') assert.ok(verdict.why.includes(why ?? ''), verdict.why);
    }
  });

  it('reads IPv6 peers', async () => {
    const args = ['-n', 'alice', '-O', 'source-address=2001:db8::/32'];
    assert.equal((await judge(args, { source: '2001:db8::1:51514' })).kind, 'accepted');
    assert.equal((await judge(args, { source: '2001:db9::1:51514' })).kind, 'refused');
  });

  const presences: [readonly string[], boolean, boolean, string | null][] = [
    [[], true, false, null],
    [[], false, false, 'not touched'],
    [['-O', 'no-touch-required'], false, false, null],
  ];
  for (const [more, isTouched, isVerified, why] of presences) {
    it(`${why === null ? 'accepts' : 'refuses'} ${isTouched ? 'a touch' : 'no touch'} ${more.join(' ')}`, async () => {
      const presence = { isTouched, isVerified };
      const verdict = await judge(['-n', 'alice', ...more], { presence });
      assert.equal(verdict.kind, why === null ? 'accepted' : 'refused');
      if (verdict.kind === 'refused') assert.ok(verdict.why.includes(why ?? ''), verdict.why);
    });
  }

  it('refuses verify-required for a key that is in no security token', async () => {
    const verdict = await judge(['-n', 'alice', '-O', 'verify-required']);
    assert.ok(verdict.kind === 'refused');
    assert.match(verdict.why, /asks for a security token/);
  });

  it('reads a revocation list once, and another one when it has changed', async () => {
    list = revocationList(folder, authority, 'serial: 5\n');
    assert.equal((await judge(['-n', 'alice', '-z', '4'])).kind, 'accepted');
    assert.equal((await judge(['-n', 'alice', '-z', '5'])).kind, 'refused');
  });

  it('lets nobody in while the revocation list cannot be read', async () => {
    list = Buffer.from('SSHKRL\n\0cut', 'latin1');
    const verdict = await judge(['-n', 'alice']);
    assert.ok(verdict.kind === 'refused');
    assert.match(verdict.why, /revocation list of its authority cannot be read/);
    assert.equal(lookups, 1);
  });

  it('refuses what is no certificate', async () => {
    for (const certificate of [Buffer.alloc(0), user.blob, Buffer.alloc(5000, 1)]) {
      const verdict = await judge(['-n', 'alice'], { certificate });
      assert.ok(verdict.kind === 'refused');
      assert.equal(verdict.facts, null);
    }
  });

  it('warns of a list that is about another authority only', () => {
    const other = makeKey(folder, 'other');
    const warningOf = (bytes: Buffer): string | null => {
      const outcome = readRevocations(bytes, [authority]);
      return outcome.kind === 'list' ? outcome.warning : outcome.why;
    };
    assert.equal(warningOf(revocationList(folder, authority, 'serial: 1\n')), null);
    assert.equal(warningOf(revocationList(folder, null, 'serial: 1\n')), null);
    assert.match(
      warningOf(revocationList(folder, other, 'serial: 1\n')) ?? '',
      /another authority/,
    );
  });
});
