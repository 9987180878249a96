/**
 * The leg towards targets: connections that only a grant opens, to a host whose key is pinned, with a
 * credential that is decrypted when the target is ready for it and forgotten at once.
 */
import { connect, type Socket } from 'node:net';
import type { Grant } from '../access/grant.ts';
import { messageOf, SallyportError } from '../errors.ts';
import type { Logger } from '../log.ts';
import type {
  ChannelRequest,
  Dialer,
  Dialers,
  DialOutcome,
  InputUnit,
  OutputUnit,
  Vault,
} from '../session/ports.ts';
import type { Channel } from './engine/channel.ts';
import { Channels, OPEN_FAILURE, type ClientChannels } from './engine/channels.ts';
import { ClientAuth, type ClientCredential } from './engine/client-auth.ts';
import { readPrivateKey } from './engine/private-key.ts';
import { fingerprintOf } from './engine/signature.ts';
import { Transport } from './engine/transport.ts';
import { UPSTREAM_LEG } from './engine/unit.ts';
import { identity } from './identity.ts';
import { parsePublicLine } from './key.ts';
import { unreachable } from './reach.ts';

export interface DialerLimits {
  /** From the first packet to the end of authentication. */
  readonly connectTimeoutMs: number;
  /** A target must answer the opening of a channel by then. */
  readonly channelTimeoutMs: number;
  readonly keepaliveIntervalMs: number;
  /** Keepalives that may stay unanswered. */
  readonly maxSilentIntervals: number;
}

export const DIALER_LIMITS: DialerLimits = {
  connectTimeoutMs: 10_000,
  channelTimeoutMs: 30_000,
  keepaliveIntervalMs: 30_000,
  maxSilentIntervals: 10,
};

export interface DialersOptions {
  readonly vault: Vault;
  readonly logger: Logger;
  readonly limits?: Partial<DialerLimits>;
}

/** Makes one Dialer per downstream connection. */
export function createDialers(options: DialersOptions): Dialers {
  const limits = { ...DIALER_LIMITS, ...options.limits };
  return { create: () => new TargetDialer(options, limits) };
}

type TargetChannel = Channel<OutputUnit, InputUnit>;
type Connected = { readonly transport: Transport; readonly channels: ClientChannels };
type ConnectOutcome =
  | { readonly kind: 'connected'; readonly connected: Connected }
  | { readonly kind: 'failed'; readonly error: SallyportError };

class TargetDialer implements Dialer {
  readonly #options: DialersOptions;
  readonly #limits: DialerLimits;
  /** Connections by target and login. */
  readonly #connections = new Map<string, Set<Promise<ConnectOutcome>>>();
  readonly #running = new Set<{ abort(why: string): void }>();
  #isClosed = false;

  constructor(options: DialersOptions, limits: DialerLimits) {
    this.#options = options;
    this.#limits = limits;
  }

  async dial(grant: Grant, request: ChannelRequest): Promise<DialOutcome> {
    try {
      return await this.#dial(grant, request);
    } catch (thrown) {
      return failed(grant, `opening the channel failed: ${messageOf(thrown)}`, thrown);
    }
  }

  close(): void {
    this.#isClosed = true;
    for (const running of this.#running) running.abort("the client's connection ended");
    this.#connections.clear();
  }

  async #dial(grant: Grant, request: ChannelRequest): Promise<DialOutcome> {
    if (grant.target.hostKey === null) return { kind: 'failed', error: unpinned(grant) };
    const key = JSON.stringify([grant.target, grant.login]);
    const known = this.#connections.get(key) ?? new Set();
    this.#connections.set(key, known);
    let refused: string | null = null;
    for (const pending of known) {
      const outcome = await pending;
      if (outcome.kind === 'failed' || outcome.connected.transport.isEnded) continue;
      const opened = await this.#openChannel(outcome.connected);
      if (opened.kind === 'open') return this.#start(grant, request, opened.channel);
      // Too many sessions on this connection: another one may take it.
      refused = opened.why;
    }
    if (this.#isClosed) return failed(grant, 'the client has gone');
    const connecting = this.#connect(grant, known);
    const outcome = await connecting;
    if (outcome.kind === 'failed') return outcome;
    const opened = await this.#openChannel(outcome.connected);
    if (opened.kind === 'open') return this.#start(grant, request, opened.channel);
    return failed(grant, `it refused a channel: ${opened.why || refused || 'no reason given'}`);
  }

  /** Starts a connection that later channels share; it is forgotten when it ends. */
  #connect(grant: Grant, known: Set<Promise<ConnectOutcome>>): Promise<ConnectOutcome> {
    const connecting = connectTarget(grant, this.#options, this.#limits, this.#running, () =>
      known.delete(connecting),
    );
    known.add(connecting);
    return connecting;
  }

  async #openChannel(
    connected: Connected,
  ): Promise<
    | { readonly kind: 'open'; readonly channel: TargetChannel }
    | { readonly kind: 'refused'; readonly why: string }
  > {
    const opening = connected.channels.openSession();
    const timer = setTimeout(
      () => connected.transport.close('no answer to the opening of a channel'),
      this.#limits.channelTimeoutMs,
    );
    try {
      return await opening;
    } finally {
      clearTimeout(timer);
    }
  }

  async #start(
    grant: Grant,
    request: ChannelRequest,
    channel: TargetChannel,
  ): Promise<DialOutcome> {
    const { pty, env, kind, command } = request;
    const answers: Promise<boolean>[] = [];
    // All requests leave at once; the answers come in the same order.
    if (pty !== null) {
      const { cols, rows, widthPx, heightPx } = pty.size;
      answers.push(channel.request('pty-req', pty.term, cols, rows, widthPx, heightPx, pty.modes));
    }
    for (const { name, value } of env) channel.notify('env', name, value);
    answers.push(command === null ? channel.request(kind) : channel.request(kind, command));
    const timer = setTimeout(
      () => void channel.write({ kind: 'close' }),
      this.#limits.channelTimeoutMs,
    );
    const granted = await Promise.all(answers);
    clearTimeout(timer);
    if (granted.every(Boolean)) return { kind: 'open', end: channel };
    void channel.write({ kind: 'close' });
    const what = pty !== null && granted[0] === false ? 'a terminal' : `the ${kind} request`;
    return failed(grant, `it refused ${what}`);
  }
}

/** Connects and authenticates. Never rejects. `onEnd` is called when the connection ends, or never began. */
function connectTarget(
  grant: Grant,
  options: DialersOptions,
  limits: DialerLimits,
  running: Set<{ abort(why: string): void }>,
  onEnd: () => void,
): Promise<ConnectOutcome> {
  const { target } = grant;
  const where = `${target.name} (${target.host}:${target.port})`;
  return new Promise((resolve) => {
    let transport: Transport | null = null;
    let reason: SallyportError | null = null;
    const socket: Socket = connect({ host: target.host, port: target.port, noDelay: true });
    const handle = {
      abort: (why: string): void => {
        if (transport === null) finish(unreachable(where, why));
        else transport.close(why);
      },
    };
    running.add(handle);
    const timer = setTimeout(() => {
      reason = unreachable(where, `no SSH connection within ${limits.connectTimeoutMs / 1000} s`);
      handle.abort(reason.message);
    }, limits.connectTimeoutMs);
    const finish = (error: SallyportError): void => {
      clearTimeout(timer);
      running.delete(handle);
      socket.destroy();
      onEnd();
      resolve({ kind: 'failed', error: reason ?? error });
    };
    const onSocketError = (error: Error): void => finish(unreachable(where, error));
    socket.once('error', onSocketError);
    socket.once('connect', () => {
      socket.off('error', onSocketError);
      transport = new Transport({
        socket,
        ident: identity(),
        role: {
          kind: 'client',
          pinned: target.hostKey?.split(' ')[0] ?? null,
          verify: (blob) => {
            reason = hostKeyProblem(grant, where, blob);
            return reason === null;
          },
        },
        onReady: (ready) =>
          new ClientAuth(ready, {
            login: grant.login.name,
            credential: () =>
              openCredential(grant, options.vault).catch((thrown: unknown) => {
                reason = thrown instanceof SallyportError ? thrown : null;
                throw thrown;
              }),
            onSuccess: () => {
              clearTimeout(timer);
              const channels = serveTarget(ready, limits);
              resolve({ kind: 'connected', connected: { transport: ready, channels } });
              return channels;
            },
            onRefused: (why) => {
              reason ??= refusedLogin(grant, where, why);
              ready.close('authentication failed');
            },
            onEnded: () => {},
          }),
        onEnd: (why) => {
          clearTimeout(timer);
          running.delete(handle);
          onEnd();
          options.logger.info('ssh.upstream.ended', { target: target.name, why });
          // After success this changes nothing: the promise is settled.
          resolve({ kind: 'failed', error: reason ?? brokenOff(where, why) });
        },
      });
    });
  });
}

function serveTarget(transport: Transport, limits: DialerLimits): ClientChannels {
  return new Channels<OutputUnit, InputUnit>(transport, {
    leg: UPSTREAM_LEG,
    maxChannels: 0,
    keepalive: { intervalMs: limits.keepaliveIntervalMs, maxSilent: limits.maxSilentIntervals },
    mayOpen: () => ({ reason: OPEN_FAILURE.prohibited, why: 'not allowed' }),
    requested: (channel, type, wantReply, reader) =>
      channel.reply(wantReply, channel.receivedRequest(type, reader)),
    globalRequest: () => false,
    ended: () => {},
  });
}

async function openCredential(grant: Grant, vault: Vault): Promise<ClientCredential> {
  using opened = await vault.open(grant);
  if (opened.kind === 'password') return { kind: 'password', password: Buffer.from(opened.bytes) };
  const outcome = readPrivateKey(opened.bytes);
  if (outcome.kind === 'key') return outcome;
  const name = grant.login.credential;
  throw new SallyportError(
    'target.refused',
    `the credential ${name} cannot be used: ${outcome.why}`,
    `store it again with: sallyport credential put ${name} --private-key FILE`,
  );
}

function hostKeyProblem(grant: Grant, where: string, shown: Buffer): SallyportError | null {
  const { name, hostKey } = grant.target;
  const pinned = parsePublicLine(hostKey ?? '');
  const rescan = `if the change is expected, compare the new fingerprint on the host itself and pin it: sallyport target scan ${name}`;
  if (pinned.kind === 'invalid') {
    const message = `the pinned host key of ${where} cannot be read: ${pinned.why}`;
    return new SallyportError('target.host-key-changed', message, rescan);
  }
  if (pinned.blob.equals(shown)) return null;
  const message = `the host key of ${where} has changed: pinned ${pinned.fingerprint}, shown ${fingerprintOf(shown)}`;
  return new SallyportError('target.host-key-changed', message, rescan);
}

function unpinned(grant: Grant): SallyportError {
  const { name } = grant.target;
  return new SallyportError(
    'target.refused',
    `the target ${name} has no pinned host key, so nothing proves which host answers`,
    `compare the host's fingerprint with what this shows, then put the key in the configuration: sallyport target scan ${name}`,
  );
}

function refusedLogin(grant: Grant, where: string, why: string): SallyportError {
  const { name, credential } = grant.login;
  return new SallyportError(
    'target.refused',
    `${where} refused the login ${name} with credential ${credential}: ${why}`,
    `check that the public key or password of ${credential} is in place for ${name} on the target`,
  );
}

function brokenOff(where: string, why: string): SallyportError {
  const hint = 'look into the SSH log of the target for the reason';
  return new SallyportError('target.refused', `${where} broke off: ${why}`, hint);
}

function failed(grant: Grant, why: string, cause?: unknown): DialOutcome {
  const { name } = grant.target;
  const hint = 'look into the SSH log of the target for the reason';
  const error = new SallyportError('target.refused', `${name}: ${why}`, hint, { cause });
  return { kind: 'failed', error };
}
