/** Real programs carry files through the bastion: what arrives is what was sent, and rules hold for each file. */
import assert from 'node:assert/strict';
import { createHash, randomBytes } from 'node:crypto';
import { chmod, mkdir, readFile, rm, stat, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { programEnvironment, runProgram, type ProgramResult } from '../support/program.ts';
import { startRealTarget, type RealTarget } from '../support/real-target.ts';
import { ssh } from '../support/ssh.ts';
import { temporaryFolder } from '../support/temporary-folder.ts';

interface Row {
  readonly seq: number;
  readonly text: string;
  readonly decision: string;
  readonly rule: string | null;
  readonly exitStatus: number | null;
}

describe('e2e: transfers', () => {
  let folder: string;
  let far: string;
  let near: string;
  let real: RealTarget;
  let content: Buffer;

  const env = (): Record<string, string> => programEnvironment({ HOME: join(folder, 'home') });
  const run = (file: string, args: readonly string[], cwd = near): Promise<ProgramResult> =>
    runProgram(file, args, { env: env(), workingDirectory: cwd, timeoutMs: 60_000 });
  const scp = (...args: readonly string[]): Promise<ProgramResult> =>
    run('scp', ['-O', '-F', real.sshConfig, ...args]);

  before(async () => {
    folder = await temporaryFolder();
    far = join(folder, 'far');
    near = join(folder, 'near');
    for (const one of ['far/sub', 'far/secret', 'near/tree/deep', 'home']) {
      await mkdir(join(folder, one), { recursive: true });
    }
    content = randomBytes(3 * 1024 * 1024 + 17);
    await writeFile(join(near, 'a b.bin'), content);
    await writeFile(join(near, 'empty'), '');
    await writeFile(join(near, 'tree/one'), 'one\n');
    await writeFile(join(near, 'tree/deep/two'), 'two\n');
    await writeFile(join(near, 'tree/secret.key'), 'key\n');
    await writeFile(join(far, 'x.log'), 'x\n');
    await writeFile(join(far, 'y.log'), 'y\n');
    await writeFile(join(far, 'secret/s'), 'hidden\n');
    real = await startRealTarget(
      folder,
      `policies:
  default:
    default: allow
    uncertain: deny
    rules:
      - {name: keys, action: deny, match: {path: "**/*.key", access: [write]}, reason: "no keys"}
      - {name: secret, action: deny, match: {path: ["${far}/secret", "${far}/secret/**"]}, reason: "kept back"}
`,
      {},
      {
        people: {
          carrier: 'channels: [exec, scp], policy: default',
          porter: 'channels: [scp], policy: default',
          typist: 'channels: [exec], policy: default',
          reader: 'channels: [exec, scp], files: read-only, policy: default',
          sender: 'channels: [exec, scp], files: upload-only, policy: default',
        },
      },
    );
  });
  after(async () => {
    await real[Symbol.asyncDispose]();
    await rm(folder, { recursive: true, force: true });
  });

  /** The newest session with its rows and its recording as text. */
  async function last(): Promise<{ id: string; kind: string; rows: Row[]; text: string }> {
    const { stdout } = await real.bastion.cli('sessions', 'list', '--json', '--limit', '1');
    const { items } = JSON.parse(stdout) as { items: { id: string; kind: string }[] };
    const { id = '', kind = '' } = items[0] ?? {};
    const shown = await real.bastion.cli('sessions', 'commands', id, '--json');
    const text = await real.bastion.cli('sessions', 'export', id, '--format', 'txt');
    return {
      id,
      kind,
      rows: (JSON.parse(shown.stdout) as { items: Row[] }).items,
      text: text.stdout,
    };
  }

  /** What the journal says of a session beside its commands. */
  async function journalled(id: string, type: string): Promise<Record<string, unknown>[]> {
    const { stdout } = await real.bastion.cli('journal', 'export', '--json');
    return stdout
      .split('\n')
      .filter(Boolean)
      .map((line) => JSON.parse(line) as { session: string; type: string; data: object })
      .filter((event) => event.session === id && event.type === type)
      .map(({ data }) => ({ ...data }));
  }

  describe('by the old protocol of scp', () => {
    it('go up, with times and modes, and are journalled with their hash', async () => {
      await chmod(join(near, 'a b.bin'), 0o640);
      const result = await scp('-p', 'a b.bin', `carrier:${far}/up.bin`);
      assert.deepEqual([result.status, result.stderr], [0, '']);
      const [sent, stored] = [await stat(join(near, 'a b.bin')), await stat(join(far, 'up.bin'))];
      assert.deepEqual(await readFile(join(far, 'up.bin')), content);
      assert.equal(stored.mode, sent.mode);
      assert.equal(Math.trunc(stored.mtimeMs / 1000), Math.trunc(sent.mtimeMs / 1000));
      const { id, kind, rows, text } = await last();
      assert.equal(kind, 'scp');
      assert.deepEqual(
        rows.map((row) => [row.decision, row.exitStatus]),
        [
          ['allow', 0],
          ['allow', 0],
        ],
      );
      const [written] = await journalled(id, 'file.written');
      const sha256 = createHash('sha256').update(content).digest('hex');
      assert.equal(written?.['sha256'], sha256);
      assert.equal(written['bytes'], content.length);
      assert.equal(written['complete'], true);
      assert.equal(written['spelt'], `${far}/up.bin`);
      const [ended] = await journalled(id, 'transfer.ended');
      assert.equal(ended?.['program'], 'scp');
      assert.ok(Number(ended['bytesIn']) > content.length);
      assert.match(text, new RegExp(sha256));
      assert.ok(text.length < 2_000, 'contents are not stored');
    });

    it('come down, by patterns too', async () => {
      await mkdir(join(near, 'down'), { recursive: true });
      const result = await scp(`carrier:${far}/*.log`, `carrier:${far}/up.bin`, 'down');
      assert.deepEqual([result.status, result.stderr], [0, '']);
      assert.equal(await readFile(join(near, 'down/y.log'), 'utf8'), 'y\n');
      assert.deepEqual(await readFile(join(near, 'down/up.bin')), content);
    });

    it('go up as a tree without the file that a rule denies', async () => {
      const result = await scp('-r', 'tree', 'empty', `carrier:${far}/sub`);
      assert.equal(result.status, 1);
      assert.match(result.stderr, /secret\.key: Permission denied .*rule "keys": no keys/);
      assert.equal(await readFile(join(far, 'sub/tree/deep/two'), 'utf8'), 'two\n');
      assert.equal(await readFile(join(far, 'sub/empty'), 'utf8'), '');
      await assert.rejects(stat(join(far, 'sub/tree/secret.key')));
      const { rows } = await last();
      assert.deepEqual(
        rows.filter(({ decision }) => decision === 'deny').map(({ text, rule }) => [text, rule]),
        [[`write ${far}/sub/tree/secret.key`, 'keys']],
      );
    });

    it('come down as a tree without what a rule denies', async () => {
      const result = await scp('-r', `carrier:${far}`, 'copy');
      assert.equal(result.status, 1);
      assert.match(result.stderr, /far\/secret: Permission denied .*rule "secret": kept back/);
      assert.equal(await readFile(join(near, 'copy/sub/tree/one'), 'utf8'), 'one\n');
      await assert.rejects(stat(join(near, 'copy/secret')));
    });

    it('say of a file that is not there what scp says', async () => {
      const result = await scp(`carrier:${far}/nothing`, '.');
      assert.equal(result.status, 1);
      assert.match(result.stderr, /nothing: No such file or directory/);
      const up = await scp('empty', `carrier:${far}/no/such/place`);
      assert.equal(up.status, 1);
      assert.match(up.stderr, /no\/such\/place: No such file or directory/);
    });

    it('need a grant for scp, which gives no other command', async () => {
      const typed = await scp('empty', `typist:${far}/typed`);
      assert.notEqual(typed.status, 0);
      assert.match(typed.stderr, /your grant for web1 doesn't cover a session of kind scp/);
      const ported = await scp('empty', `porter:${far}/ported`);
      assert.equal(ported.status, 0, ported.stderr);
      const other = await ssh({ config: real.sshConfig, host: 'porter' }, `scp -t ${far}; id`);
      assert.match(other.stderr, /doesn't cover a session of kind exec/);
      assert.equal(other.status, 255);
    });

    it('keep to what the grant says about files', async () => {
      assert.equal((await scp(`reader:${far}/x.log`, 'x1')).status, 0);
      const up = await scp('empty', `reader:${far}/never`);
      assert.equal(up.status, 1);
      assert.match(up.stderr, /Permission denied .*lets you read files here and change nothing/);
      assert.equal((await scp('empty', `sender:${far}/sent`)).status, 0);
      const down = await scp(`sender:${far}/x.log`, 'x2');
      assert.equal(down.status, 1);
      assert.match(down.stderr, /Permission denied .*lets you upload files here/);
      await assert.rejects(stat(join(near, 'x2')));
      await assert.rejects(stat(join(far, 'never')));
    });
  });
});
