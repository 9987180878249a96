/**
 * Turns terminal output into plain lines of text: editing inside a line (carriage return, backspace,
 * erase, insert, short cursor moves) is applied, everything else that is not text is dropped.
 * Not caught here: whatever moves freely over the screen; full-screen programs are skipped, absolute
 * cursor moves start a new line, and a double-width character counts as two columns only when wrapping
 * (by a coarse rule).
 */

/** A line without a line break is cut here, so that a flood without one stays bounded. */
export const MAX_LINE_CELLS = 65_536;
/** A control sequence longer than this is given up and dropped; strings (titles) are never kept. */
export const MAX_SEQUENCE_CHARS = 4096;
/** Moves by more than this are not line editing. */
const MAX_MOVE = 1000;

type State = 'ground' | 'escape' | 'intermediate' | 'csi' | 'string' | 'string-escape';

const WIDE = /[\u1100-\u115f\u2e80-\ua4cf\uac00-\ud7a3\uf900-\ufaff\ufe30-\ufe6f\uff00-\uff60]/;
const COMBINING = /^[\p{Mn}\p{Me}\p{Cf}]$/u;

/** Text in, finished lines out. `flush` gives the last line. */
export class PlainTextStage {
  #cols: number;
  #state: State = 'ground';
  #sequence = '';
  #isAlternate = false;
  /** Cells of the line so far: a character with its marks, or '' behind a wide one. */
  #cells: string[] = [];
  #column = 0;
  #out = '';

  constructor(cols: number) {
    this.#cols = Math.max(1, cols);
  }

  resize(cols: number): void {
    this.#cols = Math.max(1, cols);
  }

  push(text: string): string {
    for (const char of text) this.#char(char);
    return this.#take();
  }

  flush(): string {
    if (this.#cells.length > 0) this.#newLine();
    return this.#take();
  }

  #take(): string {
    const out = this.#out;
    this.#out = '';
    return out;
  }

  #char(char: string): void {
    switch (this.#state) {
      case 'ground':
        this.#ground(char);
        return;
      case 'escape':
        this.#escape(char);
        return;
      case 'intermediate':
        if (char >= '0' || char < ' ') this.#state = 'ground';
        return;
      case 'csi':
        this.#csi(char);
        return;
      case 'string':
      case 'string-escape':
        this.#string(char);
    }
  }

  #ground(char: string): void {
    if (char === '\u001b') this.#state = 'escape';
    else if (char === '\u009b') this.#start('csi');
    else if (char === '\n' || char === '\v' || char === '\f') this.#newLine();
    else if (char === '\r') this.#column = this.#rowStart();
    else if (char === '\b') this.#column = Math.max(this.#rowStart(), this.#column - 1);
    else if (char === '\t') this.#tab();
    else if (char >= ' ' && !(char >= '\u007f' && char < '\u00a0')) this.#print(char);
  }

  #start(state: State): void {
    this.#state = state;
    this.#sequence = '';
  }

  #escape(char: string): void {
    if (char === '[') this.#start('csi');
    else if (char === ']' || char === 'P' || char === 'X' || char === '^' || char === '_') {
      this.#start('string');
    } else if (char >= ' ' && char <= '/') this.#state = 'intermediate';
    else if (char !== '\u001b') this.#state = 'ground';
  }

  #string(char: string): void {
    if (char === '\u0007' || char === '\u009c' || char === '\u0018' || char === '\u001a') {
      this.#state = 'ground';
    } else if (this.#state === 'string-escape') {
      this.#state = 'ground';
      if (char !== '\\') this.#escape(char);
    } else if (char === '\u001b') this.#state = 'string-escape';
  }

  #csi(char: string): void {
    if (char === '\u001b') this.#state = 'escape';
    else if (char === '\u0018' || char === '\u001a') this.#state = 'ground';
    else if (char >= '@' && char <= '~') {
      this.#state = 'ground';
      this.#control(char);
    } else if (this.#sequence.length >= MAX_SEQUENCE_CHARS) this.#state = 'ground';
    else if (char >= ' ') this.#sequence += char;
    else this.#ground(char);
  }

  #control(final: string): void {
    const count = Math.min(MAX_MOVE, Number.parseInt(this.#sequence, 10) || 0);
    const atLeastOne = Math.max(1, count);
    if (final === 'h' || final === 'l') {
      if (/^\?(47|1047|1049)$/.test(this.#sequence)) this.#alternate(final === 'h');
    } else if (this.#isAlternate) return;
    else if (final === 'C') this.#column += atLeastOne;
    else if (final === 'D') this.#column = Math.max(0, this.#column - atLeastOne);
    else if (final === 'A') this.#column = Math.max(0, this.#column - atLeastOne * this.#cols);
    else if (final === 'G') this.#column = this.#rowStart() + atLeastOne - 1;
    else if (final === 'P') this.#cells.splice(this.#column, atLeastOne);
    else if (final === '@') this.#insert(atLeastOne);
    else if (final === 'X') this.#erase(this.#column, this.#column + atLeastOne);
    else if (final === 'K') this.#eraseLine(count);
    else if (final === 'J' && count === 0)
      this.#cells.length = Math.min(this.#cells.length, this.#column);
    else if (final === 'H' || final === 'f' || final === 'J') this.#breakLine();
  }

  #alternate(on: boolean): void {
    if (on && !this.#isAlternate) this.#breakLine();
    this.#isAlternate = on;
  }

  /** The logical line is one array; a row of the screen is a slice of `cols` cells of it. */
  #rowStart(): number {
    // A cursor that waits at the right margin still belongs to the row that it has filled.
    const column =
      this.#column > 0 && this.#column === this.#cells.length ? this.#column - 1 : this.#column;
    return column - (column % this.#cols);
  }

  #print(char: string): void {
    if (this.#isAlternate) return;
    if (COMBINING.test(char)) {
      const at = Math.min(this.#column, this.#cells.length) - 1;
      const base = this.#cells[at];
      if (base !== undefined && base.length < 32) this.#cells[at] = base + char;
      return;
    }
    while (this.#cells.length < this.#column) this.#cells.push(' ');
    this.#cells[this.#column] = char;
    this.#column += 1;
    if (WIDE.test(char) || char > '\u{1f2ff}') {
      this.#cells[this.#column] = '';
      this.#column += 1;
    }
    if (this.#cells.length >= MAX_LINE_CELLS) this.#newLine();
  }

  #tab(): void {
    if (!this.#isAlternate) this.#column += 8 - (this.#column % 8);
  }

  #insert(count: number): void {
    if (this.#column >= this.#cells.length) return;
    this.#cells.splice(this.#column, 0, ...Array.from({ length: count }, () => ' '));
  }

  #erase(from: number, to: number): void {
    this.#cells.fill(' ', from, Math.min(to, this.#cells.length));
  }

  #eraseLine(mode: number): void {
    const start = this.#rowStart();
    if (mode === 0) {
      if (this.#cells.length <= start + this.#cols) {
        this.#cells.length = Math.min(this.#cells.length, this.#column);
      } else this.#erase(this.#column, start + this.#cols);
    } else if (mode === 1) this.#erase(start, this.#column + 1);
    else this.#erase(start, start + this.#cols);
  }

  #breakLine(): void {
    if (this.#cells.length > 0) this.#newLine();
    this.#column = 0;
  }

  #newLine(): void {
    if (this.#isAlternate) return;
    this.#out += `${this.#cells.join('').trimEnd()}\n`;
    this.#cells = [];
    this.#column = 0;
  }
}
