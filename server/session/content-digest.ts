/**
 * What went through an open file in one direction: counted, and hashed as far as it is one piece. The
 * pieces may come out of order within a bounded window. A hash never stands for more than was hashed.
 * Not caught here: what the file holds outside of what went through here.
 */
import { createHash, type Hash } from 'node:crypto';

/** Contents that wait for a piece before them, bytes, in all files of a session. */
export const MAX_REORDERED_BYTES = 4 * 1024 * 1024;
/** Pieces that wait, per file and direction. */
export const MAX_REORDERED_PIECES = 256;

export interface ContentSummary {
  /** All that went through, more than once if it did so more than once. */
  readonly bytes: number;
  /** Of the bytes from `from` up to `to`; null = they can't be told. */
  readonly sha256: string | null;
  readonly from: number;
  readonly to: number;
  /** Everything that went through is between `from` and `to`, each byte once. */
  readonly isOnePiece: boolean;
}

/** What is left of `MAX_REORDERED_BYTES`; one per session. */
export interface ReorderBudget {
  leftBytes: number;
}

export function reorderBudget(): ReorderBudget {
  return { leftBytes: MAX_REORDERED_BYTES };
}

export class ContentDigest {
  readonly #changes: boolean;
  readonly #budget: ReorderBudget;
  readonly #taken: ((piece: Buffer) => void) | null;
  readonly #hash: Hash = createHash('sha256');
  readonly #waiting = new Map<number, Buffer>();
  #from: number | null = null;
  #next = 0;
  #bytes = 0;
  #isOnePiece = true;
  /** Bytes that were hashed are no more what they were. */
  #isSpoilt = false;

  /**
   * @param changes pieces replace what was there: hashed bytes under a later one don't count any more
   * @param taken gets the pieces in the order in which they are hashed
   */
  constructor(
    changes: boolean,
    budget: ReorderBudget,
    taken: ((piece: Buffer) => void) | null = null,
  ) {
    this.#changes = changes;
    this.#budget = budget;
    this.#taken = taken;
  }

  /** Where the next piece is expected; null = nothing has come yet. */
  get next(): number | null {
    return this.#from === null ? null : this.#next;
  }

  /** The first piece will be there, whatever comes first. */
  expect(offset: number): void {
    if (this.#from !== null) return;
    this.#from = offset;
    this.#next = offset;
  }

  push(offset: number, piece: Buffer): void {
    if (piece.length === 0) return;
    this.expect(offset);
    this.#bytes += piece.length;
    if (offset < this.#next) {
      this.#isOnePiece = false;
      if (this.#changes) this.#isSpoilt = true;
      return;
    }
    if (offset > this.#next) {
      this.#wait(offset, piece);
      return;
    }
    this.#take(piece);
    for (;;) {
      const waiting = this.#waiting.get(this.#next);
      if (waiting === undefined) break;
      this.#waiting.delete(this.#next);
      this.#budget.leftBytes += waiting.length;
      this.#take(waiting);
    }
  }

  /** Something else has changed the contents. */
  spoil(): void {
    this.#isSpoilt = true;
    this.#isOnePiece = false;
  }

  /** What waits will wait no longer. Call once, at the end. */
  summary(): ContentSummary {
    const isOnePiece = this.#isOnePiece && this.#waiting.size === 0;
    for (const { length } of this.#waiting.values()) this.#budget.leftBytes += length;
    this.#waiting.clear();
    const from = this.#from ?? 0;
    return {
      bytes: this.#bytes,
      sha256: this.#isSpoilt ? null : this.#hash.digest('hex'),
      from,
      to: this.#from === null ? 0 : this.#next,
      isOnePiece,
    };
  }

  #take(piece: Buffer): void {
    this.#hash.update(piece);
    this.#taken?.(piece);
    this.#next += piece.length;
    // What waits below has been passed over: it overlaps.
    for (const offset of this.#waiting.size > 0 ? this.#waiting.keys() : []) {
      if (offset < this.#next) {
        this.#budget.leftBytes += this.#waiting.get(offset)?.length ?? 0;
        this.#waiting.delete(offset);
        this.#isOnePiece = false;
        if (this.#changes) this.#isSpoilt = true;
      }
    }
  }

  #wait(offset: number, piece: Buffer): void {
    const isFull =
      piece.length > this.#budget.leftBytes || this.#waiting.size >= MAX_REORDERED_PIECES;
    if (isFull || this.#waiting.has(offset) || !this.#isOnePiece) {
      this.#isOnePiece = false;
      if (this.#changes && this.#waiting.has(offset)) this.#isSpoilt = true;
      return;
    }
    this.#waiting.set(offset, piece);
    this.#budget.leftBytes -= piece.length;
  }
}
