/**
 * What a terminal shows of bytes, one character a byte, and where each stands among them: escape sequences
 * are set aside, what was typed over is gone, a moved cursor begins a new line. Not caught here: texts that
 * only come together on the screen because pieces of them were written to different places.
 */
/* oxlint-disable no-control-regex -- control characters and sequences are what is looked for */
import { columnsOf } from './width.ts';

/** A sequence with a text in it (a title) that is longer is none. */
const MAX_STRING_BYTES = 8192;
const MAX_SEQUENCE_BYTES = 256;
/** A move back over more than this begins a new line. */
const MAX_BACK = 512;

const SPECIAL = /[\0\x07\b\x0e\x0f\x1b\x7f]/g;
const CONTROL = /\x1b\[([0-?]*)[ -/]*([@-~])/y;
const OPEN_CONTROL = /\x1b(?:\[[0-?]*[ -/]*|[ -/]*)$/y;
const PLAIN = /\x1b[ -/]*([0-~])/y;
const STRING_START = /\x1b[\]PX^_]/y;
const STRING_END = /\x07|\x1b\\?|[\x18\x1a]/g;
const MOVES = 'ABEFGHLMSTadefjkrsu`';
const MOVES_WITHOUT_NUMBER = 'cDEM8';

/** Where something stands among the bytes. */
export interface Span {
  readonly start: number;
  readonly end: number;
}

export interface Visible {
  readonly text: string;
  /** The piece of the text from `textAt` on stands at `rawAt`; -1 = it isn't there (a moved cursor). */
  readonly pieces: readonly { readonly textAt: number; readonly rawAt: number }[];
  /** Bytes that were shown and typed over. */
  readonly covered: readonly number[];
  /** Texts inside sequences. */
  readonly strings: readonly Span[];
  /** A sequence that isn't complete begins here; the number of bytes = there is none. */
  readonly rest: number;
  /** Line ends in `text` that may stand there only because the line was full. */
  readonly wraps: readonly Span[];
}

export interface Terminal {
  /** null = no terminal: lines are as long as they are. */
  readonly width: number | null;
  /** Where the text begins. */
  readonly column: number;
}

export function visibleOf(raw: Buffer, terminal: Terminal): Visible {
  const all = raw.toString('latin1');
  if (!hasSpecial(all)) {
    const pieces = [{ textAt: 0, rawAt: 0 }];
    const wraps = wrapsIn(all, [], terminal);
    return { text: all, pieces, covered: [], strings: [], rest: raw.length, wraps };
  }
  return new Reading(all, terminal).read();
}

const SPECIALS = ['\x1b', '\b', '\0', '\x07', '\x0e', '\x0f', '\x7f'];

function hasSpecial(text: string): boolean {
  return SPECIALS.some((one) => text.includes(one));
}

function nextSpecial(text: string, at: number): number {
  SPECIAL.lastIndex = at;
  return SPECIAL.exec(text)?.index ?? -1;
}

/** Where the usual sequence ends, a colour; -1 = it is another one. */
function colourEnd(text: string, at: number): number {
  if (text.charCodeAt(at + 1) !== 0x5b) return -1;
  let end = at + 2;
  for (let code = text.charCodeAt(end); code >= 0x30 && code < 0x40; code = text.charCodeAt(end)) {
    end += 1;
  }
  return text.charCodeAt(end) === 0x6d ? end + 1 : -1;
}

/** The text goes on at this column. */
interface Move {
  readonly textAt: number;
  readonly column: number;
}

class Reading {
  readonly #all: string;
  readonly #terminal: Terminal;
  readonly #parts: string[] = [];
  #length = 0;
  readonly #pieces: { textAt: number; rawAt: number }[] = [];
  readonly #covered: number[] = [];
  readonly #strings: Span[] = [];
  readonly #moves: Move[] = [];

  constructor(all: string, terminal: Terminal) {
    this.#all = all;
    this.#terminal = terminal;
  }

  read(): Visible {
    const all = this.#all;
    const hasOthers = SPECIALS.slice(1).some((one) => all.includes(one));
    let at = 0;
    let rest = all.length;
    for (;;) {
      const special = hasOthers ? nextSpecial(all, at) : all.indexOf('\x1b', at);
      this.#show(at, special === -1 ? all.length : special);
      if (special === -1) break;
      at = special;
      if (all[at] !== '\x1b') {
        if (all[at] === '\b') this.#back(1);
        at += 1;
        continue;
      }
      const colour = colourEnd(all, at);
      if (colour !== -1) {
        at = colour;
        continue;
      }
      const next = this.#sequence(at);
      if (next === null) {
        rest = at;
        break;
      }
      at = next;
    }
    const text = this.#parts.join('');
    return {
      text,
      pieces: this.#pieces,
      covered: this.#covered,
      strings: this.#strings,
      rest,
      wraps: wrapsIn(text, this.#moves, this.#terminal),
    };
  }

  #show(start: number, end: number): void {
    if (end === start) return;
    this.#pieces.push({ textAt: this.#length, rawAt: start });
    this.#parts.push(this.#all.slice(start, end));
    this.#length += end - start;
  }

  /** @returns where it ends; null = it isn't complete */
  #sequence(at: number): number | null {
    const all = this.#all;
    const left = all.length - at;
    STRING_START.lastIndex = at;
    if (STRING_START.test(all)) return this.#string(at);
    CONTROL.lastIndex = at;
    const control = CONTROL.exec(all);
    if (control !== null) {
      this.#controlled(control[2] ?? '', control[1] ?? '');
      return CONTROL.lastIndex;
    }
    OPEN_CONTROL.lastIndex = at;
    if (left < MAX_SEQUENCE_BYTES && OPEN_CONTROL.test(all)) return null;
    PLAIN.lastIndex = at;
    const plain = PLAIN.exec(all);
    if (plain === null || plain[1] === '[') return at + 1;
    if (MOVES_WITHOUT_NUMBER.includes(plain[1] ?? ' ')) this.#move(-1);
    return PLAIN.lastIndex;
  }

  #string(at: number): number | null {
    const all = this.#all;
    const isCommand = all[at + 1] === ']';
    STRING_END.lastIndex = at + 2;
    for (;;) {
      const end = STRING_END.exec(all);
      if (end === null || (end[0] === '\x1b' && end.index === all.length - 1)) {
        return all.length - at < MAX_STRING_BYTES ? null : at + 2;
      }
      if (end[0] === '\x07' && !isCommand) continue;
      this.#strings.push({ start: at + 2, end: end.index });
      return end[0] === '\x1b' ? end.index : end.index + end[0].length;
    }
  }

  #controlled(final: string, parameters: string): void {
    const [first = 0, second = 0] = parameters
      .split(';')
      .map((one) => Number.parseInt(one, 10) || 0);
    if (final === 'C') this.#insert(' ');
    else if (final === 'D') this.#back(Math.max(1, first));
    else if (final === 'H' || final === 'f') this.#move(Math.max(1, second) - 1);
    else if (final === 'G' || final === '`') this.#move(Math.max(1, first) - 1);
    else if (final === 'E' || final === 'F') this.#move(0);
    else if (MOVES.includes(final)) this.#move(-1);
  }

  #insert(character: string): void {
    this.#pieces.push({ textAt: this.#length, rawAt: -1 });
    this.#parts.push(character);
    this.#length += 1;
  }

  /** @param column -1 = that isn't known */
  #move(column: number): void {
    this.#insert('\n');
    this.#moves.push({ textAt: this.#length, column });
  }

  #back(count: number): void {
    if (count > MAX_BACK) {
      this.#move(-1);
      return;
    }
    for (let left = count; left > 0; left -= 1) {
      // A character of several bytes is one place.
      while (this.#dropsContinuation());
      if (!this.#drop()) return;
    }
  }

  #dropsContinuation(): boolean {
    const code = (this.#parts.at(-1) ?? '').charCodeAt((this.#parts.at(-1)?.length ?? 0) - 1);
    return code >= 0x80 && code < 0xc0 && this.#drop();
  }

  #drop(): boolean {
    const part = this.#parts.at(-1);
    const piece = this.#pieces.at(-1);
    if (part === undefined || piece === undefined || part.endsWith('\n')) return false;
    if (piece.rawAt >= 0) this.#covered.push(piece.rawAt + part.length - 1);
    this.#length -= 1;
    if (part.length > 1) this.#parts[this.#parts.length - 1] = part.slice(0, -1);
    else {
      this.#parts.pop();
      this.#pieces.pop();
    }
    return true;
  }
}

/** Where lines end because they are full: in a row of exactly the terminal's width, or several of them. */
function wrapsIn(text: string, moves: readonly Move[], { width, column }: Terminal): Span[] {
  if (width === null || width < 2) return [];
  const wraps: Span[] = [];
  let start = 0;
  let from = column;
  let move = 0;
  for (let at = text.indexOf('\r'); ; at = text.indexOf('\r', at + 1)) {
    const end = at === -1 ? text.length : at;
    // A cursor that went to the first column of a new row.
    for (; (moves[move]?.textAt ?? Infinity) <= end; move += 1) {
      const { textAt, column: next } = moves[move] ?? { textAt: 0, column: -1 };
      if (next === 0 && isFull(text, start, textAt - 1, from, width)) {
        wraps.push({ start: textAt - 1, end: textAt });
      }
      start = textAt;
      from = next;
    }
    if (at === -1) return wraps;
    if (text[at + 1] === '\n') {
      if (isFull(text, start, at, from, width)) wraps.push({ start: at, end: at + 2 });
      start = at + 2;
    } else {
      // Shells print a blank, or the next character, into the next row, go back and go on there.
      const back = [0, 1, 2].find((one) => isFull(text, start, at - one, from, width));
      if (back !== undefined) wraps.push({ start: at - back, end: at + 1 });
      start = at + 1;
    }
    from = 0;
  }
}

function isFull(text: string, start: number, end: number, from: number, width: number): boolean {
  // Fewer bytes are fewer columns, except for a line that didn't begin here.
  if (from < 0 || end <= start || end - start + from < width) return false;
  const line = text.slice(start, end);
  const columns = isAscii(line) ? line.length : columnsOf(Buffer.from(line, 'latin1').toString());
  return columns > 0 && (from + columns) % width === 0 && !line.includes('\t');
}

function isAscii(text: string): boolean {
  return !/[\x80-\xff]/.test(text);
}

/** The column behind the text. */
export function columnAfter(text: string, { width, column }: Terminal): number {
  if (width === null) return 0;
  const start = Math.max(text.lastIndexOf('\n'), text.lastIndexOf('\r')) + 1;
  const line = text.slice(start);
  const columns = isAscii(line) ? line.length : columnsOf(Buffer.from(line, 'latin1').toString());
  return ((start === 0 ? column : 0) + columns) % width;
}
