/**
 * Makes a stream of terminal output safe to emulate: whatever a hostile program prints, the emulator's
 * memory and its work per character stay bounded. Not caught here: what the output means; it is
 * otherwise unchanged, and sequences that the emulator doesn't know pass.
 *
 * Four things are cut: strings (titles, links, images) to MAX_STRING_CHARS, the counts in control
 * sequences to MAX_COUNT (an emulator repeats 2,147,483,647 times if told so), the marks that are
 * stacked on one character to MAX_MARKS, and sequences that redraw many rows when they come faster
 * than ordinary output pays for: each character earns one row, up to MAX_ROW_CREDIT.
 */

export const MAX_STRING_CHARS = 4096;
export const MAX_COUNT = 1000;
export const MAX_MARKS = 8;
export const MAX_ROW_CREDIT = 20_000;
/** A control sequence longer than this is dropped. */
export const MAX_SEQUENCE_CHARS = 256;

type State = 'ground' | 'escape' | 'csi' | 'string' | 'string-escape';

// oxlint-disable-next-line no-control-regex -- escape and the C1 introducers are what starts a sequence
const INTRODUCER = /[\u001b\u0090\u0098\u009b\u009d-\u009f]/g;
// oxlint-disable-next-line no-control-regex -- these characters end a string
const STRING_END = /[\u0007\u0018\u001a\u001b\u009c]/g;
const MARK = /[\p{Mn}\p{Me}\p{Cf}]/u;
const BEYOND_LATIN = /[\u0300-\uffff]/;
/** Ends the sequence that has begun without any effect. */
const CANCEL = '\u0018';

/** Text in, text out; an unfinished control sequence is held back (at most MAX_SEQUENCE_CHARS). */
export class FloodGuard {
  #state: State = 'ground';
  /** How the control sequence began, after an escape that has already gone out. */
  #introducer = '';
  #sequence = '';
  #stringChars = 0;
  #marks = 0;
  #rowCredit = MAX_ROW_CREDIT;
  #rows: number;

  /** @param rows height of the screen that is guarded */
  constructor(rows: number) {
    this.#rows = rows;
  }

  resize(rows: number): void {
    this.#rows = rows;
  }

  push(text: string): string {
    this.#rowCredit = Math.min(MAX_ROW_CREDIT, this.#rowCredit + text.length);
    let out = '';
    let at = 0;
    while (at < text.length) {
      switch (this.#state) {
        case 'ground': {
          const end = indexOf(INTRODUCER, text, at);
          out += this.#plain(text.slice(at, end));
          at = end;
          if (at < text.length) {
            out += this.#introduce(text.charAt(at));
            at += 1;
          }
          break;
        }
        case 'escape':
        case 'string-escape':
          out += this.#escape(text.charAt(at));
          at += 1;
          break;
        case 'csi':
          out += this.#csi(text.charAt(at));
          at += 1;
          break;
        case 'string': {
          const end = indexOf(STRING_END, text, at);
          const kept = text.slice(at, Math.min(end, at + MAX_STRING_CHARS - this.#stringChars));
          this.#stringChars += kept.length;
          out += kept;
          at = end;
          if (at < text.length) {
            const char = text.charAt(at);
            this.#state = char === '\u001b' ? 'string-escape' : 'ground';
            out += char;
            at += 1;
          }
        }
      }
    }
    return out;
  }

  #introduce(char: string): string {
    if (char === '\u001b') {
      this.#state = 'escape';
      return char;
    }
    if (char === '\u009b') return this.#startCsi(char);
    return this.#startString(char);
  }

  #startCsi(introducer: string): string {
    this.#state = 'csi';
    this.#introducer = introducer;
    this.#sequence = '';
    return '';
  }

  #startString(out: string): string {
    this.#state = 'string';
    this.#stringChars = 0;
    return out;
  }

  #escape(char: string): string {
    if (char === '[') return this.#startCsi(char);
    if (char === ']' || char === 'P' || char === 'X' || char === '^' || char === '_') {
      return this.#startString(char);
    }
    if (char !== '\u001b') this.#state = 'ground';
    return char === 'c' && !this.#affords(2 * this.#rows) ? CANCEL : char;
  }

  #csi(char: string): string {
    if (char === '\u001b') {
      this.#state = 'escape';
      return char;
    }
    if (char === '\u0018' || char === '\u001a') {
      this.#state = 'ground';
      return char;
    }
    if (char < ' ' || char === '\u007f') return char;
    if (char >= '@') {
      this.#state = 'ground';
      if (char > '~' || this.#sequence.length >= MAX_SEQUENCE_CHARS) return CANCEL;
      if (!this.#affords(this.#rowsOf(char))) return CANCEL;
      // Modes are numbers too (`?1049h`), but no counts.
      const isMode = char === 'h' || char === 'l';
      return this.#introducer + (isMode ? this.#sequence : clampCounts(this.#sequence)) + char;
    }
    if (this.#sequence.length < MAX_SEQUENCE_CHARS) this.#sequence += char;
    return '';
  }

  /** How many rows the held sequence redraws. */
  #rowsOf(final: string): number {
    switch (final) {
      case 'L':
      case 'M':
      case 'S':
      case 'T':
        return Math.min(MAX_COUNT, Number.parseInt(this.#sequence, 10) || 1);
      case 'J':
        return this.#rows;
      case 'h':
      case 'l':
        return /\b(47|1047|1049)\b/.test(this.#sequence) ? 2 * this.#rows : 0;
      default:
        return 0;
    }
  }

  #affords(rows: number): boolean {
    if (rows > this.#rowCredit) return false;
    this.#rowCredit -= rows;
    return true;
  }

  #plain(text: string): string {
    if (text === '') return '';
    if (!BEYOND_LATIN.test(text)) {
      this.#marks = 0;
      return text;
    }
    let out = '';
    for (const char of text) {
      this.#marks = MARK.test(char) ? this.#marks + 1 : 0;
      if (this.#marks <= MAX_MARKS) out += char;
    }
    return out;
  }
}

/** Where `pattern` is found at or after `from`; the text's length when it isn't. */
function indexOf(pattern: RegExp, text: string, from: number): number {
  pattern.lastIndex = from;
  return pattern.exec(text)?.index ?? text.length;
}

function clampCounts(parameters: string): string {
  return parameters.replace(/\d{4,}/g, (digits) => String(Math.min(MAX_COUNT, Number(digits))));
}
