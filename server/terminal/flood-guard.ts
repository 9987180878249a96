/**
 * Makes a stream of terminal output safe to emulate: whatever a hostile program prints, the emulator's
 * memory and its work per character stay bounded. Not caught here: what the output means; it is
 * otherwise unchanged, and sequences that the emulator doesn't know pass.
 *
 * Four things are cut: strings (titles, links, images) to MAX_STRING_CHARS, the counts in control
 * sequences to what has an effect or to MAX_COUNT (an emulator repeats 2,147,483,647 times if told so),
 * the marks that are stacked on one character to MAX_MARKS, and sequences that change many cells when
 * they come faster than characters and time pay for them. `dropped` counts these: the screen lacks what
 * they did. Only which of the two screens is shown is made good as soon as it can be paid.
 *
 * Work is counted in microseconds of a slow machine. Each character and every PAYING_US of time earn one,
 * up to MAX_CREDIT.
 */
import { indexOf, INTRODUCER, STRING_END, STRING_INTRODUCERS } from './sequence.ts';
import { charWidth } from './width.ts';

export const MAX_STRING_CHARS = 4096;
export const MAX_COUNT = 1000;
export const MAX_MARKS = 8;
export const MAX_CREDIT = 20_000;
/** In time, a tenth of the processor is earned. */
export const PAYING_US = 10;
/** A control sequence longer than this is dropped. */
export const MAX_SEQUENCE_CHARS = 256;

type State = 'ground' | 'escape' | 'escape-hash' | 'csi' | 'string' | 'string-escape';

const BEYOND_LATIN = /[\u0300-\uffff]/;
/** Modes that show the other screen. */
const SCREEN_MODE = /\b(?:47|1047|1049)\b/g;
const MAIN_SCREEN = '\u001b[?1049l';
/** Columns that are filled in the time of one call. */
const COLS_A_UNIT = 128;
/** Rows are moved in a multiple of the time in which they are filled. */
const MOVE = 3;
/** Characters that are repeated in the time of one call. */
const REPEATS_A_UNIT = 8;
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
  #credit = MAX_CREDIT;
  #paidUs: number | null = null;
  #dropped = 0;
  /** What shows the screen that should be shown; null = it is shown. */
  #owed: string | null = null;
  #cols: number;
  #rows: number;

  /** The size of the screen that is guarded. */
  constructor(cols: number, rows: number) {
    this.#cols = cols;
    this.#rows = rows;
  }

  resize(cols: number, rows: number): void {
    this.#cols = cols;
    this.#rows = rows;
  }

  /** Sequences that were dropped because nothing paid for them. */
  get dropped(): number {
    return this.#dropped;
  }

  /** Time earns too. @param nowUs of any clock */
  timePasses(nowUs: number): void {
    this.#earn(Math.max(0, nowUs - (this.#paidUs ?? nowUs)) / PAYING_US);
    this.#paidUs = nowUs;
  }

  push(text: string): string {
    this.#earn(text.length);
    let out = this.#state === 'ground' ? this.#paidScreen() : '';
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
        case 'escape-hash':
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
    if (this.#state === 'escape-hash') {
      this.#state = char === '\u001b' ? 'escape' : 'ground';
      if (char === '8' && !this.#affords(this.#allRows)) return CANCEL;
      return `#${char}`;
    }
    if (char === '[') return this.#startCsi(char);
    if (STRING_INTRODUCERS.includes(char)) return this.#startString(char);
    if (char === '#') {
      this.#state = 'escape-hash';
      return '';
    }
    if (char !== '\u001b') this.#state = 'ground';
    const work = char === 'c' ? this.#allRows : char === 'M' ? MOVE * this.#row : 0;
    const isPaid = this.#affords(work);
    if (char === 'c') this.#owed = isPaid ? null : MAIN_SCREEN;
    return isPaid ? char : CANCEL;
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
      const isMode = char === 'h' || char === 'l';
      // Modes are numbers too (`?1049h`), but no counts.
      const sequence = isMode ? this.#sequence : clampCounts(this.#sequence, this.#mostOf(char));
      const isScreen = isMode && this.#sequence.match(SCREEN_MODE) !== null;
      if (isScreen) this.#owed = null;
      if (this.#affords(this.#workOf(char, sequence))) return this.#introducer + sequence + char;
      if (isScreen) this.#owed = `\u001b[${sequence}${char}`;
      return CANCEL;
    }
    if (this.#sequence.length < MAX_SEQUENCE_CHARS) this.#sequence += char;
    return '';
  }

  /** A larger count has no other effect. */
  #mostOf(final: string): number {
    if (final === 'I' || final === 'Z') return Math.min(MAX_COUNT, this.#cols);
    return 'LMST'.includes(final) ? Math.min(MAX_COUNT, this.#rows) : MAX_COUNT;
  }

  /** What one row costs to fill, and all of them. */
  get #row(): number {
    return 1 + this.#cols / COLS_A_UNIT;
  }

  get #allRows(): number {
    return this.#rows * this.#row;
  }

  #workOf(final: string, sequence: string): number {
    const count = Math.max(1, Number.parseInt(sequence, 10) || 1);
    switch (final) {
      case 'L':
      case 'M':
      case 'S':
      case 'T':
        return MOVE * count * this.#row;
      case 'J':
        return this.#allRows;
      case 'K':
      case 'P':
      case 'X':
        return this.#row;
      case '@':
      case 'A':
        // With a blank, they move all rows sideways.
        if (sequence.endsWith(' ')) return this.#allRows;
        return final === '@' ? this.#row : 0;
      case '}':
      case '~':
        return sequence.endsWith("'") ? this.#allRows : 0;
      case 'b':
        return count / REPEATS_A_UNIT + count / this.#cols;
      case 'I':
      case 'Z':
        return count / REPEATS_A_UNIT;
      case 'h':
      case 'l':
        return 2 * this.#allRows * (sequence.match(SCREEN_MODE)?.length ?? 0);
      default:
        return 0;
    }
  }

  #earn(work: number): void {
    this.#credit = Math.min(MAX_CREDIT, this.#credit + work);
  }

  /** @returns false = the sequence that costs so much is to be dropped */
  #affords(work: number): boolean {
    if (work > this.#credit) {
      this.#dropped += 1;
      return false;
    }
    this.#credit -= work;
    return true;
  }

  /** Shows the screen that is owed, when that can be paid by now. */
  #paidScreen(): string {
    const owed = this.#owed;
    if (owed === null || 2 * this.#allRows > this.#credit) return '';
    this.#credit -= 2 * this.#allRows;
    this.#owed = null;
    return owed;
  }

  #plain(text: string): string {
    if (text === '') return '';
    if (!BEYOND_LATIN.test(text)) {
      this.#marks = 0;
      return text;
    }
    let out = '';
    for (const char of text) {
      this.#marks = charWidth(char.codePointAt(0) ?? 0) === 0 ? this.#marks + 1 : 0;
      if (this.#marks <= MAX_MARKS) out += char;
    }
    return out;
  }
}

function clampCounts(parameters: string, most: number): string {
  return parameters.replace(/\d+/g, (digits) => {
    const count = Number(digits);
    return count > most ? String(most) : digits;
  });
}
