/**
 * What a line that is being edited has looked like since its last key, and whether it changed when nobody
 * had pressed one: other programs may paint over it. Not caught here: a single coat of paint that comes
 * just when the answer to a key is due, and before the next key.
 */
import { textSinceStart, type LineStart } from './edited-text.ts';
import type { Screen } from './screen.ts';
import { endsWithin, sameLetters } from './same-text.ts';

/** So many different looks are kept between two keys; a line with more is in doubt. */
export const MAX_SHOWN = 64;
/** The line is looked at so often between two keys. */
const MAX_LOOKS = 400;
/** The same for the echo of a line that wasn't edited. */
const MAX_ECHO_LOOKS = 64;
/** Where an editor, or somebody who paints, goes to another place of the line or empties it. */
// oxlint-disable-next-line no-control-regex -- what moves a cursor
const MOVE = /\r|\u001b(?:\[[\d;?]*[A-KdfsuX`]|[78M])/g;

export class ShownLines {
  #texts: string[] = [];
  #looks = 0;
  #isPainted = false;
  #isCrowded = false;
  /** What had been typed when all of it was on the screen. */
  #echoed = '';

  /** Since the last key, the last one is what is shown now. */
  get texts(): readonly string[] {
    return this.#texts;
  }

  /** Why what is shown may not be the line; null = nothing speaks against it. */
  get doubt(): string | null {
    if (this.#isPainted) return 'the line has changed on the screen though no key was pressed';
    return this.#isCrowded ? 'the line has changed on the screen too often' : null;
  }

  /** A key goes up: what comes from here on may be its answer. */
  key(): void {
    this.#texts = [];
    this.#looks = 0;
    this.#isCrowded = false;
  }

  /**
   * Output comes while a line is edited.
   * @param look reads the line from the screen; null = there is none
   * @param isLate too late for an answer to a key
   */
  output(bytes: Buffer, screen: Screen, look: () => string | null, isLate: boolean): void {
    if (isLate) {
      const before = look();
      screen.write(bytes);
      const after = look();
      this.#isPainted ||= before === null || after === null || !sameLetters(before, after);
      return;
    }
    let from = 0;
    for (const { index } of bytes.toString('latin1').matchAll(MOVE)) {
      if (index === from) continue;
      if (this.#looks >= MAX_LOOKS) {
        this.#isCrowded = true;
        break;
      }
      screen.write(bytes.subarray(from, index));
      from = index;
      this.#add(look());
    }
    screen.write(bytes.subarray(from));
    this.#add(look());
  }

  /** Output came. @param typed the line, as far as the keys say what it holds */
  echoed(typed: string | null, screen: Screen, start: LineStart): void {
    if (typed === null || typed === this.#echoed || this.#looks >= MAX_ECHO_LOOKS) return;
    this.#looks += 1;
    if (endsWithin(typed, textSinceStart(screen, start))) this.#echoed = typed;
  }

  /** The end of it has been on the screen, whatever was painted over it since: it is no secret. */
  wasEchoed(typed: string): boolean {
    return typed === this.#echoed;
  }

  #add(text: string | null): void {
    this.#looks += 1;
    if (text === null || text.trim() === '' || this.#texts.includes(text)) return;
    if (this.#texts.length >= MAX_SHOWN) this.#isCrowded = true;
    else this.#texts.push(text);
  }
}
