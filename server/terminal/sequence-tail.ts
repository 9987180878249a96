/**
 * Follows terminal output as far as needed to know whether it stops inside a control sequence: what
 * comes next means something else then. Not caught here: what sequences do, and whether a terminal knows
 * them; the content of strings (titles, images) is not kept, because it changes no cell.
 */
import { indexOf, INTRODUCER, STRING_END, STRING_INTRODUCERS } from './sequence.ts';

/** A control sequence that is longer is kept to this length; emulators give such sequences up. */
export const MAX_TAIL_CHARS = 256;

type State = 'ground' | 'escape' | 'csi' | 'string' | 'string-escape';

export class SequenceTail {
  #state: State = 'ground';
  #begun = '';

  /** What puts a fresh terminal into the middle of the same sequence; '' between sequences. */
  get begun(): string {
    if (this.#state === 'ground') return '';
    return this.#state === 'string-escape' ? `${this.#begun}\u001b` : this.#begun;
  }

  push(text: string): void {
    for (let at = 0; at < text.length;) {
      if (this.#state === 'ground') {
        at = indexOf(INTRODUCER, text, at);
        if (at < text.length) this.#introduce(text[at] ?? '');
        at += 1;
      } else if (this.#state === 'string') {
        at = indexOf(STRING_END, text, at);
        if (at < text.length) this.#state = text[at] === '\u001b' ? 'string-escape' : 'ground';
        at += 1;
      } else {
        this.#char(text[at] ?? '');
        at += 1;
      }
    }
  }

  #introduce(char: string): void {
    this.#begun = char;
    if (char === '\u001b') this.#state = 'escape';
    else this.#state = char === '\u009b' ? 'csi' : 'string';
  }

  #char(char: string): void {
    if (this.#state === 'string-escape') {
      this.#introduce('\u001b');
      if (char === '\\') this.#state = 'ground';
      else this.#char(char);
    } else if (char === '\u001b') this.#introduce(char);
    else if (char === '\u0018' || char === '\u001a') this.#state = 'ground';
    else if (this.#state === 'escape') this.#escape(char);
    else if (char >= '@' && char <= '~') this.#state = 'ground';
    else this.#keep(char);
  }

  #escape(char: string): void {
    const isFirst = this.#begun.length === 1;
    if (isFirst && char === '[') this.#state = 'csi';
    else if (isFirst && STRING_INTRODUCERS.includes(char)) this.#state = 'string';
    else if (char >= '0' && char <= '~') this.#state = 'ground';
    this.#keep(char);
  }

  /** Control characters inside a sequence act at once, and are no part of it. */
  #keep(char: string): void {
    if (char >= ' ' && this.#begun.length < MAX_TAIL_CHARS) this.#begun += char;
  }
}
