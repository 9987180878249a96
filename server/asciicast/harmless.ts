/**
 * Makes recorded output safe for the terminal of whoever replays it: what draws passes, what makes a
 * terminal answer, type, print, copy or resize does not. The target wrote it, and may have had the
 * auditor's terminal in mind. Not caught here: text that deceives the eye.
 */

/** After a replay, with the cursor where it is: the first screen, no scroll region, plain text. */
export const TERMINAL_AS_BEFORE = '\u001b[?1047l\u001b7\u001b[r\u001b8\u001b[0m\u001b[?25h';

/** A control sequence that is longer is dropped. */
export const MAX_SEQUENCE_CHARS = 256;

/** Control sequences that draw, by their last character. */
const DRAWING = new Set('@ABCDEFGHIJKLMPSTXZ`abdefgmrs');
/** Modes that change what is drawn only: wrapping, the cursor, the other screen. */
const DRAWING_MODES = new Set([5, 6, 7, 12, 25, 45, 47, 69, 1047, 1048, 1049, 2026]);
const INSERT_MODE = new Set([4]);
/** Escapes of one character that draw: save, restore, index, next line, tab stop, reverse index, reset. */
const DRAWING_ESCAPES = new Set('78DEHMc');
/** What selects a character set, or fills the screen. */
const DRAWING_INTERMEDIATES = '()*+#';

type State = 'ground' | 'escape' | 'intermediate' | 'csi' | 'string' | 'string-escape';

export class HarmlessOutput {
  #state: State = 'ground';
  /** The sequence so far, without its introducer. */
  #sequence = '';

  /** Text in, safe text out; an unfinished sequence is held back. */
  push(text: string): string {
    let out = '';
    for (const char of text) out += this.#char(char);
    return out;
  }

  #char(char: string): string {
    switch (this.#state) {
      case 'ground':
        return this.#ground(char);
      case 'escape':
        return this.#escape(char);
      case 'intermediate':
        return this.#intermediate(char);
      case 'csi':
        return this.#csi(char);
      case 'string':
        if (char === '\u001b') this.#state = 'string-escape';
        else if ('\u0007\u0018\u001a\u009c'.includes(char)) this.#state = 'ground';
        return '';
      case 'string-escape':
        this.#begin('escape');
        if (char !== '\\') return this.#escape(char);
        this.#state = 'ground';
        return '';
    }
  }

  #begin(state: State): '' {
    this.#state = state;
    this.#sequence = '';
    return '';
  }

  #ground(char: string): string {
    if (char === '\u001b') return this.#begin('escape');
    if (char === '\u009b') return this.#begin('csi');
    if ('\u0090\u0098\u009d\u009e\u009f'.includes(char)) return this.#begin('string');
    // ENQ asks for an answer; the other C1 controls are nothing that programs print today.
    return char === '\u0005' || (char >= '\u0080' && char < '\u00a0') ? '' : char;
  }

  #escape(char: string): string {
    if (char === '[') return this.#begin('csi');
    if (']PX^_'.includes(char)) return this.#begin('string');
    if (char === '\u001b') return '';
    if (char >= ' ' && char <= '/') {
      this.#begin('intermediate');
      this.#sequence = char;
      return '';
    }
    this.#state = 'ground';
    return DRAWING_ESCAPES.has(char) ? `\u001b${char}` : '';
  }

  #intermediate(char: string): string {
    if (char === '\u001b') return this.#begin('escape');
    this.#state = 'ground';
    const isKnown = DRAWING_INTERMEDIATES.includes(this.#sequence);
    return isKnown && char >= '0' && char <= '~' ? `\u001b${this.#sequence}${char}` : '';
  }

  #csi(char: string): string {
    if (char === '\u001b') return this.#begin('escape');
    if (char === '\u0018' || char === '\u001a') return this.#begin('ground');
    // Control characters act at once inside a sequence.
    if (char < ' ') return char === '\u0005' ? '' : char;
    if (char >= '@' && char <= '~') {
      this.#state = 'ground';
      const drawn = drawing(this.#sequence, char);
      return drawn === null ? '' : `\u001b[${drawn}`;
    }
    if (this.#sequence.length < MAX_SEQUENCE_CHARS) this.#sequence += char;
    return '';
  }
}

/** What is left of a control sequence; null = nothing. */
function drawing(parameters: string, final: string): string | null {
  if (final === 'h' || final === 'l') {
    const [, prefix = '', numbers = ''] = /^(\??)([\d;]*)$/.exec(parameters) ?? [];
    // Without the prefix only insert mode draws.
    const known = prefix === '' ? INSERT_MODE : DRAWING_MODES;
    const kept = numbers.split(';').filter((number) => known.has(Number(number || 'x')));
    return kept.length === 0 ? null : `${prefix}${kept.join(';')}${final}`;
  }
  if (final === 'q') return /^\d* $/.test(parameters) ? `${parameters}q` : null;
  if (!DRAWING.has(final) || !/^[\d;:]*$/.test(parameters)) return null;
  return parameters + final;
}
