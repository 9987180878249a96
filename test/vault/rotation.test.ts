import assert from 'node:assert/strict';
import { rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { systemClock } from '../../server/clock.ts';
import { SallyportError } from '../../server/errors.ts';
import { silentLogger, type LogFields } from '../../server/log.ts';
import { createCredentials, type Credentials } from '../../server/store/credentials.ts';
import type { Database } from '../../server/store/database.ts';
import { createJournal, type StoredJournal } from '../../server/store/journal.ts';
import {
  createSealedCredentials,
  type SealedCredentialRows,
} from '../../server/store/sealed-credentials.ts';
import type { KeyService, KeyServices } from '../../server/vault/key-service.ts';
import { createLocalKeys } from '../../server/vault/local-keys.ts';
import {
  addMasterKey,
  dropMasterKey,
  keyIdOf,
  loadMasterKeys,
} from '../../server/vault/master-key.ts';
import { rotate, type Rotated } from '../../server/vault/rotation.ts';
import { Secret } from '../../server/vault/secret.ts';
import { reportMissing, survey } from '../../server/vault/survey.ts';
import { createTransitKeys } from '../../server/vault/transit.ts';
import { createVault, type SealingVault } from '../../server/vault/vault.ts';
import { freshDatabase } from '../support/database.ts';
import { temporaryFolder } from '../support/temporary-folder.ts';
import { startTransitServer } from '../support/transit-server.ts';

/** More than one batch. */
const COUNT = 60;
const OLD = Buffer.alloc(32, 1);
interface RotatedEntry {
  readonly data: { readonly credentials: readonly { readonly name: string }[] };
}

const nameOf = (at: number): string => `c${String(at).padStart(3, '0')}`;

describe('rotation', () => {
  let folder: string;
  let keyFile: string;
  let database: Database;
  let journal: StoredJournal;
  let credentials: Credentials;
  let sealed: SealedCredentialRows;

  before(async () => {
    folder = await temporaryFolder();
    keyFile = join(folder, 'key');
  });
  after(() => rm(folder, { recursive: true, force: true }));
  beforeEach(async () => {
    await writeFile(keyFile, OLD.toString('hex'), { mode: 0o600 });
    database = await freshDatabase();
    journal = createJournal({ database, clock: systemClock, logger: silentLogger });
    credentials = createCredentials(database);
    sealed = createSealedCredentials(database, journal);
    const vault = await vaultOf(await keysOf());
    for (let at = 0; at < COUNT; at += 1) {
      await credentials.put(
        await vault.seal(nameOf(at), 'password', Buffer.from(`secret ${at}`)),
        null,
      );
    }
  });
  afterEach(() => database.close());

  /** As a process of its own has them. */
  async function keysOf(...others: readonly KeyService[]): Promise<KeyServices> {
    const local = await createLocalKeys(keyFile, () =>
      loadMasterKeys({ value: null, file: keyFile, generatedFile: '', generates: false }),
    );
    assert.ok(local !== null);
    return { sealing: others[0] ?? local, opening: [local, ...others] };
  }
  const vaultOf = async (keys: KeyServices): Promise<SealingVault> =>
    createVault({ keys, credentials, journal });
  const idOf = (fill: number): string => keyIdOf(new Secret('master-key', Buffer.alloc(32, fill)));

  async function run(
    keys: KeyServices,
    more: { rows?: SealedCredentialRows; reencrypts?: boolean } = {},
  ): Promise<Rotated> {
    return rotate({
      keys,
      credentials: more.rows ?? sealed,
      source: 'cli:test',
      reencrypts: more.reencrypts ?? false,
      progress: async () => {},
    });
  }
  async function counts(keys: KeyServices): Promise<Record<string, string>> {
    const found = await survey(keys, sealed);
    return Object.fromEntries(
      found.keys.map(({ keyId, rows, state }) => [keyId, `${rows} ${state}`]),
    );
  }
  async function bodies(): Promise<Map<string, Buffer>> {
    const page = await sealed.sealedPage(null, COUNT);
    return new Map(page.map((row) => [row.name, row.sealed.subarray(-24)]));
  }

  it('moves every credential while others open them with keys that they read before', async () => {
    const running = await vaultOf(await keysOf());
    const fresh = await addMasterKey(keyFile);
    const state = { isOver: false };
    let opened = 0;
    const using = (async () => {
      for (let at = 0; !state.isOver; at = (at + 7) % COUNT) {
        await running.check(nameOf(at));
        opened += 1;
      }
    })();
    const keys = await keysOf();
    assert.deepEqual(await counts(keys), { [idOf(1)]: `${COUNT} opens` });
    const before = await bodies();
    const rotated = await run(keys);
    state.isOver = true;
    await using;
    assert.deepEqual(rotated, { seen: COUNT, moved: COUNT, failures: [] });
    assert.ok(opened > 0);
    assert.deepEqual(await counts(keys), { [fresh]: `${COUNT} current` });
    assert.deepEqual(await bodies(), before);
    assert.equal(await dropMasterKey(keyFile, idOf(1)), true);
    for (let at = 0; at < COUNT; at += 1) await running.check(nameOf(at));
    assert.deepEqual(await run(await keysOf()), { seen: COUNT, moved: 0, failures: [] });
  });

  it('says in the journal what went from which key to which, and keeps versions', async () => {
    const fresh = await addMasterKey(keyFile);
    await run(await keysOf());
    const entries = await database.knex<{ body: string }>('journal').where('type', 'vault.rotated');
    const moved = entries.flatMap(
      ({ body }) => (JSON.parse(body) as RotatedEntry).data.credentials,
    );
    assert.equal(moved.length, COUNT);
    assert.deepEqual(moved[0], { name: 'c000', version: 1, from: idOf(1), to: fresh });
  });

  it('goes on where an end in the middle left it', async () => {
    const fresh = await addMasterKey(keyFile);
    const keys = await keysOf();
    let batches = 0;
    const cut: SealedCredentialRows = {
      ...sealed,
      replace: (...args) => {
        batches += 1;
        return batches > 1 ? Promise.reject(new Error('killed')) : sealed.replace(...args);
      },
    };
    await assert.rejects(run(keys, { rows: cut }), /killed/);
    assert.deepEqual(await counts(keys), {
      [fresh]: '50 current',
      [idOf(1)]: `${COUNT - 50} opens`,
    });
    assert.deepEqual(await run(keys), { seen: COUNT, moved: COUNT - 50, failures: [] });
    assert.deepEqual(await counts(keys), { [fresh]: `${COUNT} current` });
  });

  it('may run several times at once, beside somebody who stores new versions', async () => {
    const fresh = await addMasterKey(keyFile);
    const writer = await vaultOf(await keysOf());
    const change = async (): Promise<void> => {
      for (let at = 0; at < COUNT; at += 20) {
        await credentials.put(
          await writer.seal(nameOf(at), 'password', Buffer.from(`new ${at}`)),
          null,
        );
      }
    };
    const [one, other] = await Promise.all([
      run(await keysOf()),
      run(await keysOf(), { reencrypts: true }),
      change(),
    ]);
    assert.deepEqual([...(one?.failures ?? []), ...(other?.failures ?? [])], []);
    const keys = await keysOf();
    assert.deepEqual(await counts(keys), { [fresh]: `${COUNT} current` });
    for (let at = 0; at < COUNT; at += 1) await (await vaultOf(keys)).check(nameOf(at));
    assert.equal((await credentials.byName('c020'))?.version, 2);
  });

  it('makes new data keys and ciphertext on demand, under the same master key, too', async () => {
    const keys = await keysOf();
    const before = await bodies();
    assert.equal((await run(keys, { reencrypts: true })).moved, COUNT);
    const after = await bodies();
    for (const [name, body] of before) assert.notDeepEqual(after.get(name), body);
    await (await vaultOf(keys)).check('c000');
  });

  it('leaves alone what it cannot open, names it, and moves the rest', async () => {
    await database.knex('credentials').where('name', 'c003').update({ version: 9 });
    await database
      .knex('credentials')
      .where('name', 'c004')
      .update({ sealed: Buffer.from('junk') });
    const before = await credentials.byName('c003');
    await addMasterKey(keyFile);
    const rotated = await run(await keysOf());
    assert.equal(rotated.moved, COUNT - 2);
    assert.deepEqual(
      rotated.failures.map(({ name }) => name),
      ['c003', 'c004'],
    );
    assert.deepEqual(await credentials.byName('c003'), before);
  });

  it('moves to a key service and its next version, and back', async () => {
    await using server = await startTransitServer();
    const tokenFile = join(folder, 'token');
    await writeFile(tokenFile, server.token);
    const transit = createTransitKeys({
      place: {
        address: server.address,
        mount: 'transit',
        key: 'sallyport',
        namespace: null,
        tokenFile,
        caFile: null,
      },
      keepMs: 0,
    });
    const keys = await keysOf(transit);
    assert.equal((await run(keys)).moved, COUNT);
    assert.deepEqual(await counts(keys), { 'transit:transit/sallyport:v1': `${COUNT} current` });
    server.rotate();
    const before = await bodies();
    assert.equal((await run(keys)).moved, COUNT);
    assert.deepEqual(await bodies(), before);
    server.leastVersion = 2;
    assert.deepEqual(await counts(keys), { 'transit:transit/sallyport:v2': `${COUNT} current` });

    server.trouble = { status: 503, body: '{"errors":["Vault is sealed"]}' };
    const opening = createVault({ keys, credentials, journal });
    await assert.rejects(opening.check('c000'), { code: 'vault.locked' });
    await assert.rejects(run(keys, { reencrypts: true }), { code: 'vault.locked' });
    assert.match((await survey(keys, sealed)).problem ?? '', /Vault is sealed/);
    server.trouble = null;

    const [local = transit] = keys.opening;
    const back: KeyServices = { sealing: local, opening: keys.opening };
    assert.equal((await run(back)).moved, COUNT);
    assert.deepEqual(await counts(back), { [idOf(1)]: `${COUNT} current` });
  });

  it('names keys that are missing at a start, and refuses it when nothing can be opened', async () => {
    const errors: LogFields[] = [];
    const logger = {
      ...silentLogger,
      error: (_: string, fields: LogFields = {}) => void errors.push(fields),
    };
    await writeFile(keyFile, Buffer.alloc(32, 2).toString('hex'));
    const keys = await keysOf();
    const isLocked = (error: unknown): boolean =>
      error instanceof SallyportError &&
      error.code === 'vault.locked' &&
      error.message.includes(idOf(1)) &&
      error.hint.includes('SALLYPORT_MASTER_KEY_FILE');
    reportMissing({ place: '', current: null, problem: null, keys: [], rows: 0 }, logger);
    assert.deepEqual(errors, []);
    const found = await survey(keys, sealed);
    assert.throws(() => reportMissing(found, logger), isLocked);
    await credentials.put(
      await (await vaultOf(keys)).seal('new', 'password', Buffer.from('x')),
      null,
    );
    errors.length = 0;
    reportMissing(await survey(keys, sealed), logger);
    assert.equal(errors.length, 1);
    assert.match(
      String(errors[0]?.['why']),
      new RegExp(`${COUNT} credentials .* ${idOf(1)}.*c000`),
    );
  });
});
