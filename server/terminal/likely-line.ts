/**
 * What a line probably holds: the keys of an emacs-like line editor, as most shells and clients have
 * them. Not caught here: programs that take these keys otherwise, and keys whose effect only the target
 * knows (history, completion, search); so this is no more than a guess, which counts only where the
 * screen shows the same.
 */
import { GapText } from './gap-text.ts';
import type { Key } from './keys.ts';

/** A longer line is unknown. */
export const MAX_LIKELY_CHARS = 65_536;

type Move = 'left' | 'right' | 'home' | 'end' | 'word-left' | 'word-right';
type Edit = Move | 'redraw' | 'delete' | 'kill-end' | 'kill-word-right' | 'transpose' | 'yank';

const EDITS: ReadonlyMap<string, Edit> = new Map<string, Edit>([
  ['\u0001', 'home'],
  ['\u0002', 'left'],
  ['\u0005', 'end'],
  ['\u0006', 'right'],
  ['\u000b', 'kill-end'],
  ['\u000c', 'redraw'],
  ['\u0014', 'transpose'],
  ['\u0019', 'yank'],
  ['\u001bb', 'word-left'],
  ['\u001bf', 'word-right'],
  ['\u001bd', 'kill-word-right'],
  ['\u001b[C', 'right'],
  ['\u001b[D', 'left'],
  ['\u001bOC', 'right'],
  ['\u001bOD', 'left'],
  ['\u001b[H', 'home'],
  ['\u001b[F', 'end'],
  ['\u001bOH', 'home'],
  ['\u001bOF', 'end'],
  ['\u001b[1~', 'home'],
  ['\u001b[4~', 'end'],
  ['\u001b[7~', 'home'],
  ['\u001b[8~', 'end'],
  ['\u001b[3~', 'delete'],
  ['\u001b[1;5C', 'word-right'],
  ['\u001b[1;5D', 'word-left'],
]);

/** What all line editors with keys like those of emacs do alike; other edits are unknown to some. */
const SURE = new Set(['\u0001', '\u0002', '\u0005', '\u0006', '\u000b', '\u000c']);
// oxlint-disable-next-line no-control-regex -- arrow keys
const SURE_MOVES = /^\u001b[[O][CD]$/;

/** They find something that only the target knows, or may delete or complete. */
const ASKING: ReadonlySet<Key['kind']> = new Set<Key['kind']>([
  'tab',
  'history',
  'search',
  'end-of-input',
]);

/** Whether only the target knows what the key does. */
export function asksTarget({ kind, bytes }: Key): boolean {
  if (kind !== 'other') return ASKING.has(kind);
  const keys = bytes.toString('latin1');
  return !SURE.has(keys) && !SURE_MOVES.test(keys);
}

export class LikelyLine {
  readonly #line = new GapText();
  #killed: string | null = null;
  #isKnown = true;
  #isSure = true;
  #lost = '';
  readonly #takesAll: boolean;

  /** @param takesAll false = for an editor that ignores the keys which only some know */
  constructor(takesAll = true) {
    this.#takesAll = takesAll;
  }

  /** No key came that means something to some editors only. */
  get isSure(): boolean {
    return this.#isSure;
  }

  /** The probable content; null when there is none. */
  get text(): string | null {
    return this.#isKnown ? this.#line.slice() : null;
  }

  /** The part of it before the cursor; null as above. */
  get beforeCursor(): string | null {
    return this.#isKnown ? this.#line.slice(0, this.#line.cursor) : null;
  }

  /** What it held before a key came of which nobody knows what it does; '' = nothing. */
  get lost(): string {
    return this.#lost;
  }

  forget(): void {
    if (this.#isKnown) this.#lost = this.#line.slice();
    this.#isKnown = false;
    this.#line.clear();
  }

  insert(text: string): void {
    if (!this.#isKnown) return;
    this.#line.insert(text);
    if (this.#line.length > MAX_LIKELY_CHARS) this.forget();
  }

  push(key: Key): void {
    if (!this.#isKnown) return;
    const line = this.#line;
    switch (key.kind) {
      case 'text':
        this.insert(key.text);
        return;
      case 'backspace':
        line.cut(line.cursor - 1);
        return;
      case 'kill-line':
        // Some editors empty the whole line, others up to the cursor.
        if (line.cursor < line.length) this.forget();
        else this.#kill(line.cut(0));
        return;
      case 'kill-word':
        this.#killWord();
        return;
      case 'end-of-input':
        line.cut(line.cursor + 1);
        return;
      case 'part':
      case 'report':
      case 'paste-start':
      case 'paste-end':
        return;
      case 'other': {
        const bytes = key.bytes.toString('latin1');
        const edit = EDITS.get(bytes);
        const isSure = edit === undefined || SURE.has(bytes) || SURE_MOVES.test(bytes);
        this.#isSure &&= isSure;
        if (isSure || this.#takesAll) this.#edit(edit);
        return;
      }
      case 'tab':
      case 'history':
      case 'search':
      case 'interrupt':
      case 'enter':
      case 'accept-and-hold':
      case 'push-line':
      case 'comment':
      case 'run':
        this.forget();
    }
  }

  #edit(edit: Edit | undefined): void {
    const line = this.#line;
    switch (edit) {
      case undefined:
        this.forget();
        return;
      case 'redraw':
        return;
      case 'left':
        line.cursor -= 1;
        return;
      case 'right':
        line.cursor += 1;
        return;
      case 'home':
        line.cursor = 0;
        return;
      case 'end':
        line.cursor = line.length;
        return;
      case 'word-left':
        line.cursor -= wordLength((step) => line.at(line.cursor - 1 - step));
        return;
      case 'word-right':
        line.cursor += wordLength((step) => line.at(line.cursor + step));
        return;
      case 'delete':
        line.cut(line.cursor + 1);
        return;
      case 'kill-end':
        this.#kill(line.cut(line.length));
        return;
      case 'kill-word-right':
        this.#kill(line.cut(line.cursor + wordLength((step) => line.at(line.cursor + step))));
        return;
      case 'transpose':
        this.#transpose();
        return;
      case 'yank':
        if (this.#killed === null) this.forget();
        else this.insert(this.#killed);
    }
  }

  /** Several kills in a row are put together in ways that differ: only a single one is known. */
  #kill(text: string): void {
    this.#killed = this.#killed === null ? text : null;
  }

  #killWord(): void {
    const line = this.#line;
    let start = line.cursor;
    while (start > 0 && isBlank(line.at(start - 1))) start -= 1;
    while (start > 0 && !isBlank(line.at(start - 1))) start -= 1;
    const killed = line.cut(start);
    // Editors disagree about where a word with other signs in it begins.
    if (/[^\w \t]/.test(killed)) this.forget();
    else this.#kill(killed);
  }

  #transpose(): void {
    const line = this.#line;
    line.cursor += 1;
    const pair = line.cut(line.cursor - 2);
    const [first, second] = Array.from(pair);
    if (first === undefined || second === undefined) this.forget();
    else line.insert(second + first);
  }
}

/**
 * How far a move by a word goes: to the end of the next run of letters and digits.
 * @param charAt the characters in the direction of the move, '' behind the last
 */
function wordLength(charAt: (step: number) => string): number {
  let length = 0;
  while (charAt(length) !== '' && !isLetter(charAt(length))) length += 1;
  while (isLetter(charAt(length))) length += 1;
  return length;
}

function isLetter(char: string): boolean {
  return /^[\p{L}\p{N}]$/u.test(char);
}

function isBlank(char: string): boolean {
  return char === ' ' || char === '\t';
}
