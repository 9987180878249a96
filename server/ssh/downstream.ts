/**
 * The leg towards a client: who it is, which session channels it starts, and what else it asks for. What a
 * forward may be is decided behind it.
 */
import type { Duplex } from 'node:stream';
import type { ForwardKind } from '../access/forward.ts';
import { messageOf } from '../errors.ts';
import type { Logger } from '../log.ts';
import type {
  ChannelRequest,
  ConnectionHandler,
  Connections,
  InnerConnection,
  InputUnit,
  OutputUnit,
  Pty,
  X11Request,
} from '../session/ports.ts';
import { clientEnd } from './client-end.ts';
import type { Channel } from './engine/channel.ts';
import { ChannelStream } from './engine/channel-stream.ts';
import {
  Channels,
  OPEN_FAILURE,
  type GlobalAnswer,
  type OpenAnswer,
  type ServerChannels,
} from './engine/channels.ts';
import type { HostSigner } from './engine/driver.ts';
import { MAX_PACKET_BYTES } from './engine/limits.ts';
import { ServerAuth, type WaitingPlaces } from './engine/server-auth.ts';
import { Transport } from './engine/transport.ts';
import { DOWNSTREAM_LEG, peerText, readSize } from './engine/unit.ts';
import { exactText, MalformedPacket, PacketReader } from './engine/wire.ts';
import { DownstreamForwards, wordsAgainst } from './downstream-forwards.ts';
import {
  AGENT_REQUEST,
  DIRECT_STREAMLOCAL,
  DIRECT_TCPIP,
  readDirect,
  readX11,
  X11_REQUEST,
} from './forward-channel.ts';
import { identity } from './identity.ts';
import type { GatewayLimits } from './limits.ts';

/** Longest terminal type and encoded terminal modes that are taken. */
const MAX_TERM_BYTES = 256;
const MAX_MODES_BYTES = 4096;
/** Requests of a channel behind one that isn't answered yet: how many, and their bytes. */
const MAX_LATE_REQUESTS = 512;
const MAX_LATE_REQUEST_BYTES = 2 * MAX_PACKET_BYTES;
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

type SessionChannel = Channel<InputUnit, OutputUnit>;

/** What a channel has asked for before it starts. */
interface Preparation {
  pty: Pty | null;
  readonly env: { readonly name: string; readonly value: string }[];
  envBytes: number;
  readonly carries: { agent: boolean; x11: X11Request | null; readonly refused: ForwardKind[] };
  /** Requests behind one that isn't answered yet. */
  later: LateRequest[] | null;
  isStarted: boolean;
}

interface LateRequest {
  readonly type: string;
  readonly wantReply: boolean;
  readonly bytes: Buffer;
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
  readonly #preparations = new WeakMap<SessionChannel, Preparation>();
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
      requested: (channel, type, wantReply, reader) =>
        this.#requested(channel, type, wantReply, reader),
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
      return (channel) =>
        this.#preparations.set(channel, {
          pty: null,
          env: [],
          envBytes: 0,
          carries: { agent: false, x11: null, refused: [] },
          later: null,
          isStarted: false,
        });
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

  #requested(
    channel: SessionChannel,
    type: string,
    wantReply: boolean,
    reader: PacketReader,
  ): void {
    const preparation = this.#preparations.get(channel);
    if (preparation === undefined) return channel.reply(wantReply, false);
    if (preparation.later !== null) {
      const bytes = Buffer.from(reader.rest());
      const waiting = preparation.later.reduce((sum, one) => sum + one.bytes.length, bytes.length);
      if (preparation.later.length >= MAX_LATE_REQUESTS || waiting > MAX_LATE_REQUEST_BYTES) {
        return this.#transport.fail('too many requests before the session');
      }
      preparation.later.push({ type, wantReply, bytes });
      return;
    }
    const answer = this.#answer(channel, preparation, type, wantReply, reader);
    if (answer !== 'replied') channel.reply(wantReply, answer);
  }

  /** Whether the request is granted. A start replies by itself, before the session can write. */
  #answer(
    channel: SessionChannel,
    preparation: Preparation,
    type: string,
    wantReply: boolean,
    reader: PacketReader,
  ): boolean | 'replied' {
    if (preparation.isStarted) {
      if (!channel.receivedRequest(type, wantReply, reader)) {
        this.#logRefusal('channel request', type);
      }
      return 'replied';
    }
    switch (type) {
      case 'pty-req':
        return this.#preparePty(preparation, reader);
      case 'env':
        return this.#prepareEnv(preparation, reader);
      case 'window-change': {
        const size = readSize(reader);
        // Without a terminal it changes nothing, which is no failure to sshd either.
        if (preparation.pty !== null) preparation.pty = { ...preparation.pty, size };
        return true;
      }
      case 'shell':
      case 'exec':
      case 'subsystem': {
        const command = type === 'shell' ? null : Buffer.from(reader.string());
        preparation.isStarted = true;
        channel.reply(wantReply, true);
        const { pty, env, carries } = preparation;
        const request = { kind: type, command, pty, env } as const;
        const client = this.#forwards;
        this.#start(
          channel,
          client === null ? request : { ...request, carries: { ...carries, client } },
        );
        return 'replied';
      }
      case AGENT_REQUEST:
      case X11_REQUEST: {
        if (this.#forwards === null) return false;
        const x11 = type === X11_REQUEST ? readX11(reader) : null;
        void this.#askToCarry(channel, preparation, x11, wantReply);
        return 'replied';
      }
      default:
        this.#logRefusal('channel request', type);
        return false;
    }
  }

  /** Later requests of the channel wait: what is answered here counts for the start of the session. */
  async #askToCarry(
    channel: SessionChannel,
    preparation: Preparation,
    x11: X11Request | null,
    wantReply: boolean,
  ): Promise<void> {
    const { forwards } = this.#options.handler;
    const kind = x11 === null ? 'agent' : 'x11';
    const { carries } = preparation;
    preparation.later = [];
    const isGranted = (await forwards?.mayCarry(kind)) ?? false;
    if (!isGranted) carries.refused.push(kind);
    else if (x11 === null) carries.agent = true;
    else carries.x11 = x11;
    channel.reply(wantReply, isGranted);
    const { later } = preparation;
    preparation.later = null;
    try {
      for (const { type, wantReply: wants, bytes } of later) {
        this.#requested(channel, type, wants, new PacketReader(bytes));
      }
    } catch (thrown) {
      if (!(thrown instanceof MalformedPacket)) throw thrown;
      this.#transport.fail('malformed request of a channel');
    }
  }

  #start(channel: SessionChannel, request: ChannelRequest): void {
    const end = clientEnd(channel, this.#channels, () => this.#transport.isEnded);
    channel.promiseLastWords();
    this.#options.handler.open(request, end);
  }

  #preparePty(preparation: Preparation, reader: PacketReader): boolean {
    const term = reader.string();
    const size = readSize(reader);
    const modes = reader.string();
    if (!this.#options.handler.permits.pty) return false;
    if (preparation.pty !== null || term.length > MAX_TERM_BYTES) return false;
    if (modes.length > MAX_MODES_BYTES) return false;
    preparation.pty = { term: peerText(term), size, modes: Buffer.from(modes) };
    return true;
  }

  #prepareEnv(preparation: Preparation, reader: PacketReader): boolean {
    const rawName = reader.string();
    const rawValue = reader.string();
    preparation.envBytes += rawName.length + rawValue.length;
    const { maxEnv, maxEnvBytes, passesEnvironment } = this.#options.limits;
    if (preparation.env.length >= maxEnv || preparation.envBytes > maxEnvBytes) return false;
    const name = exactText(rawName);
    const value = exactText(rawValue);
    if (name === null || value === null || name === '' || /[=\0]/.test(name)) return false;
    if (value.includes('\0')) return false;
    preparation.env.push({ name, value });
    return passesEnvironment(name);
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
