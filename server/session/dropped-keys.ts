/**
 * Keys that are dropped because they were meant to follow a line that was refused. Not caught here: a
 * paste that goes on after a pause; its lines are decided one by one.
 */
import type { Key } from '../terminal/keys.ts';

export class DroppedKeys {
  #lineEnds = 0;
  #hasRest = false;
  #hasKeys = false;
  #isInPaste: boolean;
  #isOver = false;

  /** @param isInPaste the refused line is one of a bracketed paste */
  constructor(isInPaste: boolean) {
    this.#isInPaste = isInPaste;
  }

  /** The bracketed paste of the refused line has not ended yet. */
  get isInPaste(): boolean {
    return this.#isInPaste;
  }

  /** More of the same may be on its way: what came so far looks like a paste. */
  get goesOn(): boolean {
    return !this.#isOver && (this.#isInPaste || this.#lineEnds > 0);
  }

  /** What to tell the client; null = nothing was dropped. */
  get words(): string | null {
    if (!this.#hasKeys) return null;
    const lines = this.#lineEnds + (this.#hasRest ? 1 : 0);
    const count = lines === 1 ? '1 line' : `${lines} lines`;
    return `what was typed or pasted behind it is dropped (${count})`;
  }

  add(keys: readonly Key[]): void {
    for (const key of keys) {
      if (key.kind === 'paste-end') {
        this.#isOver = this.#isInPaste;
        this.#isInPaste = false;
        continue;
      }
      // An answer of the client's terminal was not typed by anybody.
      if (key.kind === 'report') continue;
      this.#hasKeys = true;
      if (key.kind === 'interrupt') this.#isOver = true;
      if (key.submits) this.#lineEnds += 1;
      this.#hasRest = !key.submits;
    }
  }
}
