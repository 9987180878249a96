/**
 * A server that speaks just enough of the PostgreSQL protocol to let anybody in and to answer every
 * query with one row, for versions that no test machine has. Frontend/Backend Protocol 3.0.
 */
import { once } from 'node:events';
import { createServer, type AddressInfo, type Server, type Socket } from 'node:net';

export interface FakePostgres {
  /** A DATABASE_URL that leads to it. */
  readonly url: string;
  close(): Promise<void>;
}

/** @param row column names and text values of every answer */
export async function fakePostgres(row: Readonly<Record<string, string>>): Promise<FakePostgres> {
  const server = createServer((socket) => {
    socket.on('error', () => {});
    let started = false;
    socket.on('data', (bytes) => {
      if (!started) {
        started = true;
        socket.write(Buffer.concat([message('R', int(4, 0)), READY]));
      } else if (bytes[0] === 0x51) {
        socket.write(answerOf(row));
      } else {
        socket.end();
      }
    });
  });
  return listening(server);
}

/** A server that accepts connections and says `bytes`, or nothing at all. */
export async function mute(bytes: string | null): Promise<FakePostgres> {
  const server = createServer((socket) => {
    socket.on('error', () => {});
    socket.resume();
    if (bytes !== null) socket.end(bytes);
  });
  return listening(server);
}

async function listening(server: Server): Promise<FakePostgres> {
  const sockets = new Set<Socket>();
  server.on('connection', (socket) => sockets.add(socket));
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  const { port } = server.address() as AddressInfo;
  return {
    url: `postgres://alice:s3cret-word@127.0.0.1:${port}/any`,
    close: async () => {
      server.close();
      for (const socket of sockets) socket.destroy();
      await once(server, 'close');
    },
  };
}

function answerOf(row: Readonly<Record<string, string>>): Buffer {
  const names = Object.keys(row);
  const text = 25;
  const format = [int(4, 0), int(2, 0), int(4, text), int(2, -1), int(4, -1), int(2, 0)];
  const fields = names.map((name) => Buffer.concat([Buffer.from(`${name}\0`), ...format]));
  const values = Object.values(row).map((value) =>
    Buffer.concat([int(4, Buffer.byteLength(value)), Buffer.from(value)]),
  );
  return Buffer.concat([
    message('T', int(2, names.length), ...fields),
    message('D', int(2, names.length), ...values),
    message('C', Buffer.from('SELECT 1\0')),
    READY,
  ]);
}

function message(type: string, ...parts: readonly Buffer[]): Buffer {
  const body = Buffer.concat(parts);
  return Buffer.concat([Buffer.from(type), int(4, body.length + 4), body]);
}

function int(bytes: 2 | 4, value: number): Buffer {
  const buffer = Buffer.alloc(bytes);
  buffer.writeIntBE(value, 0, bytes);
  return buffer;
}

const READY = message('Z', Buffer.from('I'));
