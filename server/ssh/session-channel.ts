/**
 * A session channel until its session starts: the terminal, the environment and what else the client asks
 * to come with it, each with its answer. What the session does with it is decided behind it.
 */
import type { ForwardKind } from '../access/forward.ts';
import type {
  ChannelRequest,
  ConnectionHandler,
  InputUnit,
  OutputUnit,
  Pty,
  X11Request,
} from '../session/ports.ts';
import type { DownstreamForwards } from './downstream-forwards.ts';
import type { Channel } from './engine/channel.ts';
import { MAX_PACKET_BYTES } from './engine/limits.ts';
import { peerText, readSize } from './engine/unit.ts';
import { exactText, MalformedPacket, PacketReader } from './engine/wire.ts';
import { AGENT_REQUEST, readX11, X11_REQUEST } from './forward-channel.ts';
import type { GatewayLimits } from './limits.ts';

/** Longest terminal type and encoded terminal modes that are taken. */
const MAX_TERM_BYTES = 256;
const MAX_MODES_BYTES = 4096;
/** Requests of a channel behind one that isn't answered yet: how many, and their bytes. */
const MAX_LATE_REQUESTS = 512;
const MAX_LATE_REQUEST_BYTES = 2 * MAX_PACKET_BYTES;

export type SessionChannel = Channel<InputUnit, OutputUnit>;

/** The connection that the channel was opened on. */
export interface SessionOwner {
  readonly handler: Pick<ConnectionHandler, 'forwards' | 'permits'>;
  /** Null where forwards are not served. */
  readonly forwards: DownstreamForwards | null;
  readonly limits: Pick<GatewayLimits, 'maxEnv' | 'maxEnvBytes' | 'passesEnvironment'>;
  /** The session begins; the client has been told. */
  start(request: ChannelRequest): void;
  /** Something was asked for that is not served. */
  unknown(type: string): void;
  /** Ends the connection. */
  fail(why: string): void;
}

interface LateRequest {
  readonly type: string;
  readonly wantReply: boolean;
  readonly bytes: Buffer;
}

export class PreparedSession {
  readonly #channel: SessionChannel;
  readonly #owner: SessionOwner;
  #pty: Pty | null = null;
  readonly #env: { readonly name: string; readonly value: string }[] = [];
  #envBytes = 0;
  readonly #carries: { agent: boolean; x11: X11Request | null; readonly refused: ForwardKind[] } = {
    agent: false,
    x11: null,
    refused: [],
  };
  /** Requests behind one that isn't answered yet. */
  #later: LateRequest[] | null = null;
  #isStarted = false;

  constructor(channel: SessionChannel, owner: SessionOwner) {
    this.#channel = channel;
    this.#owner = owner;
  }

  /** Also of a session that has started: then it goes there. */
  requested(type: string, wantReply: boolean, reader: PacketReader): void {
    if (this.#later !== null) {
      const bytes = Buffer.from(reader.rest());
      const waiting = this.#later.reduce((sum, one) => sum + one.bytes.length, bytes.length);
      if (this.#later.length >= MAX_LATE_REQUESTS || waiting > MAX_LATE_REQUEST_BYTES) {
        return this.#owner.fail('too many requests before the session');
      }
      this.#later.push({ type, wantReply, bytes });
      return;
    }
    const answer = this.#answer(type, wantReply, reader);
    if (answer !== 'replied') this.#channel.reply(wantReply, answer);
  }

  /** Whether the request is granted. A start replies by itself, before the session can write. */
  #answer(type: string, wantReply: boolean, reader: PacketReader): boolean | 'replied' {
    if (this.#isStarted) {
      if (!this.#channel.receivedRequest(type, wantReply, reader)) this.#owner.unknown(type);
      return 'replied';
    }
    switch (type) {
      case 'pty-req':
        return this.#takePty(reader);
      case 'env':
        return this.#takeVariable(reader);
      case 'window-change': {
        const size = readSize(reader);
        // Without a terminal it changes nothing, which is no failure to sshd either.
        if (this.#pty !== null) this.#pty = { ...this.#pty, size };
        return true;
      }
      case 'shell':
      case 'exec':
      case 'subsystem': {
        const command = type === 'shell' ? null : Buffer.from(reader.string());
        this.#isStarted = true;
        this.#channel.reply(wantReply, true);
        this.#start({ kind: type, command, pty: this.#pty, env: this.#env });
        return 'replied';
      }
      case AGENT_REQUEST:
      case X11_REQUEST: {
        if (this.#owner.forwards === null) return false;
        const x11 = type === X11_REQUEST ? readX11(reader) : null;
        void this.#askToCarry(x11, wantReply);
        return 'replied';
      }
      default:
        this.#owner.unknown(type);
        return false;
    }
  }

  #start(request: ChannelRequest): void {
    const { forwards: client } = this.#owner;
    const carries = { ...this.#carries };
    this.#owner.start(client === null ? request : { ...request, carries: { ...carries, client } });
  }

  /** Later requests of the channel wait: what is answered here counts for the start of the session. */
  async #askToCarry(x11: X11Request | null, wantReply: boolean): Promise<void> {
    const { forwards } = this.#owner.handler;
    const kind = x11 === null ? 'agent' : 'x11';
    const later: LateRequest[] = [];
    this.#later = later;
    const isGranted = (await forwards?.mayCarry(kind)) ?? false;
    if (!isGranted) this.#carries.refused.push(kind);
    else if (x11 === null) this.#carries.agent = true;
    else this.#carries.x11 = x11;
    this.#channel.reply(wantReply, isGranted);
    this.#later = null;
    try {
      for (const { type, wantReply: wants, bytes } of later) {
        this.requested(type, wants, new PacketReader(bytes));
      }
    } catch (thrown) {
      if (!(thrown instanceof MalformedPacket)) throw thrown;
      this.#owner.fail('malformed request of a channel');
    }
  }

  #takePty(reader: PacketReader): boolean {
    const term = reader.string();
    const size = readSize(reader);
    const modes = reader.string();
    if (!this.#owner.handler.permits.pty) return false;
    if (this.#pty !== null || term.length > MAX_TERM_BYTES) return false;
    if (modes.length > MAX_MODES_BYTES) return false;
    this.#pty = { term: peerText(term), size, modes: Buffer.from(modes) };
    return true;
  }

  #takeVariable(reader: PacketReader): boolean {
    const rawName = reader.string();
    const rawValue = reader.string();
    this.#envBytes += rawName.length + rawValue.length;
    const { maxEnv, maxEnvBytes, passesEnvironment } = this.#owner.limits;
    if (this.#env.length >= maxEnv || this.#envBytes > maxEnvBytes) return false;
    const name = exactText(rawName);
    const value = exactText(rawValue);
    if (name === null || value === null || name === '' || /[=\0]/.test(name)) return false;
    if (value.includes('\0')) return false;
    this.#env.push({ name, value });
    return passesEnvironment(name);
  }
}
