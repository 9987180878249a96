/**
 * The channels of forwards on the wire, RFC 4254 sections 6.3.2 and 7.2 and OpenSSH's PROTOCOL: what opens
 * them, both ways. Pure. Not caught here: whether anybody asked for them.
 */
import type {
  ForwardedChannel,
  ForwardOrigin,
  ForwardRequest,
  X11Request,
} from '../session/ports.ts';
import { peerText } from './engine/unit.ts';
import { exactText, type Field, type PacketReader } from './engine/wire.ts';

export const DIRECT_TCPIP = 'direct-tcpip';
export const DIRECT_STREAMLOCAL = 'direct-streamlocal@openssh.com';
const FORWARDED_TCPIP = 'forwarded-tcpip';
const FORWARDED_STREAMLOCAL = 'forwarded-streamlocal@openssh.com';
const AGENT = 'auth-agent@openssh.com';
const X11 = 'x11';

export const AGENT_REQUEST = 'auth-agent-req@openssh.com';
export const X11_REQUEST = 'x11-req';
/** A whole network; nobody gets that. */
export const TUNNEL = 'tun@openssh.com';

/** Global requests that start and stop listening. */
export const LISTEN = { tcp: 'tcpip-forward', socket: 'streamlocal-forward@openssh.com' } as const;
export const UNLISTEN = {
  tcp: 'cancel-tcpip-forward',
  socket: 'cancel-streamlocal-forward@openssh.com',
} as const;

/** What a global request wants to be listened at; null = it doesn't say so in plain text. */
export function readListen(kind: 'tcp' | 'socket', reader: PacketReader): ForwardRequest | null {
  const text = exactText(reader.string());
  if (text === null) return null;
  return kind === 'tcp'
    ? { kind, host: text, port: reader.uint32() }
    : { kind: 'socket', path: text };
}

/** What a client wants to be connected to; null = it doesn't say so in plain text. */
export function readDirect(
  type: typeof DIRECT_TCPIP | typeof DIRECT_STREAMLOCAL,
  reader: PacketReader,
): { readonly request: ForwardRequest; readonly origin: ForwardOrigin | null } | null {
  const text = exactText(reader.string());
  if (type === DIRECT_STREAMLOCAL) {
    return text === null ? null : { request: { kind: 'socket', path: text }, origin: null };
  }
  const port = reader.uint32();
  const origin = readOrigin(reader);
  return text === null ? null : { request: { kind: 'tcp', host: text, port }, origin };
}

/** A channel that a target opens; null = none that is ever forwarded. */
export function readForwarded(type: string, reader: PacketReader): ForwardedChannel | null {
  switch (type) {
    case FORWARDED_TCPIP: {
      const host = peerText(reader.string());
      const port = reader.uint32();
      return { kind: 'tcp', host, port, origin: readOrigin(reader) };
    }
    case FORWARDED_STREAMLOCAL:
      return { kind: 'socket', path: exactText(reader.string()) ?? '' };
    case AGENT:
      return { kind: 'agent' };
    case X11:
      return { kind: 'x11', origin: readOrigin(reader) };
    default:
      return null;
  }
}

/** The same channel as it is opened towards the client: its type and what the type adds. */
export function forwardedFields(channel: ForwardedChannel): readonly [string, ...Field[]] {
  switch (channel.kind) {
    case 'tcp': {
      const { host, port, origin } = channel;
      return [FORWARDED_TCPIP, host, port, origin.host, origin.port];
    }
    case 'socket':
      return [FORWARDED_STREAMLOCAL, channel.path, ''];
    case 'agent':
      return [AGENT];
    case 'x11':
      return [X11, channel.origin.host, channel.origin.port];
  }
}

function readOrigin(reader: PacketReader): ForwardOrigin {
  const host = peerText(reader.string());
  return { host, port: reader.uint32() };
}

export function readX11(reader: PacketReader): X11Request {
  const isSingle = reader.boolean();
  const protocol = Buffer.from(reader.string());
  const cookie = Buffer.from(reader.string());
  return { isSingle, protocol, cookie, screen: reader.uint32() };
}
