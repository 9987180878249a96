/**
 * Rows of literal values: of many behind each other, one tells everything. Not caught here: rows that
 * call a function or hold a query, which are all kept.
 */
import type { Token } from './scanner.ts';

const LITERAL_WORDS = new Set(['null', 'default', 'true', 'false', '_binary', 'current_timestamp']);

/** Looks at tokens as they are collected. */
export class Rows {
  /** Where the row begins that is being read; null = none is, or it isn't literal. */
  #open: number | null = null;
  #depth = 0;
  /** The tokens so far end in a whole literal row. */
  #ended = -1;

  /** Takes the last token into account, and drops the row that it ends if it is like the one before. */
  look(tokens: Token[]): void {
    const at = tokens.length - 1;
    const { kind, text } = tokens[at] as Token;
    if (kind === 'sign' && text === '(') {
      this.#depth++;
      const before = tokens[at - 1]?.text;
      const isRow = before === 'values' || (before === ',' && this.#ended === at - 2);
      this.#open = this.#depth === 1 && isRow ? at : null;
    } else if (kind === 'sign' && text === ')') {
      this.#depth = Math.max(0, this.#depth - 1);
      if (this.#open === null) return;
      const isAnother = this.#ended === this.#open - 2 && this.#ended >= 0;
      if (isAnother) tokens.length = this.#open - 1;
      this.#ended = tokens.length - 1;
      this.#open = null;
    } else if (kind !== 'string' && kind !== 'number' && !LITERAL_WORDS.has(text)) {
      if (kind !== 'sign' || !/^[-,+]$/.test(text)) this.#open = null;
    }
  }
}
