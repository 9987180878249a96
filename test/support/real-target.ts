/** A bastion in front of a real OpenSSH server, set up as an operator does it. */
import { spawnSync } from 'node:child_process';
import { mkdir, readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import type { ShellIntegration } from '../../server/access/target.ts';
import { startSshd, type Sshd } from './sshd.ts';
import { startBastion, type Bastion } from './world.ts';

export const TARGET = 'web1';

export interface RealTarget extends AsyncDisposable {
  readonly sshd: Sshd;
  readonly bastion: Bastion;
  /**
   * For `ssh -F`: hosts `direct` (the server itself), `agent` and `person` (through the bastion), and
   * `stranger` (a key that nobody knows).
   */
  readonly sshConfig: string;
  /** The configuration file that was applied. */
  readonly configuration: string;
}

/** How the target differs from a plain one. */
export interface TargetOptions {
  /** Lines for the top of the server's configuration. */
  readonly sshd?: readonly string[];
  /** `off` by default. */
  readonly shellIntegration?: ShellIntegration;
  /** Further people by name, each with a key and a host of that name, and the rest of their grant. */
  readonly people?: Readonly<Record<string, string>>;
  /** What else their entries say, by name, such as `roles: [approver]`. */
  readonly about?: Readonly<Record<string, string>>;
  /** YAML of the grants, by the login that they are for; by default shells and commands for everybody. */
  readonly grants?: (login: string) => string;
}

/** @param policies YAML of the policies; `default` judges everybody */
export async function startRealTarget(
  folder: string,
  policies: string,
  env: Readonly<Record<string, string>> = {},
  options: TargetOptions = {},
): Promise<RealTarget> {
  const sshd = await startSshd(options.sshd);
  const keys = join(folder, 'keys');
  await mkdir(keys, { recursive: true, mode: 0o700 });
  const keyOf = async (name: string): Promise<string> => {
    const path = join(keys, name);
    spawnSync('ssh-keygen', ['-q', '-t', 'ed25519', '-N', '', '-C', name, '-f', path]);
    return (await readFile(`${path}.pub`, 'utf8')).trim();
  };
  const [agent, person, direct] = [
    await keyOf('agent'),
    await keyOf('person'),
    await keyOf('direct'),
  ];
  await keyOf('stranger');
  const people = Object.entries(options.people ?? {});
  const described: string[] = [];
  for (const [name] of people) {
    const more = options.about?.[name];
    const about = more === undefined ? '' : ` ${more},`;
    described.push(`  - {name: ${name}, kind: human,${about} keys: ["${await keyOf(name)}"]}`);
  }
  await sshd.authorise(direct);
  const configuration = join(folder, 'bastion.yaml');
  await writeFile(
    configuration,
    `principals:
  - {name: ann, kind: human, roles: [admin], groups: [people], keys: ["${person}"]}
  - {name: bot, kind: agent, owner: ann, groups: [agents], keys: ["${agent}"]}
${described.join('\n')}
credentials: [{name: web}]
targets:
  - {name: ${TARGET}, address: "${sshd.host}:${sshd.port}", labels: {env: test}, shellIntegration: ${options.shellIntegration ?? 'off'}, logins: [{name: ${sshd.user}, credential: web}]}
  - {name: nowhere, address: "127.0.0.1:1", hostKey: "${sshd.hostKeyLine}", logins: [{name: ${sshd.user}, credential: web}]}
  - {name: closed, address: "${sshd.host}:${sshd.port}", logins: [{name: ${sshd.user}, credential: web}]}
grants:
${options.grants?.(sshd.user) ?? plainGrants(sshd.user)}
${people.map(([name, rest]) => `  - {principals: [${name}], targets: [${TARGET}], logins: [${sshd.user}], ${rest}}`).join('\n')}
${policies}
`,
  );
  let bastion: Bastion | null = null;
  try {
    bastion = await startBastion({ env: { SALLYPORT_CONFIG: configuration, ...env } });
    const generated = await bastion.cli('credential', 'generate', 'web');
    if (generated.status !== 0) throw new Error(generated.stderr);
    await sshd.authorise(generated.stdout.trim());
    const scanned = await bastion.cli('target', 'scan', TARGET);
    if (scanned.status !== 0) throw new Error(scanned.stderr);
    const sshConfig = await writeSshConfig(
      folder,
      sshd,
      bastion,
      people.map(([name]) => name),
    );
    const running = bastion;
    return {
      sshd,
      bastion,
      sshConfig,
      configuration,
      [Symbol.asyncDispose]: async () => {
        await running[Symbol.asyncDispose]();
        await sshd.close();
      },
    };
  } catch (error) {
    await bastion?.[Symbol.asyncDispose]();
    await sshd.close();
    throw error;
  }
}

function plainGrants(login: string): string {
  return `  - {principals: ["group:people", bot], targets: [${TARGET}, nowhere], logins: [${login}], channels: [shell, exec], policy: default}`;
}

async function writeSshConfig(
  folder: string,
  sshd: Sshd,
  bastion: Bastion,
  people: readonly string[],
): Promise<string> {
  const path = join(folder, 'ssh_config');
  const key = (name: string): string => join(folder, 'keys', name);
  const { host, port } = bastion.run.ssh;
  const through = (name: string, keyName: string): string =>
    `Host ${name}\n  HostName ${host}\n  Port ${port}\n  User ${sshd.user}@${TARGET}\n  IdentityFile ${key(keyName)}\n  HostKeyAlias bastion\n`;
  await writeFile(
    path,
    [
      `Host direct\n  HostName ${sshd.host}\n  Port ${sshd.port}\n  User ${sshd.user}\n  IdentityFile ${key('direct')}\n`,
      through('agent', 'agent'),
      through('person', 'person'),
      through('stranger', 'stranger'),
      ...people.map((name) => through(name, name)),
      'Host *',
      `  UserKnownHostsFile ${join(folder, 'known_hosts')}`,
      '  GlobalKnownHostsFile /dev/null',
      '  StrictHostKeyChecking accept-new',
      '  IdentitiesOnly yes',
      '  IdentityAgent none',
      '  LogLevel ERROR',
      '',
    ].join('\n'),
  );
  return path;
}
