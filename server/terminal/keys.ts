/**
 * Splits what a client types into keys, at every byte that may submit a line. Nothing is ever held
 * back: a key that is cut between packets comes out as parts, so that all bytes can pass at once.
 * Not caught here: what a key does; that depends on the program that gets it. Keys that a person has
 * bound to submit a line look like any other.
 *
 * Enter is every carriage return and line feed wherever it stands (in a paste, in a broken escape
 * sequence, after an escape as Alt-Enter), Ctrl-O, which shells take for "accept and fetch the next",
 * and Ctrl-D outside a paste, which makes a terminal in line mode deliver an unfinished line. Keys that
 * run a line without an Enter, in the usual bindings of bash and zsh, submit too.
 */

/** An escape sequence longer than this isn't one. */
export const MAX_SEQUENCE_BYTES = 64;
/** The same for an answer of the client's terminal (`ESC ]`, `ESC P`). */
export const MAX_ANSWER_BYTES = 4096;

export type KeyKind =
  /** Printable characters, `text`. */
  | 'text'
  /** Submits a line, `submits`. */
  | 'enter'
  | 'backspace'
  /** Ctrl-U. */
  | 'kill-line'
  /** Ctrl-W. */
  | 'kill-word'
  /** Ctrl-C. */
  | 'interrupt'
  /** Ctrl-D, which hands what was typed to a program that reads the terminal; `submits`. */
  | 'end-of-input'
  /** Alt-A, with which zsh runs the line and keeps it, and escape sequences that mean Enter; `submits`. */
  | 'accept-and-hold'
  /** Alt-Q and Ctrl-Q, with which zsh takes the line away and brings it back later; `submits`. */
  | 'push-line'
  /** Alt-#, with which bash makes a comment of the line, or of a comment a line, and runs it; `submits`. */
  | 'comment'
  /** Ctrl-X e and Ctrl-X Ctrl-E: a recorded macro, or the line out of an editor; `submits`. */
  | 'run'
  | 'tab'
  /** Up, down, Ctrl-P, Ctrl-N. */
  | 'history'
  /** Ctrl-R, Ctrl-S. */
  | 'search'
  | 'paste-start'
  | 'paste-end'
  /** An answer or a report of the client's terminal: focus, colours, cursor position, mouse. */
  | 'report'
  /** Bytes of a character or an escape sequence that isn't complete yet. */
  | 'part'
  /** Any other control character or escape sequence, or one that never became complete. */
  | 'other';

export interface Key {
  readonly kind: KeyKind;
  /** For `text` the characters, may be many; for escape and a character that character; else empty. */
  readonly text: string;
  /** Exactly what the client sent. */
  readonly bytes: Buffer;
  readonly submits: boolean;
  /** Between the marks of a bracketed paste, as the client says. */
  readonly inPaste: boolean;
}

type State = 'ground' | 'escape' | 'sequence' | 'single-shift' | 'answer' | 'answer-escape';

const ESCAPE = 0x1b;
const CR = 0x0d;
const LF = 0x0a;
const CTRL_O = 0x0f;
const CTRL_X = 0x18;
/** Keys with Alt that run the line or take it away. */
const ALT = new Map<string, KeyKind>([
  ['a', 'accept-and-hold'],
  ['A', 'accept-and-hold'],
  ['q', 'push-line'],
  ['Q', 'push-line'],
  ['#', 'comment'],
]);
/** Behind Ctrl-X: `e`, Ctrl-E. */
const RUNS = new Set([0x65, 0x05]);
/** What may run the line or something else when it reaches a line editor. */
const SUBMITTING: ReadonlySet<KeyKind> = new Set([
  'enter',
  'end-of-input',
  'accept-and-hold',
  'push-line',
  'comment',
  'run',
]);
/**
 * Enter and its likes as terminals report them that tell all keys apart: Enter, line feed, Ctrl-J, Ctrl-M,
 * Ctrl-O, Enter of the keypad, with any modifiers. A program that doesn't know them leaves the line alone.
 */
const ENTER_SEQUENCE =
  /^(?:27;\d+;(?:10|13|74|77|79|106|109|111)~|(?:10|13|57414|(?:74|77|79|106|109|111)(?=[:\d]*;))(?::\d*)*(?:;[\d:]*)*u)$/;
/** Behind a single shift: up, down, Enter of the keypad. */
const SINGLE_SHIFTS = new Map<number, KeyKind>([
  [0x41, 'history'],
  [0x42, 'history'],
  [0x4d, 'accept-and-hold'],
]);
const PASTE_END = Buffer.from('\u001b[201~');

const CONTROLS = new Map<number, KeyKind>([
  [0x03, 'interrupt'],
  [0x04, 'end-of-input'],
  [0x08, 'backspace'],
  [0x09, 'tab'],
  [0x0e, 'history'],
  [0x10, 'history'],
  [0x11, 'push-line'],
  [0x12, 'search'],
  [0x13, 'search'],
  [0x15, 'kill-line'],
  [0x17, 'kill-word'],
  [0x7f, 'backspace'],
]);

/** Bytes in, keys out; the keys' bytes joined are the input's bytes. */
export class KeySplitter {
  #state: State = 'ground';
  /** What has come of the sequence that is under way, as Latin-1. */
  #sequence = '';
  #answerBytes = 0;
  #inPaste = false;
  /** The key before was Ctrl-X. */
  #isChord = false;
  /** The start of a character that has gone out as a part. */
  #character: Buffer = Buffer.alloc(0);
  #keys: Key[] = [];
  /** Where the bytes start that are not in a key yet. */
  #start = 0;

  push(bytes: Buffer): Key[] {
    const keys: Key[] = [];
    for (let rest = bytes; rest.length > 0;) {
      const taken = this.take(rest);
      for (const key of taken.keys) keys.push(key);
      rest = taken.rest;
    }
    return keys;
  }

  /** From here on the client's paste counts as ended, though it has not said so. */
  endPaste(): void {
    this.#inPaste = false;
  }

  /** The keys up to the first one that submits, and the bytes behind it. */
  take(bytes: Buffer): { readonly keys: readonly Key[]; readonly rest: Buffer } {
    this.#keys = [];
    this.#start = 0;
    let at = 0;
    while (at < bytes.length && this.#keys.at(-1)?.submits !== true) {
      if (this.#state === 'ground') at = this.#ground(bytes, at);
      else {
        this.#inSequence(bytes, at);
        at += 1;
      }
    }
    this.#emit('part', bytes, at);
    return { keys: this.#keys, rest: bytes.subarray(at) };
  }

  /**
   * A key that never became complete. Even when all its bytes have gone out as parts: what follows must
   * not be taken for an undisturbed line.
   */
  #broken(bytes: Buffer, end: number): void {
    const part = bytes.subarray(this.#start, end);
    this.#start = end;
    const inPaste = this.#inPaste;
    this.#keys.push({ kind: 'other', text: '', bytes: part, submits: false, inPaste });
  }

  #emit(kind: KeyKind, bytes: Buffer, end: number, text = ''): void {
    if (end === this.#start && text === '') return;
    this.#keys.push({
      kind,
      text,
      bytes: bytes.subarray(this.#start, end),
      submits: SUBMITTING.has(kind),
      inPaste: this.#inPaste,
    });
    this.#start = end;
  }

  /** Takes a run of printable bytes, or one control character; returns where to go on. */
  #ground(bytes: Buffer, at: number): number {
    const isChord = this.#isChord;
    this.#isChord = false;
    if (isChord && RUNS.has(bytes[at] ?? 0)) {
      this.#emit('run', bytes, at + 1);
      return at + 1;
    }
    let end = at;
    while (end < bytes.length && isPrintable(bytes[end] ?? 0)) end += 1;
    if (end > at) {
      this.#text(bytes, end);
      return end;
    }
    this.#endCharacter(bytes, at);
    const byte = bytes[at] ?? 0;
    if (byte === ESCAPE) {
      this.#state = 'escape';
      this.#sequence = '';
    } else this.#control(bytes, at, byte);
    return at + 1;
  }

  #text(bytes: Buffer, end: number): void {
    const all = Buffer.concat([this.#character, bytes.subarray(this.#start, end)]);
    const tail = incompleteTail(all);
    this.#character = Buffer.from(all.subarray(all.length - tail));
    const text = all.toString('utf8', 0, all.length - tail);
    if (text.includes('\ufffd')) this.#emit('other', bytes, end);
    else if (text !== '') this.#emit('text', bytes, end - tail, text);
    this.#emit('part', bytes, end);
  }

  /** A control character inside a character: the character was none. */
  #endCharacter(bytes: Buffer, at: number): void {
    if (this.#character.length === 0) return;
    this.#character = Buffer.alloc(0);
    this.#broken(bytes, at);
  }

  #control(bytes: Buffer, at: number, byte: number): void {
    if (submits(byte)) this.#emit('enter', bytes, at + 1);
    else if (this.#inPaste && byte === 0x09) this.#emit('text', bytes, at + 1, '\t');
    else if (this.#inPaste) this.#emit('other', bytes, at + 1);
    else {
      this.#isChord = byte === CTRL_X;
      this.#emit(CONTROLS.get(byte) ?? 'other', bytes, at + 1);
    }
  }

  #inSequence(bytes: Buffer, at: number): void {
    const byte = bytes[at] ?? 0;
    if (submits(byte)) {
      // A lone escape before it belongs to it (Alt-Enter); a broken sequence is a key of its own.
      if (this.#state !== 'escape') this.#broken(bytes, at);
      this.#state = 'ground';
      this.#emit('enter', bytes, at + 1);
      return;
    }
    if (byte === ESCAPE && this.#state !== 'answer') {
      this.#broken(bytes, at);
      this.#state = 'escape';
      this.#sequence = '';
      return;
    }
    switch (this.#state) {
      case 'escape':
        this.#afterEscape(bytes, at, byte);
        return;
      case 'sequence':
        this.#inControlSequence(bytes, at, byte);
        return;
      case 'single-shift':
        this.#finish(bytes, at + 1, SINGLE_SHIFTS.get(byte) ?? 'other');
        return;
      case 'answer':
      case 'answer-escape':
        this.#inAnswer(bytes, at, byte);
        return;
      case 'ground':
    }
  }

  #afterEscape(bytes: Buffer, at: number, byte: number): void {
    if (byte === 0x5b) this.#state = 'sequence';
    else if (byte === 0x4f) this.#state = 'single-shift';
    else if (byte === 0x5d || byte === 0x50) {
      this.#state = 'answer';
      this.#sequence = '';
      this.#answerBytes = 0;
    } else {
      const char = isAscii(byte) ? String.fromCharCode(byte) : '';
      this.#finish(bytes, at + 1, ALT.get(char) ?? 'other', char);
    }
  }

  #inControlSequence(bytes: Buffer, at: number, byte: number): void {
    if (byte < 0x20 || byte >= 0x7f || this.#sequence.length >= MAX_SEQUENCE_BYTES) {
      this.#finish(bytes, at + 1, 'other');
    } else if (byte >= 0x40) {
      this.#finish(bytes, at + 1, sequenceKind(this.#sequence + String.fromCharCode(byte)));
    } else this.#sequence += String.fromCharCode(byte);
  }

  #inAnswer(bytes: Buffer, at: number, byte: number): void {
    this.#answerBytes += 1;
    if (byte === 0x07 || (this.#state === 'answer-escape' && byte === 0x5c)) {
      const text = this.#sequence;
      if (isAnswer(text)) this.#finish(bytes, at + 1, 'report');
      else this.#finish(bytes, at + 1, 'other', text);
    } else if (this.#answerBytes >= MAX_ANSWER_BYTES) this.#finish(bytes, at + 1, 'other');
    else {
      this.#state = byte === ESCAPE ? 'answer-escape' : 'answer';
      if (byte !== ESCAPE) this.#sequence += String.fromCharCode(byte);
    }
  }

  #finish(bytes: Buffer, end: number, kind: KeyKind, text = ''): void {
    this.#state = 'ground';
    if (this.#inPaste && kind !== 'paste-end') this.#emit('other', bytes, end, text);
    else {
      if (kind === 'paste-start') this.#inPaste = true;
      this.#emit(kind, bytes, end, text);
      if (kind === 'paste-end') this.#inPaste = false;
    }
  }
}

/**
 * What makes a line editor forget a line: the end of a paste, when one is under way, and Ctrl-C. Each by
 * itself, since with Ctrl-C a terminal forgets what a program has not read yet.
 */
export function abortKeys(inPaste: boolean): readonly Buffer[] {
  const interrupt = Buffer.from([0x03]);
  return inPaste ? [PASTE_END, interrupt] : [interrupt];
}

function isPrintable(byte: number): boolean {
  return byte >= 0x20 && byte !== 0x7f;
}

function isAscii(byte: number): boolean {
  return isPrintable(byte) && byte < 0x80;
}

function submits(byte: number): boolean {
  return byte === CR || byte === LF || byte === CTRL_O;
}

function sequenceKind(sequence: string): KeyKind {
  if (sequence === '200~') return 'paste-start';
  if (sequence === '201~') return 'paste-end';
  if (sequence === 'A' || sequence === 'B') return 'history';
  if (ENTER_SEQUENCE.test(sequence)) return 'accept-and-hold';
  // Focus, cursor position, device attributes, mode reports, mouse.
  return /^(?:[IO]|\d+;\d+R|[?>][\d;]*c|\?[\d;]+\$y|<[\d;]+[Mm])$/.test(sequence)
    ? 'report'
    : 'other';
}

/**
 * Colours, settings, capabilities and the terminal's name. What else stands between the marks of an
 * answer may be text for a program that doesn't know the marks.
 */
function isAnswer(text: string): boolean {
  return /^(?:(?:4;\d+|1\d);rgba?:[\da-f/]+|[01]\$r[\d;: ]*["' ]?[a-zA-Z]?|[01]\+r[\da-f=;]*|!\|[\da-f]+|>\|[\w .()-]*)$/i.test(
    text,
  );
}

/** Length of the unfinished UTF-8 character at the end, 0..3. */
function incompleteTail(bytes: Buffer): number {
  for (let back = 1; back <= Math.min(3, bytes.length); back += 1) {
    const byte = bytes[bytes.length - back] ?? 0;
    if (byte < 0x80) return 0;
    if (byte < 0xc0) continue;
    let length = 1;
    if (byte >= 0xc2 && byte <= 0xf4) length = byte >= 0xf0 ? 4 : byte >= 0xe0 ? 3 : 2;
    return length > back ? back : 0;
  }
  return 0;
}
