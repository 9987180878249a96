import assert from 'node:assert/strict';
import { authorise, Grant, GRANT_DEFAULTS } from '../../server/access/grant.ts';
import { SallyportError } from '../../server/errors.ts';
import type { AuditEvent } from '../../server/journal/event.ts';
import type { CredentialUse, Journal } from '../../server/session/ports.ts';
import { createCredentials } from '../../server/store/credentials.ts';
import type { KeyServices } from '../../server/vault/key-service.ts';
import { createLocalKeys } from '../../server/vault/local-keys.ts';
import { keyIdOf } from '../../server/vault/master-key.ts';
import { Secret } from '../../server/vault/secret.ts';
import { createVault, MAX_MATERIAL_BYTES, type SealingVault } from '../../server/vault/vault.ts';
import { freshDatabase } from '../support/database.ts';
import type { Database } from '../../server/store/database.ts';

const SECRET = 'correct horse battery staple';

class MemoryJournal implements Journal {
  readonly events: AuditEvent[] = [];
  broken = false;

  append(event: AuditEvent): Promise<void> {
    if (this.broken) return Promise.reject(new SallyportError('journal.failed', 'gone', 'wait'));
    this.events.push(event);
    return Promise.resolve();
  }
}

function grantFor(credential: string): Grant {
  const outcome = authorise(
    { id: '1', name: 'alice', kind: 'human', roles: [], groups: [] },
    {
      name: 'web1',
      host: '192.0.2.1',
      port: 22,
      hostKey: null,
      labels: {},
      shellIntegration: 'off',
      logins: [{ name: 'deploy', credential }],
    },
    'deploy',
    'exec',
    [
      {
        id: '2',
        principals: ['alice'],
        targets: ['web1'],
        logins: ['deploy'],
        channels: ['exec'],
        policy: 'default',
        ...GRANT_DEFAULTS,
      },
    ],
  );
  assert.ok(outcome.kind === 'granted');
  return outcome.grant;
}

const USE: CredentialUse = {
  session: 'session-1',
  connection: 'connection-1',
  certificate: {
    keyId: 'sallyport:alice:session-1',
    serial: 2n ** 64n - 1n,
    validFromMs: 0,
    validUntilMs: Date.parse('2026-01-02T03:04:05Z'),
  },
};

const keyOf = (fill: number): Secret<'master-key'> =>
  new Secret('master-key', Buffer.alloc(32, fill));

async function keysOf(...fills: readonly number[]): Promise<KeyServices> {
  const local = await createLocalKeys('a test', async () => fills.map(keyOf));
  assert.ok(local !== null);
  return { sealing: local, opening: [local] };
}

const isLocked =
  (...words: readonly string[]) =>
  (error: unknown): boolean => {
    assert.ok(error instanceof SallyportError);
    assert.equal(error.code, 'vault.locked');
    for (const word of words) assert.ok(error.message.includes(word), error.message);
    return true;
  };

describe('vault', () => {
  let database: Database;
  let journal: MemoryJournal;
  let vault: SealingVault;

  beforeEach(async () => {
    database = await freshDatabase();
    journal = new MemoryJournal();
    const credentials = createCredentials(database);
    vault = createVault({ keys: await keysOf(1), credentials, journal });
    await credentials.put(await vault.seal('web', 'password', Buffer.from(SECRET)), null);
  });
  afterEach(() => database.close());

  it('opens the credential of a grant and journals its use', async () => {
    const opened = await vault.open(grantFor('web'), USE);
    assert.equal(opened.kind, 'password');
    assert.equal(opened.bytes.toString(), SECRET);
    opened[Symbol.dispose]();
    assert.deepEqual(journal.events, [
      {
        type: 'credential.used',
        principal: 'alice',
        source: null,
        session: 'session-1',
        target: 'web1',
        data: {
          credential: 'web',
          version: 1,
          login: 'deploy',
          grant: '2',
          connection: 'connection-1',
        },
      },
    ]);
  });

  it('journals with the use of a CA which certificate it signs', async () => {
    const credentials = createCredentials(database);
    await credentials.put(await vault.seal('ca', 'authority', Buffer.from(SECRET)), null);
    (await vault.open(grantFor('ca'), USE))[Symbol.dispose]();
    assert.deepEqual(journal.events[0]?.data['certificate'], {
      keyId: 'sallyport:alice:session-1',
      serial: '18446744073709551615',
      validUntil: '2026-01-02T03:04:05.000Z',
    });
  });

  it('says what a login is opened with, without opening it', async () => {
    const credentials = createCredentials(database);
    assert.deepEqual(await vault.current(grantFor('web')), { kind: 'password', version: 1 });
    await credentials.put(await vault.seal('web', 'authority', Buffer.from(SECRET)), null);
    assert.deepEqual(await vault.current(grantFor('web')), { kind: 'authority', version: 2 });
    await assert.rejects(vault.current(grantFor('none')), { code: 'object.unknown' });
    assert.deepEqual(journal.events, []);
  });

  it('hands nothing out when its use cannot be journalled', async () => {
    journal.broken = true;
    await assert.rejects(
      vault.open(grantFor('web'), USE),
      (error) => error instanceof SallyportError && error.code === 'journal.failed',
    );
  });

  const real = grantFor('web');
  for (const [name, forged] of [
    ['an object of the same form', Object.assign({ isProof: true }, real)],
    [
      'an object with the prototype of a grant',
      Object.create(Grant.prototype, { login: { value: real.login } }),
    ],
    [
      'one that shadows the proof',
      Object.create(Grant.prototype, { isProof: { value: true }, login: { value: real.login } }),
    ],
    ['a wrapper around a real grant', new Proxy(real, {})],
    ['null', null],
  ] as const) {
    it(`refuses ${name}`, async () => {
      const isDefect = (error: unknown): boolean =>
        error instanceof SallyportError && error.code === 'internal';
      await assert.rejects(vault.open(forged as Grant, USE), isDefect);
      await assert.rejects(vault.current(forged as Grant), isDefect);
      assert.deepEqual(journal.events, []);
    });
  }

  it('says what to do about a credential without material', async () => {
    await database.knex('credentials').insert({ name: 'declared' });
    for (const name of ['declared', 'never-heard-of']) {
      await assert.rejects(vault.open(grantFor(name), USE), (error) => {
        assert.ok(error instanceof SallyportError);
        assert.equal(error.code, 'object.unknown');
        assert.ok(error.hint.includes(name));
        return true;
      });
    }
  });

  it('names both keys when the master key is another one', async () => {
    const credentials = createCredentials(database);
    const locked = createVault({ keys: await keysOf(2), credentials, journal });
    const words = isLocked(keyIdOf(keyOf(1)), keyIdOf(keyOf(2)));
    await assert.rejects(locked.open(grantFor('web'), USE), words);
    await assert.rejects(locked.check('web'), words);
    await vault.check('web');
    assert.deepEqual(journal.events, []);
  });

  it('notices material that was edited or moved to another credential in the database', async () => {
    const { knex } = database;
    const credentials = createCredentials(database);
    await credentials.put(await vault.seal('admin', 'password', Buffer.from('root')), null);
    await knex.raw(`update credentials set sealed = (select sealed from credentials where name = 'admin')
                    where name = 'web'`);
    await assert.rejects(vault.open(grantFor('web'), USE), isLocked('web'));
    await knex('credentials').where('name', 'admin').update({ version: 2 });
    await assert.rejects(vault.open(grantFor('admin'), USE), isLocked('admin'));
    await knex('credentials').where('name', 'admin').update({ version: 1, kind: 'private-key' });
    await assert.rejects(vault.open(grantFor('admin'), USE), isLocked('admin'));
    assert.deepEqual(journal.events, []);
  });

  it('raises the version with each change, and the second of two at once loses', async () => {
    const credentials = createCredentials(database);
    const one = await vault.seal('web', 'password', Buffer.from('one'));
    const other = await vault.seal('web', 'password', Buffer.from('other'));
    assert.equal(one.version, 2);
    await credentials.put(one, null);
    await assert.rejects(
      credentials.put(other, null),
      (error) => error instanceof SallyportError && error.code === 'object.conflict',
    );
    const opened = await vault.open(grantFor('web'), USE);
    assert.equal(opened.bytes.toString(), 'one');
  });

  it('leaves no trace of the secret in the table or the list', async () => {
    const key = `-----BEGIN OPENSSH PRIVATE KEY-----\n${'b3BlbnNzaC1rZXktdjEA'.repeat(20)}`;
    const credentials = createCredentials(database);
    await credentials.put(
      await vault.seal('key', 'private-key', Buffer.from(key)),
      'ssh-ed25519 A',
    );
    const { rows } = await database.knex.raw<{ rows: readonly { row: string }[] }>(
      `select credentials::text || encode(coalesce(sealed, ''), 'escape') as row from credentials`,
    );
    const dump = JSON.stringify([rows, await credentials.list()]);
    assert.ok(dump.includes('ssh-ed25519 A'));
    for (const secret of [SECRET, key]) {
      const bytes = Buffer.from(secret);
      for (const part of [
        secret.slice(0, 12),
        bytes.toString('hex', 0, 12),
        bytes.toString('base64', 0, 12),
      ]) {
        assert.ok(!dump.includes(part), part);
      }
    }
    assert.ok(!('sealed' in ((await credentials.list())[0] ?? {})));
  });

  it('seals neither nothing nor too much', async () => {
    for (const length of [0, MAX_MATERIAL_BYTES + 1]) {
      await assert.rejects(
        vault.seal('web', 'password', Buffer.alloc(length)),
        (error) => error instanceof SallyportError && error.code === 'usage.invalid',
      );
    }
  });
});
