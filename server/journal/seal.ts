/**
 * Follows a recording's chain from chunk to chunk up to its signed head, for the database and for
 * exported files alike. Not caught here: a session that is missing as a whole (the journal names it),
 * and facts beside the events (principal, target, title), which the chain doesn't cover.
 */
import { CHAIN_START, type ChunkHeader } from './chain.ts';
import { isSignedBy, keyIdOf, type PublicKey } from './signature.ts';

export interface SignedHead {
  readonly chunks: number;
  /** Hash of the last chunk. */
  readonly hash: string;
  readonly keyId: string;
  /** base64 Ed25519 signature; what it covers is said in signature.ts. */
  readonly signature: string;
}

/** A chunk's place in the chain: its header and the hashes, without its lines. */
export interface SealedChunkHeader extends Omit<ChunkHeader, 'sessionId'> {
  readonly prevHash: string;
  readonly hash: string;
}

/** What proves the events of an exported recording. */
export interface RecordingSeal {
  readonly sessionId: string;
  readonly chunks: readonly SealedChunkHeader[];
  /** null = the session still ran when this was made. */
  readonly head: SignedHead | null;
}

export type RecordingCheck =
  | { readonly kind: 'intact'; readonly chunks: number; readonly signedBy: string }
  /** The session still runs: its chunks are intact so far, nothing is signed yet. */
  | { readonly kind: 'open'; readonly chunks: number }
  /** Signed by a key that is not the one given; the chain itself is intact. */
  | { readonly kind: 'foreign-key'; readonly chunks: number; readonly signedBy: string }
  /** @param chunk the first that isn't what was recorded */
  | { readonly kind: 'broken'; readonly chunk: number; readonly why: string }
  | { readonly kind: 'unknown' };

/** Takes the chunks of one recording in order. */
export class ChainWalk {
  readonly #sessionId: string;
  #chunks = 0;
  #events = 0;
  #hash = CHAIN_START;

  constructor(sessionId: string) {
    this.#sessionId = sessionId;
  }

  /** The number that the next chunk must have. */
  get next(): number {
    return this.#chunks + 1;
  }

  /**
   * @param recomputed the hash of what the chunk holds now
   * @returns why it is not the next chunk as it was recorded; null when it is
   */
  follow(chunk: SealedChunkHeader, recomputed: string): string | null {
    if (chunk.seq !== this.next) return 'it is missing';
    if (chunk.prevHash !== this.#hash) return 'it does not follow the one before';
    if (chunk.firstEvent !== this.#events + 1) return 'its events do not follow those before';
    if (chunk.hash !== recomputed) return 'its content is not what was recorded';
    this.#chunks += 1;
    this.#events += chunk.events;
    this.#hash = chunk.hash;
    return null;
  }

  /**
   * After the last chunk.
   * @param isRunning a session that runs has no signed head yet
   * @param publicKey of the bastion that recorded, from elsewhere than the record
   */
  end(head: SignedHead | null, isRunning: boolean, publicKey: PublicKey): RecordingCheck {
    const chunks = this.#chunks;
    if (head === null) {
      if (isRunning) return { kind: 'open', chunks };
      return broken(chunks, 'the session has ended but its head is not signed');
    }
    if (head.chunks > chunks) {
      return broken(chunks + 1, `${head.chunks - chunks} chunks are missing at the end`);
    }
    if (head.hash !== this.#hash) return broken(chunks, 'it is not the head that was signed');
    const signedBy = head.keyId;
    if (signedBy !== keyIdOf(publicKey)) return { kind: 'foreign-key', chunks, signedBy };
    const statement = {
      sessionId: this.#sessionId,
      chunks,
      events: this.#events,
      hash: this.#hash,
    };
    return isSignedBy(statement, head.signature, publicKey)
      ? { kind: 'intact', chunks, signedBy }
      : broken(chunks, 'the signature is not of these chunks');
  }
}

export function broken(chunk: number, why: string): RecordingCheck {
  return { kind: 'broken', chunk, why };
}
