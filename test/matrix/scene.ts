/** A real sshd, a bastion before it, and three ways for every client: past the bastion, through it, by a jump. */
import { mkdir, readFile, rm, truncate, writeFile } from 'node:fs/promises';
import { createCipheriv } from 'node:crypto';
import { createWriteStream } from 'node:fs';
import { join } from 'node:path';
import { pipeline } from 'node:stream/promises';
import { apiOf, type Api } from '../support/api.ts';
import { listProcesses, type ProcessInfo } from '../support/processes.ts';
import { programEnvironment, runProgram } from '../support/program.ts';
import { startSshd, type Sshd } from '../support/sshd.ts';
import { temporaryFolder } from '../support/temporary-folder.ts';
import { startBastion, type Bastion } from '../support/world.ts';

export const TARGET = 'web1';

/** `plain` goes to the sshd itself and is what the others are compared with. */
export const WAYS = ['plain', 'bastion', 'jump'] as const;
export type Way = (typeof WAYS)[number];

/** One SSH server as a client has to be told of it. */
export interface Hop {
  readonly host: string;
  readonly port: number;
  readonly user: string;
  /** Public host keys, `ssh-ed25519 AAAA…`. */
  readonly hostKeys: readonly string[];
}

export interface Scene extends AsyncDisposable {
  readonly folder: string;
  readonly sshd: Sshd;
  readonly bastion: Bastion;
  readonly api: Api;
  /** For `ssh -F`: the hosts `plain`, `bastion` and `jump`. */
  readonly sshConfig: string;
  /** The key that opens all ways, in the forms of OpenSSH, PuTTY and Dropbear. */
  readonly keys: { readonly openssh: string; readonly putty: string; readonly dropbear: string };
  /** The servers of a way, in the order in which they are reached. */
  hops(way: Way): readonly Hop[];
  /** What a client's process gets: a home of its own. */
  readonly env: Readonly<Record<string, string>>;
  /** A file of this many bytes that no compression makes smaller; the same one every time. */
  bulkFile(bytes: number): Promise<string>;
  /** Zeros, more than any client moves before it is broken off; they take no room on the disk. */
  readonly endlessFile: string;
}

const ENDLESS_BYTES = 16 * 1024 ** 3;

/** Everything is allowed, so that nothing but the way itself can differ. */
const CONFIGURATION = (key: string, sshd: Sshd): string => `principals:
  - {name: ann, kind: human, roles: [admin], keys: ["${key}"]}
credentials: [{name: web}]
targets:
  - {name: ${TARGET}, address: "${sshd.host}:${sshd.port}", hostKey: "${sshd.hostKeyLine}", logins: [{name: ${sshd.user}, credential: web}]}
grants:
  - {principals: [ann], targets: [${TARGET}], logins: [${sshd.user}], channels: [shell, exec, sftp, scp], policy: default}
policies:
  default: {default: allow, uncertain: allow}
`;

/** Starts all of it; the caller disposes of it. */
export async function openScene(): Promise<Scene> {
  const folder = await temporaryFolder();
  const started: (() => Promise<void>)[] = [() => rm(folder, { recursive: true, force: true })];
  const dispose = async (): Promise<void> => {
    for (const end of started.splice(0).toReversed()) await end();
  };
  try {
    // The account's own start-up files may say and do anything.
    const sshd = await startSshd([`SetEnv HOME=${join(folder, 'home')}`]);
    started.push(() => sshd.close());
    const env = programEnvironment({ HOME: join(folder, 'home') });
    await mkdir(join(folder, 'home', '.ssh'), { recursive: true, mode: 0o700 });
    const keys = await makeKeys(folder, env);
    const publicLine = (await readFile(`${keys.openssh}.pub`, 'utf8')).trim();
    await sshd.authorise(publicLine);
    const configuration = join(folder, 'bastion.yaml');
    await writeFile(configuration, CONFIGURATION(publicLine, sshd));
    const bastion = await startBastion({ env: { SALLYPORT_CONFIG: configuration } });
    started.push(() => bastion[Symbol.asyncDispose]());
    const generated = await bastion.cli('credential', 'generate', 'web');
    if (generated.status !== 0) throw new Error(generated.stderr);
    await sshd.authorise(generated.stdout.trim());
    const hops = await waysTo(sshd, bastion);
    const sshConfig = await writeSshConfig(folder, keys.openssh, hops);
    const endlessFile = join(folder, 'endless');
    await writeFile(endlessFile, '');
    await truncate(endlessFile, ENDLESS_BYTES);
    const bulk = new Map<number, Promise<string>>();
    const bulkFile = (bytes: number): Promise<string> => {
      const made = bulk.get(bytes) ?? writeBulk(join(folder, `bulk-${bytes}`), bytes);
      bulk.set(bytes, made);
      return made;
    };
    return {
      folder,
      sshd,
      bastion,
      api: await apiOf(bastion),
      sshConfig,
      keys,
      env,
      hops: (way) => hops[way],
      bulkFile,
      endlessFile,
      [Symbol.asyncDispose]: dispose,
    };
  } catch (error) {
    await dispose();
    throw error;
  }
}

async function waysTo(sshd: Sshd, bastion: Bastion): Promise<Record<Way, readonly Hop[]>> {
  const { host, port } = bastion.run.ssh;
  const hostKeys = await hostKeysOf(host, port);
  const outer: Hop = { host, port, user: 'bastion', hostKeys };
  return {
    plain: [{ host: sshd.host, port: sshd.port, user: sshd.user, hostKeys: [sshd.hostKeyLine] }],
    bastion: [{ ...outer, user: `${sshd.user}@${TARGET}` }],
    jump: [outer, { host: TARGET, port: 22, user: sshd.user, hostKeys }],
  };
}

async function makeKeys(folder: string, env: Record<string, string>): Promise<Scene['keys']> {
  const openssh = join(folder, 'key');
  const keys = { openssh, putty: `${openssh}.ppk`, dropbear: `${openssh}.dropbear` };
  for (const [file, ...args] of [
    ['ssh-keygen', '-q', '-t', 'ed25519', '-N', '', '-C', 'matrix', '-f', openssh],
    ['puttygen', openssh, '-o', keys.putty],
    ['dropbearconvert', 'openssh', 'dropbear', openssh, keys.dropbear],
  ] as const) {
    const made = await runProgram(file, args, { env });
    if (made.status !== 0) throw new Error(`${file}: ${made.stderr}`);
  }
  return keys;
}

async function hostKeysOf(host: string, port: number): Promise<string[]> {
  const { stdout, stderr } = await runProgram('ssh-keyscan', ['-p', String(port), host]);
  const keys = [...stdout.toString().matchAll(/^[^#\s]\S* (\S+ \S+)$/gm)].map(
    ([, key = '']) => key,
  );
  if (keys.length === 0) throw new Error(`the bastion shows no host key: ${stderr}`);
  return keys;
}

async function writeSshConfig(
  folder: string,
  key: string,
  hops: Readonly<Record<Way, readonly Hop[]>>,
): Promise<string> {
  const path = join(folder, 'ssh_config');
  const knownHosts = join(folder, 'known_hosts');
  const lines: string[] = [];
  const known: string[] = [];
  const host = (alias: string, hop: Hop | undefined, extra: readonly string[] = []): void => {
    if (hop === undefined) throw new Error(`no way ${alias}`);
    known.push(...hop.hostKeys.map((hostKey) => `${alias} ${hostKey}`));
    const settings = [
      `HostName ${hop.host}`,
      `Port ${hop.port}`,
      `User ${hop.user}`,
      `HostKeyAlias ${alias}`,
      ...extra,
    ];
    lines.push(`Host ${alias}`, ...settings.map((line) => `  ${line}`));
  };
  host('plain', hops.plain[0]);
  host('bastion', hops.bastion[0]);
  host('outer', hops.jump[0]);
  host('jump', hops.jump[1], ['ProxyJump outer']);
  lines.push(
    'Host *',
    `  IdentityFile ${key}`,
    `  UserKnownHostsFile ${knownHosts}`,
    '  GlobalKnownHostsFile /dev/null',
    '  StrictHostKeyChecking yes',
    '  IdentitiesOnly yes',
    '  IdentityAgent none',
    '  BatchMode yes',
    '  ConnectTimeout 20',
    '  LogLevel ERROR',
    '',
  );
  await writeFile(knownHosts, `${known.join('\n')}\n`);
  await writeFile(path, lines.join('\n'));
  return path;
}

async function writeBulk(path: string, bytes: number): Promise<string> {
  const blockBytes = 1024 * 1024;
  const cipher = createCipheriv('aes-128-ctr', Buffer.alloc(16, 1), Buffer.alloc(16, 2));
  const zeros = Buffer.alloc(blockBytes);
  function* blocks(): Generator<Buffer> {
    for (let left = bytes; left > 0; left -= blockBytes) {
      yield cipher.update(zeros.subarray(0, Math.min(left, blockBytes)));
    }
  }
  await pipeline(blocks(), createWriteStream(path));
  return path;
}

/** How sshd calls the processes that hold a connection and run nothing. */
const CONNECTION =
  /^sshd(-session|-auth)?: [^\s@]+(@(notty|pts\/\d+)(,(notty|pts\/\d+))*| \[\w+\])?$/;

/** All processes below the target's sshd. */
export async function sshdChildren({ sshd }: Scene): Promise<ProcessInfo[]> {
  const all = await listProcesses();
  const below = new Set([sshd.pid]);
  for (let before = 0; before !== below.size;) {
    before = below.size;
    for (const { pid, parent } of all) if (below.has(parent)) below.add(pid);
  }
  return all.filter(({ pid }) => pid !== sshd.pid && below.has(pid));
}

/** What runs on the target for somebody, without what only holds a connection. */
export async function targetProcesses(scene: Scene): Promise<ProcessInfo[]> {
  return (await sshdChildren(scene)).filter(({ command }) => !CONNECTION.test(command));
}
