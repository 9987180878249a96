/** The two legs with nothing between them: a gateway whose sessions go straight to one target. */
import { randomUUID } from 'node:crypto';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir, userInfo } from 'node:os';
import { join } from 'node:path';
import {
  authorise,
  type Grant,
  type GrantRule,
  GRANT_DEFAULTS,
} from '../../../server/access/grant.ts';
import type { Principal } from '../../../server/access/principal.ts';
import type { Target } from '../../../server/access/target.ts';
import { systemClock } from '../../../server/clock.ts';
import { silentLogger, type Logger } from '../../../server/log.ts';
import type {
  ChannelEnd,
  ChannelRequest,
  ConnectionHandler,
  DialOutcome,
  DownstreamEnd,
  OpenedCredential,
  PublicKey,
  Vault,
} from '../../../server/session/ports.ts';
import { startGateway, type Gateway } from '../../../server/ssh/gateway.ts';
import { generateKeyPair, parsePublicLine, type KeyPair } from '../../../server/ssh/key.ts';
import type { GatewayLimits } from '../../../server/ssh/limits.ts';
import { createDialers, type DialerLimits } from '../../../server/ssh/upstream.ts';

export interface BastionOptions {
  readonly target: {
    readonly host: string;
    readonly port: number;
    readonly hostKeyLine: string | null;
    readonly user?: string;
  };
  /** Opens the target. */
  readonly credential: Buffer;
  readonly limits?: Partial<GatewayLimits>;
  readonly dialerLimits?: Partial<DialerLimits>;
  readonly logger?: Logger;
  /** Called with every request, before the target is dialled. */
  readonly onRequest?: (request: ChannelRequest) => void;
}

export interface Bastion extends AsyncDisposable {
  readonly host: string;
  readonly port: number;
  readonly gateway: Gateway;
  readonly hostKeyLine: string;
  /** The one key that it lets in. */
  readonly client: KeyPair;
  readonly clientKeyFile: string;
  readonly knownHostsFile: string;
  /** Options of the ssh command that reach the bastion, without the host. */
  readonly sshOptions: readonly string[];
  readonly ended: readonly string[];
  readonly failures: readonly string[];
  close(): Promise<void>;
}

/** A vault that opens with one private key, and counts how often. */
export function vaultOf(
  pem: Buffer,
  kind: 'private-key' | 'authority' = 'private-key',
): Vault & { opened: number; version: number } {
  return {
    opened: 0,
    version: 1,
    current() {
      return Promise.resolve({ kind, version: this.version });
    },
    open(): Promise<OpenedCredential> {
      this.opened += 1;
      const bytes = Buffer.from(pem);
      return Promise.resolve({
        kind,
        bytes,
        [Symbol.dispose]: () => void bytes.fill(0),
      });
    },
  };
}

/** A grant for everything on one target. */
export function grantFor(
  target: BastionOptions['target'],
  names: {
    readonly principal?: string;
    readonly target?: string;
    readonly credential?: string;
  } = {},
): Grant {
  const who = names.principal ?? 'tester';
  const which = names.target ?? 'web1';
  const login = target.user ?? userInfo().username;
  const described: Target = {
    name: which,
    host: target.host,
    port: target.port,
    hostKey: target.hostKeyLine,
    labels: {},
    shellIntegration: 'off',
    logins: [{ name: login, credential: names.credential ?? 'web1-key' }],
  };
  const principal = {
    name: who,
    kind: 'human',
    groups: [],
    roles: [],
  } as unknown as Principal;
  const rule: GrantRule = {
    id: '1',
    principals: [who],
    targets: [which],
    logins: [login],
    channels: ['shell', 'exec', 'sftp', 'scp'],
    policy: 'default',
    ...GRANT_DEFAULTS,
  };
  const outcome = authorise(principal, described, login, 'exec', [rule]);
  if (outcome.kind !== 'granted') throw new Error(`no grant: ${outcome.why}`);
  return outcome.grant;
}

/** Starts the two legs. */
export async function startBastion(options: BastionOptions): Promise<Bastion> {
  const folder = await mkdtemp(join(tmpdir(), 'bastion-'));
  const hostKey = generateKeyPair('bastion');
  const client = generateKeyPair('client');
  const clientBlob = blobOf(client.publicLine);
  const logger = options.logger ?? silentLogger;
  const dialers = createDialers({
    vault: vaultOf(options.credential),
    logger,
    ...(options.dialerLimits === undefined ? {} : { limits: options.dialerLimits }),
  });
  const grant = grantFor(options.target);
  const ended: string[] = [];
  const failures: string[] = [];
  const accept = (): ConnectionHandler => {
    const dialer = dialers.create();
    const isKnown = (_: string, key: PublicKey): Promise<boolean> =>
      Promise.resolve(key.blob.equals(clientBlob));
    return {
      permits: { pty: true, portForwarding: true, agentForwarding: true, x11Forwarding: true },
      offered: isKnown,
      proven: isKnown,
      open: (request, end) => {
        options.onRequest?.(request);
        void relay(end, dialer.dial(grant, request, randomUUID()), failures);
      },
      ended: (why) => {
        ended.push(why);
        dialer.close();
      },
    };
  };
  const gateway = await startGateway({
    listen: { host: '127.0.0.1', port: 0 },
    hostKeys: [hostKey.privateKeyPem],
    connections: { accept, jump: () => Promise.resolve(null) },
    logger,
    clock: systemClock,
    limits: { connectionsPerSecond: 1000, connectionBurst: 1000, ...options.limits },
  });
  const { host, port } = gateway.address;
  const clientKeyFile = join(folder, 'id_ed25519');
  const knownHostsFile = join(folder, 'known_hosts');
  await writeFile(clientKeyFile, client.privateKeyPem, { mode: 0o600 });
  await writeFile(knownHostsFile, `[${host}]:${port} ${hostKey.publicLine}\n`);
  const settings = [
    'IdentitiesOnly=yes',
    'BatchMode=yes',
    'StrictHostKeyChecking=yes',
    `UserKnownHostsFile=${knownHostsFile}`,
  ].flatMap((setting) => ['-o', setting]);
  const sshOptions = ['-F', 'none', '-p', String(port), '-i', clientKeyFile, ...settings];
  const close = async (): Promise<void> => {
    await gateway.close();
    dialers.close();
    await rm(folder, { recursive: true, force: true });
  };
  return {
    host,
    port,
    gateway,
    hostKeyLine: hostKey.publicLine,
    client,
    clientKeyFile,
    knownHostsFile,
    sshOptions,
    ended,
    failures,
    close,
    [Symbol.asyncDispose]: close,
  };
}

function blobOf(publicLine: string): Buffer {
  const outcome = parsePublicLine(publicLine);
  if (outcome.kind === 'invalid') throw new Error(outcome.why);
  return outcome.blob;
}

async function relay(
  down: DownstreamEnd,
  dialling: Promise<DialOutcome>,
  failures: string[],
): Promise<void> {
  const outcome = await dialling;
  if (outcome.kind === 'failed') {
    failures.push(`${outcome.error.code}: ${outcome.error.message} | ${outcome.error.hint}`);
    const bytes = Buffer.from(`sallyport: ${outcome.error.message}\n`);
    await down.write({ kind: 'data', stream: 'stderr', bytes });
    await down.write({ kind: 'exit', status: 255 });
    await down.write({ kind: 'eof' });
    await down.write({ kind: 'close' });
    return;
  }
  await Promise.all([pump(down, outcome.end), pump(outcome.end, down)]);
}

/** Unit after unit until the close, which is passed on too. */
async function pump<U extends { readonly kind: string }>(
  from: Pick<ChannelEnd<U, never>, 'read'>,
  to: { write(unit: U): Promise<void> },
): Promise<void> {
  for (;;) {
    const unit = await from.read();
    await to.write(unit);
    if (unit.kind === 'close') return;
  }
}
