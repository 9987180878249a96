/** A real OpenSSH server on a loopback port, for the user who runs the tests. */
import { spawn, spawnSync } from 'node:child_process';
import { once } from 'node:events';
import { appendFile, mkdir, mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { createServer, type AddressInfo } from 'node:net';
import { tmpdir, userInfo } from 'node:os';
import { join } from 'node:path';

export interface Sshd extends AsyncDisposable {
  readonly host: string;
  readonly port: number;
  /** `ssh-ed25519 AAAA…`, for pinning. */
  readonly hostKeyLine: string;
  /** The account that logs in: who runs the tests. */
  readonly user: string;
  readonly pid: number;
  /** The last of what it logged, as the administrator of the target sees it. */
  logs(): string;
  /** Lets the holder of this key in. */
  authorise(publicLine: string): Promise<void>;
  close(): Promise<void>;
}

/** Where the server is; Debian's package openssh-server puts it there. */
const SSHD = '/usr/sbin/sshd';
/** Older log lines are forgotten. */
const MAX_LOG_CHARACTERS = 1024 * 1024;

/**
 * Starts a server with its own host key and authorized keys.
 * @param extra lines for the top of its configuration, where the first mention of a keyword wins
 * @param prefix what it is started with; it must become the server itself
 */
export async function startSshd(
  extra: readonly string[] = [],
  prefix: readonly string[] = [],
): Promise<Sshd> {
  const folder = await mkdtemp(join(tmpdir(), 'sshd-'));
  const hostKey = join(folder, 'host_ed25519');
  const authorized = join(folder, 'authorized_keys');
  const made = spawnSync('ssh-keygen', ['-q', '-t', 'ed25519', '-N', '', '-C', '', '-f', hostKey]);
  if (made.status !== 0) throw new Error(`ssh-keygen failed: ${made.stderr.toString()}`);
  // A server that root starts insists on this folder, which Debian makes at boot.
  if (userInfo().uid === 0) await mkdir('/run/sshd', { recursive: true, mode: 0o755 });
  await writeFile(authorized, '', { mode: 0o600 });
  const port = await freePort();
  const config = [
    ...extra,
    'ListenAddress 127.0.0.1',
    `Port ${port}`,
    `HostKey ${hostKey}`,
    `AuthorizedKeysFile ${authorized}`,
    `PidFile ${join(folder, 'pid')}`,
    'StrictModes no',
    'UsePAM no',
    'PasswordAuthentication no',
    'KbdInteractiveAuthentication no',
    'PermitRootLogin yes',
    'PrintMotd no',
    'PrintLastLog no',
    'UseDNS no',
    'MaxStartups 200',
    'MaxSessions 64',
    'AcceptEnv LANG LC_*',
    'Subsystem sftp internal-sftp',
    '',
  ].join('\n');
  await writeFile(join(folder, 'config'), config);
  const [file, ...args] = [...prefix, SSHD, '-D', '-e', '-f', join(folder, 'config')] as const;
  const child = spawn(file, args, {
    stdio: ['ignore', 'ignore', 'pipe'],
  });
  let log = '';
  await new Promise<void>((resolve, reject) => {
    child.once('error', reject);
    child.once('exit', () => reject(new Error(`sshd did not start: ${log}`)));
    child.stderr.on('data', (chunk: Buffer) => {
      log = (log + chunk.toString()).slice(-MAX_LOG_CHARACTERS);
      if (log.includes('Server listening')) resolve();
    });
  });
  const close = async (): Promise<void> => {
    if (child.exitCode === null && child.signalCode === null) {
      child.kill('SIGTERM');
      await once(child, 'exit');
    }
    await rm(folder, { recursive: true, force: true });
  };
  return {
    host: '127.0.0.1',
    port,
    hostKeyLine: (await readFile(`${hostKey}.pub`, 'utf8')).trim(),
    user: userInfo().username,
    pid: child.pid ?? 0,
    logs: () => log,
    authorise: (publicLine) => appendFile(authorized, `${publicLine.trim()}\n`),
    close,
    [Symbol.asyncDispose]: close,
  };
}

/** A loopback port that nothing listens on at this moment. */
export async function freePort(): Promise<number> {
  const server = createServer();
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  const { port } = server.address() as AddressInfo;
  server.close();
  await once(server, 'close');
  return port;
}
