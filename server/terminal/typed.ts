/**
 * What a line holds if the program edits lines in the way that all of them do: characters are added at
 * the end, backspace takes one, Ctrl-U all, Ctrl-W a word. Not caught here: every other key; after one
 * of those the content is unknown, because only the target knows it.
 */
import type { Key } from './keys.ts';
import { LikelyLine } from './likely-line.ts';

/** A longer line is unknown. */
export const MAX_LINE_CHARS = 65_536;

const EMPTY = Buffer.alloc(0);

export class TypedLine {
  #text: string | null = '';
  #raw = '';
  #isRecalled = false;
  readonly #likely = new LikelyLine();
  readonly #plain = new LikelyLine(false);
  /** The same without what a program put there; null = nothing was. */
  #alone: LikelyLine | null = null;
  /** What is left for a terminal that erases bytes; null = that isn't known. */
  #bytes: Buffer | null = EMPTY;
  #tail: string | null = '';
  #isEscaped = false;

  /** The content; null when it can't be known from the keys. */
  get text(): string | null {
    return this.#text;
  }

  /** What probably stands before the cursor; null = nobody knows. */
  get beforeCursor(): string | null {
    return this.#likely.beforeCursor;
  }

  /** What it probably is when it can't be known; null = not even that. */
  get likely(): string | null {
    return this.#likely.text;
  }

  /** What it probably was before that became unknown; '' = nothing. */
  get lost(): string {
    return this.#likely.lost;
  }

  /**
   * What was typed since the last key that is no text: a line editor shows it before the cursor. null =
   * the keys may be commands of vi, or a pattern to search for.
   */
  get tail(): string | null {
    return this.#tail;
  }

  /** An escape by itself came: what follows may be commands of vi. */
  get isEscaped(): boolean {
    return this.#isEscaped;
  }

  /** Characters that were typed, with backspace applied and all other keys ignored; a bounded end of it. */
  get raw(): string {
    return this.#raw;
  }

  /** History or search was used: the content comes from earlier lines. */
  get isRecalled(): boolean {
    return this.#isRecalled;
  }

  /** A program has put this into the line before the first key, as it seems. */
  prefill(text: string): void {
    this.#text = null;
    this.#alone = new LikelyLine();
    this.#likely.insert(text);
    this.#plain.insert(text);
  }

  /** All editors agree about the keys that came, so far as it is known what the line probably holds. */
  get isSure(): boolean {
    return this.#likely.isSure;
  }

  /** Other contents that it may have: bytes erased one by one, keys that did nothing, no text before them. */
  get otherwise(): string[] {
    const alone = this.#alone === null ? '' : (this.#alone.text ?? this.#alone.lost);
    const bytes = this.#text === null ? '' : (this.#bytes?.toString() ?? '');
    const plain = this.#likely.isSure ? '' : (this.#plain.text ?? this.#plain.lost);
    return [alone, plain, bytes].filter((one) => one.trim() !== '' && one !== this.#text);
  }

  /** The content is no longer known. */
  forget(): void {
    this.#text = null;
    this.#likely.forget();
    this.#plain.forget();
  }

  /** A line break that became part of the line instead of submitting it: inside a bracketed paste. */
  newLine(): void {
    this.#likely.insert('\n');
    this.#add('\n');
  }

  push(key: Key): void {
    this.#likely.push(key);
    this.#plain.push(key);
    this.#alone?.push(key);
    this.#follow(key);
    switch (key.kind) {
      case 'text':
        this.#add(key.text);
        return;
      case 'backspace':
        this.#bytes = this.#bytes?.subarray(0, -1) ?? null;
        this.#raw = withoutLast(this.#raw);
        if (this.#text !== null) this.#text = withoutLast(this.#text);
        return;
      case 'kill-line':
        this.#bytes &&= EMPTY;
        if (this.#text !== null) this.#text = '';
        return;
      case 'kill-word':
        this.#bytes = null;
        this.#text = this.#text === null ? null : withoutWord(this.#text);
        return;
      case 'history':
      case 'search':
        this.#isRecalled = true;
        this.#text = null;
        return;
      case 'tab':
      case 'other':
      case 'interrupt':
      case 'end-of-input':
      case 'enter':
      case 'accept-and-hold':
      case 'push-line':
      case 'comment':
      case 'run':
        this.#raw = (this.#raw + key.text).slice(-MAX_LINE_CHARS);
        this.#text = null;
        return;
      case 'part':
      case 'report':
      case 'paste-start':
      case 'paste-end':
    }
  }

  #follow(key: Key): void {
    if (key.kind === 'report' || key.kind === 'part' || key.kind.startsWith('paste')) return;
    // Of a control sequence no character is left; an escape and a character keep it.
    if (key.text !== '' && key.kind !== 'text') this.#isEscaped = true;
    if (key.kind === 'search' || this.#isEscaped) this.#tail = null;
    else if (key.kind === 'text') this.#tail = this.#tail === null ? null : this.#tail + key.text;
    else if (key.kind === 'backspace') this.#tail = this.#tail && withoutLast(this.#tail);
    else this.#tail = '';
    this.#tail = this.#tail?.slice(-MAX_LINE_CHARS) ?? null;
  }

  #add(text: string): void {
    this.#raw = (this.#raw + text).slice(-MAX_LINE_CHARS);
    if (this.#text === null) return;
    const longer = this.#text + text;
    this.#text = longer.length > MAX_LINE_CHARS ? null : longer;
    this.#bytes = this.#bytes && Buffer.concat([this.#bytes, Buffer.from(text)]);
  }
}

function withoutLast(text: string): string {
  const last = text.charCodeAt(text.length - 1);
  return text.slice(0, last >= 0xdc00 && last <= 0xdfff ? -2 : -1);
}

/** Programs disagree about what a word is, except for one of letters and digits after a blank. */
function withoutWord(text: string): string | null {
  let end = text.length;
  while (end > 0 && isBlank(text.charAt(end - 1))) end -= 1;
  let start = end;
  while (start > 0 && /\w/.test(text.charAt(start - 1))) start -= 1;
  if (start === end) return end === 0 ? '' : null;
  return start === 0 || isBlank(text.charAt(start - 1)) ? text.slice(0, start) : null;
}

function isBlank(char: string): boolean {
  return char === ' ' || char === '\t';
}
