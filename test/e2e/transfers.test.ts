/** Real programs carry files through the bastion: what arrives is what was sent, and rules hold for each file. */
import assert from 'node:assert/strict';
import { createHash, randomBytes } from 'node:crypto';
import { chmod, mkdir, readFile, rm, stat, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import type { CommandView } from '../../server/http/ports.ts';
import type { JournalEntry } from '../../server/journal/event.ts';
import { apiOf, type Api } from '../support/api.ts';
import { programEnvironment, runProgram, type ProgramResult } from '../support/program.ts';
import { startRealTarget, type RealTarget } from '../support/real-target.ts';
import { ssh } from '../support/ssh.ts';
import { temporaryFolder } from '../support/temporary-folder.ts';

describe('e2e: transfers', () => {
  let folder: string;
  let far: string;
  let near: string;
  let real: RealTarget;
  let content: Buffer;
  let api: Api;

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
      - {name: keys, action: deny, match: {path: "${far}/{sub,putty}/**.key", access: [write]}, reason: "no keys"}
      - {name: secret, action: deny, match: {path: ["${far}/secret", "${far}/secret/**"]}, reason: "kept back"}
`,
      {},
      {
        people: {
          carrier: 'channels: [exec, scp], policy: default',
          porter: 'channels: [scp], policy: default',
          keeper: 'channels: [scp], keepFiles: true, policy: default',
          typist: 'channels: [exec], policy: default',
          reader: 'channels: [exec, scp], files: read-only, policy: default',
          sender: 'channels: [exec, scp], files: upload-only, policy: default',
        },
      },
    );
    api = await apiOf(real.bastion);
  });
  after(async () => {
    await real[Symbol.asyncDispose]();
    await rm(folder, { recursive: true, force: true });
  });

  /** The newest session with its rows and its recording as text. */
  async function last(): Promise<{
    id: string;
    kind: string;
    rows: readonly CommandView[];
    text: string;
  }> {
    const { id, kind } = await api.lastSession();
    const text = await api.get(`sessions/${id}/recording?format=txt`);
    return { id, kind, rows: await api.commands(id), text };
  }

  /** What the journal says of a session beside its commands. */
  async function journalled(id: string, type: string): Promise<JournalEntry['data'][]> {
    const { items } = JSON.parse(await api.get(`journal?session=${id}&type=${type}`)) as {
      items: JournalEntry[];
    };
    return items.map(({ data }) => data);
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

    it('are kept where the grant asks for it', async () => {
      assert.equal((await scp('a b.bin', `keeper:${far}/kept`)).status, 0);
      const { id } = await last();
      const answer = Buffer.from(await api.get(`sessions/${id}/files/2`), 'utf8');
      assert.ok(answer.length > 0);
      const [written] = await journalled(id, 'file.written');
      const sha256 = createHash('sha256').update(content).digest('hex');
      const kept = JSON.stringify(written?.['kept']);
      assert.match(kept, new RegExp(`"bytes":${content.length},.*"sha256":"${sha256}"`));
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

  describe('by PuTTY and Dropbear', () => {
    it('go both ways by pscp', async () => {
      const key = join(folder, 'keys/carrier');
      const made = await run('puttygen', [key, '-o', `${key}.ppk`]);
      assert.equal(made.status, 0, made.stderr);
      const { host, port } = real.bastion.run.ssh;
      const keys = await run('ssh-keyscan', ['-p', String(port), '-t', 'ed25519', host]);
      const line = join(folder, 'host.pub');
      await writeFile(line, keys.stdout.toString().replace(/^\S+ /, ''));
      const shown = await run('ssh-keygen', ['-lf', line, '-E', 'sha256']);
      const fingerprint = /SHA256:\S+/.exec(shown.stdout.toString())?.[0] ?? '';
      const fixed = `-scp -batch -q -P ${port} -i ${key}.ppk -l ${real.sshd.user}@web1`.split(' ');
      const pscp = (...args: readonly string[]): Promise<ProgramResult> =>
        run('pscp', ['-hostkey', fingerprint, ...fixed, ...args]);
      const up = await pscp('-r', 'tree', `${host}:${far}/putty`);
      assert.match(up.stderr + up.stdout.toString(), /secret\.key: Permission denied/);
      assert.equal(await readFile(join(far, 'putty/deep/two'), 'utf8'), 'two\n');
      const down = await pscp(`${host}:${far}/up.bin`, 'putty.bin');
      assert.equal(down.status, 0, down.stderr);
      assert.deepEqual(await readFile(join(near, 'putty.bin')), content);
    });

    it('go both ways through dbclient', async () => {
      const key = join(folder, 'keys/carrier');
      const made = await run('dropbearconvert', ['openssh', 'dropbear', key, `${key}.dropbear`]);
      assert.equal(made.status, 0, made.stderr);
      const { host, port } = real.bastion.run.ssh;
      const program = join(folder, 'dropbear');
      await writeFile(
        program,
        `#!/bin/sh\nfor last; do :; done\nexec dbclient -y -y -i ${key}.dropbear -p ${port} -l ${real.sshd.user}@web1 ${host} "$last"\n`,
        { mode: 0o755 },
      );
      const up = await run('scp', ['-O', '-S', program, 'a b.bin', `there:${far}/dropbear.bin`]);
      assert.equal(up.status, 0, up.stderr);
      const down = await run('scp', ['-O', '-S', program, `there:${far}/dropbear.bin`, 'd.bin']);
      assert.equal(down.status, 0, down.stderr);
      assert.deepEqual(await readFile(join(near, 'd.bin')), content);
    });
  });

  describe('by rsync', () => {
    const rsync = (...args: readonly string[]): Promise<ProgramResult> =>
      run('rsync', ['-e', `ssh -F ${real.sshConfig}`, ...args]);

    it('go up and down, and their bytes are counted and not stored', async () => {
      const up = await rsync('-a', '--stats', 'tree/', 'a b.bin', `typist:${far}/synced/`);
      assert.equal(up.status, 0, up.stderr);
      assert.deepEqual(await readFile(join(far, 'synced/a b.bin')), content);
      const { id, kind, rows, text } = await last();
      assert.equal(kind, 'exec');
      assert.deepEqual(
        rows.map((row) => [row.decision, row.exitStatus]),
        [['allow', 0]],
      );
      const [ended] = await journalled(id, 'transfer.ended');
      assert.equal(ended?.['program'], 'rsync');
      assert.ok(Number(ended['bytesIn']) > content.length);
      assert.match(text, /rsync: \d+ bytes in, sha256 [0-9a-f]{64}; \d+ bytes out/);
      assert.ok(text.length < 2_000, 'contents are not stored');
      const down = await rsync('-a', `typist:${far}/synced/`, 'back');
      assert.equal(down.status, 0, down.stderr);
      assert.deepEqual(await readFile(join(near, 'back/a b.bin')), content);
    });

    it('are judged by their paths, in every form', async () => {
      const denied = async (...args: readonly string[]): Promise<void> => {
        const result = await rsync(...args);
        assert.match(result.stderr, /sallyport: denied by rule "(?:secret|keys)": /);
        assert.notEqual(result.status, 0);
      };
      await denied('-a', `typist:${far}/secret/`, 'never');
      await denied('-a', `typist:${far}/`, 'never');
      await denied('empty', `typist:${far}/secret/s`);
      await denied('-a', '--delete', 'tree/', `typist:${far}/`);
      await denied('-a', '--compare-dest', `${far}/secret`, 'tree/', `typist:${far}/other/`);
      const list = await rsync('-a', '--files-from=/dev/null', `typist:${far}/sub/`, 'listed');
      assert.equal(list.status, 0, list.stderr);
    });

    it('keep to what the grant says about files', async () => {
      const up = await rsync('empty', `reader:${far}/never`);
      assert.match(up.stderr, /denied by rule "files: read-only"/);
      const down = await rsync(`sender:${far}/x.log`, '.');
      assert.match(down.stderr, /denied by rule "files: upload-only"/);
      const replaced = await rsync('-a', '--delete', 'tree/', `sender:${far}/sub/`);
      assert.match(replaced.stderr, /denied by rule "files: upload-only"/);
      assert.equal((await rsync('-a', 'empty', `sender:${far}/sent`)).status, 0);
      assert.equal((await rsync('-a', `reader:${far}/x.log`, 'read')).status, 0);
    });
  });

  describe('by git', () => {
    const git = (cwd: string, ...args: readonly string[]): Promise<ProgramResult> =>
      runProgram('git', ['-c', 'user.name=a', '-c', 'user.email=a@b', ...args], {
        env: { ...env(), GIT_SSH_COMMAND: `ssh -F ${real.sshConfig}`, GIT_CONFIG_NOSYSTEM: '1' },
        workingDirectory: cwd,
      });

    it('are cloned, pushed, fetched, listed and archived', async () => {
      const bare = join(far, 'app.git');
      assert.equal((await git(far, 'init', '-q', '--bare', '-b', 'main', bare)).status, 0);
      const url = `typist:${bare}`;
      const clone = await git(near, 'clone', '-q', url, 'app');
      assert.equal(clone.status, 0, clone.stderr);
      const app = join(near, 'app');
      await writeFile(join(app, 'big'), content);
      assert.equal((await git(app, 'add', 'big')).status, 0);
      assert.equal((await git(app, 'commit', '-q', '-m', 'one')).status, 0);
      const push = await git(app, 'push', '-q', 'origin', 'HEAD:main');
      assert.equal(push.status, 0, push.stderr);
      const { id, rows } = await last();
      assert.match(rows[0]?.text ?? '', /^git-receive-pack /);
      const [ended] = await journalled(id, 'transfer.ended');
      assert.equal(ended?.['program'], 'git-receive-pack');
      assert.ok(Number(ended['bytesIn']) > content.length);
      assert.equal((await git(app, 'fetch', '-q')).status, 0);
      const listed = await git(near, 'ls-remote', url);
      assert.match(listed.stdout.toString(), /refs\/heads\/main/);
      const archive = await git(near, 'archive', `--remote=${url}`, 'main', 'big');
      assert.equal(archive.status, 0, archive.stderr);
      assert.ok(archive.stdout.includes(content.subarray(0, 512)));
    });

    it('may be read and not written by a grant that says so', async () => {
      const app = join(near, 'app');
      const fetched = await git(app, 'fetch', '-q', `reader:${far}/app.git`);
      assert.equal(fetched.status, 0, fetched.stderr);
      const pushed = await git(app, 'push', '-q', `reader:${far}/app.git`, 'HEAD:x');
      assert.match(pushed.stderr, /denied by rule "files: read-only"/);
    });
  });
});
