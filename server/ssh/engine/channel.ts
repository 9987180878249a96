/**
 * One channel, RFC 4254 section 5, as an ordered queue per direction. What arrives is read in the order
 * of its packets, whatever its stream; what is written leaves in the order of the calls. Not reading lets
 * the peer's window run dry.
 */
import { SallyportError } from '../../errors.ts';
import type { Answer, ChannelEnd } from '../../session/ports.ts';
import { OwedAnswers } from './answers.ts';
import {
  CLOSE_LINGER_MS,
  MAX_QUEUED_UNITS,
  MAX_READ_BYTES,
  MAX_SENT_PACKET_BYTES,
  MAX_UNSENT_BYTES,
  SMALL_DATA_BYTES,
  UNIT_COST_BYTES,
  WINDOW_BYTES,
  WINDOW_REFILL_BYTES,
} from './limits.ts';
import type { Transport } from './transport.ts';
import { costOf, encodeUnit, isLastWord, type Leg, type Stream, type Unit } from './unit.ts';
import { encodePacket, MESSAGE, type Field, type PacketReader } from './wire.ts';

/** Extended data type of stderr, RFC 4254 section 5.2. */
const STDERR = 1;
const MAX_WINDOW = 0xffffffff;

/** Data that waits to be read; small pieces are gathered in one buffer. */
interface WaitingData {
  readonly stream: Stream;
  bytes: Buffer;
  used: number;
}
type Waiting<In> = { readonly data: WaitingData } | { readonly unit: In };

interface Outgoing {
  readonly unit: Unit;
  /** Bytes of the unit's data that have left. */
  sent: number;
}

export interface ChannelNumbers {
  readonly local: number;
  readonly remote: number;
  /** How much the peer lets us send. */
  readonly window: number;
  readonly packetBytes: number;
}

export class Channel<In extends Unit, Out extends Unit> implements ChannelEnd<In, Out> {
  readonly local: number;
  readonly #remote: number;
  readonly #packetBytes: number;
  readonly #transport: Transport;
  readonly #leg: Leg<In>;
  readonly #onGone: () => void;

  readonly #inbound: Waiting<In>[] = [];
  #reader: ((unit: In) => void) | null = null;
  #receiveWindow = WINDOW_BYTES;
  #unacknowledged = 0;
  #peerEof = false;
  #peerClosed = false;

  readonly #outbound: Outgoing[] = [];
  readonly #writers: (() => void)[] = [];
  readonly #replies: Answer[] = [];
  readonly #owed = new OwedAnswers((isGranted) => {
    const type = isGranted ? MESSAGE.CHANNEL_SUCCESS : MESSAGE.CHANNEL_FAILURE;
    if (!this.#closeSent) this.#transport.send(encodePacket(type, this.#remote));
  });
  #sendWindow: number;
  #unsentBytes = 0;
  #eofQueued = false;
  #closeQueued = false;
  #closeSent = false;
  #isAbandoned = false;
  #owesLastWords = false;
  #linger: NodeJS.Timeout | null = null;
  readonly #flush = (): void => this.#send();

  /** @param onGone both sides have closed, or the transport ended: the number is free again */
  constructor(transport: Transport, leg: Leg<In>, numbers: ChannelNumbers, onGone: () => void) {
    this.#transport = transport;
    this.#leg = leg;
    this.local = numbers.local;
    this.#remote = numbers.remote;
    this.#sendWindow = numbers.window;
    this.#packetBytes = Math.min(numbers.packetBytes, MAX_SENT_PACKET_BYTES);
    this.#onGone = onGone;
  }

  // --- the pipeline's side ----------------------------------------------------------------------

  /** See ChannelEnd. */
  read(): Promise<In> {
    const next = this.#take();
    if (next !== null) return Promise.resolve(next);
    if (this.#reader !== null) {
      throw new SallyportError('internal', 'two reads of one channel at a time', 'report this');
    }
    return new Promise((resolve) => (this.#reader = resolve));
  }

  /** See ChannelEnd. The bytes must not change afterwards. */
  write(unit: Out): Promise<void> {
    if (this.#closeQueued || (this.#eofQueued && (unit.kind === 'data' || unit.kind === 'eof'))) {
      return Promise.resolve();
    }
    if (unit.kind === 'data' && unit.bytes.length === 0) return Promise.resolve();
    if (this.#peerClosed && !isLastWord(unit)) return Promise.resolve();
    if (unit.kind === 'eof') this.#eofQueued = true;
    if (unit.kind === 'close') this.#startClosing();
    this.#outbound.push({ unit, sent: 0 });
    this.#unsentBytes += costOf(unit);
    if (this.#outbound.length === 1) this.#send();
    if (this.#unsentBytes < MAX_UNSENT_BYTES) return Promise.resolve();
    return new Promise((resolve) => this.#writers.push(resolve));
  }

  /**
   * From now on our close waits for the pipeline, although the peer may have closed: a client that is
   * done with the data closes at once and still takes the exit status, for which sshd waits too.
   */
  promiseLastWords(): void {
    this.#owesLastWords = true;
  }

  /**
   * The pipeline is done with this channel: what waits in either direction is dropped, our close goes out,
   * and what the peer still sends holds nobody up.
   */
  abandon(): void {
    if (this.#isAbandoned) return;
    this.#isAbandoned = true;
    this.#closeQueued = true;
    this.#dropOutbound(false);
    if (!this.#closeSent) this.#sendClose();
    this.#inbound.length = 0;
    this.#transport.release(this);
    this.#reader?.(this.#leg.close);
    this.#reader = null;
  }

  // --- requests ---------------------------------------------------------------------------------

  /** Sends a channel request that wants a reply; false = refused or the channel ended first. */
  request(type: string, ...fields: Field[]): Promise<boolean> {
    if (this.#peerClosed || this.#closeSent) return Promise.resolve(false);
    const answer = new Promise<boolean>((resolve) => this.#replies.push(resolve));
    this.#transport.send(
      encodePacket(MESSAGE.CHANNEL_REQUEST, this.#remote, type, true, ...fields),
    );
    return answer;
  }

  /** Sends a channel request that wants no reply. */
  notify(type: string, ...fields: Field[]): void {
    if (this.#peerClosed || this.#closeSent) return;
    this.#transport.send(
      encodePacket(MESSAGE.CHANNEL_REQUEST, this.#remote, type, false, ...fields),
    );
  }

  /** Answers a request of the peer, in the order of arrival. */
  reply(wanted: boolean, success: boolean): void {
    if (wanted) this.#owe()(success);
  }

  // --- the connection's side --------------------------------------------------------------------

  /** The peer answered a request. */
  answered(success: boolean): void {
    this.#replies.shift()?.(success);
  }

  /** Data of the peer. False = it sent more than the window allows, which ends the connection. */
  received(bytes: Buffer, extended: number): boolean {
    if (bytes.length > this.#receiveWindow) return false;
    this.#receiveWindow -= bytes.length;
    const stream = extended === 0 ? 'stdout' : 'stderr';
    const known = extended === 0 || (extended === STDERR && this.#leg.hasStderr);
    if (!known || this.#peerEof || this.#peerClosed || this.#closeQueued) {
      this.#consumed(bytes.length);
    } else if (bytes.length > 0) this.#arrive({ data: { stream, bytes, used: bytes.length } });
    return true;
  }

  /** The peer sends no more data. */
  receivedEof(): void {
    if (this.#peerEof || this.#peerClosed) return;
    this.#peerEof = true;
    this.#arrive({ unit: this.#leg.eof });
  }

  /**
   * A request of the peer after the start, which is answered in its turn.
   * @returns whether it is a unit of this leg
   */
  receivedRequest(type: string, wantReply: boolean, reader: PacketReader): boolean {
    const unit = this.#leg.request(type, reader);
    const answer = wantReply ? this.#owe() : null;
    const asked = unit && answer && this.#leg.answerable(unit, answer);
    if (asked === null) answer?.(unit !== null);
    if (unit !== null && !this.#peerClosed) this.#arrive({ unit: asked ?? unit });
    return unit !== null;
  }

  /** The peer closed the channel: it takes no data any more, but perhaps an exit status. */
  receivedClose(): void {
    if (this.#peerClosed) return;
    this.#peerClosed = true;
    const waits = this.#owesLastWords && !this.#closeSent;
    this.#dropOutbound(waits);
    this.#endInbound();
    if (waits) {
      this.#send();
      return;
    }
    if (!this.#closeSent) this.#sendClose();
    this.#closeQueued = true;
    this.#onGone();
  }

  /** The transport ended. */
  lost(): void {
    const isNews = !this.#peerClosed;
    this.#peerClosed = true;
    this.#closeSent = true;
    this.#closeQueued = true;
    this.#dropOutbound(false);
    if (isNews) this.#endInbound(this.#leg.broken);
    this.#onGone();
  }

  /** The peer lets us send more. False = the window would overflow. */
  adjusted(bytes: number): boolean {
    if (this.#sendWindow + bytes > MAX_WINDOW) return false;
    this.#sendWindow += bytes;
    this.#send();
    return true;
  }

  // --- inbound ----------------------------------------------------------------------------------

  #arrive(waiting: Waiting<In>): void {
    if (this.#isAbandoned) return;
    if (this.#reader !== null) {
      const resolve = this.#reader;
      this.#reader = null;
      resolve(this.#open(waiting));
      return;
    }
    if ('data' in waiting && waiting.data.used < SMALL_DATA_BYTES) this.#gather(waiting.data);
    else this.#inbound.push(waiting);
    if (this.#inbound.length > MAX_QUEUED_UNITS) this.#transport.hold(this);
  }

  /** Copies small data behind earlier data, so that a flood of one-byte packets costs no memory. */
  #gather(data: WaitingData): void {
    const last = this.#inbound.at(-1);
    if (last !== undefined && 'data' in last && last.data.stream === data.stream) {
      const room = last.data;
      const total = room.used + data.used;
      if (room.used < SMALL_DATA_BYTES) {
        if (total > room.bytes.length) {
          const grown = Buffer.allocUnsafeSlow(Math.min(total * 2, SMALL_DATA_BYTES * 2));
          room.bytes.copy(grown, 0, 0, room.used);
          room.bytes = grown;
        }
        data.bytes.copy(room.bytes, room.used);
        room.used = total;
        return;
      }
    }
    this.#inbound.push({ data: { ...data, bytes: Buffer.from(data.bytes) } });
  }

  #take(): In | null {
    const waiting = this.#inbound.shift();
    if (waiting === undefined) {
      return this.#peerClosed || this.#isAbandoned ? this.#leg.close : null;
    }
    const whole = 'data' in waiting ? { data: this.#merge(waiting.data) } : waiting;
    if (this.#inbound.length < MAX_QUEUED_UNITS / 2) this.#transport.release(this);
    return this.#open(whole);
  }

  /** The data with what follows it in the same stream: a reader that is behind catches up in few steps. */
  #merge(first: WaitingData): WaitingData {
    const { stream } = first;
    const parts = [first.bytes.subarray(0, first.used)];
    let total = first.used;
    for (let next = this.#inbound[0]; next !== undefined; next = this.#inbound[0]) {
      if (!('data' in next) || next.data.stream !== stream) break;
      if (total + next.data.used > MAX_READ_BYTES) break;
      this.#inbound.shift();
      parts.push(next.data.bytes.subarray(0, next.data.used));
      total += next.data.used;
    }
    if (parts.length === 1) return first;
    return { stream, bytes: Buffer.concat(parts, total), used: total };
  }

  #open(waiting: Waiting<In>): In {
    if ('unit' in waiting) return waiting.unit;
    const { stream, bytes, used } = waiting.data;
    this.#consumed(used);
    return this.#leg.data(bytes.subarray(0, used), stream);
  }

  #consumed(bytes: number): void {
    this.#unacknowledged += bytes;
    if (this.#unacknowledged < WINDOW_REFILL_BYTES) return;
    // Strict peers disconnect when a window moves after the close.
    if (this.#peerClosed || this.#peerEof || this.#closeSent) return;
    this.#receiveWindow += this.#unacknowledged;
    this.#transport.send(
      encodePacket(MESSAGE.CHANNEL_WINDOW_ADJUST, this.#remote, this.#unacknowledged),
    );
    this.#unacknowledged = 0;
  }

  // --- outbound ---------------------------------------------------------------------------------

  #send(): void {
    while (this.#outbound.length > 0) {
      const next = this.#outbound[0];
      if (next === undefined || !this.#transport.isWritable(this.#flush)) break;
      const { unit } = next;
      if (unit.kind === 'data') {
        const left = unit.bytes.length - next.sent;
        const size = Math.min(left, this.#sendWindow, this.#packetBytes);
        if (size === 0) break;
        const part =
          size === unit.bytes.length
            ? unit.bytes
            : unit.bytes.subarray(next.sent, next.sent + size);
        const extended = 'stream' in unit && unit.stream === 'stderr' ? STDERR : 0;
        this.#transport.sendData(this.#remote, extended, part);
        this.#sendWindow -= size;
        this.#unsentBytes -= size;
        next.sent += size;
        if (size < left) continue;
      } else {
        this.#unsentBytes -= UNIT_COST_BYTES;
        if ('answer' in unit && unit.answer !== undefined) this.#replies.push(unit.answer);
        if (unit.kind === 'close') this.#sendClose();
        else this.#transport.send(encodeUnit(this.#remote, unit));
      }
      this.#outbound.shift();
    }
    if (this.#peerClosed && this.#closeSent) this.#onGone();
    if (this.#unsentBytes < MAX_UNSENT_BYTES) this.#releaseWriters();
  }

  #owe(): Answer {
    if (this.#owed.isFull) this.#transport.fail('too many requests without an answer');
    return this.#owed.owe();
  }

  #startClosing(): void {
    this.#closeQueued = true;
    if (!this.#leg.lingers || this.#outbound.length === 0) return;
    // A target that reads no input would keep the command of a client that has gone.
    this.#linger = setTimeout(() => {
      this.#dropOutbound(false);
      if (!this.#closeSent) this.#sendClose();
    }, CLOSE_LINGER_MS);
  }

  #sendClose(): void {
    this.#closeSent = true;
    if (this.#linger !== null) clearTimeout(this.#linger);
    this.#transport.send(encodePacket(MESSAGE.CHANNEL_CLOSE, this.#remote));
    for (const resolve of this.#replies.splice(0)) resolve(false);
  }

  #endInbound(last: In = this.#leg.close): void {
    for (const resolve of this.#replies.splice(0)) resolve(false);
    this.#arrive({ unit: last });
    this.#transport.release(this);
  }

  /** @param keepsLastWords an exit status and our close may still go out */
  #dropOutbound(keepsLastWords: boolean): void {
    if (this.#linger !== null) clearTimeout(this.#linger);
    const kept = keepsLastWords ? this.#outbound.filter(({ unit }) => isLastWord(unit)) : [];
    this.#outbound.splice(0, Infinity, ...kept);
    this.#unsentBytes = kept.length * UNIT_COST_BYTES;
    this.#releaseWriters();
  }

  #releaseWriters(): void {
    for (const resolve of this.#writers.splice(0)) resolve();
  }
}
