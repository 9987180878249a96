/** One run of our PostgreSQL server: found through its pid file or started, answered, stopped. */
import { spawn, type ChildProcess } from 'node:child_process';
import * as fs from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { messageOf, SallyportError } from '../errors.ts';
import { codeOf, createClient, endClient, type ServerAddress } from './connect.ts';
import { isAlive, SERVER_USER, type Place } from './postgres-data.ts';
import type { ReadyBinaries } from './postgres-binaries.ts';

export const SERVER_DATABASE = 'sallyport';
/** Names the socket file only; nothing listens on a network. */
const PORT = 5432;
/** Longest path of a socket file that Linux takes, bytes without the final NUL. */
export const SOCKET_PATH_BYTES = 107;
/** Longest wait for a server to answer; recovery after a crash is part of it. Milliseconds. */
export const START_TIMEOUT_MS = 120_000;
/** How long a fast shutdown, then an immediate one, may take before the next harder means. Milliseconds. */
export const STOP_TIMEOUT_MS = { fast: 20_000, immediate: 5_000 } as const;
const POLL_MS = 20;
/** No process has this id; Linux ends at 2^22. */
const NO_PROCESS = 2_147_483_646;
/** Size at which the server's log is put aside at a start, and cut while it runs, bytes. */
export const LOG_BYTES = { atStart: 1 << 20, running: 16 << 20 } as const;
/** How much of the log is searched for the reason of a failed start, bytes. */
const LOG_TAIL_BYTES = 8_192;

export interface ServerRun {
  readonly pid: number;
  readonly socketDirectory: string;
  readonly port: number;
  /** Null when we found it running. */
  readonly child: ChildProcess | null;
}

export function addressOf(run: ServerRun, database: string = SERVER_DATABASE): ServerAddress {
  const { socketDirectory, port } = run;
  return { kind: 'socket', socketDirectory, port, user: SERVER_USER, database };
}

/** What postmaster.pid says, when the process that it names really serves this data directory. */
export async function findRun(dataDirectory: string): Promise<ServerRun | null> {
  const text = await fs.readFile(join(dataDirectory, 'postmaster.pid'), 'utf8').catch(() => '');
  const [pid, , , port, socketDirectory] = text.split('\n');
  if (socketDirectory === undefined || !(await servesData(Number(pid), dataDirectory))) return null;
  return { pid: Number(pid), port: Number(port), socketDirectory, child: null };
}

/** Whether process `pid` is a live PostgreSQL server of this directory: it works inside it. */
export async function servesData(pid: number, dataDirectory: string): Promise<boolean> {
  if (!Number.isInteger(pid) || pid <= 0 || !isAlive(pid)) return false;
  if (process.platform !== 'linux') return true;
  return (await fs.readlink(`/proc/${pid}/cwd`).catch(() => '')) === dataDirectory;
}

/** Starts the server and waits until it answers. Rejects with `database.unreachable`. */
export async function startRun(place: Place, binaries: ReadyBinaries): Promise<ServerRun> {
  const socketDirectory = await prepareSocketDirectory(place);
  await forgetStaleLocks(place.dataDirectory, socketDirectory);
  const logPath = join(place.directory, 'server.log');
  const log = await openLog(logPath);
  const { size: logStart } = await log.stat();
  const child = spawn(
    join(binaries.directory, 'postgres'),
    serverArguments(place, socketDirectory),
    {
      cwd: place.directory,
      env: binaries.environment,
      stdio: ['ignore', log.fd, log.fd],
      // A session of its own: Ctrl-C in our terminal is for us, and we stop the server last.
      detached: true,
      ...place.account?.server,
    },
  );
  await log.close();
  child.unref();
  const ended = new Promise<string>((resolve) => {
    child.on('error', (error) => resolve(messageOf(error)));
    child.on('exit', (code, signal) => resolve(`it ended with ${signal ?? code}`));
  });
  const run: ServerRun = { pid: child.pid ?? NO_PROCESS, port: PORT, socketDirectory, child };
  const why = await Promise.race([ended, answers(run, place.dataDirectory)]);
  if (why === null) return run;
  if (child.exitCode === null) child.kill('SIGQUIT');
  throw new SallyportError(
    'database.unreachable',
    `PostgreSQL ${binaries.version} in ${place.directory} did not start: ${await reasonIn(logPath, logStart, why)}`,
    `read ${logPath}, remove the cause and start again`,
  );
}

function serverArguments(place: Place, socketDirectory: string): readonly string[] {
  const settings = {
    listen_addresses: '',
    // A list: quoted, a comma in the path is part of it.
    unix_socket_directories: `"${socketDirectory.replaceAll('"', '""')}"`,
    unix_socket_permissions: '0700',
    shared_buffers: '32MB',
    fsync: 'on',
    jit: 'off',
    timezone: 'UTC',
    log_timezone: 'UTC',
    logging_collector: 'off',
    log_destination: 'stderr',
    // Errors quote statements and values, which may be what must not be written down; their place is
    // with whoever asked. What the server has to say of itself is above ERROR in this order.
    log_min_messages: 'log',
    log_statement: 'none',
  };
  const flags = Object.entries(settings).flatMap(([name, value]) => ['-c', `${name}=${value}`]);
  return ['-D', place.dataDirectory, '-p', String(PORT), ...flags];
}

/** `<directory>/socket`, or where that name would be too long a link of that name to a private directory. */
async function prepareSocketDirectory(place: Place): Promise<string> {
  const path = join(place.directory, 'socket');
  const known = await fs.realpath(path).catch(() => null);
  if (known !== null) return known;
  const ids = place.account?.server;
  if (fits(path)) {
    await fs.mkdir(path, { recursive: true, mode: 0o700 });
    if (ids !== undefined) await fs.lchown(path, ids.uid, ids.gid);
    return path;
  }
  const roots = [tmpdir(), '/tmp'].filter((root) => fits(join(root, 'sallyport-XXXXXX')));
  const made = await fs.mkdtemp(join(roots[0] ?? '/tmp', 'sallyport-'));
  if (ids !== undefined) await fs.lchown(made, ids.uid, ids.gid);
  await fs.rm(path, { force: true });
  // When another start was faster its link stays, and is used.
  await fs.symlink(made, path).catch(() => fs.rmdir(made));
  return fs.realpath(path);
}

function fits(directory: string): boolean {
  return Buffer.byteLength(join(directory, `.s.PGSQL.${PORT}.lock`)) <= SOCKET_PATH_BYTES;
}

/**
 * PostgreSQL trusts the id in its lock files: after a reboot or in a new container it may belong to
 * any program, and the server would refuse to start for ever.
 */
async function forgetStaleLocks(dataDirectory: string, socketDirectory: string): Promise<void> {
  const pidFile = join(dataDirectory, 'postmaster.pid');
  const text = await fs.readFile(pidFile, 'utf8').catch(() => null);
  if (text !== null && !(await servesData(Number.parseInt(text, 10), dataDirectory))) {
    // Changed, not removed: PostgreSQL checks its shared memory by the other lines. An empty file
    // was left by a crash of the machine and says nothing.
    const rest = text.replace(/^-?\d+/, String(NO_PROCESS));
    if (text.trim() === '') await fs.rm(pidFile, { force: true });
    else await fs.writeFile(pidFile, rest);
  }
  const lock = join(socketDirectory, `.s.PGSQL.${PORT}.lock`);
  const owner = await fs.readFile(lock, 'utf8').catch(() => null);
  if (owner === null || (await servesData(Number.parseInt(owner, 10), dataDirectory))) return;
  // Asked last: another start may have come so far meanwhile.
  if ((await findRun(dataDirectory)) === null) await fs.rm(lock, { force: true });
}

async function openLog(path: string): Promise<fs.FileHandle> {
  const { size } = await fs.stat(path).catch(() => ({ size: 0 }));
  if (size > LOG_BYTES.atStart) await fs.rename(path, `${path}.1`);
  return fs.open(path, 'a', 0o600);
}

/** Cuts the log of a running server when it has grown too large; the server appends, so it goes on. */
export async function boundLog(place: Place): Promise<void> {
  const path = join(place.directory, 'server.log');
  const { size } = await fs.stat(path).catch(() => ({ size: 0 }));
  if (size > LOG_BYTES.running) await fs.truncate(path);
}

async function reasonIn(logPath: string, from: number, otherwise: string): Promise<string> {
  const handle = await fs.open(logPath, 'r');
  try {
    const { size } = await handle.stat();
    const start = Math.max(from, size - LOG_TAIL_BYTES);
    const { buffer, bytesRead } = await handle.read({
      buffer: Buffer.alloc(LOG_TAIL_BYTES),
      position: start,
    });
    const said = buffer.subarray(0, bytesRead).toString().trim();
    const fatal = said.split('\n').findLast((line) => /\b(FATAL|PANIC):/.test(line));
    if (fatal !== undefined) return messageOf(fatal.replace(/^.*?(FATAL|PANIC): */, ''));
    return messageOf(said === '' ? otherwise : `${otherwise}: ${said.replaceAll(/\s+/g, ' ')}`);
  } finally {
    await handle.close();
  }
}

/** Waits until the server answers: null; otherwise why it won't. */
export async function answers(run: ServerRun, dataDirectory: string): Promise<string | null> {
  const deadlineMs = Date.now() + START_TIMEOUT_MS;
  for (;;) {
    const client = createClient(addressOf(run, 'postgres'), () => {});
    try {
      await client.connect();
      await client.query('select 1');
      // Another start may have been faster: then its server answers, and our child is about to end.
      const isOurs = run.child === null || (await findRun(dataDirectory))?.pid === run.pid;
      return isOurs ? null : 'the lock file belongs to another start';
    } catch (error) {
      const gone = run.child === null && !(await servesData(run.pid, dataDirectory));
      if (gone) return 'it ended';
      if (run.child !== null && run.child.exitCode !== null) return 'it ended';
      if (Date.now() > deadlineMs) return `no answer in time (${messageOf(error)})`;
    } finally {
      await endClient(client);
    }
    await pause(POLL_MS);
  }
}

/** Creates our database in a new server; resolves with the server's version. */
export async function ensureDatabase(run: ServerRun): Promise<string> {
  const client = createClient(addressOf(run, 'postgres'), () => {});
  try {
    await client.connect();
    const { rows } = await client.query<{ version: string; present: boolean }>(
      `select split_part(current_setting('server_version'), ' ', 1) as version,
              exists (select from pg_database where datname = $1) as present`,
      [SERVER_DATABASE],
    );
    const DUPLICATE = ['42P04', '23505'];
    if (rows[0]?.present !== true) {
      await client.query(`create database ${SERVER_DATABASE}`).catch((error: unknown) => {
        if (!DUPLICATE.includes(codeOf(error))) throw error;
      });
    }
    return rows[0]?.version ?? 'unknown';
  } finally {
    await endClient(client);
  }
}

/** Fast shutdown, then harder means; resolves when the server is gone. */
export async function stopRun(run: ServerRun, dataDirectory: string): Promise<void> {
  const steps = [
    { signal: 'SIGINT', waitMs: STOP_TIMEOUT_MS.fast },
    { signal: 'SIGQUIT', waitMs: STOP_TIMEOUT_MS.immediate },
    { signal: 'SIGKILL', waitMs: STOP_TIMEOUT_MS.immediate },
  ] as const;
  for (const { signal, waitMs } of steps) {
    if (!(await servesData(run.pid, dataDirectory))) return;
    try {
      process.kill(run.pid, signal);
    } catch {
      return;
    }
    const deadlineMs = Date.now() + waitMs;
    while (Date.now() < deadlineMs) {
      if (!(await servesData(run.pid, dataDirectory))) return;
      await pause(POLL_MS);
    }
  }
}

export function pause(waitMs: number): Promise<void> {
  return new Promise((resolve) => setTimeout(resolve, waitMs));
}
