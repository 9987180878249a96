/**
 * The input of a client of a database as statements, the client's own commands and rows of COPY. Not
 * caught here: files that the client reads, and what the server makes of settings made before.
 */
import type { SqlPlace } from '../policy/decision.ts';
import { isCompleteSql } from '../sql/complete.ts';
import { readSql, type Dialect } from '../sql/statement.ts';
import { statementsInRows } from './copy-rows.ts';
import type { Piece, Pieces } from './piece.ts';

const NEWLINE = 0x0a;
const EMPTY = Buffer.alloc(0);
/** Line ends of one statement at which is looked whether it is whole, before only some are tried. */
const MAX_SINGLE_TRIES = 64;
/** Then each next try is at a line end of what is longer by this factor, or at the last one. */
const TRY_GROWTH = 1.25;
/** What such a try waits for other sessions to go on, and for more input to come. */
const TRY_PAUSE_MS = 5;
/** Statements of one line that are told apart; what is behind them is one piece. */
const MAX_SPLITS = 32;
/** A line of rows that is longer goes up in parts. */
const MAX_ROW_BYTES = 64 * 1024;
/** Only such a line may end a statement or hold a command of the client. */
const MAY_END = /[;\\]|^\s*(?:go|ego|delimiter|source|system|\.|:)/im;

/** Whether statements of this dialect are judged when they come by the input. */
export function isDialectRead(dialect: Dialect): boolean {
  return dialect !== 'other';
}

export class SqlPieces implements Pieces {
  readonly #maxBytes: number;
  #place: SqlPlace;
  #pending: Buffer = EMPTY;
  /** What is known to be incomplete of the statement that is looked for, bytes. */
  #tried = 0;
  #count = 0;
  /** Rows went by that may have been statements, had the server refused the COPY. */
  #wereRows = false;
  /** The end of the rows before, which may have begun a statement then. */
  #rowsBefore = '';

  /** @param maxBytes a statement that is still incomplete at this length is decided as it stands */
  constructor(place: SqlPlace, maxBytes: number) {
    this.#place = place;
    this.#maxBytes = maxBytes;
  }

  push(bytes: Buffer): void {
    this.#pending = this.#pending.length === 0 ? bytes : Buffer.concat([this.#pending, bytes]);
  }

  async next(): Promise<Piece | null> {
    return this.#place.state.inCopyData ? this.#rows() : this.#statement();
  }

  rest(): Piece | null {
    if (this.#pending.length === 0) return null;
    const { length } = this.#pending;
    return this.#place.state.inCopyData ? this.#takeRows(length) : this.#take(length);
  }

  async #statement(): Promise<Piece | null> {
    const bytes = this.#pending;
    const last = bytes.lastIndexOf(NEWLINE);
    while (this.#tried <= last) {
      const isMany = this.#count >= MAX_SINGLE_TRIES;
      const from = isMany ? Math.ceil(this.#tried * TRY_GROWTH) : this.#tried;
      const next = bytes.indexOf(NEWLINE, from);
      const at = next < 0 ? last : next;
      const lineStart = this.#tried;
      const line = bytes.toString('utf8', lineStart, at + 1);
      this.#tried = at + 1;
      if (at >= this.#maxBytes) return this.#take(at + 1);
      if (lineStart > 0 && !this.#mayEnd(line)) continue;
      if (isMany) await new Promise((resolve) => setTimeout(resolve, TRY_PAUSE_MS));
      this.#count += 1;
      const { dialect, state } = this.#place;
      const text = bytes.toString('utf8', 0, at + 1);
      if (isCompleteSql(text, dialect, state) === 'incomplete') continue;
      return this.#take(this.#firstEnd(text, text.length - line.length) ?? at + 1);
    }
    return bytes.length > this.#maxBytes ? this.#take(bytes.length) : null;
  }

  #mayEnd(line: string): boolean {
    const { delimiter } = this.#place.state;
    return MAY_END.test(line) || line.includes(delimiter);
  }

  /** Where the first of several statements of one line ends, bytes; null = it is all one. */
  #firstEnd(text: string, lineStart: number): number | null {
    const { dialect, state } = this.#place;
    const { delimiter } = state;
    let from = Math.max(0, lineStart);
    for (let count = 0; count < MAX_SPLITS; count += 1) {
      const at = text.indexOf(delimiter, from);
      const end = at + delimiter.length;
      if (at < 0 || text.slice(end).trim() === '') return null;
      const first = text.slice(0, end);
      const isWhole = isCompleteSql(first, dialect, state) === 'complete';
      // Inside a comment more would make no difference.
      if (isWhole && isCompleteSql(`${first} x`, dialect, state) === 'incomplete') {
        const length = Buffer.byteLength(first);
        return this.#pending.toString('utf8', 0, length) === first ? length : null;
      }
      from = end;
    }
    return null;
  }

  #take(end: number): Piece {
    const bytes = this.#cut(end);
    const text = bytes.toString('utf8');
    const place = this.#place;
    // Quotes in rows may turn the strings of what follows inside out.
    const found = this.#wereRows ? statementsInRows(text, '').texts : [];
    const unlessCopied = found.filter((one) => !text.trimStart().startsWith(one.slice(0, 64)));
    const state = readSql(text, place.dialect, place.state).after;
    this.#place = { ...place, state };
    this.#rowsBefore = '';
    return { kind: 'command', bytes, doubt: null, sql: place, unlessCopied };
  }

  /** Rows up to the line that ends them, or as many as have come whole. */
  #rows(): Piece | null {
    const bytes = this.#pending;
    let at = bytes.indexOf('\\.');
    while (at >= 0) {
      const after = bytes[at + 2] === 0x0d ? at + 3 : at + 2;
      if ((at === 0 || bytes[at - 1] === NEWLINE) && bytes[after] === NEWLINE) {
        const piece = this.#takeRows(after + 1);
        this.#place = { ...this.#place, state: { ...this.#place.state, inCopyData: false } };
        return piece;
      }
      at = bytes.indexOf('\\.', at + 2);
    }
    const whole = bytes.lastIndexOf(NEWLINE) + 1;
    if (whole > 0) return this.#takeRows(whole);
    return bytes.length > MAX_ROW_BYTES ? this.#takeRows(bytes.length) : null;
  }

  #takeRows(end: number): Piece {
    const bytes = this.#cut(end);
    const { dialect, state } = this.#place;
    const { texts, open, isCut } = statementsInRows(bytes.toString('latin1'), this.#rowsBefore);
    this.#rowsBefore = open;
    this.#wereRows = true;
    const doubt = isCut ? 'the rows hold more statements than can be looked at' : null;
    return { kind: 'data', bytes, doubt, sql: { dialect, state }, unlessCopied: texts };
  }

  #cut(end: number): Buffer {
    const bytes = this.#pending.subarray(0, end);
    this.#pending = this.#pending.subarray(end);
    this.#tried = 0;
    this.#count = 0;
    return bytes;
  }
}
