/**
 * The front door: takes TCP connections, bounds what strangers cost, and hands each connection to the
 * layer that authenticates it.
 */
import { createServer, type AddressInfo, type Server, type Socket } from 'node:net';
import { randomInt, sign, type KeyObject } from 'node:crypto';
import { sourceOf } from '../access/source.ts';
import type { Clock } from '../clock.ts';
import { SallyportError } from '../errors.ts';
import type { Logger } from '../log.ts';
import type { Connections } from '../session/ports.ts';
import { serveConnection, type Downstream } from './downstream.ts';
import { assertPatched, engineReady, type HostSigner } from './engine/driver.ts';
import { readPrivateKey, type PrivateKeyOutcome } from './engine/private-key.ts';
import { hostKeyHash } from './engine/signature.ts';
import { hostCertificates } from './host-certificate.ts';
import { GATEWAY_LIMITS, type GatewayLimits } from './limits.ts';
import { type Ending, SourceLimiter } from './source.ts';

/** How finely chance is measured that drops a connection. */
const CHANCES = 1_000_000;

export interface GatewayOptions {
  /** Port 0 = any free port. */
  readonly listen: { readonly host: string; readonly port: number };
  /** Private keys, OpenSSH or PEM; one of a type. */
  readonly hostKeys: readonly Buffer[];
  /** Private key that certifies the host keys inside jumps; without it they are plain there too. */
  readonly hostAuthority?: Buffer;
  readonly connections: Connections;
  readonly logger: Logger;
  readonly clock: Clock;
  readonly limits?: Partial<GatewayLimits>;
}

export interface Gateway {
  readonly address: { readonly host: string; readonly port: number };
  /** Connections that are open now, authenticated or not. */
  readonly connectionCount: number;
  /** New connections are refused; running ones go on. */
  stopAccepting(): Promise<void>;
  /** Ends every connection and resolves when all sockets are closed. */
  close(): Promise<void>;
}

/** Rejects with `listen.failed`, `key.corrupt` or `engine.unpatched`. */
export async function startGateway(options: GatewayOptions): Promise<Gateway> {
  assertPatched();
  await engineReady();
  const { hostAuthority, hostKeys } = options;
  const authority = hostAuthority === undefined ? null : readHostKey(hostAuthority).key;
  const gateway = new ListeningGateway(options, readHostKeys(hostKeys), authority);
  await gateway.listen();
  return gateway;
}

class ListeningGateway implements Gateway {
  readonly #options: GatewayOptions;
  readonly #limits: GatewayLimits;
  readonly #hostKeys: HostKeys;
  readonly #hostAuthority: KeyObject | null;
  readonly #limiter: SourceLimiter;
  readonly #server: Server;
  readonly #open = new Map<Socket, Downstream>();
  /** Sockets of sources that are slowed down, before they are answered. */
  readonly #delayed = new Set<Socket>();
  readonly #waitingForClose: (() => void)[] = [];

  constructor(options: GatewayOptions, hostKeys: HostKeys, hostAuthority: KeyObject | null) {
    this.#options = options;
    this.#hostKeys = hostKeys;
    this.#hostAuthority = hostAuthority;
    this.#limits = { ...GATEWAY_LIMITS, ...options.limits };
    this.#limiter = new SourceLimiter(
      this.#limits,
      () => options.clock.monotonicUs(),
      () => randomInt(CHANCES) / CHANCES,
    );
    this.#server = createServer({ noDelay: true, keepAlive: true }, (socket) => this.#take(socket));
  }

  get address(): { readonly host: string; readonly port: number } {
    const { address, port } = this.#server.address() as AddressInfo;
    return { host: address, port };
  }

  get connectionCount(): number {
    return this.#open.size;
  }

  async listen(): Promise<void> {
    const { host, port } = this.#options.listen;
    await new Promise<void>((resolve, reject) => {
      this.#server.once('error', (error) => reject(listenError(host, port, error)));
      this.#server.listen({ host, port }, resolve);
    });
    this.#server.removeAllListeners('error').on('error', (error) => {
      this.#options.logger.error('ssh.accept.failed', { why: error.message });
    });
  }

  stopAccepting(): Promise<void> {
    if (this.#server.listening) this.#server.close();
    return Promise.resolve();
  }

  async close(): Promise<void> {
    await this.stopAccepting();
    for (const socket of this.#delayed) socket.destroy();
    for (const downstream of this.#open.values()) downstream.close('the bastion is stopping');
    if (this.#open.size === 0) return;
    await new Promise<void>((resolve) => this.#waitingForClose.push(resolve));
  }

  /** The certificate comes first: clients that trust the authority choose it, others the plain key. */
  #hostKeysFor(host: string): HostKeys {
    if (this.#hostAuthority === null) return this.#hostKeys;
    const nowMs = this.#options.clock.nowMs();
    const certificates = hostCertificates(host, this.#hostKeys, this.#hostAuthority, nowMs);
    return { ...certificates, ...this.#hostKeys };
  }

  #take(socket: Socket): void {
    const { logger } = this.#options;
    const address = socket.remoteAddress;
    // Without listeners an error of a refused socket would end the process.
    socket.on('error', () => {});
    if (address === undefined) return void socket.destroy();
    const source = `${address}:${socket.remotePort ?? 0}`;
    const key = sourceOf(address);
    const refusal = this.#limiter.enter(key);
    if (refusal !== null) {
      if (refusal.isFirst) logger.warn('ssh.connection.refused', { source, why: refusal.why });
      return void socket.destroy();
    }
    const delayMs = this.#limiter.delayMs(key);
    if (delayMs === 0) return this.#serve(socket, key, source);
    const timer = setTimeout(() => {
      socket.off('close', gone);
      this.#delayed.delete(socket);
      this.#serve(socket, key, source);
    }, delayMs);
    const gone = (): void => {
      clearTimeout(timer);
      this.#delayed.delete(socket);
      this.#limiter.leave(key, 'silent');
    };
    this.#delayed.add(socket);
    socket.once('close', gone);
  }

  #serve(socket: Socket, key: string, source: string): void {
    const { logger, connections } = this.#options;
    let isStranger = true;
    let ending: Ending = 'silent';
    let grace: NodeJS.Timeout | undefined;
    const limitTo = (ms: number): void => {
      clearTimeout(grace);
      if (!isStranger) return;
      grace = setTimeout(() => {
        if (ending === 'silent') ending = 'late';
        downstream.close('not authenticated in time');
      }, ms);
    };
    const settle = (how: Ending): void => {
      if (isStranger) this.#limiter.leave(key, how);
      isStranger = false;
      clearTimeout(grace);
    };
    const { localAddress = '', localPort = 0 } = socket;
    // As IPv4 where it is, also when we listen for both.
    const place = { host: localAddress.replace(/^::ffff:(?=\d+\.)/i, ''), port: localPort };
    const handler = connections.accept(source, place, (why) => downstream.close(why));
    const downstream: Downstream = serveConnection(socket, {
      source,
      hostKeys: this.#hostKeys,
      innerHostKeys: (host) => this.#hostKeysFor(host),
      handler,
      jump: (outer, host, port) => connections.jump(outer, host, port),
      enter: null,
      waits: {
        enter: () => {
          if (!this.#limiter.wait(key)) return false;
          limitTo(this.#limits.waitingMs);
          return true;
        },
        leave: () => {
          this.#limiter.resume(key);
          limitTo(this.#limits.loginGraceMs);
        },
        refused: () => {
          ending = 'refused';
        },
      },
      limits: this.#limits,
      logger,
      onAuthenticated: () => settle('authenticated'),
      onEnded: (why) => {
        if (isStranger) logger.info('ssh.handshake.failed', { source, why });
        settle(ending);
      },
    });
    limitTo(this.#limits.loginGraceMs);
    this.#open.set(socket, downstream);
    socket.once('close', () => {
      this.#open.delete(socket);
      if (this.#open.size === 0) for (const resolve of this.#waitingForClose.splice(0)) resolve();
    });
  }
}

type HostKeys = Readonly<Record<string, HostSigner>>;

function readHostKeys(pems: readonly Buffer[]): HostKeys {
  const signers: Record<string, HostSigner> = {};
  for (const pem of pems) {
    const { type, key, blob } = readHostKey(pem);
    const signer: HostSigner = {
      type,
      getPublicSSH: () => blob,
      // The key object is made once; ssh2 would parse the PEM for every handshake.
      sign: (data, rsaHash) => sign(hostKeyHash(type, rsaHash), data, key),
    };
    const names = type === 'ssh-rsa' ? ['rsa-sha2-512', 'rsa-sha2-256'] : [type];
    for (const name of names) signers[name] ??= signer;
  }
  return signers;
}

function readHostKey(pem: Buffer): Extract<PrivateKeyOutcome, { kind: 'key' }> {
  const outcome = readPrivateKey(pem);
  if (outcome.kind === 'key') return outcome;
  throw new SallyportError(
    'key.corrupt',
    `a host key cannot be read: ${outcome.why}`,
    'restore the host key from a backup, or remove it to have a new one made',
  );
}

function listenError(host: string, port: number, error: NodeJS.ErrnoException): SallyportError {
  const reasons: Readonly<Record<string, string>> = {
    EADDRINUSE: 'another program uses this address',
    EACCES: 'this user may not use ports below 1024',
    EADDRNOTAVAIL: 'this machine has no such address',
    ENOTFOUND: 'the host name has no address',
  };
  const why = reasons[error.code ?? ''] ?? error.message;
  return new SallyportError(
    'listen.failed',
    `cannot listen for SSH on ${host}:${port}: ${why}`,
    'stop the other program, or set SALLYPORT_SSH_LISTEN to another host:port',
    { cause: error },
  );
}
