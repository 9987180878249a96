/**
 * A text with a cursor in it: every edit and every move costs as much as it moves, a move to the start or
 * the end costs nothing. Characters are code points, as line editors count them. Not caught here: what
 * an editor takes for one character beyond that.
 */

const FIRST_CAPACITY = 256;
/** `String.fromCodePoint` takes no more at once. */
const PIECE = 4096;

export class GapText {
  #points = new Uint32Array(FIRST_CAPACITY);
  /** The gap: what is before `#gap` and from `#behind` on is text. */
  #gap = 0;
  #behind = FIRST_CAPACITY;
  #cursor = 0;

  get length(): number {
    return this.#points.length - (this.#behind - this.#gap);
  }

  /** Where the cursor stands, in characters. */
  get cursor(): number {
    return this.#cursor;
  }

  /** Moves the cursor, within the text. */
  set cursor(to: number) {
    this.#cursor = Math.max(0, Math.min(this.length, to));
  }

  /** The character that stands there; '' = none does. */
  at(index: number): string {
    if (index < 0 || index >= this.length) return '';
    const place = index < this.#gap ? index : index + this.#behind - this.#gap;
    return String.fromCodePoint(this.#points[place] ?? 0);
  }

  /** Inserts at the cursor, which goes behind it. */
  insert(text: string): void {
    for (const char of text) {
      this.#moveGap();
      if (this.#gap === this.#behind) this.#grow();
      this.#points[this.#gap] = char.codePointAt(0) ?? 0;
      this.#gap += 1;
      this.#cursor += 1;
    }
  }

  /** Takes out what is between the cursor and `to`, which is put in its place. */
  cut(to: number): string {
    const other = Math.max(0, Math.min(this.length, to));
    const [from, end] = [Math.min(this.#cursor, other), Math.max(this.#cursor, other)];
    const taken = this.slice(from, end);
    this.#cursor = end;
    this.#moveGap();
    this.#gap = from;
    this.#cursor = from;
    return taken;
  }

  clear(): void {
    this.#points = new Uint32Array(FIRST_CAPACITY);
    this.#gap = 0;
    this.#behind = FIRST_CAPACITY;
    this.#cursor = 0;
  }

  slice(from = 0, to: number = this.length): string {
    const size = this.#behind - this.#gap;
    const before = this.#points.subarray(Math.min(from, this.#gap), Math.min(to, this.#gap));
    const start = Math.max(from, this.#gap) + size;
    const after = this.#points.subarray(start, Math.max(start, to + size));
    let text = '';
    for (const part of [before, after]) {
      for (let at = 0; at < part.length; at += PIECE) {
        text += String.fromCodePoint(...part.subarray(at, at + PIECE));
      }
    }
    return text;
  }

  #moveGap(): void {
    const by = this.#cursor - this.#gap;
    if (by === 0) return;
    if (by < 0) this.#points.copyWithin(this.#behind + by, this.#cursor, this.#gap);
    else this.#points.copyWithin(this.#gap, this.#behind, this.#behind + by);
    this.#gap += by;
    this.#behind += by;
  }

  #grow(): void {
    const { length } = this;
    const grown = new Uint32Array(this.#points.length * 2);
    grown.set(this.#points.subarray(0, this.#gap));
    const tail = this.#points.subarray(this.#behind);
    grown.set(tail, grown.length - tail.length);
    this.#behind = grown.length - (length - this.#gap);
    this.#points = grown;
  }
}
