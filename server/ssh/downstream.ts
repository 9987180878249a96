/**
 * The leg towards a client: who it is, which channels it opens, and what else it asks for. What a forward
 * may be is decided behind it.
 */
import type { Duplex } from 'node:stream';
import { messageOf } from '../errors.ts';
import type { Logger } from '../log.ts';
import type {
  ChannelRequest,
  ConnectionHandler,
  Connections,
  InnerConnection,
  InputUnit,
  OutputUnit,
} from '../session/ports.ts';
import { clientEnd } from './client-end.ts';
import { ChannelStream } from './engine/channel-stream.ts';
import {
  Channels,
  OPEN_FAILURE,
  type GlobalAnswer,
  type OpenAnswer,
  type ServerChannels,
} from './engine/channels.ts';
import type { HostSigner } from './engine/driver.ts';
import { ServerAuth, type WaitingPlaces } from './engine/server-auth.ts';
import { Transport } from './engine/transport.ts';
import { DOWNSTREAM_LEG, peerText } from './engine/unit.ts';
import type { PacketReader } from './engine/wire.ts';
import { DownstreamForwards, wordsAgainst } from './downstream-forwards.ts';
import { DIRECT_STREAMLOCAL, DIRECT_TCPIP, readDirect } from './forward-channel.ts';
import { identity } from './identity.ts';
import type { GatewayLimits } from './limits.ts';
import { PreparedSession, type SessionChannel } from './session-channel.ts';

/** Refusals of one connection that are logged. */
const MAX_LOGGED_REFUSALS = 20;

export interface DownstreamOptions {
  /** `address:port` of the peer, for the log. */
  readonly source: string;
  readonly hostKeys: Readonly<Record<string, HostSigner>>;
  /** The same for a connection inside this one, by the host name that the client typed. */
  readonly innerHostKeys: (host: string) => Readonly<Record<string, HostSigner>>;
  readonly handler: ConnectionHandler;
  /** See `Connections.jump`. */
  readonly jump: Connections['jump'];
  /** See ServerAuth: set for the inner connection of a jump. */
  readonly enter: InnerConnection['enter'] | null;
  readonly limits: GatewayLimits;
  readonly logger: Logger;
  /** For clients that wait for a person; absent: none may. */
  readonly waits?: WaitingPlaces;
  /** The peer has authenticated: it no longer counts as a stranger. */
  readonly onAuthenticated: () => void;
  readonly onEnded: (why: string) => void;
}

export interface Downstream {
  /** Ends the connection; `why` is shown to the client. */
  close(why: string): void;
  readonly isAuthenticated: boolean;
}

/** Serves one client on a byte stream that nobody else reads. */
export function serveConnection(socket: Duplex, options: DownstreamOptions): Downstream {
  return new ServedConnection(socket, options);
}

class ServedConnection implements Downstream {
  readonly #options: DownstreamOptions;
  readonly #transport: Transport;
  readonly #sessions = new WeakMap<SessionChannel, PreparedSession>();
  readonly #forwards: DownstreamForwards | null;
  #channels: ServerChannels | null = null;
  #isAuthenticated = false;
  #noMoreSessions = false;
  #loggedRefusals = 0;

  constructor(socket: Duplex, options: DownstreamOptions) {
    this.#options = options;
    const { handler, limits, logger, source } = options;
    this.#forwards =
      handler.forwards === undefined
        ? null
        : new DownstreamForwards(handler.forwards, () => this.#channels);
    this.#transport = new Transport({
      socket,
      ident: identity(),
      role: { kind: 'server', hostKeys: options.hostKeys },
      rekey: limits.rekey,
      onReady: (transport) =>
        new ServerAuth(transport, {
          judge: handler,
          links: handler.links,
          waits: options.waits,
          enter: options.enter,
          maxAttempts: limits.authAttempts,
          maxUserNameBytes: limits.maxUserNameBytes,
          onSuccess: () => this.#serve(transport),
          onError: (thrown) => logger.error('ssh.auth.failed', { source, why: messageOf(thrown) }),
        }),
      onEnd: (why) => {
        handler.ended(why);
        options.onEnded(why);
      },
    });
  }

  get isAuthenticated(): boolean {
    return this.#isAuthenticated;
  }

  close(why: string): void {
    this.#transport.close(why);
  }

  #serve(transport: Transport): Channels<InputUnit, OutputUnit> {
    this.#isAuthenticated = true;
    this.#options.onAuthenticated();
    const { limits } = this.#options;
    const channels = new Channels<InputUnit, OutputUnit>(transport, {
      leg: DOWNSTREAM_LEG,
      maxChannels: limits.maxChannels,
      keepalive: { intervalMs: limits.keepaliveIntervalMs, maxSilent: null },
      mayOpen: (type, reader) => this.#mayOpen(type, reader),
      requested: (channel, type, wantReply, reader) => {
        const session = this.#sessions.get(channel);
        if (session === undefined) channel.reply(wantReply, false);
        else session.requested(type, wantReply, reader);
      },
      globalRequest: (type, reader) => this.#globalRequest(type, reader),
      ended: () => {},
    });
    this.#channels = channels;
    return channels;
  }

  /** What becomes of a new channel, or why it is refused. */
  #mayOpen(
    type: string,
    reader: PacketReader,
  ): OpenAnswer<InputUnit, OutputUnit> | Promise<OpenAnswer<InputUnit, OutputUnit>> {
    if (type === 'session') {
      if (this.#noMoreSessions) return prohibited('no more sessions were asked for');
      return (channel) => this.#sessions.set(channel, this.#prepared(channel));
    }
    if (type === DIRECT_TCPIP || type === DIRECT_STREAMLOCAL) {
      const asked = readDirect(type, reader);
      if (!this.#options.handler.permits.portForwarding) {
        return prohibited('the certificate does not permit port forwarding, which ssh -J is too');
      }
      if (asked !== null) return this.#forward(asked);
    }
    this.#logRefusal('channel', type);
    return prohibited(wordsAgainst(type));
  }

  /** A way to another host: SSH to a target is terminated here, the rest is for the forwards. */
  async #forward({
    request,
    origin,
  }: NonNullable<ReturnType<typeof readDirect>>): Promise<OpenAnswer<InputUnit, OutputUnit>> {
    const { handler, jump, logger, source } = this.#options;
    try {
      const host = request.kind === 'tcp' ? request.host : '';
      const inner = request.kind === 'tcp' ? await jump(handler, host, request.port) : null;
      if (inner === null || !inner.leadsSomewhere) {
        const opened = await this.#forwards?.connect(request, origin, inner !== null);
        if (opened) {
          inner?.handler.ended('a forward leads there');
          return opened;
        }
      }
      if (inner !== null) return (channel) => this.#serveInner(channel, host, inner);
    } catch (thrown) {
      logger.error('ssh.jump.failed', { source, why: messageOf(thrown) });
      return {
        reason: OPEN_FAILURE.connectFailed,
        why: 'the bastion cannot read its directory at the moment; try again in a minute',
      };
    }
    this.#logRefusal('channel', request.kind);
    return prohibited(wordsAgainst(DIRECT_TCPIP));
  }

  /** Terminates the SSH connection that the client speaks inside the channel. */
  #serveInner(channel: SessionChannel, host: string, inner: InnerConnection): void {
    const { source, innerHostKeys, jump, limits, logger } = this.#options;
    const connection = serveConnection(new ChannelStream(channel), {
      source,
      hostKeys: innerHostKeys(host),
      innerHostKeys,
      handler: inner.handler,
      jump,
      enter: (userName) => inner.enter(userName),
      limits,
      logger,
      onAuthenticated: () => clearTimeout(grace),
      onEnded: () => clearTimeout(grace),
    });
    const grace = setTimeout(
      () => connection.close('not authenticated in time'),
      limits.loginGraceMs,
    );
  }

  #globalRequest(type: string, reader: PacketReader): GlobalAnswer | Promise<GlobalAnswer> {
    const answer = this.#forwards?.globalRequest(type, reader) ?? null;
    if (answer !== null) return answer;
    if (type === 'no-more-sessions@openssh.com') this.#noMoreSessions = true;
    else if (type !== 'keepalive@openssh.com') this.#logRefusal('global request', type);
    return this.#noMoreSessions && type === 'no-more-sessions@openssh.com';
  }

  #prepared(channel: SessionChannel): PreparedSession {
    const { handler, limits } = this.#options;
    return new PreparedSession(channel, {
      handler,
      limits,
      forwards: this.#forwards,
      start: (request) => this.#start(channel, request),
      unknown: (type) => this.#logRefusal('channel request', type),
      fail: (why) => this.#transport.fail(why),
    });
  }

  #start(channel: SessionChannel, request: ChannelRequest): void {
    const end = clientEnd(channel, this.#channels, () => this.#transport.isEnded);
    channel.promiseLastWords();
    this.#options.handler.open(request, end);
  }

  #logRefusal(what: string, type: string): void {
    this.#loggedRefusals += 1;
    if (this.#loggedRefusals > MAX_LOGGED_REFUSALS) return;
    const { logger, source } = this.#options;
    logger.info('ssh.request.refused', { source, what, type: peerText(Buffer.from(type)) });
  }
}

function prohibited(why: string): OpenAnswer<InputUnit, OutputUnit> {
  return { reason: OPEN_FAILURE.prohibited, why };
}
