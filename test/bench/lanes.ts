/**
 * The ways to the same sshd that are compared: direct, through OpenSSH's own `-J` over a second sshd,
 * and through Sallyport. One client, one cipher, one key exchange.
 */
import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { RecordingMode } from '../../server/access/grant.ts';
import { runProgram } from '../support/program.ts';
import { startSshd, type Sshd } from '../support/sshd.ts';
import { startBastion, type Bastion } from '../support/world.ts';

export const LANES = ['direct', 'jump', 'sallyport'] as const;
export type Lane = (typeof LANES)[number];

/** Ways through Sallyport for short commands: with a connection to the target that stands, or a new one. */
export const CONNECT_HOSTS = [
  'sallyport',
  'sallyport-cold',
  'sallyport-jump',
  'sallyport-jump-cold',
] as const;
export type Host = Lane | (typeof CONNECT_HOSTS)[number];

const CIPHER = 'aes128-gcm@openssh.com';
const KEY_EXCHANGE = 'curve25519-sha256';

export interface Track extends AsyncDisposable {
  readonly lanes: readonly Lane[];
  /** For `ssh -F`; each lane is a host of it. */
  readonly config: string;
  /** For files that live as long as the track. */
  readonly folder: string;
  readonly cipher: string;
  /** null when no lane needs it. */
  readonly bastion: Bastion | null;
  /** Whether `CONNECT_HOSTS` are in the configuration. */
  readonly hasConnectHosts: boolean;
}

/**
 * Starts what the lanes need.
 * @param environment of the bastion, beside what it always gets
 * @param recording how the bastion's only grant records
 * @param hasConnectHosts also starts a second bastion, which keeps no connection to the target
 */
export async function openTrack(
  lanes: readonly Lane[],
  environment: (folder: string) => Readonly<Record<string, string>> = () => ({}),
  recording: RecordingMode = 'strict',
  hasConnectHosts = false,
): Promise<Track> {
  const folder = await mkdtemp(join(tmpdir(), 'sallyport-bench-'));
  const opened: AsyncDisposable[] = [];
  const close = async (): Promise<void> => {
    const failures: unknown[] = [];
    for (const one of opened.splice(0).toReversed()) {
      try {
        await one[Symbol.asyncDispose]();
      } catch (error) {
        failures.push(error);
      }
    }
    await rm(folder, { recursive: true, force: true });
    if (failures.length > 0) throw new AggregateError(failures, 'the track was not closed cleanly');
  };
  try {
    const keep = <T extends AsyncDisposable>(one: T): T => {
      opened.push(one);
      return one;
    };
    const key = join(folder, 'client_ed25519');
    await runProgram('ssh-keygen', ['-q', '-t', 'ed25519', '-N', '', '-C', 'bench', '-f', key]);
    const publicLine = (await readFile(`${key}.pub`, 'utf8')).trim();
    // An empty home: the start-up files of this user's shell would be most of what is measured.
    const target = keep(await startSshd([`SetEnv HOME=${folder}`]));
    await target.authorise(publicLine);
    const hosts = [hostLines('direct', target.port, target.user)];
    if (lanes.includes('jump')) {
      const hop = keep(await startSshd());
      await hop.authorise(publicLine);
      hosts.push(
        hostLines('hop', hop.port, hop.user),
        `${hostLines('jump', target.port, target.user)}  ProxyJump hop\n`,
      );
    }
    let bastion: Bastion | null = null;
    if (lanes.includes('sallyport')) {
      bastion = keep(
        await startBastionFor(target, publicLine, folder, environment(folder), recording),
      );
      hosts.push(...sallyportHosts('', bastion.run.ssh.port, target.user));
      if (hasConnectHosts) {
        const settings = { ...environment(folder), SALLYPORT_UPSTREAM_IDLE: '0' };
        const cold = keep(await startBastionFor(target, publicLine, folder, settings, recording));
        hosts.push(...sallyportHosts('-cold', cold.run.ssh.port, target.user));
      }
    }
    const config = join(folder, 'ssh_config');
    await writeFile(config, `${hosts.join('')}${commonLines(key)}`);
    return {
      lanes,
      config,
      folder,
      cipher: CIPHER,
      bastion,
      hasConnectHosts: hasConnectHosts && bastion !== null,
      [Symbol.asyncDispose]: close,
    };
  } catch (error) {
    await close();
    throw error;
  }
}

/** Direct, and through `-J`, where the target's name is what the bastion knows it by. */
function sallyportHosts(suffix: string, port: number, user: string): string[] {
  const hop = `sallyport-hop${suffix}`;
  return [
    hostLines(`sallyport${suffix}`, port, `${user}@target`),
    hostLines(hop, port, user),
    `Host sallyport-jump${suffix}\n  HostName target\n  User ${user}\n  ProxyJump ${hop}\n`,
  ];
}

function hostLines(host: string, port: number, user: string): string {
  return `Host ${host}\n  HostName 127.0.0.1\n  Port ${port}\n  User ${user}\n`;
}

function commonLines(key: string): string {
  return [
    'Host *',
    `  IdentityFile ${key}`,
    '  IdentitiesOnly yes',
    `  Ciphers ${CIPHER}`,
    `  KexAlgorithms ${KEY_EXCHANGE}`,
    '  HostKeyAlgorithms ssh-ed25519',
    '  Compression no',
    // Nobody stands between a loopback client and server; the check itself costs all lanes the same.
    '  StrictHostKeyChecking no',
    '  UserKnownHostsFile /dev/null',
    '  LogLevel ERROR',
    '',
  ].join('\n');
}

async function startBastionFor(
  target: Sshd,
  publicLine: string,
  folder: string,
  environment: Readonly<Record<string, string>>,
  recording: RecordingMode,
): Promise<Bastion> {
  const file = join(folder, 'sallyport.yaml');
  // JSON is YAML.
  await writeFile(
    file,
    JSON.stringify({
      principals: [{ name: 'bench', kind: 'agent', keys: [publicLine] }],
      credentials: [{ name: 'bench' }],
      targets: [
        {
          name: 'target',
          address: `127.0.0.1:${target.port}`,
          hostKey: target.hostKeyLine,
          logins: [{ name: target.user, credential: 'bench' }],
        },
      ],
      grants: [
        {
          principals: ['bench'],
          targets: ['target'],
          logins: [target.user],
          channels: ['shell', 'exec'],
          policy: 'bench',
          recording,
        },
      ],
      policies: { bench: { default: 'allow', uncertain: 'allow', rules: [] } },
    }),
  );
  const bastion = await startBastion({ env: { SALLYPORT_CONFIG: file, ...environment } });
  try {
    const generated = await bastion.cli('credential', 'generate', 'bench');
    const line = /^ssh-ed25519 \S+.*$/m.exec(generated.stdout)?.[0];
    if (line === undefined)
      throw new Error(`no public key: ${generated.stdout}${generated.stderr}`);
    await target.authorise(line);
    return bastion;
  } catch (error) {
    await bastion[Symbol.asyncDispose]();
    throw error;
  }
}
