/** A security token in software: keys and signatures of OpenSSH's PROTOCOL.u2f, and an agent that holds one. */
import { createHash, generateKeyPairSync, sign, type KeyObject } from 'node:crypto';
import { createServer, type Server, type Socket } from 'node:net';
import { once } from 'node:events';
import { encodeFields, encodeInteger, PacketReader } from '../../../server/ssh/engine/wire.ts';

export const TOUCHED = 0x01;
export const VERIFIED = 0x04;

export type TokenType = 'sk-ssh-ed25519@openssh.com' | 'sk-ecdsa-sha2-nistp256@openssh.com';
export const TOKEN_TYPES: readonly TokenType[] = [
  'sk-ssh-ed25519@openssh.com',
  'sk-ecdsa-sha2-nistp256@openssh.com',
];

export interface SecurityToken {
  readonly type: TokenType;
  readonly blob: Buffer;
  /** `TYPE BASE64 comment`. */
  readonly publicLine: string;
  /** What the next signatures say of the user. */
  flags: number;
  counter: number;
  /** The application that it signs for; another one than the key's makes a signature that is no good. */
  application: string;
  sign(data: Buffer): Buffer;
}

export function createToken(type: TokenType, application = 'ssh:'): SecurityToken {
  const isEd25519 = type === 'sk-ssh-ed25519@openssh.com';
  const { publicKey, privateKey } = isEd25519
    ? generateKeyPairSync('ed25519')
    : generateKeyPairSync('ec', { namedCurve: 'P-256' });
  const jwk = publicKey.export({ format: 'jwk' });
  const part = (text: string | undefined): Buffer => Buffer.from(text ?? '', 'base64url');
  const blob = isEd25519
    ? encodeFields([type, part(jwk.x), application])
    : encodeFields([
        type,
        'nistp256',
        Buffer.concat([Buffer.of(4), part(jwk.x), part(jwk.y)]),
        application,
      ]);
  const token: SecurityToken = {
    type,
    blob,
    publicLine: `${type} ${blob.toString('base64')} token`,
    flags: TOUCHED,
    counter: 7,
    application,
    sign: (data) => signWith(token, privateKey, data),
  };
  return token;
}

function signWith(token: SecurityToken, key: KeyObject, data: Buffer): Buffer {
  const state = Buffer.alloc(5);
  state[0] = token.flags;
  state.writeUInt32BE(token.counter++, 1);
  const sha256 = (bytes: Buffer): Buffer => createHash('sha256').update(bytes).digest();
  const signed = Buffer.concat([sha256(Buffer.from(token.application)), state, sha256(data)]);
  if (token.type === 'sk-ssh-ed25519@openssh.com') {
    return Buffer.concat([encodeFields([token.type, sign(null, signed, key)]), state]);
  }
  const pair = sign('sha256', signed, { key, dsaEncoding: 'ieee-p1363' });
  const [r, s] = [pair.subarray(0, 32), pair.subarray(32)].map(encodeInteger);
  const value = encodeFields([r ?? Buffer.alloc(0), s ?? Buffer.alloc(0)]);
  return Buffer.concat([encodeFields([token.type, value]), state]);
}

/** Messages of draft-ietf-sshm-ssh-agent. */
const AGENT = { failure: 5, requestIdentities: 11, identities: 12, signRequest: 13, signature: 14 };

/** An ssh-agent on a Unix socket that holds the token's key. */
export async function startAgent(path: string, token: SecurityToken): Promise<AsyncDisposable> {
  const sockets = new Set<Socket>();
  const server: Server = createServer((socket) => {
    sockets.add(socket.on('error', () => {}));
    let waiting = Buffer.alloc(0);
    socket.on('data', (chunk: Buffer) => {
      waiting = Buffer.concat([waiting, chunk]);
      while (waiting.length >= 4 && waiting.length >= 4 + waiting.readUInt32BE(0)) {
        const size = waiting.readUInt32BE(0);
        const answer = answerTo(waiting.subarray(4, 4 + size), token);
        waiting = waiting.subarray(4 + size);
        socket.write(encodeFields([answer]));
      }
    });
  });
  server.listen(path);
  await once(server, 'listening');
  return {
    [Symbol.asyncDispose]: async () => {
      for (const socket of sockets) socket.destroy();
      server.close();
      await once(server, 'close');
    },
  };
}

function answerTo(message: Buffer, token: SecurityToken): Buffer {
  const reader = new PacketReader(message, 1);
  const whole = (type: number, fields: Parameters<typeof encodeFields>[0]): Buffer =>
    Buffer.concat([Buffer.of(type), encodeFields(fields)]);
  if (message[0] === AGENT.requestIdentities) {
    return whole(AGENT.identities, [1, token.blob, 'token']);
  }
  if (message[0] !== AGENT.signRequest || !reader.string().equals(token.blob)) {
    return Buffer.of(AGENT.failure);
  }
  return whole(AGENT.signature, [token.sign(Buffer.from(reader.string()))]);
}
