/**
 * Units of a channel as packets, and packets as units, for each leg. Pure.
 * Not caught here: order, windows and closing, which are the channel's.
 */
import { printable } from '../../printable.ts';
import type { Answer, InputUnit, OutputUnit } from '../../session/ports.ts';
import { MAX_PEER_TEXT, UNIT_COST_BYTES } from './limits.ts';
import { encodePacket, MESSAGE, type PacketReader } from './wire.ts';

export type Unit = InputUnit | OutputUnit;
export type Stream = 'stdout' | 'stderr';

/** What arrives on one leg. */
export interface Leg<In> {
  readonly hasStderr: boolean;
  /** Whether unsent data may hold back a close for a limited time only. */
  readonly lingers: boolean;
  readonly eof: In;
  readonly close: In;
  /** The close that the peer didn't send: the connection ended. */
  readonly broken: In;
  data(bytes: Buffer, stream: Stream): In;
  /** The unit of a channel request; null = none of this leg. */
  request(type: string, reader: PacketReader): In | null;
  /** The same unit, to be answered by whoever takes it; null = taking it is answer enough. */
  answerable(unit: In, answer: Answer): In | null;
}

/** What a client sends us. */
export const DOWNSTREAM_LEG: Leg<InputUnit> = {
  hasStderr: false,
  lingers: false,
  eof: { kind: 'eof' },
  close: { kind: 'close' },
  broken: { kind: 'close' },
  data: (bytes) => ({ kind: 'data', bytes }),
  request: (type, reader) => {
    if (type === 'window-change') return { kind: 'resize', size: readSize(reader) };
    if (type === 'signal') return { kind: 'signal', name: signalName(reader.string()) };
    if (type === 'break') return { kind: 'break', lengthMs: reader.uint32() };
    return null;
  },
  answerable: (unit, answer) =>
    unit.kind === 'signal' || unit.kind === 'break' ? { ...unit, answer } : null,
};

/** What a target sends us. */
export const UPSTREAM_LEG: Leg<OutputUnit> = {
  hasStderr: true,
  lingers: true,
  eof: { kind: 'eof' },
  close: { kind: 'close' },
  broken: { kind: 'close', isBroken: true },
  data: (bytes, stream) => ({ kind: 'data', stream, bytes }),
  request: (type, reader) => {
    if (type === 'exit-status') return { kind: 'exit', status: reader.uint32() };
    if (type !== 'exit-signal') return null;
    const name = signalName(reader.string());
    const coreDumped = reader.boolean();
    return { kind: 'exit-signal', name, coreDumped, message: peerText(reader.string()) };
  },
  answerable: () => null,
};

/** RFC 4254 section 6.2 and 6.7: columns, rows, width and height in pixels. */
export function readSize(reader: PacketReader): {
  readonly cols: number;
  readonly rows: number;
  readonly widthPx: number;
  readonly heightPx: number;
} {
  const [cols, rows, widthPx, heightPx] = [
    reader.uint32(),
    reader.uint32(),
    reader.uint32(),
    reader.uint32(),
  ];
  return { cols, rows, widthPx, heightPx };
}

/** What a unit costs while it waits, bytes. */
export function costOf(unit: Unit): number {
  return unit.kind === 'data' ? unit.bytes.length : UNIT_COST_BYTES;
}

/** What still makes sense to a peer that has closed its side. */
export function isLastWord(unit: Unit): boolean {
  return unit.kind === 'exit' || unit.kind === 'exit-signal' || unit.kind === 'close';
}

/** The packet of a unit that isn't data. */
export function encodeUnit(channel: number, unit: Exclude<Unit, { kind: 'data' }>): Buffer {
  const request = MESSAGE.CHANNEL_REQUEST;
  switch (unit.kind) {
    case 'eof':
      return encodePacket(MESSAGE.CHANNEL_EOF, channel);
    case 'close':
      return encodePacket(MESSAGE.CHANNEL_CLOSE, channel);
    case 'resize': {
      const { cols, rows, widthPx, heightPx } = unit.size;
      return encodePacket(request, channel, 'window-change', false, cols, rows, widthPx, heightPx);
    }
    case 'signal':
      return encodePacket(request, channel, 'signal', unit.answer !== undefined, unit.name);
    case 'break':
      return encodePacket(request, channel, 'break', unit.answer !== undefined, unit.lengthMs);
    case 'exit':
      return encodePacket(request, channel, 'exit-status', false, unit.status >>> 0);
    case 'exit-signal': {
      const { name, coreDumped, message } = unit;
      return encodePacket(request, channel, 'exit-signal', false, name, coreDumped, message, '');
    }
  }
}

/** A signal name, `BUS` or `name@domain`, as sent; one that can't be a name becomes `UNKNOWN`. */
function signalName(bytes: Buffer): string {
  const name = bytes.toString('latin1');
  return /^[\w@.+-]{1,64}$/.test(name) ? name : 'UNKNOWN';
}

/** Text of a peer without control characters and of bounded length. */
export function peerText(bytes: Buffer): string {
  return printable(bytes.toString('utf8'), MAX_PEER_TEXT);
}
