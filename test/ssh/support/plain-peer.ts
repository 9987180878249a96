/** A peer that sends packets before any key is in force: whatever it likes, in whatever order. */
import { randomBytes } from 'node:crypto';
import { once } from 'node:events';
import { connect, createServer, type AddressInfo, type Socket } from 'node:net';
import { encodeFields, encodePacket, MESSAGE } from '../../../server/ssh/engine/wire.ts';

const BLOCK_BYTES = 8;

/** What a KEXINIT offers. */
export interface Offer {
  readonly kex: readonly string[];
  readonly hostKeys: readonly string[];
}

export const STRICT_CLIENT = 'kex-strict-c-v00@openssh.com';
export const STRICT_SERVER = 'kex-strict-s-v00@openssh.com';

/** The payload of a KEXINIT. */
export function kexInit({ kex, hostKeys }: Offer): Buffer {
  const both = ['aes128-gcm@openssh.com', 'hmac-sha2-256-etm@openssh.com', 'none', ''];
  const lists = [kex.join(','), hostKeys.join(','), ...both.flatMap((list) => [list, list])];
  return Buffer.concat([
    Buffer.of(MESSAGE.KEXINIT),
    randomBytes(16),
    encodeFields([...lists, false, 0]),
  ]);
}

export const KEX_MESSAGE = { newKeys: 21, init: 30, reply: 31 } as const;

export class PlainPeer {
  readonly socket: Socket;
  /** Resolves when the other side has closed. */
  readonly closed: Promise<void>;
  #waiting = Buffer.alloc(0);
  #isIdentified = false;
  #onBytes: () => void = () => {};
  #isClosed = false;

  constructor(socket: Socket) {
    this.socket = socket;
    socket.on('error', () => {});
    socket.on('data', (chunk: Buffer) => {
      this.#waiting = Buffer.concat([this.#waiting, chunk]);
      this.#onBytes();
    });
    this.closed = new Promise((resolve) =>
      socket.once('close', () => {
        this.#isClosed = true;
        this.#onBytes();
        resolve();
      }),
    );
  }

  identify(ident = 'SSH-2.0-plain'): void {
    this.socket.write(`${ident}\r\n`);
  }

  send(payload: Buffer): void {
    const used = 5 + payload.length;
    const padding = BLOCK_BYTES + (BLOCK_BYTES - (used % BLOCK_BYTES));
    const head = Buffer.alloc(5);
    head.writeUInt32BE(1 + payload.length + padding, 0);
    head[4] = padding;
    this.socket.write(Buffer.concat([head, payload, Buffer.alloc(padding)]));
  }

  sendMessage(type: number, ...fields: Parameters<typeof encodePacket>[1][]): void {
    this.send(encodePacket(type, ...fields));
  }

  /** The next payload; null = the other side has closed. */
  async next(): Promise<Buffer | null> {
    for (;;) {
      const payload = this.#take();
      if (payload !== null) return payload;
      if (this.#isClosed) return null;
      await new Promise<void>((resolve) => (this.#onBytes = resolve));
    }
  }

  /** The next payload of this type; null = the other side has closed. */
  async expect(type: number): Promise<Buffer | null> {
    for (;;) {
      const payload = await this.next();
      if (payload === null || payload[0] === type) return payload;
    }
  }

  #take(): Buffer | null {
    if (!this.#isIdentified) {
      const end = this.#waiting.indexOf('\n');
      if (end < 0) return null;
      this.#isIdentified = true;
      this.#waiting = this.#waiting.subarray(end + 1);
    }
    if (this.#waiting.length < 5) return null;
    const size = this.#waiting.readUInt32BE(0);
    if (this.#waiting.length < 4 + size) return null;
    const payload = this.#waiting.subarray(5, 4 + size - (this.#waiting[4] ?? 0));
    this.#waiting = this.#waiting.subarray(4 + size);
    return payload;
  }
}

/** A client that has only a TCP connection. */
export async function connectPlain(address: { host: string; port: number }): Promise<PlainPeer> {
  const socket = connect({ host: address.host, port: address.port, noDelay: true });
  await once(socket, 'connect');
  return new PlainPeer(socket);
}

export interface PlainServer extends AsyncDisposable {
  readonly host: string;
  readonly port: number;
}

/** A target that is in the hands of the test from the first byte. */
export async function startPlainServer(onClient: (peer: PlainPeer) => void): Promise<PlainServer> {
  const sockets = new Set<Socket>();
  const server = createServer({ noDelay: true }, (socket) => {
    sockets.add(socket);
    onClient(new PlainPeer(socket));
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
