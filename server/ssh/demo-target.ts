/**
 * An SSH server that runs the shell of the user who started it, so that a newcomer has a target without
 * setting one up. It behaves as sshd does where a client can see it; it is no target for real work.
 */
import { existsSync } from 'node:fs';
import { homedir, userInfo } from 'node:os';
import { systemClock } from '../clock.ts';
import { silentLogger } from '../log.ts';
import type { ChannelRequest, ConnectionHandler, DownstreamEnd } from '../session/ports.ts';
import { runProcess } from './demo/process.ts';
import { runTerminal } from './demo/terminal.ts';
import { exactText } from './engine/wire.ts';
import { startGateway } from './gateway.ts';

export interface DemoTargetOptions {
  readonly hostKeyPem: Buffer;
  /** Blob of the one public key that is let in. */
  readonly authorizedKeyBlob: Buffer;
  /** Path of the shell, for instance /bin/bash. */
  readonly shell: string;
  /** Port 0 = any free port. */
  readonly listen: { readonly host: string; readonly port: number };
}

export interface DemoTarget {
  readonly host: string;
  readonly port: number;
  /** Ends every connection; their programs get SIGHUP. */
  close(): Promise<void>;
}

/** What is run for one session channel. */
export interface Launch {
  readonly shell: string;
  /** null = an interactive login shell. */
  readonly command: string | null;
  readonly home: string;
  readonly env: Readonly<Record<string, string>>;
}

/** The only connections come from this machine's bastion, so bounds per source are wide. */
const LOCAL_LIMITS = {
  connectionsPerSecond: 1000,
  connectionBurst: 1000,
  maxUnauthenticatedPerSource: 100,
};
const DEFAULT_PATH = '/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin';
/** The variables that a client may set, as Debian's sshd_config allows them. */
const ACCEPTED_ENV = /^(LANG|LC_[A-Z]+)$/;
const CANNOT_RUN_STATUS = 126;
/** Where Debian, Fedora, Arch, Alpine and macOS, FreeBSD and Homebrew put it. */
const SFTP_SERVERS: readonly string[] = [
  '/usr/lib/openssh/sftp-server',
  '/usr/libexec/openssh/sftp-server',
  '/usr/lib/ssh/sftp-server',
  '/usr/libexec/sftp-server',
  '/usr/local/libexec/sftp-server',
];

/** Rejects like `startGateway`. */
export async function startDemoTarget(options: DemoTargetOptions): Promise<DemoTarget> {
  const isAuthorized = (_: string, key: { readonly blob: Buffer }): Promise<boolean> =>
    Promise.resolve(key.blob.equals(options.authorizedKeyBlob));
  const handler: ConnectionHandler = {
    permits: { pty: true, portForwarding: true, agentForwarding: true, x11Forwarding: true },
    offered: isAuthorized,
    proven: isAuthorized,
    open: (request, end) => void serve(options.shell, request, end),
    ended: () => {},
  };
  const gateway = await startGateway({
    listen: options.listen,
    hostKeys: [options.hostKeyPem],
    connections: { accept: () => handler, jump: () => Promise.resolve(null) },
    logger: silentLogger,
    clock: systemClock,
    limits: LOCAL_LIMITS,
  });
  const { host, port } = gateway.address;
  return { host, port, close: () => gateway.close() };
}

async function serve(shell: string, request: ChannelRequest, end: DownstreamEnd): Promise<void> {
  let command = request.command === null ? null : exactText(request.command);
  if (request.kind === 'subsystem') {
    const server = SFTP_SERVERS.find((path) => existsSync(path)) ?? null;
    if (command !== 'sftp') return refuse(end, 'the demo target has no subsystem but sftp');
    if (server === null) {
      return refuse(end, `the demo target finds no sftp server at ${SFTP_SERVERS.join(', ')}`);
    }
    command = server;
  }
  if (request.command !== null && (command === null || command.includes('\0'))) {
    return refuse(end, 'the demo target runs only commands that are valid UTF-8 without NUL');
  }
  const launch = {
    shell,
    command,
    home: homedir(),
    env: environment(shell, request),
  };
  try {
    if (request.pty === null) await runProcess(launch, end);
    else await runTerminal(launch, request.pty, end);
  } catch {
    await refuse(end, `the demo target cannot run ${shell}`);
  }
}

function environment(shell: string, request: ChannelRequest): Record<string, string> {
  const user = userInfo().username;
  const accepted = request.env.filter(({ name }) => ACCEPTED_ENV.test(name));
  return {
    USER: user,
    LOGNAME: user,
    HOME: homedir(),
    PATH: DEFAULT_PATH,
    SHELL: shell,
    ...Object.fromEntries(accepted.map(({ name, value }) => [name, value])),
    ...(request.pty === null ? {} : { TERM: request.pty.term }),
  };
}

async function refuse(end: DownstreamEnd, why: string): Promise<void> {
  await end.write({ kind: 'data', stream: 'stderr', bytes: Buffer.from(`${why}\n`) });
  await end.write({ kind: 'exit', status: CANNOT_RUN_STATUS });
  await end.write({ kind: 'eof' });
  await end.write({ kind: 'close' });
}
