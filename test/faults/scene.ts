/** Everything that can fail, each by itself: a bastion, its database, its spool's disk, a target. */
import { spawnSync } from 'node:child_process';
import { mkdir, readFile, rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { RECORDING_MODES, type RecordingMode } from '../../server/access/grant.ts';
import { silentLogger } from '../../server/log.ts';
import { findRun } from '../../server/store/postgres-process.ts';
import { startPostgres, type RunningPostgres } from '../../server/store/postgres.ts';
import { urlOf } from '../support/database-url.ts';
import { processesOf } from '../support/processes.ts';
import { freePort, startSshd, type Sshd } from '../support/sshd.ts';
import { temporaryFolder } from '../support/temporary-folder.ts';
import { type Bastion, sallyport, startBastion } from '../support/world.ts';
import { openSpoolDisk, type SpoolDisk } from './disk.ts';

/** Two segments of the spool and a bit. */
const DISK_MEGABYTES = 36;

export class FaultScene implements AsyncDisposable {
  readonly folder: string;
  readonly home: string;
  readonly databaseUrl: string;
  readonly disk: SpoolDisk;
  readonly sshd: Sshd;
  readonly #env: Readonly<Record<string, string>>;
  #postgres: RunningPostgres | null;
  #bastion: Bastion | null = null;

  constructor(parts: {
    readonly folder: string;
    readonly home: string;
    readonly disk: SpoolDisk;
    readonly sshd: Sshd;
    readonly postgres: RunningPostgres;
    readonly env: Readonly<Record<string, string>>;
  }) {
    this.folder = parts.folder;
    this.home = parts.home;
    this.disk = parts.disk;
    this.sshd = parts.sshd;
    this.#postgres = parts.postgres;
    this.databaseUrl = urlOf(parts.postgres, parts.postgres.database);
    this.#env = { ...parts.env, DATABASE_URL: this.databaseUrl };
  }

  get sshConfig(): string {
    return join(this.folder, 'ssh_config');
  }

  /** What the commands of the load write down on the target. */
  get witness(): string {
    return join(this.folder, 'witness');
  }

  logs(): string {
    return this.#bastion?.logs() ?? '';
  }

  async startBastion(): Promise<void> {
    const { home } = this;
    this.#bastion = await startBastion({ home, env: this.#env, prefix: this.disk.prefix });
  }

  /** Largest resident size of the bastion so far. */
  async peakMegabytes(): Promise<number> {
    const status = await readFile(`/proc/${this.#bastion?.pid ?? 0}/status`, 'utf8');
    return Math.round(Number(/VmHWM:\s*(\d+)/.exec(status)?.[1] ?? 0) / 1024);
  }

  async killBastion(): Promise<void> {
    await this.#bastion?.kill9();
    this.#bastion = null;
  }

  async stopPostgres(): Promise<void> {
    await this.#postgres?.stop();
    this.#postgres = null;
  }

  /** kill -9 of the server's first process; the others end by themselves. */
  async killPostgres(): Promise<void> {
    const run = await findRun(join(this.folder, 'postgres', 'data'));
    if (run === null) throw new Error('no server runs');
    process.kill(run.pid, 'SIGKILL');
  }

  /** SIGSTOP to all of it: it neither answers nor breaks connections. */
  async stallPostgres(): Promise<{ resume(): Promise<void> }> {
    const run = await findRun(join(this.folder, 'postgres', 'data'));
    if (run === null) throw new Error('no server runs');
    const family = await processesOf(run.pid, join(this.folder, 'nothing'));
    const signal = (name: NodeJS.Signals): void => {
      for (const { pid } of family) {
        try {
          process.kill(pid, name);
        } catch {
          // It has ended meanwhile.
        }
      }
    };
    signal('SIGSTOP');
    return { resume: async () => signal('SIGCONT') };
  }

  async startPostgres(): Promise<void> {
    await this.#postgres?.stop();
    const directory = join(this.folder, 'postgres');
    this.#postgres = await startPostgres({ directory, logger: silentLogger });
  }

  /** kill -9 of the processes of the target that serve one of the connections. */
  async cutTarget(choose: (count: number) => number): Promise<void> {
    const family = await processesOf(this.sshd.pid, join(this.folder, 'nothing'));
    const serving = family.filter(({ command }) => /^sshd: \S+(@|$)/.test(command));
    const victim = serving[choose(serving.length)];
    if (victim !== undefined) process.kill(victim.pid, 'SIGKILL');
  }

  cli(...args: readonly string[]): ReturnType<typeof sallyport> {
    return sallyport(this.home, args, { env: this.#env, timeoutMs: 120_000 });
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.#bastion?.[Symbol.asyncDispose]();
    await this.sshd.close();
    await this.#postgres?.stop();
    await this.disk.close();
    await rm(this.folder, { recursive: true, force: true });
  }
}

/** Starts everything. Hosts of the ssh configuration are the recording modes. */
export async function openFaultScene(): Promise<FaultScene> {
  const folder = await temporaryFolder();
  const home = join(folder, 'home');
  await mkdir(home, { mode: 0o700 });
  const postgres = await startPostgres({
    directory: join(folder, 'postgres'),
    logger: silentLogger,
  });
  const sshd = await startSshd();
  const key = join(folder, 'key');
  spawnSync('ssh-keygen', ['-q', '-t', 'ed25519', '-N', '', '-C', 'bot', '-f', key]);
  const configuration = join(folder, 'bastion.yaml');
  const publicKey = (await readFile(`${key}.pub`, 'utf8')).trim();
  await writeFile(configuration, configurationOf(publicKey, sshd));
  const port = await freePort();
  const scene = new FaultScene({
    folder,
    home,
    disk: await openSpoolDisk(home, DISK_MEGABYTES),
    sshd,
    postgres,
    env: { SALLYPORT_CONFIG: configuration, SALLYPORT_SSH_LISTEN: `127.0.0.1:${port}` },
  });
  await writeFile(scene.sshConfig, sshConfigOf(folder, key, port, sshd.user));
  await writeFile(scene.witness, '');
  await scene.startBastion();
  const generated = await scene.cli('credential', 'generate', 'target');
  if (generated.status !== 0) throw new Error(generated.stderr);
  await sshd.authorise(generated.stdout.trim());
  return scene;
}

function configurationOf(publicKey: string, sshd: Sshd): string {
  const lines = (line: (mode: RecordingMode) => string): string =>
    RECORDING_MODES.map((mode) => `  - ${line(mode)}\n`).join('');
  return `principals:
  - {name: ann, kind: human, roles: [admin]}
  - {name: bot, kind: agent, owner: ann, keys: ["${publicKey}"]}
credentials: [{name: target}]
targets:
${lines((mode) => `{name: to-${mode}, address: "${sshd.host}:${sshd.port}", hostKey: "${sshd.hostKeyLine}", logins: [{name: ${sshd.user}, credential: target}]}`)}grants:
${lines((mode) => `{principals: [bot], targets: [to-${mode}], logins: [${sshd.user}], channels: [shell, exec], policy: default, recording: ${mode}}`)}policies: {default: {default: allow, uncertain: allow}}
`;
}

function sshConfigOf(folder: string, key: string, port: number, user: string): string {
  return `Host *
  HostName 127.0.0.1
  Port ${port}
  IdentityFile ${key}
  HostKeyAlias bastion
  UserKnownHostsFile ${join(folder, 'known_hosts')}
  GlobalKnownHostsFile /dev/null
  StrictHostKeyChecking accept-new
  IdentitiesOnly yes
  IdentityAgent none
  LogLevel ERROR
  ServerAliveInterval 0
  # The login on the target: ${user}
`;
}
