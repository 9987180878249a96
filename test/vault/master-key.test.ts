import assert from 'node:assert/strict';
import * as fs from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { SallyportError } from '../../server/errors.ts';
import {
  addMasterKey,
  dropMasterKey,
  keyIdOf,
  loadMasterKeys,
  MAX_MASTER_KEYS,
  type MasterKey,
} from '../../server/vault/master-key.ts';
import { Secret } from '../../server/vault/secret.ts';

const BYTES = Buffer.from(Array.from({ length: 32 }, (_, index) => index * 7 + 1));

describe('master key', () => {
  let folder = '';
  before(async () => {
    folder = await fs.mkdtemp(join(tmpdir(), 'sallyport-test-'));
  });
  after(() => fs.rm(folder, { recursive: true }));

  const unused = (): string => join(folder, 'unused');
  const fromValue = (value: string): Promise<readonly MasterKey[]> =>
    loadMasterKeys({ value, file: null, generatedFile: unused(), generates: true });
  const fromFile = (file: string): Promise<readonly MasterKey[]> =>
    loadMasterKeys({ value: null, file, generatedFile: unused(), generates: true });
  const keyFile = async (name: string, content: string | Buffer, mode = 0o600): Promise<string> => {
    const path = join(folder, name);
    await fs.writeFile(path, content);
    await fs.chmod(path, mode);
    return path;
  };
  const isCorrupt =
    (naming: string) =>
    (error: unknown): boolean => {
      assert.ok(error instanceof SallyportError);
      assert.equal(error.code, 'key.corrupt');
      assert.ok(error.message.includes(naming), error.message);
      assert.notEqual(error.hint, '');
      return true;
    };

  for (const [name, text] of [
    ['base64', BYTES.toString('base64')],
    ['base64 without padding', BYTES.toString('base64').replace('=', '')],
    ['base64url', BYTES.toString('base64url')],
    ['hexadecimal', BYTES.toString('hex')],
    ['capital hexadecimal', BYTES.toString('hex').toUpperCase()],
    ['text with white space around', ` ${BYTES.toString('base64')}\r\n`],
  ] as const) {
    it(`is read from ${name}, in the environment and in a file`, async () => {
      assert.deepEqual((await fromValue(text))[0]?.bytes, BYTES);
      assert.deepEqual((await fromFile(await keyFile('good', text)))[0]?.bytes, BYTES);
    });
  }

  const corrupt: readonly (readonly [string, string | Buffer])[] = [
    ['nothing', ''],
    ['white space', ' \n'],
    ['31 bytes in base64', BYTES.subarray(1).toString('base64')],
    ['33 bytes in base64', Buffer.concat([BYTES, Buffer.of(1)]).toString('base64')],
    ['63 hexadecimal digits', BYTES.toString('hex').slice(1)],
    ['65 hexadecimal digits', `${BYTES.toString('hex')}0`],
    ['64 characters of which one is no digit', `${BYTES.toString('hex').slice(1)}g`],
    ['base64 with a character outside the alphabet', BYTES.toString('base64').replace(/^./, '*')],
    ['base64 with a space inside', BYTES.toString('base64').replace(/^(.{9})./, '$1 ')],
    ['a key and a word', `${BYTES.toString('base64')}\nold`],
    ['too many keys', `${BYTES.toString('base64')}\n`.repeat(MAX_MASTER_KEYS + 1)],
    ['a NUL character', `${BYTES.toString('base64').slice(0, 43)}\0`],
    ['raw bytes', BYTES],
    ['a private key in PEM', '-----BEGIN OPENSSH PRIVATE KEY-----\nAAAA\n'],
  ];
  for (const [name, content] of corrupt) {
    it(`refuses ${name}`, async () => {
      await assert.rejects(fromValue(String(content)), isCorrupt('SALLYPORT_MASTER_KEY'));
      const path = await keyFile('bad', content);
      await assert.rejects(fromFile(path), isCorrupt(path));
    });
  }

  it('says nothing of the refused text', async () => {
    const secret = BYTES.toString('hex').slice(2);
    await assert.rejects(fromValue(secret), (error: SallyportError) => {
      assert.ok(!`${error.message} ${error.hint} ${error.stack}`.includes(secret.slice(0, 8)));
      return true;
    });
  });

  for (const mode of [0o640, 0o604, 0o620, 0o602, 0o666, 0o610]) {
    it(`refuses a file of mode ${mode.toString(8)} that holds a good key`, async () => {
      const path = await keyFile('open', BYTES.toString('base64'), mode);
      await assert.rejects(fromFile(path), isCorrupt(`mode 0${mode.toString(8)}`));
    });
  }

  it('refuses a file that is missing, a directory, or far too long', async () => {
    await assert.rejects(fromFile(join(folder, 'none')), isCorrupt(join(folder, 'none')));
    await assert.rejects(fromFile(folder), isCorrupt(folder));
    const path = await keyFile('long', ' '.repeat(5000));
    await assert.rejects(fromFile(path), isCorrupt('5000 bytes'));
  });

  it('is made once, for its owner only, and the same at the next start', async () => {
    const generatedFile = join(folder, 'new', 'master.key');
    const sources = { value: null, file: null, generatedFile, generates: true };
    const starts = await Promise.all([1, 2, 3, 4].map(() => loadMasterKeys(sources)));
    const again = await loadMasterKeys(sources);
    for (const [key] of starts) assert.deepEqual(key?.bytes, again[0]?.bytes);
    assert.equal((await fs.stat(generatedFile)).mode & 0o777, 0o600);
    assert.deepEqual(await fs.readdir(join(folder, 'new')), ['master.key']);
  });

  it('never replaces a generated key that became unreadable', async () => {
    const generatedFile = await keyFile('broken', 'AAAA');
    const sources = { value: null, file: null, generatedFile, generates: true };
    await assert.rejects(loadMasterKeys(sources), isCorrupt(generatedFile));
    assert.equal(await fs.readFile(generatedFile, 'utf8'), 'AAAA');
    const dangling = join(folder, 'dangling');
    await fs.symlink(join(folder, 'gone'), dangling);
    await assert.rejects(
      loadMasterKeys({ ...sources, generatedFile: dangling }),
      isCorrupt(dangling),
    );
  });

  it('says so when a new key cannot be written', async () => {
    const generatedFile = join(await keyFile('file', ''), 'master.key');
    await assert.rejects(
      loadMasterKeys({ value: null, file: null, generatedFile, generates: true }),
      (error) => error instanceof SallyportError && error.message.includes(generatedFile),
    );
  });

  it('is several keys in a row, the sealing one first', async () => {
    const other = Buffer.alloc(32, 9);
    const text = `${BYTES.toString('hex')}, ${other.toString('base64')}\n`;
    for (const keys of [await fromValue(text), await fromFile(await keyFile('two', text))]) {
      assert.deepEqual(
        keys.map(({ bytes }) => bytes),
        [BYTES, other],
      );
    }
  });

  it('is not made where something else seals', async () => {
    const generatedFile = join(folder, 'never');
    const sources = { value: null, file: null, generatedFile, generates: false };
    assert.deepEqual(await loadMasterKeys(sources), []);
    await assert.rejects(fs.stat(generatedFile));
  });

  it('gets a successor in front, and can be taken out once it is not the first', async () => {
    const path = await keyFile('turn', BYTES.toString('base64'));
    const link = join(folder, 'turn-link');
    await fs.symlink(path, link);
    const old = keyIdOf(new Secret('master-key', Buffer.from(BYTES)));
    const fresh = await addMasterKey(link);
    assert.deepEqual((await fromFile(path)).map(keyIdOf), [fresh, old]);
    assert.equal((await fs.stat(path)).mode & 0o777, 0o600);
    assert.ok((await fs.lstat(link)).isSymbolicLink());
    assert.equal(await dropMasterKey(path, fresh), false);
    assert.equal(await dropMasterKey(path, '0'.repeat(16)), false);
    assert.equal(await dropMasterKey(path, old), true);
    assert.deepEqual((await fromFile(path)).map(keyIdOf), [fresh]);
  });

  it('is not joined by more than may be in one file', async () => {
    const path = await keyFile('full', `${BYTES.toString('base64')}\n`.repeat(MAX_MASTER_KEYS));
    await assert.rejects(addMasterKey(path), isCorrupt(`${MAX_MASTER_KEYS} keys`));
  });
});
