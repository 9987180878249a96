import assert from 'node:assert/strict';
import { systemClock } from '../../server/clock.ts';
import type { KeyEntry, PrincipalEntry } from '../../server/access/directory.ts';
import type { OidcIdentity } from '../../server/access/identity.ts';
import { SallyportError } from '../../server/errors.ts';
import type { AuditEvent } from '../../server/journal/event.ts';
import { silentLogger } from '../../server/log.ts';
import type { Database } from '../../server/store/database.ts';
import { applyDirectory } from '../../server/store/directory-apply.ts';
import { createDirectory } from '../../server/store/directory.ts';
import { createJournal, type StoredJournal } from '../../server/store/journal.ts';
import {
  createShortKeys,
  MAX_LIVE_KEYS,
  type ShortKey,
  type ShortKeys,
} from '../../server/store/short-keys.ts';

import { freshDatabase } from '../support/database.ts';

const IDENTITY: OidcIdentity = {
  issuer: 'https://ci.example',
  subject: 'repo:acme/*',
  audience: 'sallyport',
  email: null,
  claims: { repository: 'acme/app' },
  run: null,
  task: null,
};
const EVENT: AuditEvent = {
  type: 'key.registered',
  principal: 'bot',
  source: null,
  session: null,
  target: null,
  data: {},
};

function key(text: string): Omit<KeyEntry, 'comment'> {
  return { algorithm: 'ssh-ed25519', blob: Buffer.from(text), fingerprint: `SHA256:${text}` };
}

function wish(text: string, more: Partial<ShortKey> = {}): ShortKey {
  const none = { attribution: null, run: null, task: null };
  return { principal: 'bot', key: key(text), lifeMs: 600_000, ...none, ...more };
}

describe('short-lived keys', () => {
  let database: Database;
  let journal: StoredJournal;
  let keys: ShortKeys;

  const apply = (principals: readonly Partial<PrincipalEntry>[], prune = false) =>
    applyDirectory(
      database,
      {
        principals: principals.map((one) => ({
          name: 'bot',
          kind: 'agent',
          roles: [],
          groups: [],
          owner: null,
          keys: [],
          oidc: [IDENTITY],
          ...one,
        })),
        credentials: [],
        targets: [],
        grants: [],
        policies: {},
      },
      { prune, dryRun: false },
    );
  const holder = async (text: string): Promise<string | null> =>
    (await createDirectory(database).principalByKey(Buffer.from(text)))?.name ?? null;
  const journalled = async (): Promise<number> =>
    (await database.knex('journal').where('body', 'like', '%key.registered%')).length;
  const refused = (code: string) => (error: unknown) =>
    error instanceof SallyportError && error.code === code;

  beforeEach(async () => {
    database = await freshDatabase();
    journal = createJournal({ database, clock: systemClock, logger: silentLogger });
    keys = createShortKeys({ database, journal });
    await apply([{}]);
  });
  afterEach(() => database.close());

  it('open what their principal may open, until they end', async () => {
    const before = Date.now();
    const expiresAt = Date.parse(await keys.register(wish('k'), EVENT));
    assert.ok(expiresAt >= before + 599_000 && expiresAt <= Date.now() + 601_000);
    assert.equal(await holder('k'), 'bot');
    await database
      .knex('principal_keys')
      .update({ expires_at: database.knex.raw(`now() - interval '1 second'`) });
    assert.equal(await holder('k'), null);
  });

  it('are journalled with the row, or not at all', async () => {
    await keys.register(wish('k'), EVENT);
    await assert.rejects(keys.register(wish('k'), EVENT), refused('object.conflict'));
    assert.equal(await journalled(), 1);
  });

  it('are never the key of somebody else, nor a lasting one', async () => {
    await apply([{ name: 'alice', kind: 'human', keys: [{ ...key('a'), comment: '' }], oidc: [] }]);
    await assert.rejects(keys.register(wish('a'), EVENT), refused('object.conflict'));
    assert.equal(await holder('a'), 'alice');
  });

  it('end with their principal', async () => {
    await keys.register(wish('k'), EVENT);
    await apply([{ name: 'alice', kind: 'human', oidc: [] }], true);
    assert.equal(await holder('k'), null);
    await assert.rejects(keys.register(wish('l'), EVENT), refused('object.unknown'));
    assert.deepEqual(await keys.identities(), []);
  });

  it('stay when the configuration is applied again', async () => {
    await keys.register(wish('k'), EVENT);
    assert.deepEqual(await apply([{}]), []);
    assert.equal(await holder('k'), 'bot');
  });

  it('know the run that they were registered for', async () => {
    const known = { attribution: 'verified', run: '4711.1', task: 'nightly' } as const;
    await keys.register(wish('k', known), EVENT);
    await keys.register(wish('l'), EVENT);
    assert.deepEqual(await keys.attributionOfKey(Buffer.from('k')), {
      trust: 'verified',
      run: '4711.1',
      task: 'nightly',
    });
    for (const other of ['l', 'unknown']) {
      assert.equal(await keys.attributionOfKey(Buffer.from(other)), null);
    }
  });

  it('forget the run when the configuration makes them lasting', async () => {
    await keys.register(wish('k', { attribution: 'declared', run: '1' }), EVENT);
    await apply([{ keys: [{ ...key('k'), comment: '' }] }]);
    assert.equal(await keys.attributionOfKey(Buffer.from('k')), null);
    assert.equal(await holder('k'), 'bot');
  });

  it(`are ${MAX_LIVE_KEYS} of one principal at most`, async () => {
    await database.knex.raw(
      `insert into principal_keys (id, blob, algorithm, fingerprint, principal_id, expires_at)
       select gen_random_uuid(), convert_to('x' || n, 'utf8'), 'ssh-ed25519', 'x', principals.id,
         now() + interval '5 minutes'
       from principals, generate_series(1, ?) n where name = 'bot'`,
      [MAX_LIVE_KEYS],
    );
    await assert.rejects(keys.register(wish('k'), EVENT), refused('limit.exceeded'));
    await database
      .knex('principal_keys')
      .update({ expires_at: database.knex.raw(`now() - interval '2 days'`) });
    await keys.register(wish('k'), EVENT);
    assert.equal((await database.knex('principal_keys')).length, 1);
  });

  it('come by identities, which change with the configuration', async () => {
    assert.deepEqual(await keys.identities(), [{ principal: 'bot', identity: IDENTITY }]);
    const other = { ...IDENTITY, subject: 'repo:other/*', claims: {} };
    const changes = await apply([{ oidc: [other, IDENTITY] }]);
    assert.deepEqual(
      changes.map(({ change, name, object }) => `${object} ${name} ${change}`),
      ['principal bot changed'],
    );
    assert.deepEqual(
      (await keys.identities()).map(({ identity }) => identity),
      [other, IDENTITY],
    );
    await apply([{ oidc: [] }]);
    assert.deepEqual(await keys.identities(), []);
  });
});
