/** What strangers send to the gateway before they have signed in. */
import type { KeyObject } from 'node:crypto';
import { once } from 'node:events';
import { connect, type Socket } from 'node:net';
import { setTimeout as pause } from 'node:timers/promises';
import { readPrivateKey } from '../../../server/ssh/engine/private-key.ts';
import { signData } from '../../../server/ssh/engine/signature.ts';
import { encodeFields, encodePacket, MESSAGE } from '../../../server/ssh/engine/wire.ts';
import { connectStranger, type RawPeer } from './raw-peer.ts';
import type { World } from './world.ts';

/** A private key and the blob of its public half. */
export function keyOf(pem: Buffer): {
  readonly key: KeyObject;
  readonly blob: Buffer;
} {
  const outcome = readPrivateKey(pem);
  if (outcome.kind === 'invalid') throw new Error(outcome.why);
  return outcome;
}

/** A peer that may ask to sign in. */
export async function toUserauth(world: World): Promise<RawPeer> {
  const peer = await connectStranger(world.address);
  peer.send(MESSAGE.SERVICE_REQUEST, 'ssh-userauth');
  await peer.expect(MESSAGE.SERVICE_ACCEPT);
  return peer;
}

/** A publickey request; `signature` null = a bare offer. */
export function request(
  user: string,
  algorithm: string,
  blob: Buffer,
  signature: Buffer | null,
): Buffer {
  const hasSignature = signature !== null;
  const fields = [user, 'ssh-connection', 'publickey', hasSignature, algorithm, blob];
  const head = encodePacket(MESSAGE.USERAUTH_REQUEST, ...fields);
  return signature === null ? head : Buffer.concat([head, encodeFields([signature])]);
}

/** The same, signed for this connection. */
export function signedRequest(
  user: string,
  algorithm: string,
  pem: Buffer,
  sessionId: Buffer,
): Buffer {
  const { key, blob } = keyOf(pem);
  const head = request(user, algorithm, blob, Buffer.alloc(0)).subarray(0, -4);
  const data = Buffer.concat([encodeFields([sessionId]), head]);
  return request(user, algorithm, blob, signData(key, algorithm, data));
}

/** A connection and nothing else. */
export async function rawSocket(address: { host: string; port: number }): Promise<Socket> {
  const socket = connect(address);
  socket.on('error', () => {});
  await once(socket, 'connect');
  return socket;
}

/** Resolves when the gateway has no connection left; the test's time limit is the bound. */
export async function untilEmpty(world: World): Promise<void> {
  while (world.gateway.connectionCount > 0) await pause(20);
}
