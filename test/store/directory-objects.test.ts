import assert from 'node:assert/strict';
import { GRANT_DEFAULTS } from '../../server/access/grant.ts';
import { createCredentials } from '../../server/store/credentials.ts';
import type { Database } from '../../server/store/database.ts';
import { applyDirectory } from '../../server/store/directory-apply.ts';
import {
  createDirectoryObjects,
  type DirectoryObjects,
} from '../../server/store/directory-objects.ts';
import { freshDatabase } from '../support/database.ts';

describe('directory objects', () => {
  let database: Database;
  let objects: DirectoryObjects;

  before(async () => {
    database = await freshDatabase();
    objects = createDirectoryObjects(database);
    const key = {
      algorithm: 'ssh-ed25519',
      blob: Buffer.from('k'),
      fingerprint: 'SHA256:k',
      comment: 'bot@ci',
    };
    const people = {
      kind: 'human',
      roles: [],
      groups: [],
      owner: null,
      keys: [],
      oidc: [],
    } as const;
    const document = {
      principals: [
        { ...people, name: 'ann', roles: ['admin'] as const },
        { ...people, name: 'zoe' },
        { ...people, name: 'bot', kind: 'agent' as const, owner: 'ann', keys: [key] },
      ],
      credentials: [{ name: 'empty' }],
      targets: [
        {
          name: 'web1',
          host: '2001:db8::1',
          port: 2222,
          hostKey: null,
          labels: { env: 'prod' },
          shellIntegration: 'off' as const,
          logins: [{ name: 'deploy', credential: 'web' }],
        },
      ],
      grants: [
        {
          principals: ['bot'],
          targets: ['web1'],
          logins: ['deploy'],
          channels: ['exec'] as const,
          policy: 'default',
          ...GRANT_DEFAULTS,
        },
      ],
      policies: { default: { default: 'allow' }, old: { default: 'deny' } },
    };
    await applyDirectory(database, document, { prune: false, dryRun: false });
    const { old: _, ...policies } = document.policies;
    const left = { ...document, principals: document.principals.toSpliced(1, 1), policies };
    await applyDirectory(database, left, { prune: true, dryRun: false });
    const sealed = Buffer.from('sealed material');
    await createCredentials(database).put(
      { name: 'web', kind: 'private-key', version: 1, keyId: 'm1', sealed },
      'ssh-ed25519 AAAA',
    );
  });
  after(() => database.close());

  it('says who there is, disabled ones too', async () => {
    const [ann, bot, zoe] = await objects.list('principals');
    assert.deepEqual([ann?.name, ann?.roles, ann?.disabled], ['ann', ['admin'], false]);
    assert.equal(zoe?.disabled, true);
    assert.deepEqual(bot, {
      name: 'bot',
      kind: 'agent',
      roles: [],
      groups: [],
      owner: 'ann',
      disabled: false,
      keys: [
        {
          algorithm: 'ssh-ed25519',
          fingerprint: 'SHA256:k',
          comment: 'bot@ci',
          expiresAt: null,
        },
      ],
      oidc: [],
    });
  });

  it('gives keys that expire with their end, and none that have', async () => {
    const { knex } = database;
    await knex('principal_keys').update({ expires_at: '2999-01-02T03:04:05.678Z' });
    const endOf = async (): Promise<unknown> =>
      (await objects.list('principals'))[1]?.keys[0]?.expiresAt;
    assert.equal(await endOf(), '2999-01-02T03:04:05.678Z');
    await knex('principal_keys').update({ expires_at: '2001-01-01T00:00:00Z' });
    assert.equal(await endOf(), undefined);
  });

  it('says what can be reached, and how', async () => {
    const [target] = await objects.list('targets');
    assert.equal(target?.address, '[2001:db8::1]:2222');
    assert.deepEqual(target.logins, [{ name: 'deploy', credential: 'web' }]);
    const [grant] = await objects.list('grants');
    assert.equal(grant?.policy, 'default');
  });

  it('gives policies in force with their version', async () => {
    assert.deepEqual(await objects.list('policies'), [
      { name: 'default', version: 1, policy: { default: 'allow' } },
    ]);
  });

  it('never gives material', async () => {
    const credentials = await objects.list('credentials');
    const updatedAt = credentials.map((one) => one.updatedAt);
    assert.deepEqual(credentials, [
      { name: 'empty', kind: null, publicKey: null, version: 0, updatedAt: updatedAt[0] },
      {
        name: 'web',
        kind: 'private-key',
        publicKey: 'ssh-ed25519 AAAA',
        version: 1,
        updatedAt: updatedAt[1],
      },
    ]);
    assert.ok(!JSON.stringify(credentials).includes('sealed'));
  });
});
