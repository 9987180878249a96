/**
 * One SSH transport, RFC 4253: packets in and out over a byte stream, with the bounds that ssh2 lacks.
 * What the packets mean belongs to the stage in force: authentication first, then the channels.
 */
import type { Duplex } from 'node:stream';
import { messageOf } from '../../errors.ts';
import {
  createProtocol,
  engineReady,
  sendData,
  sendPayload,
  sendUrgent,
  type Negotiated,
  type PayloadSink,
  type Protocol,
  type TransportRole,
} from './driver.ts';
import { Identification } from './identification.ts';
import {
  DESTROY_AFTER_MS,
  MAX_PACKET_BYTES,
  MAX_SOCKET_BYTES,
  MAX_UNREAD_ANSWER_BYTES,
} from './limits.ts';
import { REKEY_LIMITS, Rekeying, type RekeyLimits } from './rekey.ts';
import { encodePacket, MalformedPacket, MESSAGE, PacketReader } from './wire.ts';

/** Reason codes of RFC 4253 section 11.1 that we send. */
export const DISCONNECT_REASON = {
  protocolError: 2,
  serviceNotAvailable: 7,
  byApplication: 11,
  noMoreAuthMethods: 14,
} as const;

/** Signature algorithms that we accept from clients; `ssh-rsa` means SHA-1 and is not among them. */
export const SIGNATURE_ALGORITHMS = [
  'ssh-ed25519',
  'ecdsa-sha2-nistp256',
  'ecdsa-sha2-nistp384',
  'ecdsa-sha2-nistp521',
  'rsa-sha2-512',
  'rsa-sha2-256',
  'sk-ssh-ed25519@openssh.com',
  'sk-ecdsa-sha2-nistp256@openssh.com',
] as const;

/** Takes what the transport doesn't answer itself. May throw MalformedPacket, which ends the connection. */
export interface Stage {
  receive(type: number, reader: PacketReader): void;
  /** The transport ended. Called once, for the stage that is in force then. */
  ended(why: string): void;
}

export interface TransportOptions {
  /** A connected byte stream that nobody else reads. */
  readonly socket: Duplex;
  /** Software version without `SSH-2.0-`. */
  readonly ident: string;
  readonly role: TransportRole;
  /** When keys are exchanged anew; absent = as RFC 4253 recommends. */
  readonly rekey?: RekeyLimits | undefined;
  /** Keys are exchanged; returns the first stage. */
  readonly onReady: (transport: Transport) => Stage;
  /** Called once, after the stage was told. `why` is in words, safe for logs. */
  readonly onEnd: (why: string) => void;
}

/** What a packet costs us beside its payload. */
const PACKET_COST_BYTES = 256;

export class Transport {
  readonly #protocol: Protocol;
  readonly #socket: Duplex;
  readonly #options: TransportOptions;
  readonly #sink: PayloadSink;
  readonly #waiting = new Set<() => void>();
  readonly #holders = new Set<object>();
  readonly #rekeying: Rekeying;
  #identification: Identification | null;
  #stage: Stage | null = null;
  #authenticated = false;
  #why: string | null = null;
  #corked = false;
  #destroyTimer: NodeJS.Timeout | null = null;
  #sessionId: Buffer | null = null;
  #serverSignatures: readonly string[] | null = null;
  #packetsReceived = 0;

  constructor(options: TransportOptions) {
    this.#options = options;
    this.#socket = options.socket;
    const { role } = options;
    this.#rekeying = new Rekeying(options.rekey ?? REKEY_LIMITS, () => performance.now());
    this.#identification = new Identification(role.kind === 'client');
    const end = (what: string, thrown: unknown): void =>
      this.#finish(`${what}: ${messageOf(thrown)}`);
    this.#protocol = createProtocol(role, {
      ident: options.ident,
      onWrite: (bytes) => this.#write(bytes),
      onError: (error) => end('the SSH protocol failed', error),
      messageHandlers: {
        DISCONNECT: (_, reason, text) => this.#disconnected(reason, text),
      },
    });
    const inner = this.#protocol._onPayload;
    this.#sink = (payload) => this.#receive(payload, inner);
    this.#protocol._onPayload = this.#sink;
    const completed = this.#protocol._onHandshakeComplete;
    this.#protocol._onHandshakeComplete = (negotiated) => this.#exchanged(negotiated, completed);
    this.#socket
      .on('error', (error) => end('the connection broke', error))
      .on('end', () => this.#finish('the peer closed the connection'))
      .on('close', () => {
        this.#finish('the connection was closed');
        if (this.#destroyTimer !== null) clearTimeout(this.#destroyTimer);
        this.#destroyTimer = null;
      })
      .on('drain', () => this.#wake());
    engineReady().then(
      () => this.#start(),
      (thrown: unknown) => end('the ciphers could not be loaded', thrown),
    );
  }

  /** Hash of the first key exchange, which signatures cover. */
  get sessionId(): Buffer {
    return this.#sessionId ?? Buffer.alloc(0);
  }

  /** Signature algorithms that the server announced; null = it announced none. */
  get serverSignatures(): readonly string[] | null {
    return this.#serverSignatures;
  }

  get isEnded(): boolean {
    return this.#why !== null;
  }

  /** Grows with every packet of the peer. */
  get packetsReceived(): number {
    return this.#packetsReceived;
  }

  /** Sequence number of the packet in hand, for UNIMPLEMENTED. */
  get sequence(): number {
    return (this.#protocol._decipher.inSeqno - 1) >>> 0;
  }

  /** Reading from the peer is stopped by a holder. */
  get isHeld(): boolean {
    return this.#holders.size > 0;
  }

  /** The peer has proved who it is: its packets may be larger now. */
  authenticated(next: Stage): void {
    this.#authenticated = true;
    if (this.#options.role.kind === 'server') this.#sink.maxPacketSize = MAX_PACKET_BYTES;
    this.#stage = next;
  }

  /** Sends a small packet: it doesn't wait for the socket, so channel data must not go this way. */
  send(payload: Buffer): void {
    if (this.#why !== null) return;
    if (this.#isExchanging && !this.#rekeying.mayWait(payload.length + PACKET_COST_BYTES)) {
      return this.fail('too much was asked during a key exchange');
    }
    sendPayload(this.#protocol, payload);
  }

  /** Sends channel data; only while `isWritable`. `extended` is the data type code, 0 = plain. */
  sendData(channel: number, extended: number, bytes: Buffer): void {
    if (this.#why !== null) return;
    const type = extended === 0 ? MESSAGE.CHANNEL_DATA : MESSAGE.CHANNEL_EXTENDED_DATA;
    sendData(this.#protocol, type, channel, extended, bytes);
  }

  /** Whether channel data may be sent now; if not, `onWritable` is called once when it is worth asking again. */
  isWritable(onWritable: () => void): boolean {
    if (this.#why !== null) return true;
    this.#rekeyIfDue();
    const busy = this.#isExchanging || this.#socket.writableLength > MAX_SOCKET_BYTES;
    if (busy) this.#waiting.add(onWritable);
    return !busy;
  }

  /** Stops reading from the peer until every holder has let go. */
  hold(holder: object): void {
    this.#holders.add(holder);
    this.#socket.pause();
  }

  release(holder: object): void {
    if (!this.#holders.delete(holder) || this.#holders.size > 0 || this.#why !== null) return;
    this.#socket.resume();
  }

  /** The peer broke the protocol: it is told so and cut off. `why` may be shown to it. */
  fail(why: string, reason: number = DISCONNECT_REASON.protocolError): void {
    this.close(why, reason);
  }

  /** Ends the connection with a DISCONNECT. `why` is shown to the peer. */
  close(why: string, reason: number = DISCONNECT_REASON.byApplication): void {
    if (this.#why !== null) return;
    try {
      sendUrgent(this.#protocol, encodePacket(MESSAGE.DISCONNECT, reason, why, ''));
    } catch {
      // A peer that is gone can't be told.
    }
    this.#finish(why);
  }

  #start(): void {
    if (this.#why !== null) return;
    this.#protocol.start();
    this.#socket.on('data', (chunk: Buffer) => this.#parse(chunk));
    if (this.#holders.size > 0) this.#socket.pause();
  }

  get #isExchanging(): boolean {
    return this.#protocol._kexinit !== undefined;
  }

  /** After authentication only: OpenSSH disconnects from who does it before. */
  #rekeyIfDue(): void {
    if (!this.#authenticated || this.#isExchanging || !this.#rekeying.isDue) return;
    this.#protocol.rekey();
  }

  #identify(chunk: Buffer): void {
    const outcome = this.#identification?.add(chunk);
    if (outcome?.kind === 'too-long') return this.#finish('the peer sent no SSH identification');
    if (outcome?.kind !== 'whole') return;
    this.#identification = null;
    this.#parse(outcome.bytes);
  }

  #parse(chunk: Buffer): void {
    if (this.#why !== null) return;
    if (this.#identification !== null) return this.#identify(chunk);
    this.#rekeying.moved(chunk.length);
    try {
      this.#protocol.parse(chunk, 0, chunk.length);
      this.#rekeyIfDue();
    } catch (thrown) {
      this.#finish(`the SSH protocol failed: ${messageOf(thrown)}`);
    }
    if (this.#socket.writableLength > MAX_UNREAD_ANSWER_BYTES && this.#why === null) {
      this.hold(this);
      this.#waiting.add(() => this.release(this));
    }
  }

  /** A decrypted packet. The result is for ssh2's loop: Infinity stops it. */
  #receive(payload: Buffer, inner: PayloadSink): number | undefined {
    if (this.#why !== null) return Infinity;
    const type = payload[0];
    this.#packetsReceived += 1;
    try {
      if (type === undefined) this.fail('empty packet');
      else if (this.#isExchanging && !this.#rekeying.isInTime(payload.length + PACKET_COST_BYTES)) {
        this.fail('no answer to a key exchange');
      } else if (type !== MESSAGE.KEXINIT) this.#dispatch(type, new PacketReader(payload, 1));
      else if (this.#authenticated) {
        this.#slowDown(this.#rekeying.pauseAfterRequestMs());
        return inner(payload);
      } else {
        // A second key exchange costs us a millisecond; a stranger gets only the first.
        this.fail('key exchange before authentication');
      }
    } catch (thrown) {
      if (!(thrown instanceof MalformedPacket)) throw thrown;
      this.fail(`malformed packet of type ${type}`);
    }
    return this.isEnded ? Infinity : undefined;
  }

  /** Reads nothing more of the peer for this time. */
  #slowDown(pauseMs: number): void {
    if (pauseMs === 0) return;
    const pause = {};
    this.hold(pause);
    setTimeout(() => this.release(pause), pauseMs);
  }

  #dispatch(type: number, reader: PacketReader): void {
    switch (type) {
      case MESSAGE.DISCONNECT:
        this.#disconnected(reader.uint32(), reader.string().toString('utf8'));
        return;
      case MESSAGE.IGNORE:
      case MESSAGE.DEBUG:
      case MESSAGE.UNIMPLEMENTED:
        return;
      case MESSAGE.EXT_INFO:
        this.#extensions(reader);
        return;
      case MESSAGE.PING:
        this.send(encodePacket(MESSAGE.PONG, reader.string()));
        return;
      default:
        this.#stage?.receive(type, reader);
    }
  }

  #extensions(reader: PacketReader): void {
    if (this.#options.role.kind === 'server') return;
    for (let left = reader.uint32(); left > 0; left -= 1) {
      const name = reader.name();
      const value = reader.string();
      if (name === 'server-sig-algs') this.#serverSignatures = value.toString('latin1').split(',');
    }
  }

  #exchanged(negotiated: Negotiated, completed: (negotiated: Negotiated) => void): void {
    const wantsExtensions = this.#protocol._kex.remoteExtInfoEnabled;
    // ssh2's own announcement has a broken list, so it is told that the client wants none.
    this.#protocol._kex.remoteExtInfoEnabled = false;
    this.#rekeying.exchanged();
    completed(negotiated);
    if (this.#sessionId !== null) return this.#wake();
    this.#sessionId = this.#protocol._kex.sessionID;
    if (wantsExtensions && this.#options.role.kind === 'server') {
      const algorithms = SIGNATURE_ALGORITHMS.join(',');
      this.send(
        encodePacket(MESSAGE.EXT_INFO, 2, 'server-sig-algs', algorithms, 'ping@openssh.com', '0'),
      );
    }
    this.#stage = this.#options.onReady(this);
  }

  #disconnected(reason: number, text: string | undefined): void {
    const words = messageOf(text ?? '');
    const isPlain = reason === DISCONNECT_REASON.byApplication && words === '';
    this.#finish(`the peer disconnected${isPlain ? '' : `: ${words || `reason ${reason}`}`}`);
  }

  #write(bytes: Buffer): void {
    if (this.#socket.destroyed || this.#socket.writableEnded) return;
    if (!this.#corked) {
      // All packets of one tick leave in one system call.
      this.#corked = true;
      this.#socket.cork();
      process.nextTick(() => {
        this.#corked = false;
        this.#socket.uncork();
      });
    }
    this.#rekeying.moved(bytes.length);
    this.#socket.write(bytes);
  }

  #wake(): void {
    const waiting = [...this.#waiting];
    this.#waiting.clear();
    for (const onWritable of waiting) onWritable();
  }

  #finish(why: string): void {
    if (this.#why !== null) return;
    this.#why = why;
    this.#protocol.cleanup();
    const stage = this.#stage;
    this.#stage = null;
    this.#holders.clear();
    stage?.ended(why);
    this.#wake();
    this.#options.onEnd(why);
    this.#socket.end();
    // Whatever still comes is dropped; without a reader the end of the stream would never be seen.
    this.#socket.resume();
    if (this.#socket.destroyed) return;
    this.#destroyTimer = setTimeout(() => this.#socket.destroy(), DESTROY_AFTER_MS);
  }
}
