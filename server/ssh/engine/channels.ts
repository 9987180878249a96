/**
 * The connection layer, RFC 4254: which channels a transport carries. What is in them passes through
 * untouched. One side opens them (the client towards a target), the other accepts them (the bastion
 * towards a client).
 */
import type { InputUnit, OutputUnit } from '../../session/ports.ts';
import { Channel, type ChannelNumbers } from './channel.ts';
import {
  CHANNEL_PACKET_BYTES,
  MAX_WAITING_GLOBAL_REQUESTS,
  MIN_PEER_PACKET_BYTES,
  WINDOW_BYTES,
} from './limits.ts';
import type { Stage, Transport } from './transport.ts';
import { peerText, type Leg, type Unit } from './unit.ts';
import { encodePacket, MESSAGE, type Field, type PacketReader } from './wire.ts';

/** Reason codes of RFC 4254 section 5.1. */
export const OPEN_FAILURE = {
  prohibited: 1,
  connectFailed: 2,
  unknownType: 3,
  shortage: 4,
} as const;

/** Silent keepalive intervals after which a peer counts as gone. */
export interface Keepalive {
  readonly intervalMs: number;
  /** null = never: a suspended client is no dead client, and TCP notices a dead one. */
  readonly maxSilent: number | null;
}

export type OpenOutcome<In extends Unit, Out extends Unit> =
  | { readonly kind: 'open'; readonly channel: Channel<In, Out> }
  /** `reason`: see OPEN_FAILURE; 0 = the connection ended. */
  | { readonly kind: 'refused'; readonly why: string; readonly reason: number };

/** Takes a channel that the peer has opened, or says why there is none. */
export type OpenAnswer<In extends Unit, Out extends Unit> =
  ((channel: Channel<In, Out>) => void) | { readonly reason: number; readonly why: string };

/** Whether a global request is granted; or granted, with what the answer says. */
export type GlobalAnswer = boolean | readonly Field[];

/** What one side does with what the other asks. */
export interface ChannelsPolicy<In extends Unit, Out extends Unit> {
  readonly leg: Leg<In>;
  readonly maxChannels: number;
  readonly keepalive: Keepalive;
  /**
   * The peer wants a channel. Never rejects.
   * @param reader stands at what the type adds to the request; to be read before anything is awaited
   */
  mayOpen(type: string, reader: PacketReader): OpenAnswer<In, Out> | Promise<OpenAnswer<In, Out>>;
  /** A request that is no unit. Must reply. */
  requested(
    channel: Channel<In, Out>,
    type: string,
    wantReply: boolean,
    reader: PacketReader,
  ): void;
  /**
   * The answer to a global request. Never rejects. Later requests wait for it.
   * @param reader as for `mayOpen`
   */
  globalRequest(type: string, reader: PacketReader): GlobalAnswer | Promise<GlobalAnswer>;
  /** No channel is open or being opened any more. */
  idle?(): void;
  ended(why: string): void;
}

export type ServerChannels = Channels<InputUnit, OutputUnit>;
export type ClientChannels = Channels<OutputUnit, InputUnit>;

export class Channels<In extends Unit, Out extends Unit> implements Stage {
  readonly #transport: Transport;
  readonly #policy: ChannelsPolicy<In, Out>;
  readonly #open = new Map<number, Channel<In, Out>>();
  readonly #opening = new Map<number, (outcome: OpenOutcome<In, Out>) => void>();
  readonly #keepalive: NodeJS.Timeout;
  #nextLocal = 0;
  /** Channels of the peer that wait for our answer; they count as open. */
  #answering = 0;
  /** Global requests of ours, in the order of their answers. */
  readonly #asked: ((answer: Buffer | null) => void)[] = [];
  /** Settles when the peer's global requests so far are answered. */
  #answered: Promise<void> | null = null;
  #unanswered = 0;
  #heard = 0;
  #silent = 0;

  constructor(transport: Transport, policy: ChannelsPolicy<In, Out>) {
    this.#transport = transport;
    this.#policy = policy;
    this.#keepalive = setInterval(() => this.#ping(), policy.keepalive.intervalMs);
  }

  get count(): number {
    return this.#open.size;
  }

  /** Asks the peer for a session channel. Never rejects; a peer that doesn't answer is the caller's wait. */
  openSession(): Promise<OpenOutcome<In, Out>> {
    return this.openChannel('session');
  }

  /** The same for a channel of any type. @param fields what the type adds to the request */
  openChannel(type: string, ...fields: Field[]): Promise<OpenOutcome<In, Out>> {
    if (this.#transport.isEnded) {
      return Promise.resolve({ kind: 'refused', why: 'the connection has ended', reason: 0 });
    }
    const local = this.#nextLocal++;
    return new Promise((resolve) => {
      this.#opening.set(local, resolve);
      const sizes = [WINDOW_BYTES, CHANNEL_PACKET_BYTES];
      this.#transport.send(encodePacket(MESSAGE.CHANNEL_OPEN, type, local, ...sizes, ...fields));
    });
  }

  /** Sends a global request. Resolves with what the answer says, or null = refused. Never rejects. */
  globalRequest(type: string, ...fields: Field[]): Promise<Buffer | null> {
    if (this.#transport.isEnded) return Promise.resolve(null);
    return new Promise((resolve) => {
      this.#asked.push(resolve);
      this.#transport.send(encodePacket(MESSAGE.GLOBAL_REQUEST, type, true, ...fields));
    });
  }

  receive(type: number, reader: PacketReader): void {
    switch (type) {
      case MESSAGE.GLOBAL_REQUEST:
        return this.#peerAsks(reader);
      case MESSAGE.REQUEST_SUCCESS:
        return this.#asked.shift()?.(Buffer.from(reader.rest()));
      case MESSAGE.REQUEST_FAILURE:
        return this.#asked.shift()?.(null);
      case MESSAGE.CHANNEL_OPEN:
        return this.#peerOpens(reader);
      case MESSAGE.CHANNEL_OPEN_CONFIRMATION:
        return this.#confirmed(reader);
      case MESSAGE.CHANNEL_OPEN_FAILURE:
        return this.#refused(reader);
      case MESSAGE.USERAUTH_REQUEST:
        return; // RFC 4252 section 5.1: ignored after success.
      case MESSAGE.USERAUTH_BANNER:
        return; // A target may be late with it.
    }
    if (type < MESSAGE.CHANNEL_WINDOW_ADJUST || type > MESSAGE.CHANNEL_FAILURE) {
      return this.#transport.send(encodePacket(MESSAGE.UNIMPLEMENTED, this.#transport.sequence));
    }
    const channel = this.#open.get(reader.uint32());
    if (channel !== undefined) this.#onChannel(channel, type, reader);
  }

  ended(why: string): void {
    clearInterval(this.#keepalive);
    for (const resolve of this.#opening.values()) resolve({ kind: 'refused', why, reason: 0 });
    this.#opening.clear();
    for (const resolve of this.#asked.splice(0)) resolve(null);
    for (const channel of this.#open.values()) channel.lost();
    this.#policy.ended(why);
  }

  #onChannel(channel: Channel<In, Out>, type: number, reader: PacketReader): void {
    switch (type) {
      case MESSAGE.CHANNEL_DATA:
        if (!channel.received(reader.string(), 0)) this.#transport.fail('window overrun');
        return;
      case MESSAGE.CHANNEL_EXTENDED_DATA: {
        const code = reader.uint32();
        if (!channel.received(reader.string(), code)) this.#transport.fail('window overrun');
        return;
      }
      case MESSAGE.CHANNEL_WINDOW_ADJUST:
        if (!channel.adjusted(reader.uint32())) this.#transport.fail('window overflow');
        return;
      case MESSAGE.CHANNEL_EOF:
        return channel.receivedEof();
      case MESSAGE.CHANNEL_CLOSE:
        return channel.receivedClose();
      case MESSAGE.CHANNEL_SUCCESS:
        return channel.answered(true);
      case MESSAGE.CHANNEL_FAILURE:
        return channel.answered(false);
      case MESSAGE.CHANNEL_REQUEST: {
        const name = reader.name();
        const wantReply = reader.boolean();
        this.#policy.requested(channel, name, wantReply, reader);
      }
    }
  }

  #peerOpens(reader: PacketReader): void {
    const type = reader.name();
    const remote = reader.uint32();
    const window = reader.uint32();
    const packetBytes = reader.uint32();
    if (packetBytes < MIN_PEER_PACKET_BYTES) return this.#transport.fail('packet size too small');
    const numbers = { remote, window, packetBytes };
    const full = this.#open.size + this.#answering >= this.#policy.maxChannels;
    const answer = full
      ? { reason: OPEN_FAILURE.shortage, why: 'too many channels' }
      : this.#policy.mayOpen(type, reader);
    if (!(answer instanceof Promise)) return this.#answer(numbers, answer);
    void this.#answerLate(numbers, answer);
  }

  async #answerLate(
    peer: Omit<ChannelNumbers, 'local'>,
    answer: Promise<OpenAnswer<In, Out>>,
  ): Promise<void> {
    this.#answering += 1;
    const opened = await answer;
    this.#answering -= 1;
    if (this.#transport.isEnded) return;
    this.#answer(peer, opened);
    this.#rest();
  }

  #answer(peer: Omit<ChannelNumbers, 'local'>, opened: OpenAnswer<In, Out>): void {
    const { remote } = peer;
    if (typeof opened !== 'function') {
      const { reason, why } = opened;
      const answer = encodePacket(MESSAGE.CHANNEL_OPEN_FAILURE, remote, reason, why, '');
      return this.#transport.send(answer);
    }
    const local = this.#nextLocal++;
    const channel = this.#add({ local, ...peer });
    this.#transport.send(
      encodePacket(
        MESSAGE.CHANNEL_OPEN_CONFIRMATION,
        remote,
        local,
        WINDOW_BYTES,
        CHANNEL_PACKET_BYTES,
      ),
    );
    opened(channel);
  }

  #confirmed(reader: PacketReader): void {
    const local = reader.uint32();
    const remote = reader.uint32();
    const window = reader.uint32();
    const packetBytes = reader.uint32();
    const resolve = this.#opening.get(local);
    if (resolve === undefined) return this.#transport.fail('channel that nobody asked for');
    if (packetBytes < MIN_PEER_PACKET_BYTES) return this.#transport.fail('packet size too small');
    this.#opening.delete(local);
    resolve({ kind: 'open', channel: this.#add({ local, remote, window, packetBytes }) });
  }

  #refused(reader: PacketReader): void {
    const local = reader.uint32();
    const reason = reader.uint32();
    const text = peerText(reader.string());
    const resolve = this.#opening.get(local);
    this.#opening.delete(local);
    resolve?.({ kind: 'refused', why: text || `reason ${reason}`, reason });
    this.#rest();
  }

  #add(numbers: ChannelNumbers): Channel<In, Out> {
    const channel = new Channel<In, Out>(this.#transport, this.#policy.leg, numbers, () => {
      if (this.#open.delete(numbers.local)) this.#rest();
    });
    this.#open.set(numbers.local, channel);
    return channel;
  }

  #rest(): void {
    if (this.#open.size + this.#opening.size + this.#answering === 0) this.#policy.idle?.();
  }

  #peerAsks(reader: PacketReader): void {
    const type = reader.name();
    const wantReply = reader.boolean();
    const answer = this.#policy.globalRequest(type, reader);
    if (!wantReply) return;
    const before = this.#answered;
    if (before === null && !(answer instanceof Promise)) return this.#reply(answer);
    if (this.#unanswered >= MAX_WAITING_GLOBAL_REQUESTS) {
      return this.#transport.fail('too many requests wait for an answer');
    }
    this.#unanswered += 1;
    this.#answered = this.#replyLate(answer, before);
  }

  async #replyLate(
    answer: GlobalAnswer | Promise<GlobalAnswer>,
    before: Promise<void> | null,
  ): Promise<void> {
    const [late] = await Promise.all([answer, before]);
    this.#unanswered -= 1;
    if (this.#unanswered === 0) this.#answered = null;
    this.#reply(late);
  }

  #reply(answer: GlobalAnswer): void {
    if (answer === false) return this.#transport.send(encodePacket(MESSAGE.REQUEST_FAILURE));
    const fields = answer === true ? [] : answer;
    this.#transport.send(encodePacket(MESSAGE.REQUEST_SUCCESS, ...fields));
  }

  #ping(): void {
    const heard = this.#transport.packetsReceived;
    // While we don't read, silence is ours.
    this.#silent = heard === this.#heard && !this.#transport.isHeld ? this.#silent + 1 : 0;
    this.#heard = heard;
    const { maxSilent } = this.#policy.keepalive;
    if (maxSilent !== null && this.#silent > maxSilent) {
      this.#transport.close('the peer stopped answering');
    } else if (this.#transport.isWritable(() => {})) {
      void this.globalRequest('keepalive@openssh.com');
    }
  }
}
