/** A peer that sends whatever packet it likes: the transport is right, everything above is the test's. */
import { once } from 'node:events';
import { connect, createServer, type AddressInfo, type Socket } from 'node:net';
import { sign } from 'node:crypto';
import { Duplex } from 'node:stream';
import { ClientAuth } from '../../../server/ssh/engine/client-auth.ts';
import type { HostSigner } from '../../../server/ssh/engine/driver.ts';
import { readPrivateKey } from '../../../server/ssh/engine/private-key.ts';
import { REKEY_LIMITS, type RekeyLimits } from '../../../server/ssh/engine/rekey.ts';
import { ServerAuth } from '../../../server/ssh/engine/server-auth.ts';
import { Transport, type Stage } from '../../../server/ssh/engine/transport.ts';
import { encodePacket, MESSAGE, PacketReader } from '../../../server/ssh/engine/wire.ts';
import type { KeyPair } from '../../../server/ssh/key.ts';

export interface Packet {
  readonly type: number;
  readonly reader: PacketReader;
}

/** One side of a connection in the hands of a test. */
export class RawPeer implements Stage {
  readonly transport: Transport;
  readonly socket: Duplex;
  /** Resolves with the reason when the connection has ended. */
  readonly over: Promise<string>;
  readonly #packets: Packet[] = [];
  #waiting: ((packet: Packet) => void) | null = null;
  #setOver: (why: string) => void = () => {};

  constructor(transport: Transport, socket: Duplex) {
    this.transport = transport;
    this.socket = socket;
    this.over = new Promise((resolve) => (this.#setOver = resolve));
  }

  receive(type: number, reader: PacketReader): void {
    const packet = { type, reader: new PacketReader(Buffer.from(reader.rest())) };
    if (this.#waiting === null) this.#packets.push(packet);
    else this.#waiting(packet);
    this.#waiting = null;
  }

  ended(why: string): void {
    this.#setOver(why);
    this.#waiting?.({ type: MESSAGE.DISCONNECT, reader: new PacketReader(Buffer.from(why)) });
  }

  send(type: number, ...fields: Parameters<typeof encodePacket>[1][]): void {
    this.transport.send(encodePacket(type, ...fields));
  }

  /** The next packet that isn't answered by the transport itself; the end reads as DISCONNECT. */
  next(): Promise<Packet> {
    const packet = this.#packets.shift();
    if (packet !== undefined) return Promise.resolve(packet);
    if (this.transport.isEnded) {
      return Promise.resolve({
        type: MESSAGE.DISCONNECT,
        reader: new PacketReader(Buffer.alloc(0)),
      });
    }
    return new Promise((resolve) => (this.#waiting = resolve));
  }

  /** The next packet of one of these types; others are dropped. Throws when the connection ends first. */
  async expect(...types: readonly number[]): Promise<Packet> {
    for (;;) {
      const packet = await this.next();
      if (types.includes(packet.type)) return packet;
      if (packet.type === MESSAGE.DISCONNECT) throw new Error(`ended: ${await this.over}`);
    }
  }

  /** Opens a session channel; resolves with the number that the peer gave it. */
  async openSession(window = 0x7fffffff, packetBytes = 32_768): Promise<number> {
    this.send(MESSAGE.CHANNEL_OPEN, 'session', 0, window, packetBytes);
    const { reader } = await this.expect(MESSAGE.CHANNEL_OPEN_CONFIRMATION);
    reader.uint32();
    return reader.uint32();
  }
}

/** Connects and exchanges keys, no more. */
export async function connectStranger(address: { host: string; port: number }): Promise<RawPeer> {
  return connectAs(address, (peer) => peer);
}

/** Connects, or takes the stream that leads there, and authenticates with `key`. */
export async function connectClient(
  address: { host: string; port: number } | Duplex,
  key: KeyPair,
  userName = 'tester',
  rekey: RekeyLimits = REKEY_LIMITS,
): Promise<RawPeer> {
  const credential = readPrivateKey(key.privateKeyPem);
  if (credential.kind === 'invalid') throw new Error(credential.why);
  let succeeded: () => void = () => {};
  const success = new Promise<void>((resolve) => (succeeded = resolve));
  const peer = await connectAs(
    address,
    (made, transport) =>
      new ClientAuth(transport, {
        login: userName,
        credential: () => Promise.resolve(credential),
        onSuccess: () => {
          succeeded();
          return made;
        },
        onRefused: (why) => transport.close(why),
        onEnded: (why) => made.ended(why),
      }),
    rekey,
  );
  await Promise.race([success, peer.over.then((why) => Promise.reject(new Error(why)))]);
  return peer;
}

async function connectAs(
  address: { host: string; port: number } | Duplex,
  first: (peer: RawPeer, transport: Transport) => Stage,
  rekey: RekeyLimits = REKEY_LIMITS,
): Promise<RawPeer> {
  const socket = address instanceof Duplex ? address : await connected(address);
  return new Promise((resolve, reject) => {
    const transport: Transport = new Transport({
      socket,
      ident: 'test',
      role: { kind: 'client', pinned: 'ssh-ed25519', verify: () => true },
      rekey,
      onReady: () => {
        const peer = new RawPeer(transport, socket);
        resolve(peer);
        return first(peer, transport);
      },
      onEnd: (why) => reject(new Error(why)),
    });
  });
}

async function connected({ host, port }: { host: string; port: number }): Promise<Socket> {
  const socket = connect({ host, port, noDelay: true });
  await once(socket, 'connect');
  return socket;
}

export interface RawServer extends AsyncDisposable {
  readonly host: string;
  readonly port: number;
}

/** A target that lets everybody in and then does what the test says. @param onExchange keys are exchanged */
export function startRawServer(
  hostKey: KeyPair,
  onClient: (peer: RawPeer) => void,
  accepts = true,
  onExchange: () => void = () => {},
  rekey: RekeyLimits = REKEY_LIMITS,
): Promise<RawServer> {
  const judge = {
    offered: () => Promise.resolve(accepts),
    proven: () => Promise.resolve(accepts),
  };
  const first = (transport: Transport, peer: RawPeer): Stage =>
    new ServerAuth(transport, {
      judge,
      enter: null,
      maxAttempts: 6,
      maxUserNameBytes: 1024,
      onSuccess: () => {
        // The success must be on its way before the test's first packet.
        setImmediate(() => onClient(peer));
        return peer;
      },
      onError: () => {},
    });
  return startServer(hostKey, first, onExchange, rekey);
}

/** A target that exchanges keys, and authenticates as the test says. */
export function startRawLogin(
  hostKey: KeyPair,
  onClient: (peer: RawPeer) => void,
): Promise<RawServer> {
  const first = (_: Transport, peer: RawPeer): Stage => {
    setImmediate(() => onClient(peer));
    return peer;
  };
  return startServer(hostKey, first, () => {}, REKEY_LIMITS);
}

async function startServer(
  hostKey: KeyPair,
  first: (transport: Transport, peer: RawPeer) => Stage,
  onExchange: () => void,
  rekey: RekeyLimits,
): Promise<RawServer> {
  const outcome = readPrivateKey(hostKey.privateKeyPem);
  if (outcome.kind === 'invalid') throw new Error(outcome.why);
  const signer: HostSigner = {
    type: outcome.type,
    getPublicSSH: () => outcome.blob,
    sign: (data) => {
      onExchange();
      return sign(null, data, outcome.key);
    },
  };
  const sockets = new Set<Socket>();
  const server = createServer((socket) => {
    sockets.add(socket);
    const transport: Transport = new Transport({
      socket,
      ident: 'test',
      role: { kind: 'server', hostKeys: { [outcome.type]: signer } },
      rekey,
      onReady: () => first(transport, new RawPeer(transport, socket)),
      onEnd: () => {},
    });
  });
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  const { port } = server.address() as AddressInfo;
  return {
    host: '127.0.0.1',
    port,
    [Symbol.asyncDispose]: async () => {
      for (const socket of sockets) socket.destroy();
      server.close();
      await once(server, 'close');
    },
  };
}
