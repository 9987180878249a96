/** Input of a program that reads commands, cut where one command ends and the next begins. */
import type { SqlPlace } from './sql-pieces.ts';

/** Bytes that go up together, or not at all. */
export type Piece =
  /** To be decided. `doubt`: why it may run as something else than it reads; null = it doesn't. */
  | {
      readonly kind: 'command';
      readonly bytes: Buffer;
      readonly doubt: string | null;
      /** What the client of the database had been told before; null for a shell. */
      readonly sql: SqlPlace | null;
    }
  /** What a command before it asked for, such as the rows of COPY. */
  | { readonly kind: 'data'; readonly bytes: Buffer };

/** Takes what arrives and gives whole pieces, in order and without a byte lost. */
export interface Pieces {
  push(bytes: Buffer): void;
  /** null: more must arrive first. */
  next(): Promise<Piece | null>;
  /** What is left when no more arrives. */
  rest(): Piece | null;
}
