import { GRANT_DEFAULTS } from '../../server/access/grant.ts';
import assert from 'node:assert/strict';
import type {
  DirectoryChange,
  DirectoryDocument,
  KeyEntry,
  PrincipalEntry,
} from '../../server/access/directory.ts';
import { USUAL_DEMANDS, type TokenDemands } from '../../server/access/token-demands.ts';
import { SallyportError } from '../../server/errors.ts';
import type { Database } from '../../server/store/database.ts';
import { applyDirectory } from '../../server/store/directory-apply.ts';
import { createDirectory, type StoredDirectory } from '../../server/store/directory.ts';
import { pinHostKey } from '../../server/store/host-keys.ts';
import { currentPolicy, policyNames } from '../../server/store/policies.ts';
import { createTokens } from '../../server/store/tokens.ts';
import { freshDatabase } from '../support/database.ts';

const EMPTY: DirectoryDocument = {
  principals: [],
  credentials: [],
  targets: [],
  grants: [],
  policies: {},
};

function key(text: string): KeyEntry {
  const blob = Buffer.from(text);
  return { algorithm: 'ssh-ed25519', blob, fingerprint: `SHA256:${text}`, comment: `${text}@home` };
}

function principal(name: string, more: Partial<PrincipalEntry> = {}): PrincipalEntry {
  return {
    name,
    kind: 'human',
    roles: [],
    groups: [],
    owner: null,
    keys: [key(name)],
    oidc: [],
    ...more,
  };
}

const SCAN = { via: 'scan', principal: null, source: 'cli:root', from: 'target scan' } as const;

const DOCUMENT: DirectoryDocument = {
  principals: [
    principal('alice', { roles: ['approver', 'auditor'], groups: ['sre', 'all'] }),
    principal('bot', { kind: 'agent', owner: 'alice', keys: [key('bot'), key('bot2')] }),
  ],
  credentials: [{ name: 'web-deploy' }],
  targets: [
    {
      name: 'web1',
      host: '10.0.0.5',
      port: 2222,
      hostKey: 'ssh-ed25519 AAAA',
      labels: { env: 'prod' },
      shellIntegration: 'off',
      logins: [
        { name: 'root', credential: 'web-root' },
        { name: 'deploy', credential: 'web-deploy' },
      ],
    },
  ],
  grants: [
    {
      principals: ['group:sre'],
      targets: ['label:env=prod'],
      logins: ['deploy'],
      channels: ['shell', 'exec'],
      policy: 'default',
      ...GRANT_DEFAULTS,
      keepDays: 365,
      recording: 'strict-remote',
    },
    {
      principals: ['bot'],
      targets: ['web1'],
      logins: ['deploy'],
      channels: ['exec'],
      policy: 'default',
      ...GRANT_DEFAULTS,
    },
  ],
  policies: {
    default: { default: 'allow', rules: [{ name: 'r', match: { command: ['a', 'b'] } }] },
  },
};

describe('directory', () => {
  let database: Database;
  let directory: StoredDirectory;
  const apply = (
    document: DirectoryDocument,
    options: { prune?: boolean; dryRun?: boolean } = {},
  ): Promise<readonly DirectoryChange[]> =>
    applyDirectory(database, document, { prune: false, dryRun: false, ...options });
  const said = (changes: readonly DirectoryChange[]): readonly string[] =>
    changes.map(({ object, name, change }) => `${object} ${name} ${change}`);
  const nameByKey = async (text: string): Promise<string | null> =>
    (await directory.principalByKey(Buffer.from(text)))?.name ?? null;

  beforeEach(async () => {
    database = await freshDatabase();
    directory = createDirectory(database);
  });
  afterEach(() => database.close());

  it('keeps what is asked of who has a security token, and hears of changes', async () => {
    const asked = { isTouchRequired: false, isVerifyRequired: true };
    const demands = (): Promise<TokenDemands> => directory.demandsOfKey(Buffer.from('alice'));
    const say = (more: Partial<KeyEntry>): Promise<readonly DirectoryChange[]> =>
      apply({
        ...EMPTY,
        principals: [principal('alice', { keys: [{ ...key('alice'), ...more }] })],
      });
    assert.deepEqual(await demands(), USUAL_DEMANDS);
    await say({});
    assert.deepEqual(await demands(), USUAL_DEMANDS);
    assert.deepEqual(said(await say({ demands: asked })), ['principal alice changed']);
    assert.deepEqual(await demands(), asked);
    assert.deepEqual(said(await say({ demands: asked })), []);
    assert.deepEqual(said(await say({})), ['principal alice changed']);
    assert.deepEqual(await demands(), USUAL_DEMANDS);
  });

  it('gives back what a document said', async () => {
    assert.equal(await directory.isEmpty(), true);
    assert.deepEqual(said(await apply(DOCUMENT)), [
      'principal alice added',
      'principal bot added',
      'credential web-deploy added',
      'target web1 added',
      'grant group:sre → label:env=prod (recording: strict-remote, keepDays: 365) added',
      'grant bot → web1 added',
      'policy default added',
    ]);
    assert.equal(await directory.isEmpty(), false);
    const alice = await directory.principalByKey(Buffer.from('alice'));
    assert.match(alice?.id ?? '', /^[0-9a-f]{8}-[0-9a-f]{4}-7/);
    assert.deepEqual(alice, {
      id: alice?.id,
      name: 'alice',
      kind: 'human',
      roles: ['auditor', 'approver'],
      groups: ['sre', 'all'],
    });
    assert.equal(await nameByKey('bot2'), 'bot');
    assert.deepEqual(await directory.targetByName('web1'), DOCUMENT.targets[0]);
    assert.deepEqual(await directory.allTargets(), DOCUMENT.targets);
    const rules = await directory.grantRules();
    assert.deepEqual(
      rules.map(({ id, ...rule }) => [typeof id, rule]),
      DOCUMENT.grants.map((rule) => ['string', rule]),
    );
    assert.deepEqual(await currentPolicy(database, 'default'), {
      version: 1,
      document: DOCUMENT.policies['default'],
      directoryVersion: 1,
    });
  });

  it('changes how the marks of a target are used', async () => {
    await apply(DOCUMENT);
    const targets = DOCUMENT.targets.map((target) => ({
      ...target,
      shellIntegration: 'inject' as const,
    }));
    assert.deepEqual(said(await apply({ ...DOCUMENT, targets })), ['target web1 changed']);
    assert.deepEqual(await directory.allTargets(), targets);
    assert.deepEqual(await apply({ ...DOCUMENT, targets }), []);
  });

  it('knows neither other keys, targets and policies nor anybody without a key', async () => {
    await apply(DOCUMENT);
    assert.equal(await nameByKey('mallory'), null);
    assert.equal(await nameByKey(''), null);
    assert.equal(await directory.targetByName("web1' or true --"), null);
    assert.equal(await directory.targetByName('web1\0'), null);
    assert.equal(await currentPolicy(database, 'other'), null);
  });

  it('changes nothing when the same document comes again', async () => {
    await apply(DOCUMENT);
    const before = await directory.grantRules();
    assert.deepEqual(await apply(DOCUMENT), []);
    assert.deepEqual(await apply(DOCUMENT, { prune: true }), []);
    assert.deepEqual(await directory.grantRules(), before);
    assert.equal((await currentPolicy(database, 'default'))?.version, 1);
  });

  it('says in a dry run what would change, and changes nothing', async () => {
    const changes = await apply(DOCUMENT, { dryRun: true });
    assert.equal(changes.length, 7);
    assert.equal(await directory.isEmpty(), true);
    assert.deepEqual(await apply(DOCUMENT), changes);
  });

  for (const [name, change] of [
    ['was revoked', `update principal_keys set revoked_at = now()`],
    ['has expired', `update principal_keys set expires_at = now() - interval '1 second'`],
    ['belongs to a disabled principal', `update principals set disabled_at = now()`],
    ['was deleted', `delete from principal_keys`],
  ] as const) {
    it(`does not accept a key that ${name}`, async () => {
      await apply(DOCUMENT);
      await database.knex.raw(change);
      assert.equal(await nameByKey('alice'), null);
    });
  }

  it('accepts a key until it expires', async () => {
    await apply(DOCUMENT);
    await database.knex.raw(`update principal_keys set expires_at = now() + interval '1 hour'`);
    assert.equal(await nameByKey('alice'), 'alice');
  });

  it('revokes keys that are no longer listed, but not short-lived ones', async () => {
    await apply(DOCUMENT);
    await database
      .knex('principal_keys')
      .where('fingerprint', 'SHA256:bot2')
      .update({ expires_at: database.knex.raw(`now() + interval '1 hour'`) });
    const rotated = {
      ...EMPTY,
      principals: [principal('bot', { kind: 'agent', owner: 'alice', keys: [key('new')] })],
    };
    assert.deepEqual(said(await apply({ ...DOCUMENT, ...rotated, grants: DOCUMENT.grants })), [
      'principal bot changed',
    ]);
    assert.equal(await nameByKey('bot'), null);
    assert.equal(await nameByKey('bot2'), 'bot');
    assert.equal(await nameByKey('new'), 'bot');
    assert.equal(await nameByKey('alice'), 'alice');
  });

  it('accepts a revoked key again when it is listed again', async () => {
    await apply(DOCUMENT);
    await apply({ ...DOCUMENT, principals: [principal('alice', { keys: [] })] });
    assert.equal(await nameByKey('alice'), null);
    await apply(DOCUMENT);
    assert.equal(await nameByKey('alice'), 'alice');
  });

  it('moves a key to another principal in either order of names', async () => {
    for (const [from, to] of [
      ['a', 'z'],
      ['z', 'a'],
    ] as const) {
      const shared = key(`key-${from}`);
      const holding = (holder: string): readonly PrincipalEntry[] =>
        ['a', 'z'].map((name) => principal(name, { keys: name === holder ? [shared] : [] }));
      await apply({ ...EMPTY, principals: holding(from) });
      await apply({ ...EMPTY, principals: holding(to) });
      assert.equal(await nameByKey(`key-${from}`), to);
    }
  });

  it('refuses a key that two principals list, and applies nothing', async () => {
    const principals = [principal('alice'), principal('eve', { keys: [key('alice')] })];
    await assert.rejects(apply({ ...DOCUMENT, principals }), (error) => {
      assert.ok(error instanceof SallyportError);
      assert.equal(error.code, 'config.invalid');
      assert.match(error.message, /SHA256:alice .* alice and eve/);
      return true;
    });
    assert.equal(await directory.isEmpty(), true);
  });

  it('leaves nothing behind when a part fails', async () => {
    const target = {
      ...DOCUMENT.targets[0],
      name: 'bad',
      port: 70_000,
    } as DirectoryDocument['targets'][0];
    await assert.rejects(apply({ ...DOCUMENT, targets: [target] }));
    assert.equal(await directory.isEmpty(), true);
    assert.deepEqual((await apply(DOCUMENT)).length, 7);
  });

  it('keeps what the document does not name, except grants', async () => {
    await apply(DOCUMENT);
    assert.deepEqual(said(await apply(EMPTY)), [
      'grant group:sre → label:env=prod (recording: strict-remote, keepDays: 365) removed',
      'grant bot → web1 removed',
    ]);
    assert.equal(await nameByKey('alice'), 'alice');
    assert.equal((await directory.allTargets()).length, 1);
    assert.deepEqual(await directory.grantRules(), []);
    assert.deepEqual(await policyNames(database), ['default']);
  });

  it('prunes: disables principals and ends their tokens, removes the rest', async () => {
    await apply(DOCUMENT);
    const tokens = createTokens(database);
    const token = await tokens.createToken({ kind: 'web', principalName: 'alice' });
    assert.deepEqual(said(await apply(EMPTY, { prune: true })).toSorted(), [
      'credential web-deploy removed',
      'grant bot → web1 removed',
      'grant group:sre → label:env=prod (recording: strict-remote, keepDays: 365) removed',
      'policy default removed',
      'principal alice removed',
      'principal bot removed',
      'target web1 removed',
    ]);
    assert.equal(await nameByKey('alice'), null);
    assert.equal(await tokens.principalByToken(token), null);
    assert.equal(await directory.principalByName('alice'), null);
    assert.deepEqual(await directory.allTargets(), []);
    assert.equal(await currentPolicy(database, 'default'), null);
    assert.deepEqual(await policyNames(database), []);
    assert.deepEqual(await apply(EMPTY, { prune: true }), []);
  });

  it('brings pruned objects back: the same principal, a new policy version', async () => {
    await apply(DOCUMENT);
    const before = await directory.principalByName('alice');
    await apply(EMPTY, { prune: true });
    assert.equal((await apply(DOCUMENT)).length, 7);
    assert.deepEqual(await directory.principalByName('alice'), before);
    assert.equal((await currentPolicy(database, 'default'))?.version, 3);
  });

  it('makes a new policy version only when the document differs, whatever the order of its keys', async () => {
    const policy = (document: unknown): Promise<readonly DirectoryChange[]> =>
      apply({ ...EMPTY, policies: { p: document } });
    assert.equal((await policy({ a: 1, b: [1, { c: 2 }] })).length, 1);
    assert.equal((await policy({ b: [1, { c: 2 }], a: 1 })).length, 0);
    assert.equal((await policy({ b: [{ c: 2 }, 1], a: 1 })).length, 1);
    assert.equal((await policy(['a list', 1.5])).length, 1);
    assert.deepEqual(await currentPolicy(database, 'p'), {
      version: 3,
      document: ['a list', 1.5],
      directoryVersion: 3,
    });
    const kept = await database.knex('policies').where('name', 'p').select('version');
    assert.equal(kept.length, 3);
  });

  it('keeps a scanned host key until the document names one', async () => {
    const target = DOCUMENT.targets[0];
    assert.ok(target !== undefined);
    const unpinned = { ...DOCUMENT, targets: [{ ...target, hostKey: null }] };
    await apply(unpinned);
    assert.equal((await directory.targetByName('web1'))?.hostKey, null);
    await pinHostKey(database, 'web1', 'ssh-ed25519 SCANNED', SCAN);
    assert.deepEqual(await apply(unpinned), []);
    assert.equal((await directory.targetByName('web1'))?.hostKey, 'ssh-ed25519 SCANNED');
    assert.deepEqual(said(await apply(DOCUMENT)), ['target web1 changed']);
    assert.equal((await directory.targetByName('web1'))?.hostKey, 'ssh-ed25519 AAAA');
    await assert.rejects(
      pinHostKey(database, 'web2', 'x', SCAN),
      (error) => error instanceof SallyportError && error.code === 'object.unknown',
    );
  });

  it('applies two documents at once one after the other', async () => {
    const documents = ['a', 'b', 'c', 'd'].map((name) => ({
      ...EMPTY,
      principals: [principal('alice', { groups: [name] })],
      policies: { p: { name } },
    }));
    await Promise.all(documents.map((document) => apply(document)));
    assert.equal((await currentPolicy(database, 'p'))?.version, 4);
  });

  it('shows the groups and labels of hostile text as it was, but for what cannot be stored', async () => {
    const target = DOCUMENT.targets[0];
    assert.ok(target !== undefined);
    const labels = { ['__proto__']: 'x', "'; drop table targets; --": '\0\ud800' };
    await apply({ ...EMPTY, targets: [{ ...target, labels }] });
    assert.deepEqual((await directory.targetByName('web1'))?.labels, {
      ['__proto__']: 'x',
      "'; drop table targets; --": '\u2400\ufffd',
    });
  });
});
