/** Input of a program that reads commands, cut where one command ends and the next begins. */
import type { SqlPlace } from '../policy/decision.ts';

/** Bytes that go up together, or not at all. */
export interface Piece {
  /** `data`: what a command before it asked for, such as the rows of COPY. */
  readonly kind: 'command' | 'data';
  readonly bytes: Buffer;
  /** Why it may run as something else than it reads; null = it doesn't. */
  readonly doubt: string | null;
  /** Where the client of a database stands before it; null for a shell. */
  readonly sql: SqlPlace | null;
  /** What would run of it, had the server refused to take rows before; rarely anything. */
  readonly unlessCopied: readonly string[];
}

/** Takes what arrives and gives whole pieces, in order and without a byte lost. */
export interface Pieces {
  push(bytes: Buffer): void;
  /** null: more must arrive first. */
  next(): Promise<Piece | null>;
  /** What is left when no more arrives. */
  rest(): Piece | null;
}
