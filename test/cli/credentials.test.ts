import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { mkdir, readFile, rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { parseCommandLine } from '../../server/cli/verb.ts';
import { credentialVerbs } from '../../server/cli/credentials.ts';
import { readEnvironment } from '../../server/config/environment.ts';
import { SallyportError } from '../../server/errors.ts';
import { silentLogger } from '../../server/log.ts';
import { createCredentials } from '../../server/store/credentials.ts';
import { openDatabase, type Database } from '../../server/store/database.ts';
import { freshUrl } from '../support/database.ts';
import { temporaryFolder } from '../support/temporary-folder.ts';

describe('credential put', () => {
  let folder: string;
  let url: string;
  let database: Database;

  before(async () => {
    folder = await temporaryFolder();
    await mkdir(join(folder, 'home'));
    url = await freshUrl();
    database = await openDatabase({ url, homeDirectory: '/nowhere', logger: silentLogger });
  });
  after(async () => {
    await database.close();
    await rm(folder, { recursive: true, force: true });
  });

  async function put(option: string, content: Buffer | string): Promise<number> {
    const file = join(folder, 'material');
    await writeFile(file, content, { mode: 0o600 });
    const env = { SALLYPORT_HOME: join(folder, 'home'), DATABASE_URL: url };
    const defaults = { homeDirectory: folder, workingDirectory: folder, isTerminal: false };
    const outcome = readEnvironment(env, defaults);
    const parsed = parseCommandLine(['credential', 'put', 'web', option, file], credentialVerbs);
    assert.ok(outcome.kind === 'ok' && parsed.kind === 'verb');
    return parsed.verb.run({
      config: outcome.config,
      logger: silentLogger,
      terminal: {
        out: () => Promise.resolve(),
        err: () => {},
        stdin: Object.assign((async function* none() {})(), { isTTY: false }),
      },
      source: 'cli:test',
      version: 'test',
      positionals: parsed.positionals,
      options: parsed.options,
    });
  }

  async function keygen(...args: readonly string[]): Promise<Buffer> {
    const file = join(folder, 'key');
    await rm(file, { force: true });
    const made = spawnSync('ssh-keygen', ['-q', '-C', '', '-f', file, ...args]);
    assert.equal(made.status, 0, made.stderr.toString());
    return readFile(file);
  }

  const refused: readonly (readonly [string, string, () => Promise<Buffer>, RegExp])[] = [
    [
      'a key with a pass phrase',
      '--private-key',
      () => keygen('-t', 'ed25519', '-N', 'a pass phrase'),
      /pass phrase.*ssh-keygen -p/,
    ],
    [
      'a PEM key with a pass phrase',
      '--private-key',
      () => keygen('-t', 'ecdsa', '-m', 'PEM', '-N', 'a pass phrase'),
      /pass phrase.*ssh-keygen -p/,
    ],
    [
      'a cut key',
      '--private-key',
      async () => (await keygen('-t', 'ed25519', '-N', '')).subarray(0, 200),
      /damaged/,
    ],
    [
      'a key that was cut in the middle',
      '--private-key',
      async () => {
        const pem = await keygen('-t', 'ed25519', '-N', '');
        return Buffer.concat([pem.subarray(0, 150), pem.subarray(220)]);
      },
      /damaged/,
    ],
    [
      'a weak key',
      '--private-key',
      () => keygen('-t', 'rsa', '-b', '1024', '-N', ''),
      /2048 bits, this has 1024/,
    ],
    [
      'a public key',
      '--private-key',
      async () => {
        await keygen('-t', 'ed25519', '-N', '');
        return readFile(join(folder, 'key.pub'));
      },
      /not a private key/,
    ],
    ['nothing', '--private-key', async () => Buffer.alloc(0), /not a private key/],
    ['no password', '--password-file', async () => Buffer.from('\n'), /1 to 65536 bytes/],
    ['two lines', '--password-file', async () => Buffer.from('one\ntwo\n'), /more than one line/],
    ['a NUL', '--password-file', async () => Buffer.from('one\0two\n'), /NUL/],
    ['no UTF-8', '--password-file', async () => Buffer.from([0x70, 0xe4, 0x73]), /no UTF-8/],
  ];
  for (const [what, option, material, why] of refused) {
    it(`refuses ${what} with the reason, and stores nothing`, async () => {
      await assert.rejects(put(option, await material()), (error: unknown) => {
        assert.ok(error instanceof SallyportError && error.code === 'usage.invalid');
        assert.match(error.message, why);
        return true;
      });
      assert.equal(await createCredentials(database).byName('web'), null);
    });
  }

  it('takes a password without its line end, and any text', async () => {
    for (const text of ['päss wörd\r\n', 'x\n', ' y ']) {
      assert.equal(await put('--password-file', text), 0);
      const stored = await createCredentials(database).byName('web');
      // Format, key id and lengths, wrapping, nonce and tag around the material.
      const overhead = 1 + 1 + 16 + 2 + 60 + 28;
      assert.equal(stored?.sealed.length, overhead + Buffer.byteLength(text.replace(/\r?\n$/, '')));
    }
  });
});
