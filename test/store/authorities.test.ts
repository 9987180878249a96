import assert from 'node:assert/strict';
import type {
  AuthorityEntry,
  CertificateNames,
  DirectoryDocument,
  KeyEntry,
  PrincipalEntry,
} from '../../server/access/directory.ts';
import type { Authorities, TrustedAuthority } from '../../server/session/ports.ts';
import { createAuthorities } from '../../server/store/authorities.ts';
import type { Database } from '../../server/store/database.ts';
import { applyDirectory } from '../../server/store/directory-apply.ts';
import { freshDatabase } from '../support/database.ts';

const NOTHING = { credentials: [], targets: [], grants: [], policies: {} };

function key(text: string): KeyEntry {
  const blob = Buffer.from(text);
  return { algorithm: 'ssh-ed25519', blob, fingerprint: `SHA256:${text}`, comment: '' };
}

function principal(name: string, certificates: readonly CertificateNames[]): PrincipalEntry {
  const nobody = { roles: [], groups: [], owner: null, keys: [], oidc: [] };
  return { name, kind: 'human', ...nobody, certificates };
}

function authority(name: string, keys: readonly string[], list: string | null): AuthorityEntry {
  return { name, keys: keys.map(key), revocations: list === null ? null : Buffer.from(list) };
}

const CORP = authority('corp', ['ca1', 'ca2'], 'list');
const ALICE = principal('alice', [{ authority: 'corp', principals: ['alice', 'ops'] }]);
const BOB = principal('bob', [{ authority: 'corp', principals: ['bob'] }]);
const DOCUMENT: DirectoryDocument = {
  ...NOTHING,
  authorities: [CORP, authority('other', ['ca3'], null)],
  principals: [ALICE, BOB],
};

describe('stored authorities', () => {
  let database: Database;
  let authorities: Authorities;
  beforeEach(async () => {
    database = await freshDatabase();
    authorities = createAuthorities(database);
  });
  afterEach(() => database.close());

  async function apply(
    document: Partial<DirectoryDocument>,
    options: { readonly prune?: boolean; readonly dryRun?: boolean } = {},
  ): Promise<string[]> {
    const { prune = false, dryRun = false } = options;
    const changes = await applyDirectory(database, { ...DOCUMENT, ...document }, { prune, dryRun });
    return changes.map(({ object, name, change }) => `${change} ${object} ${name}`);
  }

  async function named(blob: string): Promise<string[] | null> {
    const found: TrustedAuthority | null = await authorities.authorityByKey(Buffer.from(blob));
    return found?.names.map((one) => `${one.name}=${one.principal.name}`).sort() ?? null;
  }

  it('are found by each of their keys, with the names in their certificates', async () => {
    assert.deepEqual(await apply({}), [
      'added authority corp',
      'added authority other',
      'added principal alice',
      'added principal bob',
    ]);
    assert.deepEqual(await named('ca1'), ['alice=alice', 'bob=bob', 'ops=alice']);
    assert.deepEqual(await named('ca2'), ['alice=alice', 'bob=bob', 'ops=alice']);
    assert.deepEqual(await named('ca3'), []);
    assert.equal(await named('stranger'), null);
    assert.deepEqual(await apply({}), [], 'the same again changes nothing');
  });

  it('give their revocation list to who asks for the one that is in force', async () => {
    await apply({});
    const { revocations } = (await authorities.authorityByKey(Buffer.from('ca1'))) ?? {};
    assert.ok(typeof revocations === 'string');
    assert.deepEqual(await authorities.revocations('corp', revocations), Buffer.from('list'));
    assert.deepEqual(await apply({ authorities: [authority('corp', ['ca1', 'ca2'], 'longer')] }), [
      'changed authority corp',
    ]);
    assert.equal(await authorities.revocations('corp', revocations), null);
    assert.deepEqual(await apply({ authorities: [authority('corp', ['ca1', 'ca2'], null)] }), [
      'changed authority corp',
    ]);
    const none = await authorities.authorityByKey(Buffer.from('ca1'));
    assert.equal(none?.revocations, null);
  });

  it('lose the keys that the configuration no longer lists', async () => {
    await apply({});
    await apply({ authorities: [authority('corp', ['ca2', 'ca4'], 'list')] });
    assert.equal(await named('ca1'), null);
    assert.deepEqual(await named('ca4'), ['alice=alice', 'bob=bob', 'ops=alice']);
  });

  it('hand a name over to the principal that has it now', async () => {
    await apply({});
    const carol = principal('carol', [{ authority: 'corp', principals: ['ops'] }]);
    assert.deepEqual(await apply({ principals: [carol] }), ['added principal carol']);
    assert.deepEqual(await named('ca1'), ['alice=alice', 'bob=bob', 'ops=carol']);
  });

  it('name nobody who was taken out, and are gone when they are', async () => {
    await apply({});
    assert.deepEqual(await apply({ principals: [ALICE] }, { prune: true, dryRun: true }), [
      'removed principal bob',
    ]);
    assert.deepEqual(await named('ca1'), ['alice=alice', 'bob=bob', 'ops=alice']);
    await apply({ principals: [ALICE] }, { prune: true });
    assert.deepEqual(await named('ca1'), ['alice=alice', 'ops=alice']);
    const principals = [principal('alice', [])];
    assert.deepEqual(await apply({ authorities: [], principals }, { prune: true }), [
      'changed principal alice',
      'removed authority corp',
      'removed authority other',
    ]);
    assert.equal(await named('ca1'), null);
  });

  it('name nobody who is locked out by hand', async () => {
    await apply({});
    await database.knex('principals').where('name', 'bob').update({ disabled_at: new Date() });
    assert.deepEqual(await named('ca1'), ['alice=alice', 'ops=alice']);
  });
});
