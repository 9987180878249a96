/**
 * The only file that knows ssh2's inside. ssh2 supplies the transport of RFC 4253 (identification, key
 * exchange, ciphers) through its Protocol class; authentication and channels are ours, because what ssh2
 * does there can't be bounded from outside. The version is pinned exactly, and a test names what we use.
 */
import { createRequire } from 'node:module';
import { SallyportError } from '../../errors.ts';
import { namedByKey, type NamedExchange } from './certificate-signer.ts';
import {
  createHybridExchange,
  HYBRID_EXCHANGE,
  HYBRID_HASH,
  warmUpHybridExchange,
  type Exchange,
} from './hybrid-exchange.ts';

const require = createRequire(import.meta.url);

interface PacketWriter {
  /** Where the payload begins in what `alloc` returns. */
  readonly allocStart: number;
  readonly allocStartKEX: number;
  alloc(payloadBytes: number, evenInKeyExchange?: boolean): Buffer;
  finalize(packet: Buffer, evenInKeyExchange?: boolean): Buffer;
}

/** What takes a decrypted payload; the patch reads the limit from here. */
export interface PayloadSink {
  (payload: Buffer): number | undefined;
  maxPacketSize?: number;
}

/** The members of ssh2's Protocol that we use. */
export interface Protocol {
  readonly _packetRW: { readonly write: PacketWriter };
  readonly _decipher: { readonly inSeqno: number };
  /** Defined while a key exchange runs. */
  readonly _kexinit: Buffer | undefined;
  readonly _kex: NamedExchange & { readonly sessionID: Buffer; remoteExtInfoEnabled: boolean };
  /** What is offered; read when the peer has identified itself. */
  _offer: object;
  _onPayload: PayloadSink;
  _onHandshakeComplete: (negotiated: Negotiated) => void;
  start(): void;
  parse(chunk: Buffer, from: number, to: number): void;
  rekey(): void;
  cleanup(): void;
}

/** What both sides agreed on. */
export interface Negotiated {
  readonly kex: string;
  readonly serverHostKey: string;
  readonly cs: { readonly cipher: string; readonly mac: string };
  readonly sc: { readonly cipher: string; readonly mac: string };
}

/** What ssh2 needs of a host key. */
export interface HostSigner {
  readonly type: string;
  /** Name in front of the signature where it isn't that of the algorithm: a certificate's key type. */
  readonly signatureType?: string;
  getPublicSSH(): Buffer;
  sign(data: Buffer, hashName: string | undefined): Buffer;
}

interface Algorithms {
  readonly kex: readonly string[];
  readonly serverHostKey: readonly string[];
  readonly cs: Direction;
  readonly sc: Direction;
}
interface Direction {
  readonly cipher: readonly string[];
  readonly mac: readonly string[];
  readonly compress: readonly string[];
  readonly lang: readonly string[];
}

/** Where a transport's bytes and news go. */
export interface Wiring {
  /** Software version without `SSH-2.0-`. */
  readonly ident: string;
  readonly onWrite: (bytes: Buffer) => void;
  readonly onError: (error: Error) => void;
  readonly messageHandlers: {
    readonly DISCONNECT: (protocol: unknown, reason: number, text: string) => void;
  };
}

interface ProtocolConfig extends Wiring {
  readonly server: boolean;
  readonly offer: Algorithms;
  readonly hostKeys?: Readonly<Record<string, HostSigner>>;
  readonly hostVerifier?: (hostKey: Buffer) => boolean;
  readonly onHeader: (header: Header) => void;
}

/** The peer's identification. */
interface Header {
  readonly versions: { readonly software: string };
}
type NewProtocol = new (config: ProtocolConfig) => Protocol;
const ProtocolClass = require('ssh2/lib/protocol/Protocol.js') as NewProtocol;
const internals = require('ssh2/lib/protocol/utils.js') as {
  sendPacket(protocol: Protocol, packet: Buffer, evenInKeyExchange?: boolean): boolean;
};
const ciphers = require('ssh2/lib/protocol/crypto.js') as {
  readonly init: Promise<void>;
  readonly bindingAvailable: boolean;
  readonly NullDecipher: new (
    sequence: number,
    sink: PayloadSink,
  ) => { decrypt(bytes: Buffer, from: number, to: number): unknown };
};

/** An exchange that ssh2 lacks; the patch makes room for it. */
interface AddedExchange {
  readonly hashName: string;
  readonly create: (isServer: boolean) => Exchange;
}
const exchanges = require('ssh2/lib/protocol/kex.js') as {
  /** Undefined without the patch. */
  readonly ADDED_EXCHANGES?: Map<string, AddedExchange>;
  readonly KexInit: new (offer: Algorithms) => object;
};
exchanges.ADDED_EXCHANGES?.set(HYBRID_EXCHANGE, {
  hashName: HYBRID_HASH,
  create: (isServer) => createHybridExchange(isServer),
});
let ready: Promise<void> | null = null;

/** Elliptic curves only: a group exchange lets a stranger buy our processor time cheaply. */
const KEX = [HYBRID_EXCHANGE, 'curve25519-sha256', 'curve25519-sha256@libssh.org'];
const GCM = ['aes128-gcm@openssh.com', 'aes256-gcm@openssh.com'];
const CTR = ['aes128-ctr', 'aes192-ctr', 'aes256-ctr'];
const MACS = ['hmac-sha2-256-etm@openssh.com', 'hmac-sha2-512-etm@openssh.com'];
const HOST_KEYS = [
  'ssh-ed25519',
  'ecdsa-sha2-nistp256',
  'ecdsa-sha2-nistp384',
  'ecdsa-sha2-nistp521',
  'rsa-sha2-512',
  'rsa-sha2-256',
];

const CHACHA20 = 'chacha20-poly1305@openssh.com';
/** Curves that are suspected: for a target only that has no other key. */
const LAST_RESORT = /^ecdsa-/;
/** Says that a server knows strict key exchange; ssh2 adds it to its own offers only. */
const STRICT_SERVER = 'kex-strict-s-v00@openssh.com';

function algorithms(
  serverHostKey: readonly string[],
  kex: readonly string[],
  cipher: readonly string[],
  mac: readonly string[],
): Algorithms {
  // No compression: it lets a stranger turn 35 kB into 24 MB before authentication.
  const direction = { cipher, mac, compress: ['none'], lang: [] };
  return { kex, serverHostKey, cs: direction, sc: direction };
}

/** What the bastion offers to a client of this name; the client's order decides. */
function serverAlgorithms(hostKeys: readonly string[], software: string): Algorithms {
  // OpenSSH would take chacha20, which costs us twice as much as GCM; Dropbear has little else.
  const last = software.startsWith('OpenSSH') ? [] : [CHACHA20];
  return algorithms(hostKeys, KEX, [...GCM, ...CTR, ...last], MACS);
}

/** What the bastion offers to targets. See `TransportRole`. */
function clientAlgorithms(pinned: string | null): Algorithms {
  const wanted = pinned === 'ssh-rsa' ? ['rsa-sha2-512', 'rsa-sha2-256'] : [pinned ?? ''];
  const known = HOST_KEYS.filter((name) => wanted.includes(name));
  const others = HOST_KEYS.filter(
    (name) => !wanted.includes(name) && (pinned === null || !LAST_RESORT.test(name)),
  );
  return algorithms(
    [...known, ...others],
    [...KEX, 'diffie-hellman-group14-sha256', 'diffie-hellman-group16-sha512'],
    [...GCM, ...CTR, CHACHA20],
    MACS,
  );
}

/** Which side of a transport this is. */
export type TransportRole =
  | { readonly kind: 'server'; readonly hostKeys: Readonly<Record<string, HostSigner>> }
  | {
      readonly kind: 'client';
      /** Type of the expected host key (`ssh-ed25519`), asked for first; null = any. */
      readonly pinned: string | null;
      /** Whether this host key blob is the right one. Called for every key exchange. */
      readonly verify: (hostKey: Buffer) => boolean;
    };

/** One side of a transport. Start it after `engineReady`. */
export function createProtocol(role: TransportRole, wiring: Wiring): Protocol {
  if (role.kind === 'client') {
    return new ProtocolClass({
      ...wiring,
      server: false,
      offer: clientAlgorithms(role.pinned),
      hostVerifier: (key) => role.verify(key),
      onHeader: () => {},
    });
  }
  const names = Object.keys(role.hostKeys);
  const protocol: Protocol = new ProtocolClass({
    ...wiring,
    server: true,
    offer: serverAlgorithms(names, ''),
    hostKeys: namedByKey(role.hostKeys, () => protocol._kex),
    onHeader: ({ versions }) => {
      const offer = serverAlgorithms(names, versions.software);
      protocol._offer = new exchanges.KexInit({ ...offer, kex: [...offer.kex, STRICT_SERVER] });
    },
  });
  return protocol;
}

/** Resolves when the ciphers are loaded and the key exchange is warm; the first call begins both. */
export function engineReady(): Promise<void> {
  ready ??= ciphers.init.then(warmUpHybridExchange);
  return ready;
}

/** Whether the native ciphers were built at installation; without them bulk data costs more. */
export function hasNativeCiphers(): boolean {
  return ciphers.bindingAvailable;
}

/** Sends a payload; it waits inside ssh2 while a key exchange runs. */
export function sendPayload(protocol: Protocol, payload: Buffer): void {
  const writer = protocol._packetRW.write;
  const start = writer.allocStart;
  const packet = writer.alloc(payload.length);
  packet.set(payload, start);
  internals.sendPacket(protocol, writer.finalize(packet));
}

/** Sends channel data with one copy of the bytes. `extended` is the data type code, 0 = plain. */
export function sendData(
  protocol: Protocol,
  message: number,
  channel: number,
  extended: number,
  bytes: Buffer,
): void {
  const writer = protocol._packetRW.write;
  let at = writer.allocStart;
  const packet = writer.alloc(1 + 4 + (extended === 0 ? 0 : 4) + 4 + bytes.length);
  packet[at] = message;
  at = packet.writeUInt32BE(channel, at + 1);
  if (extended !== 0) at = packet.writeUInt32BE(extended, at);
  at = packet.writeUInt32BE(bytes.length, at);
  packet.set(bytes, at);
  internals.sendPacket(protocol, writer.finalize(packet));
}

/** Sends a payload at once, even in a key exchange: for a DISCONNECT. */
export function sendUrgent(protocol: Protocol, payload: Buffer): void {
  const writer = protocol._packetRW.write;
  const start = writer.allocStartKEX;
  const packet = writer.alloc(payload.length, true);
  packet.set(payload, start);
  internals.sendPacket(protocol, writer.finalize(packet, true), true);
}

/**
 * Whether the patch of `patches/` is in force: exchanges can be added then, and a cipher asks the
 * connection for its packet limit.
 */
export function engineIsPatched(): boolean {
  if (exchanges.ADDED_EXCHANGES?.has(HYBRID_EXCHANGE) !== true) return false;
  const sink: PayloadSink = () => undefined;
  sink.maxPacketSize = 100_000;
  const head = Buffer.alloc(5);
  head.writeUInt32BE(70_004);
  try {
    new ciphers.NullDecipher(0, sink).decrypt(head, 0, head.length);
    return true;
  } catch {
    return false;
  }
}

/** Throws `engine.unpatched` unless the patch is in force. */
export function assertPatched(): void {
  if (engineIsPatched()) return;
  throw new SallyportError(
    'engine.unpatched',
    'the SSH library lacks the patch in server/ssh/engine/patches',
    'run `npm ci` again without --ignore-scripts',
  );
}
