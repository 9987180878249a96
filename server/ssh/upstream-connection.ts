/**
 * One SSH connection to a target, from TCP to the end of authentication: the host key must be the pinned
 * one before any credential is opened, and the credential is forgotten at once.
 */
import { connect, type Socket } from 'node:net';
import type { Grant } from '../access/grant.ts';
import { SallyportError } from '../errors.ts';
import type { Logger } from '../log.ts';
import type { CredentialUse, InputUnit, OutputUnit, Vault } from '../session/ports.ts';
import {
  Channels,
  OPEN_FAILURE,
  type ChannelsPolicy,
  type ClientChannels,
} from './engine/channels.ts';
import { ClientAuth } from './engine/client-auth.ts';
import type { RekeyLimits } from './engine/rekey.ts';
import { fingerprintOf } from './engine/signature.ts';
import { Transport } from './engine/transport.ts';
import { UPSTREAM_LEG } from './engine/unit.ts';
import { identity } from './identity.ts';
import { parsePublicLine } from './key.ts';
import { unreachable } from './reach.ts';
import { openCredential } from './upstream-credential.ts';

export interface ConnectionLimits {
  /** From the first packet to the end of authentication. */
  readonly connectTimeoutMs: number;
  readonly keepaliveIntervalMs: number;
  /** Keepalives that may stay unanswered. */
  readonly maxSilentIntervals: number;
  readonly rekey: RekeyLimits;
}

export interface ConnectionOptions {
  readonly grant: Grant;
  readonly use: CredentialUse;
  readonly vault: Vault;
  readonly logger: Logger;
  readonly limits: ConnectionLimits;
  /** What the target may open; absent: nothing. */
  readonly incoming?: IncomingChannels;
  /** Called once, when the connection ends or never began. */
  readonly onEnd: () => void;
}

/** What becomes of channels that a target opens. */
export interface IncomingChannels extends Pick<
  ChannelsPolicy<OutputUnit, InputUnit>,
  'maxChannels' | 'mayOpen'
> {
  /** No channel is open any more, in either direction. */
  idle(): void;
}

/** A connection that may carry channels. */
export interface UpstreamConnection {
  readonly transport: Transport;
  readonly channels: ClientChannels;
  /** `address:port` of our side, which the target's own log names. */
  readonly from: string;
}

export type ConnectOutcome =
  | { readonly kind: 'connected'; readonly connection: UpstreamConnection }
  | { readonly kind: 'failed'; readonly error: SallyportError };

export interface Connecting {
  /** Never rejects. */
  readonly outcome: Promise<ConnectOutcome>;
  /** Ends the attempt, or the connection that came of it. `why` is shown to the target. */
  abort(why: string): void;
}

/** Connects and authenticates. */
export function connectTarget(options: ConnectionOptions): Connecting {
  const { grant, incoming = NOTHING, limits, logger, onEnd, use, vault } = options;
  const { target } = grant;
  const where = `${target.name} (${target.host}:${target.port})`;
  let transport: Transport | null = null;
  let reason: SallyportError | null = null;
  let settle: (outcome: ConnectOutcome) => void = () => {};
  const outcome = new Promise<ConnectOutcome>((resolve) => (settle = resolve));
  const socket: Socket = connect({ host: target.host, port: target.port, noDelay: true });

  const fail = (error: SallyportError): void => {
    clearTimeout(timer);
    socket.destroy();
    onEnd();
    settle({ kind: 'failed', error: reason ?? error });
  };
  const abort = (why: string): void => {
    if (transport === null) fail(unreachable(where, why));
    else transport.close(why);
  };
  const timer = setTimeout(() => {
    reason = unreachable(where, `no SSH connection within ${limits.connectTimeoutMs / 1000} s`);
    abort(reason.message);
  }, limits.connectTimeoutMs);
  const onSocketError = (error: Error): void => fail(unreachable(where, error));
  socket.once('error', onSocketError);
  socket.once('connect', () => {
    socket.off('error', onSocketError);
    const from = `${socket.localAddress ?? ''}:${socket.localPort ?? 0}`;
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
      rekey: limits.rekey,
      onReady: (ready) =>
        new ClientAuth(ready, {
          login: grant.login.name,
          credential: () =>
            openCredential(grant, vault, use).catch((thrown: unknown) => {
              reason = thrown instanceof SallyportError ? thrown : null;
              throw thrown;
            }),
          onSuccess: () => {
            clearTimeout(timer);
            const channels = serveTarget(ready, limits, incoming);
            settle({ kind: 'connected', connection: { transport: ready, channels, from } });
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
        onEnd();
        logger.info('ssh.upstream.ended', { target: target.name, connection: use.connection, why });
        // After success this changes nothing: the promise is settled.
        settle({ kind: 'failed', error: reason ?? brokenOff(where, why) });
      },
    });
  });
  return { outcome, abort };
}

const NOTHING: IncomingChannels = {
  maxChannels: 0,
  mayOpen: () => ({ reason: OPEN_FAILURE.prohibited, why: 'not allowed' }),
  idle: () => {},
};

function serveTarget(
  transport: Transport,
  limits: ConnectionLimits,
  incoming: IncomingChannels,
): ClientChannels {
  return new Channels<OutputUnit, InputUnit>(transport, {
    leg: UPSTREAM_LEG,
    ...incoming,
    keepalive: { intervalMs: limits.keepaliveIntervalMs, maxSilent: limits.maxSilentIntervals },
    requested: (channel, type, wantReply, reader) =>
      void channel.receivedRequest(type, wantReply, reader),
    globalRequest: () => false,
    ended: () => {},
  });
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

function refusedLogin(grant: Grant, where: string, why: string): SallyportError {
  const { name, credential } = grant.login;
  return new SallyportError(
    'target.refused',
    `${where} refused the login ${name} with credential ${credential}: ${why}`,
    `check that the public key, the password or the signing CA of ${credential} is in place for ${name} on the target`,
  );
}

function brokenOff(where: string, why: string): SallyportError {
  const hint = 'look into the SSH log of the target for the reason';
  return new SallyportError('target.refused', `${where} broke off: ${why}`, hint);
}
