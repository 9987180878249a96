/**
 * The contents of a transferred file, kept where a grant asks for it: cut into parts and stored while they
 * pass, up to a bound. What comes in another order is kept as far as it is one piece. Not caught here:
 * whether what is stored stays as it was; the journal has its hash, and verify compares.
 */
import { createHash } from 'node:crypto';
import type { FileKeeper } from './ports.ts';

/** One part. */
export const KEPT_PART_BYTES = 256 * 1024;
/** Contents of a session on their way to the store; while there are more, nothing more is read. */
export const MAX_KEEPING_BYTES = 4 * 1024 * 1024;

export type Direction = 'read' | 'written';

/** What is said of the kept contents in the journal. */
export type Kept = {
  readonly parts: number;
  /** From where the transfer began. */
  readonly bytes: number;
  readonly sha256: string;
  /** More went through than is kept of one file. */
  readonly cut: boolean;
};

/** All kept files of one session: they share a bound. */
export class Keeping {
  readonly #keeper: FileKeeper;
  readonly #session: string;
  readonly #failed: (error: unknown) => void;
  #bytes = 0;
  readonly #waiting: (() => void)[] = [];

  /** @param failed told when contents can't be stored; then nothing may go on */
  constructor(keeper: FileKeeper, session: string, failed: (error: unknown) => void) {
    this.#keeper = keeper;
    this.#session = session;
    this.#failed = failed;
  }

  /** Resolves when more may be read; at once, or null. */
  room(): Promise<void> | null {
    if (this.#bytes < MAX_KEEPING_BYTES) return null;
    return new Promise((resolve) => this.#waiting.push(resolve));
  }

  /** Never rejects. */
  async keep(seq: number, direction: Direction, part: number, bytes: Buffer): Promise<void> {
    this.#bytes += bytes.length;
    try {
      await this.#keeper.keep({ session: this.#session, seq, direction, part, bytes });
      this.#bytes -= bytes.length;
      if (this.#bytes < MAX_KEEPING_BYTES) for (const resume of this.#waiting.splice(0)) resume();
    } catch (error) {
      this.#failed(error);
    }
  }
}

export class KeptFile {
  readonly #keeping: Keeping;
  readonly #seq: number;
  readonly #direction: Direction;
  readonly #maxBytes: number;
  readonly #hash = createHash('sha256');
  #pieces: Buffer[] = [];
  #pending = 0;
  #bytes = 0;
  #parts = 0;
  #isCut = false;
  #stored: Promise<unknown> = Promise.resolve();

  constructor(keeping: Keeping, seq: number, direction: Direction, maxBytes: number) {
    this.#keeping = keeping;
    this.#seq = seq;
    this.#direction = direction;
    this.#maxBytes = maxBytes;
  }

  add(piece: Buffer): void {
    const kept = piece.subarray(0, Math.max(0, this.#maxBytes - this.#bytes));
    if (kept.length < piece.length) this.#isCut = true;
    if (kept.length === 0) return;
    this.#hash.update(kept);
    this.#bytes += kept.length;
    this.#pieces.push(kept);
    this.#pending += kept.length;
    if (this.#pending >= KEPT_PART_BYTES) this.#flush();
  }

  /** Stores the rest. Call once. */
  async end(): Promise<Kept> {
    this.#flush();
    await this.#stored;
    return {
      parts: this.#parts,
      bytes: this.#bytes,
      sha256: this.#hash.digest('hex'),
      cut: this.#isCut,
    };
  }

  #flush(): void {
    if (this.#pending === 0) return;
    this.#parts += 1;
    const bytes = Buffer.concat(this.#pieces, this.#pending);
    this.#pieces = [];
    this.#pending = 0;
    const stored = this.#keeping.keep(this.#seq, this.#direction, this.#parts, bytes);
    this.#stored = Promise.all([this.#stored, stored]);
  }
}
