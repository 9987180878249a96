/** The input of a client of a database. Not read here yet: it is held before anything runs. */
import type { Dialect } from '../sql/statement.ts';
import type { Piece, Pieces } from './piece.ts';

/** Where a client of a database stands before a piece. */
export interface SqlPlace {
  readonly dialect: Dialect;
}

const DIALECTS_READ: ReadonlySet<Dialect> = new Set();

export function dialectOf(_program: string): Dialect {
  return 'other';
}

/** Whether statements of this dialect are judged when they come by the input. */
export function isDialectRead(dialect: Dialect): boolean {
  return DIALECTS_READ.has(dialect);
}

export class SqlPieces implements Pieces {
  readonly #dialect: Dialect;
  #pending: Buffer = Buffer.alloc(0);

  constructor(dialect: Dialect, _maxBytes: number) {
    this.#dialect = dialect;
  }

  push(bytes: Buffer): void {
    this.#pending = Buffer.concat([this.#pending, bytes]);
  }

  next(): Promise<Piece | null> {
    return Promise.resolve(this.rest());
  }

  rest(): Piece | null {
    const bytes = this.#pending;
    this.#pending = Buffer.alloc(0);
    if (bytes.length === 0) return null;
    const doubt = 'SQL of this kind is not judged here';
    return { kind: 'command', bytes, doubt, sql: { dialect: this.#dialect } };
  }
}
