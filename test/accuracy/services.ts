/** Servers of their own for the programs under test: MariaDB, Redis and sshd, where they are installed. */
import { execFileSync, spawn, spawnSync, type ChildProcess } from 'node:child_process';
import { existsSync, mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { createServer } from 'node:net';
import { tmpdir, userInfo } from 'node:os';
import { join } from 'node:path';

/** A server has so long to start, milliseconds. */
const START_MS = 20_000;
/** Where servers live that the path may leave out. */
const PATH = `${process.env['PATH'] ?? ''}:/usr/sbin:/sbin`;

/** Whether a program is there. */
export function isInstalled(program: string): boolean {
  return (
    spawnSync('sh', ['-c', `command -v "$1"`, 'sh', program], { env: { ...process.env, PATH } })
      .status === 0
  );
}

export interface Services {
  readonly env: Readonly<Record<string, string>>;
  stop(): Promise<void>;
}

/** Starts what the scenes need of these: `mariadbd`, `redis-server`, `sshd`. */
export async function startServices(programs: ReadonlySet<string>): Promise<Services> {
  const home = mkdtempSync(join(tmpdir(), 'sallyport-services-'));
  const running: ChildProcess[] = [];
  const env: Record<string, string> = {};
  const start = (program: string, words: readonly string[]): void => {
    running.push(spawn(program, words, { env: { ...process.env, PATH }, stdio: 'ignore' }));
  };
  if (programs.has('redis-server')) {
    const socket = join(home, 'redis.sock');
    start('redis-server', ['--port', '0', '--unixsocket', socket, '--save', '', '--dir', home]);
    await appears(() => existsSync(socket));
    env['REDIS_SOCKET'] = socket;
  }
  if (programs.has('mariadbd')) env['MYSQL_SOCKET'] = await startMariadb(home, start);
  if (programs.has('sshd')) env['SSH_CONFIG'] = await startSshd(home, start);
  return {
    env,
    stop: async () => {
      const over = running
        .filter(({ exitCode }) => exitCode === null)
        .map((child) => new Promise((resolve) => child.once('exit', resolve)));
      for (const child of running) child.kill('SIGTERM');
      await Promise.all(over);
      rmSync(home, { recursive: true, force: true, maxRetries: 3 });
    },
  };
}

type Start = (program: string, words: readonly string[]) => void;

async function startMariadb(home: string, start: Start): Promise<string> {
  const data = join(home, 'mariadb');
  const socket = join(home, 'mariadb.sock');
  const { username } = userInfo();
  mkdirSync(data);
  const own = ['--no-defaults', `--datadir=${data}`, `--user=${username}`];
  execFileSync('mariadb-install-db', [...own, '--auth-root-authentication-method=normal'], {
    stdio: 'ignore',
  });
  start('mariadbd', [...own, '--skip-networking', '--skip-grant-tables', `--socket=${socket}`]);
  const create = ['--no-defaults', '-S', socket, '-e', 'create database if not exists app'];
  await appears(() => spawnSync('mariadb', create, { stdio: 'ignore' }).status === 0);
  return socket;
}

/** @returns the configuration file of a client that reaches it as `inner` */
async function startSshd(home: string, start: Start): Promise<string> {
  const port = await freePort();
  for (const name of ['host', 'user']) {
    execFileSync('ssh-keygen', ['-q', '-t', 'ed25519', '-N', '', '-f', join(home, name)]);
  }
  const server = [
    `Port ${port}`,
    'ListenAddress 127.0.0.1',
    `HostKey ${join(home, 'host')}`,
    `AuthorizedKeysFile ${join(home, 'user.pub')}`,
    `PidFile ${join(home, 'sshd.pid')}`,
    'StrictModes no',
    'UsePAM no',
    'PasswordAuthentication no',
    'AcceptEnv HOME',
  ];
  writeFileSync(join(home, 'sshd-config'), `${server.join('\n')}\n`);
  const sshd = execFileSync('sh', ['-c', 'command -v sshd'], { env: { ...process.env, PATH } });
  start(sshd.toString().trim(), ['-D', '-f', join(home, 'sshd-config')]);
  const client = [
    'Host inner',
    'HostName 127.0.0.1',
    `Port ${port}`,
    `User ${userInfo().username}`,
    `IdentityFile ${join(home, 'user')}`,
    'IdentitiesOnly yes',
    `UserKnownHostsFile ${join(home, 'known')}`,
    'StrictHostKeyChecking no',
    'LogLevel ERROR',
    'RequestTTY force',
  ];
  const file = join(home, 'ssh-config');
  writeFileSync(file, `${client.join('\n')}\n`);
  await appears(
    () => spawnSync('ssh', ['-F', file, '-T', 'inner', 'true'], { stdio: 'ignore' }).status === 0,
  );
  return file;
}

async function freePort(): Promise<number> {
  const server = createServer();
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const address = server.address();
  await new Promise((resolve) => server.close(resolve));
  if (address === null || typeof address === 'string') throw new Error('no port');
  return address.port;
}

async function appears(isThere: () => boolean): Promise<void> {
  const end = performance.now() + START_MS;
  while (!isThere()) {
    if (performance.now() > end) throw new Error('a server for the test did not start');
    await new Promise((resolve) => setTimeout(resolve, 50));
  }
}
