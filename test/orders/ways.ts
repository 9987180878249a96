/** The ways to one target: its own address, the bastion, and a jump through the bastion. */
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { Duplex } from 'node:stream';
import { generateKeyPair, type KeyPair } from '../../server/ssh/key.ts';
import {
  connectClient,
  startRawServer,
  type RawPeer,
  type RawServer,
} from '../ssh/support/raw-peer.ts';
import { programEnvironment } from '../support/program.ts';
import { startRealTarget, TARGET, type RealTarget } from '../support/real-target.ts';

export const WAYS = ['direct', 'through the bastion', 'through -J'] as const;
export type Way = (typeof WAYS)[number];
/** A target that is a script of the test. */
export const SCRIPTED = 'scripted';

const POLICIES = `policies:
  default: {default: allow, uncertain: allow, rules: []}
`;

export interface Ways extends AsyncDisposable {
  readonly real: RealTarget;
  /** Connects and authenticates. */
  open(way: Way, target: 'real' | 'scripted'): Promise<RawPeer>;
  /** For `ssh -F`: the hosts of the real target, and `jumped`. */
  readonly sshConfig: string;
}

/** @param onClient what the scripted target does with each connection */
export async function openWays(folder: string, onClient: (peer: RawPeer) => void): Promise<Ways> {
  const hostKey = generateKeyPair('scripted');
  const scripted = await startRawServer(hostKey, onClient);
  const real = await startRealTarget(folder, POLICIES).catch(async (error: unknown) => {
    await scripted[Symbol.asyncDispose]();
    throw error;
  });
  const close = async (): Promise<void> => {
    await real[Symbol.asyncDispose]();
    await scripted[Symbol.asyncDispose]();
  };
  try {
    await addTarget(folder, real, scripted, hostKey);
    const sshConfig = await writeSshConfig(folder, real);
    const open = await opener(folder, real, scripted, sshConfig);
    return { real, sshConfig, open, [Symbol.asyncDispose]: close };
  } catch (error) {
    await close();
    throw error;
  }
}

/** Makes the bastion know the scripted target. */
async function addTarget(
  folder: string,
  { bastion, configuration, sshd }: RealTarget,
  scripted: RawServer,
  hostKey: KeyPair,
): Promise<void> {
  const yaml = await readFile(configuration, 'utf8');
  const target = `  - {name: ${SCRIPTED}, address: "${scripted.host}:${scripted.port}", hostKey: "${hostKey.publicLine}", logins: [{name: ${sshd.user}, credential: web}]}\n`;
  const grant = `grants:\n  - {principals: [bot], targets: [${SCRIPTED}], logins: [${sshd.user}], channels: [shell, exec], policy: default}`;
  const changed = join(folder, 'ways.yaml');
  await writeFile(changed, yaml.replace('grants:', target + grant));
  const applied = await bastion.cli('apply', changed);
  if (applied.status !== 0) throw new Error(applied.stderr);
}

async function writeSshConfig(folder: string, { sshConfig, sshd }: RealTarget): Promise<string> {
  const path = join(folder, 'ways_config');
  const jumped = `Host jumped\n  HostName ${TARGET}\n  User ${sshd.user}\n  ProxyJump agent\n  IdentityFile ${join(folder, 'keys', 'agent')}\n  StrictHostKeyChecking no\n  UserKnownHostsFile /dev/null\n`;
  await writeFile(path, jumped + (await readFile(sshConfig, 'utf8')));
  return path;
}

async function opener(
  folder: string,
  { bastion, sshd }: RealTarget,
  scripted: RawServer,
  sshConfig: string,
): Promise<Ways['open']> {
  const keyOf = async (name: string): Promise<KeyPair> => ({
    privateKeyPem: await readFile(join(folder, 'keys', name)),
    publicLine: '',
    fingerprint: '',
  });
  const [own, agent] = [await keyOf('direct'), await keyOf('agent')];
  return (way, which) => {
    const name = which === 'real' ? TARGET : SCRIPTED;
    switch (way) {
      case 'direct':
        return connectClient(which === 'real' ? sshd : scripted, own, sshd.user);
      case 'through the bastion':
        return connectClient(bastion.run.ssh, agent, `${sshd.user}@${name}`);
      case 'through -J':
        return connectClient(streamThrough(sshConfig, name), agent, sshd.user);
    }
  };
}

/** What `ssh -W` reads and writes: the inner connection of a jump. */
function streamThrough(sshConfig: string, host: string): Duplex {
  const child = spawn('ssh', ['-F', sshConfig, '-W', `${host}:22`, 'agent'], {
    env: programEnvironment(),
    stdio: ['pipe', 'pipe', 'inherit'],
  });
  const stream = Duplex.from({ readable: child.stdout, writable: child.stdin });
  stream.on('error', () => {});
  void once(stream, 'close').then(() => child.kill());
  return stream;
}
