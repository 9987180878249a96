/** Verifies a stored recording: every chunk against the chain, and the chain against its signed head. */
import type { KeyObject } from 'node:crypto';
import type { Knex } from 'knex';
import { messageOf } from '../errors.ts';
import { CHAIN_START, chunkHash } from '../journal/chain.ts';
import { isSignedBy, keyIdOf } from '../journal/signature.ts';
import { signedHead, storedChunks, type StoredChunk } from './recording-reader.ts';

export type RecordingCheck =
  | { readonly kind: 'intact'; readonly chunks: number; readonly events: number }
  /** Intact as far as it goes; a running session has no signed head yet. */
  | { readonly kind: 'unsigned'; readonly chunks: number; readonly events: number }
  /** @param chunk the first that isn't what was written; null = the head is wrong */
  | { readonly kind: 'broken'; readonly chunk: number | null; readonly why: string };

/**
 * @param publicKey the bastion's Ed25519 key, kept outside of the database
 */
export async function checkRecording(
  knex: Knex,
  sessionId: string,
  publicKey: KeyObject,
): Promise<RecordingCheck> {
  let chunks = 0;
  let events = 0;
  let hash = CHAIN_START;
  try {
    for await (const chunk of storedChunks(knex, sessionId)) {
      const why = faultOf(chunk, { seq: chunks + 1, firstEvent: events + 1, prevHash: hash });
      if (why !== null) return { kind: 'broken', chunk: chunks + 1, why };
      chunks += 1;
      events += chunk.header.events;
      hash = chunk.hash;
    }
  } catch (error) {
    return { kind: 'broken', chunk: chunks + 1, why: messageOf(error) };
  }
  const head = await signedHead(knex, sessionId);
  if (head === null) return { kind: 'unsigned', chunks, events };
  const broken = (why: string): RecordingCheck => ({ kind: 'broken', chunk: null, why });
  if (head.hash !== hash) return broken('the signed head is not the last chunk');
  if (head.keyId !== keyIdOf(publicKey)) return broken('the head was signed with another key');
  const statement = { sessionId, chunks, events, hash };
  if (!isSignedBy(statement, head.signature, publicKey)) return broken('the signature is wrong');
  return { kind: 'intact', chunks, events };
}

function faultOf(
  { header, prevHash, hash, lines }: StoredChunk,
  expected: { readonly seq: number; readonly firstEvent: number; readonly prevHash: string },
): string | null {
  if (header.seq !== expected.seq || header.firstEvent !== expected.firstEvent) {
    return 'the chunk is missing';
  }
  if (prevHash !== expected.prevHash) return 'the chunk does not follow the one before';
  if (chunkHash(prevHash, header, lines) !== hash) {
    return "the chunk's hash is not that of its content";
  }
  return null;
}
