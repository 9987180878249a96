/**
 * The input of a shell as whole commands: what the shell reads before it runs the first of it. Not
 * caught here: shells whose grammar was changed by their own options; what is read then is uncertain.
 */
import { firstCommandLength, isCompleteInput } from '../shell/complete.ts';
import type { Piece, Pieces } from './piece.ts';

const NEWLINE = 0x0a;
const EMPTY = Buffer.alloc(0);
/** Line ends of one command at which is looked whether it is whole, before only some are tried. */
const MAX_SINGLE_TRIES = 64;
/** Then each next try is at a line end of what is longer by this factor, or at the last one. */
const TRY_GROWTH = 1.25;
/** What such a try waits for other sessions to go on, and for more input to come. */
const TRY_PAUSE_MS = 5;

/** Looks for the end of one command after the other in what has come; each look is a whole parse. */
export class ShellPieces implements Pieces {
  readonly #maxLineBytes: number;
  #pending: Buffer = EMPTY;
  /** What is known to be incomplete of the command that is looked for, bytes. */
  #tried = 0;
  #count = 0;

  /** @param maxLineBytes a command that is still incomplete at this length is decided as it stands */
  constructor(maxLineBytes: number) {
    this.#maxLineBytes = maxLineBytes;
  }

  push(bytes: Buffer): void {
    this.#pending = this.#pending.length === 0 ? bytes : Buffer.concat([this.#pending, bytes]);
  }

  async next(): Promise<Piece | null> {
    const bytes = this.#pending;
    const last = bytes.lastIndexOf(NEWLINE);
    while (this.#tried <= last) {
      const isMany = this.#count >= MAX_SINGLE_TRIES;
      if (isMany) await new Promise((resolve) => setTimeout(resolve, TRY_PAUSE_MS));
      const from = isMany ? Math.ceil(this.#tried * TRY_GROWTH) : this.#tried;
      const next = bytes.indexOf(NEWLINE, from);
      const at = next < 0 ? last : next;
      this.#count += 1;
      this.#tried = at + 1;
      if (at >= this.#maxLineBytes) return this.#take(at + 1);
      const text = bytes.toString('utf8', 0, at + 1);
      const found = isCompleteInput(text);
      if (found === 'incomplete') continue;
      // What was skipped may be the end of this command and whole ones behind it.
      return isMany && found === 'complete' ? this.#takeFirst(text) : this.#take(at + 1);
    }
    return bytes.length > this.#maxLineBytes ? this.#take(bytes.length) : null;
  }

  rest(): Piece | null {
    return this.#pending.length === 0 ? null : this.#take(this.#pending.length);
  }

  #takeFirst(text: string): Piece {
    const first = text.slice(0, firstCommandLength(text));
    const end = Buffer.byteLength(first);
    const isExact = this.#pending.toString('utf8', 0, end) === first;
    if (isExact && isCompleteInput(first) === 'complete') return this.#take(end);
    return this.#take(this.#tried, 'where one command ends and the next begins is not known');
  }

  #take(end: number, doubt: string | null = null): Piece {
    const bytes = this.#pending.subarray(0, end);
    this.#pending = this.#pending.subarray(end);
    this.#tried = 0;
    this.#count = 0;
    return { kind: 'command', bytes, doubt, sql: null, unlessCopied: [] };
  }
}
