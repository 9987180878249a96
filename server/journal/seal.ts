/**
 * Follows a recording's chain from chunk to chunk up to its signed head, for the database and for
 * exported files alike. Not caught here: a session that is missing as a whole (the journal names it),
 * and facts beside the events (principal, target, title), which the chain doesn't cover.
 */
import { CHAIN_START, type ChunkHeader } from './chain.ts';
import { isSignedBy, type KeyOf, keyring, type PublicKey } from './signature.ts';

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
  /** The newest; of fewer chunks, or null, when the session still ran. */
  readonly head: SignedHead | null;
}

export type RecordingCheck =
  | { readonly kind: 'intact'; readonly chunks: number; readonly signedBy: string }
  /** The session still runs: its chunks are intact so far, and the first `signed` of them are sealed. */
  | { readonly kind: 'open'; readonly chunks: number; readonly signed: number }
  /** Signed by a key that is none of those given; the chain itself is intact. */
  | { readonly kind: 'foreign-key'; readonly chunks: number; readonly signedBy: string }
  /** @param chunk the first that isn't what was recorded */
  | { readonly kind: 'broken'; readonly chunk: number; readonly why: string }
  /** The chain holds, but the journal says something else about the session. */
  | { readonly kind: 'contradicted'; readonly why: string }
  /** Its time was over: the journal has its tombstone, signed. */
  | { readonly kind: 'deleted'; readonly entry: number; readonly at: string; readonly by: string }
  /** It was deleted, and not because its time was over. */
  | { readonly kind: 'lost'; readonly why: string }
  | { readonly kind: 'unknown' };

/** Takes the chunks of one recording in order. */
export class ChainWalk {
  readonly #sessionId: string;
  readonly #head: SignedHead | null;
  #chunks = 0;
  #events = 0;
  #hash = CHAIN_START;
  /** Where the chain stood at the chunk of the head. */
  #atHead: { readonly events: number; readonly hash: string } | null = null;

  constructor(sessionId: string, head: SignedHead | null) {
    this.#sessionId = sessionId;
    this.#head = head;
    this.#mark();
  }

  #mark(): void {
    if (this.#chunks !== this.#head?.chunks) return;
    this.#atHead = { events: this.#events, hash: this.#hash };
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
    this.#mark();
    return null;
  }

  /**
   * After the last chunk.
   * @param isRunning the chunks since the last checkpoint aren't signed yet
   * @param keys public keys of the bastion that recorded, from elsewhere than the record
   */
  end(isRunning: boolean, keys: PublicKey | KeyOf): RecordingCheck {
    const chunks = this.#chunks;
    const head = this.#head;
    if (head === null) {
      if (isRunning) return { kind: 'open', chunks, signed: 0 };
      return broken(chunks, 'the session has ended but its head is not signed');
    }
    if (this.#atHead === null) {
      return broken(chunks + 1, `${head.chunks - chunks} chunks are missing at the end`);
    }
    if (this.#atHead.hash !== head.hash) {
      return broken(head.chunks, 'it is not the head that was signed');
    }
    const signedBy = head.keyId;
    const keyOf = typeof keys === 'function' ? keys : keyring([keys]);
    const publicKey = keyOf(signedBy);
    if (publicKey === null) return { kind: 'foreign-key', chunks, signedBy };
    const statement = { sessionId: this.#sessionId, chunks: head.chunks, ...this.#atHead };
    if (!isSignedBy(statement, head.signature, publicKey)) {
      return broken(head.chunks, 'the signature is not of these chunks');
    }
    if (isRunning) return { kind: 'open', chunks, signed: head.chunks };
    return head.chunks === chunks
      ? { kind: 'intact', chunks, signedBy }
      : broken(head.chunks + 1, 'it follows the last head that was signed');
  }
}

export function broken(chunk: number, why: string): RecordingCheck {
  return { kind: 'broken', chunk, why };
}
