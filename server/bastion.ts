/**
 * A running bastion: the stores, the recorder, the SSH gateway, the web server and, without a
 * configuration, the demo. Made in this order, closed in reverse.
 */
import { randomBytes } from 'node:crypto';
import { startAnnouncements } from './cli/announcements.ts';
import { Closers } from './cli/closers.ts';
import { demoGuide, publicLineOf, whyNoKey, writeDemoSshFiles } from './cli/demo.ts';
import type { RunFile } from './cli/home.ts';
import type { Config } from './config/environment.ts';
import { builtinQueries, openStores, type Stores } from './context.ts';
import { messageOf } from './errors.ts';
import { prepareDirectory } from './first-directory.ts';
import { openedVault } from './opened-vault.ts';
import type { Logger } from './log.ts';
import { startRecorder, startUpkeep } from './recorder.ts';
import { ConnectionRegistry } from './session/connection-registry.ts';
import { HeldCommands } from './session/held-commands.ts';
import { UnaskedKeys } from './session/link-sign-in.ts';
import { DEFAULT_LIMITS, isEnvironmentAllowed } from './session/limits.ts';
import { createCertificates } from './ssh/certificates.ts';
import { startGateway } from './ssh/gateway.ts';
import { generateKeyPair } from './ssh/key.ts';
import { createDialers } from './ssh/upstream.ts';
import { createKeptFiles } from './store/kept-files.ts';
import { DIRECTORY_CHANNEL } from './store/directory-change.ts';
import { maskedPorts } from './session/masked-record.ts';
import { createStandings } from './store/standings.ts';
import { withDirectoryVersion } from './store/versioned-journal.ts';
import { startWeb } from './web-server.ts';

/** What a shell marks its prompts and commands with is made of so many bytes. */
const NONCE_BYTES = 16;
/** When the directory can't be asked who may stay, it is asked again after this. */
const RECHECK_RETRY_MS = 1000;

export interface BastionOptions {
  readonly config: Config;
  readonly logger: Logger;
  readonly version: string;
  /** Account that the demo logs in as, and its shell. */
  readonly login: string;
  readonly shell: string;
}

export interface Bastion {
  readonly run: RunFile;
  /** What a person at the terminal wants to know first. */
  greeting(): Promise<string>;
  /** No new sessions; running ones get a notice and their time, or less when `cut` aborts. */
  drain(cut: AbortSignal): Promise<void>;
  close(): Promise<void>;
}

/** Rejects with the SallyportError that names what stands in the way. */
export async function openBastion(options: BastionOptions): Promise<Bastion> {
  const closers = new Closers(options.logger);
  try {
    return await assemble(options, closers);
  } catch (error) {
    await closers.close();
    throw error;
  }
}

async function assemble(options: BastionOptions, closers: Closers): Promise<Bastion> {
  const { config, logger, version } = options;
  let httpUrl = '';
  let sshPlace = '';
  const publicUrl = (): string => config.publicUrl ?? httpUrl;
  const stores = await openStores(config, logger, publicUrl);
  closers.add('database', () => stores.close());
  const { home, clock, database, journal } = stores;

  const vault = await openedVault(stores, logger, closers);
  const hostKey = await home.key(
    'keys/ssh_host_ed25519',
    () => generateKeyPair('sallyport').privateKeyPem,
    whyNoKey,
  );
  const hostAuthority = await home.key(
    'keys/ssh_host_ca_ed25519',
    () => generateKeyPair('sallyport host authority').privateKeyPem,
    whyNoKey,
  );
  const isDemo = await prepareDirectory(options, stores, closers);
  if (config.links.mode === 'auto') await followIssuer(stores, logger);

  const { recordings, signer } = await startRecorder(stores, config, logger, closers);
  await stores.approvals.cancelStale();

  const dialers = createDialers({
    vault,
    logger,
    clock,
    limits: { idleMs: config.upstreamIdleMs },
  });
  closers.add('connections to targets', async () => dialers.close());
  const registry = new ConnectionRegistry({
    policies: stores.policies,
    ...maskedPorts({ approvals: stores.approvals, recordings }, stores.policies),
    files: createKeptFiles(database),
    held: new HeldCommands(),
    nonce: () => randomBytes(NONCE_BYTES).toString('hex'),
    clock,
    logger,
    limits: DEFAULT_LIMITS,
    bastion: () => sshPlace,
    journal: withDirectoryVersion(journal, stores.versions),
    controls: stores.controls,
    directory: stores.directory,
    certificates: createCertificates({ authorities: stores.authorities, clock }),
    attributions: stores.shortKeys,
    standings: createStandings(database),
    links: stores.links,
    unasked: new UnaskedKeys(),
    dialers,
    builtins: builtinQueries(stores, {
      hostKey: publicLineOf(hostKey),
      hostAuthority: publicLineOf(hostAuthority, 'sallyport-host-authority'),
    }),
  });
  const recheck = (): void => {
    registry.recheck().catch((error: unknown) => {
      logger.error('access not rechecked', { why: messageOf(error) });
      setTimeout(recheck, RECHECK_RETRY_MS).unref();
    });
  };
  // Also when notifications may have been missed.
  await database.listen(DIRECTORY_CHANNEL, () => {
    dialers.retire();
    recheck();
  });
  const told = await startAnnouncements(stores, config, publicUrl, logger, closers);
  const gateway = await startGateway({
    listen: config.ssh,
    hostKeys: [hostKey],
    hostAuthority,
    connections: registry,
    logger,
    clock,
    limits: {
      passesEnvironment: (name) => isEnvironmentAllowed(name, DEFAULT_LIMITS.environment),
    },
  });
  closers.add('ssh', () => gateway.close());

  const { keyframes } = await startUpkeep(stores, signer, config, logger, closers);
  let ready = false;
  const web = {
    config,
    logger,
    version,
    keyframes,
    isReady: () => ready,
    metrics: () => metricsText(gateway.connectionCount, registry.activeSessions) + told.metrics(),
  };
  const http = await startWeb(stores, web, closers);
  httpUrl = http.url;

  sshPlace = isDemo
    ? `-F ${home.path('demo', 'ssh_config')} demo-bastion`
    : `-p ${gateway.address.port} ${reachableName(gateway.address.host)}`;
  if (isDemo) {
    await writeDemoSshFiles(home, gateway.address, [publicLineOf(hostKey)], options.login);
  }
  await journal.append(serverEvent('server.started', { version, database: database.mode }));
  ready = true;

  return {
    run: {
      pid: process.pid,
      ssh: gateway.address,
      http: { url: http.url },
      database: database.mode,
      version,
    },
    greeting: async () =>
      isDemo
        ? demoGuide({
            version,
            home: home.directory,
            database: `PostgreSQL ${database.serverVersion}, ${database.mode}`,
            ssh: `${gateway.address.host}:${gateway.address.port}`,
            url: publicUrl(),
            setupToken: await stores.tokens.createToken({ kind: 'setup', principalName: 'demo' }),
          })
        : `Sallyport ${version} is running: ssh ${gateway.address.host}:${gateway.address.port}, web ${publicUrl()}
Sign in to the web with: npx sallyport token create --principal NAME --link\n`,
    drain: async (cut) => {
      ready = false;
      await gateway.stopAccepting();
      await registry.drain(cut);
      await journal.append(serverEvent('server.stopped', {}));
    },
    close: () => closers.close(),
  };
}

/** Clients without a key get a link while there is an issuer where people can sign in. */
async function followIssuer({ issuerDesk, linkSwitch }: Stores, logger: Logger): Promise<void> {
  const learn = (settings: object | null): void => {
    linkSwitch.isOn = settings !== null;
  };
  await issuerDesk.follow(learn, (error) => {
    logger.warn('issuer not read', { why: messageOf(error) });
  });
}

function serverEvent(
  type: 'server.started' | 'server.stopped',
  data: Record<string, string>,
): Parameters<Stores['journal']['append']>[0] {
  return { type, principal: null, source: null, session: null, target: null, data };
}

/** What a client on this machine types for an address that we listen on. */
function reachableName(host: string): string {
  return ['0.0.0.0', '::'].includes(host) ? 'localhost' : host;
}

function metricsText(connections: number, sessions: number): string {
  return [
    '# TYPE sallyport_connections gauge',
    `sallyport_connections ${connections}`,
    '# TYPE sallyport_sessions gauge',
    `sallyport_sessions ${sessions}`,
    '',
  ].join('\n');
}
