/** Starting, stopping, and everything that can stand in the way of a start. */
import assert from 'node:assert/strict';
import { chmod, mkdir, readFile, rm, stat, writeFile } from 'node:fs/promises';
import { createServer, type Server } from 'node:net';
import { join } from 'node:path';
import { freshUrl } from '../support/database.ts';
import { ssh } from '../support/ssh.ts';
import { sallyport, startBastion } from '../support/world.ts';
import { temporaryFolder } from '../support/temporary-folder.ts';

const PORTS = { SALLYPORT_SSH_LISTEN: '127.0.0.1:0', SALLYPORT_HTTP_LISTEN: '127.0.0.1:0' };

async function exists(path: string): Promise<boolean> {
  return stat(path).then(
    () => true,
    () => false,
  );
}

function listenAnywhere(): Promise<{ readonly server: Server; readonly port: number }> {
  const server = createServer();
  return new Promise((resolve) => {
    server.listen(0, '127.0.0.1', () => {
      const address = server.address();
      resolve({ server, port: typeof address === 'object' && address !== null ? address.port : 0 });
    });
  });
}

describe('e2e: starting', () => {
  let home: string;

  beforeEach(async () => {
    home = await temporaryFolder();
  });
  afterEach(async () => {
    await rm(home, { recursive: true, force: true });
  });

  it('sets the demo up, says what to type, stops clean and goes on the next time', async () => {
    const first = await startBastion({ home });
    assert.deepEqual(Object.keys(first.run).sort(), ['database', 'http', 'pid', 'ssh', 'version']);
    assert.equal(first.run.database, 'embedded');
    // The guide ends behind the link, and is printed as one piece once run.json is there.
    await first.setupLink();
    const guide = first.logs();
    for (const part of ['/setup/', 'demo-agent', 'rm -rf /', 'shutdown', '/approvals']) {
      assert.ok(guide.includes(part), part);
    }
    for (const file of [
      'keys/master.key',
      'keys/ssh_host_ed25519',
      'demo/agent_ed25519',
      'run.json',
    ]) {
      assert.equal((await stat(join(home, file))).mode & 0o777, 0o600, file);
    }
    const ready = await fetch(`${first.run.http.url}/readyz`);
    assert.equal(ready.status, 200);
    const ran = await ssh({ config: first.sshConfig, host: 'demo-agent' }, 'uname');
    assert.equal(ran.stdout.toString(), 'Linux\n');
    const hostKey = await readFile(join(home, 'demo/known_hosts'), 'utf8');
    assert.equal(await first.stop(), 0);
    assert.ok(!(await exists(join(home, 'run.json'))));

    const second = await startBastion({ home });
    assert.equal(await readFile(join(home, 'demo/known_hosts'), 'utf8'), hostKey);
    const { stdout } = await second.cli('sessions', 'list', '--json');
    assert.equal((JSON.parse(stdout) as { items: unknown[] }).items.length, 1);
    const again = await ssh({ config: second.sshConfig, host: 'demo-agent' }, 'echo again');
    assert.equal(again.stdout.toString(), 'again\n', again.stderr);
    assert.equal(await second.stop(), 0);
  });

  it('leaves an applied configuration in force when it starts without one', async () => {
    const file = join(home, 'bastion.yaml');
    await writeFile(
      file,
      'principals: [{name: alice, kind: human, roles: [auditor]}]\npolicies: {default: {default: deny}}\n',
    );
    const first = await startBastion({ home });
    const applied = await first.cli('apply', file);
    assert.equal(applied.status, 0, applied.stderr);
    const { stdout } = await first.cli('token', 'create', '--principal', 'alice', '--link');
    assert.ok(stdout.startsWith(`${first.run.http.url}/setup/`), stdout);
    assert.equal((await fetch(stdout.trim())).status, 200);
    assert.equal(await first.stop(), 0);
    await using second = await startBastion({ home });
    const judged = await second.cli('policy', 'test', 'ls');
    assert.equal((JSON.parse(judged.stdout) as { decision: string }).decision, 'deny');
    await second.stop();
  });

  it('refuses a second bastion in the same home, with the pid of the first', async () => {
    await using first = await startBastion({ home });
    const second = await sallyport(home, ['serve'], { env: PORTS });
    assert.equal(second.status, 2);
    assert.match(second.stderr, new RegExp(`^sallyport: .*pid ${first.pid} .*\n$`));
    const still = await fetch(`${first.run.http.url}/healthz`);
    assert.equal(still.status, 200);
  });

  it('takes over after kill -9, with everything recorded so far', async () => {
    const first = await startBastion({ home });
    await ssh({ config: first.sshConfig, host: 'demo-agent' }, 'echo kept');
    await first.kill9();
    await using second = await startBastion({ home });
    const { stdout } = await second.cli('verify', '--all');
    assert.ok(!stdout.includes('FAIL'), stdout);
    await second.stop();
  });

  it('drains on SIGTERM: running sessions hear of it and are closed complete', async () => {
    const bastion = await startBastion({ home });
    const running = ssh(
      { config: bastion.sshConfig, host: 'demo-agent' },
      'echo begun; sleep 2; echo ended',
    );
    await new Promise((resolve) => setTimeout(resolve, 800));
    assert.equal(await bastion.stop(), 0);
    const result = await running;
    assert.equal(result.stdout.toString(), 'begun\nended\n');
    assert.match(
      result.stderr,
      /^sallyport: the bastion is stopping; this session ends in \d+ s\n/,
    );
    assert.equal(result.status, 0);
  });

  it('uses an existing database by DATABASE_URL', async () => {
    const url = await freshUrl();
    await using bastion = await startBastion({ home, env: { DATABASE_URL: url } });
    assert.equal(bastion.run.database, 'external');
    assert.ok(!(await exists(join(home, 'postgres'))));
    const ran = await ssh({ config: bastion.sshConfig, host: 'demo-agent' }, 'exit 5');
    assert.equal(ran.status, 5);
    await bastion.stop();
  });

  const oneLine = (stderr: string): string => {
    const lines = stderr.split('\n').filter((line) => line.startsWith('sallyport: '));
    assert.equal(lines.length, 1, stderr);
    return lines[0] ?? '';
  };

  it('names a busy port', async () => {
    const { server, port } = await listenAnywhere();
    try {
      for (const [name, value] of [
        ['SALLYPORT_SSH_LISTEN', `127.0.0.1:${port}`],
        ['SALLYPORT_HTTP_LISTEN', `127.0.0.1:${port}`],
      ] as const) {
        const { status, stderr } = await sallyport(home, ['serve'], {
          env: { ...PORTS, [name]: value },
        });
        assert.equal(status, 2, stderr);
        const line = oneLine(stderr);
        assert.ok(line.includes(`127.0.0.1:${port}`) && line.includes(name), line);
      }
    } finally {
      server.close();
    }
  });

  const databases: [string, () => Promise<string>][] = [
    ['nobody listens', () => Promise.resolve('postgres://me:secret-word@127.0.0.1:1/db')],
    [
      'there is no such database',
      async () => (await freshUrl()).replace(/\/[^/?]+(\?|$)/, '/no_such_db$1'),
    ],
    ['it is no address', () => Promise.resolve('not a url secret-word')],
  ];
  for (const [what, url] of databases) {
    it(`names the database when ${what}, and never the password`, async () => {
      const { status, stderr } = await sallyport(home, ['serve'], {
        env: { ...PORTS, DATABASE_URL: await url() },
      });
      assert.equal(status, 2, stderr);
      assert.match(oneLine(stderr), /DATABASE_URL/);
      assert.ok(!stderr.includes('secret-word'), stderr);
    });
  }

  it('names a home that is no folder', async () => {
    const file = join(home, 'file');
    await writeFile(file, '');
    const { status, stderr } = await sallyport(join(file, 'home'), ['serve'], { env: PORTS });
    assert.equal(status, 2);
    assert.match(oneLine(stderr), /can't be written.*SALLYPORT_HOME/);
  });

  const corrupt: [string, string, number][] = [
    ['keys/master.key', 'not a key', 0o600],
    ['keys/master.key', Buffer.alloc(32, 7).toString('base64'), 0o644],
    ['keys/ssh_host_ed25519', 'not a key', 0o600],
    ['keys/recording_ed25519', '', 0o600],
    ['demo/agent_ed25519', 'not a key', 0o600],
  ];
  for (const [file, content, mode] of corrupt) {
    it(`names ${file} when it is ${mode === 0o600 ? 'no key' : 'readable by others'}`, async () => {
      await mkdir(join(home, file, '..'), { recursive: true, mode: 0o700 });
      await writeFile(join(home, file), content);
      await chmod(join(home, file), mode);
      const { status, stderr } = await sallyport(home, ['serve'], { env: PORTS });
      assert.equal(status, 2, stderr);
      assert.ok(oneLine(stderr).includes(file), stderr);
      assert.equal(await readFile(join(home, file), 'utf8'), content, 'bad input loses nothing');
    });
  }

  it('names a master key that is not the one that sealed the vault', async () => {
    const first = await startBastion({ home });
    await first.stop();
    const { status, stderr } = await sallyport(home, ['serve'], {
      env: { ...PORTS, SALLYPORT_MASTER_KEY: Buffer.alloc(32, 1).toString('base64') },
    });
    assert.equal(status, 2, stderr);
    assert.match(oneLine(stderr), /master key/);
  });

  it('reports every mistake of the environment at once', async () => {
    const { status, stderr } = await sallyport(home, ['serve'], {
      env: {
        SALLYPORT_SSH_LISTEN: 'nonsense:x',
        SALLYPORT_HTTP_LISTEN: '1.2.3.4:99999',
        SALLYPORT_LOG: 'loud',
      },
    });
    assert.equal(status, 2);
    assert.equal(
      stderr.split('\n').filter((line) => line.startsWith('sallyport: ')).length,
      3,
      stderr,
    );
  });

  it('names the place of a mistake in the configuration', async () => {
    const file = join(home, 'bastion.yaml');
    await writeFile(file, 'principals:\n  - {name: ann, kind: human, rols: [admin]}\n');
    const { status, stderr } = await sallyport(home, ['serve'], {
      env: { ...PORTS, SALLYPORT_CONFIG: file },
    });
    assert.equal(status, 2);
    assert.match(oneLine(stderr), /bastion\.yaml:2:\d+: .*rols/);
  });
});
