/**
 * What a line probably holds: the keys of an emacs-like line editor, as most shells and clients have
 * them. Not caught here: programs that take these keys otherwise, and keys whose effect only the target
 * knows (history, completion, search); so this is no more than a guess, which counts only where the
 * screen shows the same.
 */
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

export class LikelyLine {
  /** Characters as line editors count them: code points. */
  #before: string[] = [];
  #after: string[] = [];
  #killed: string | null = null;
  #isKnown = true;

  /** The probable content; null when there is none. */
  get text(): string | null {
    return this.#isKnown ? [...this.#before, ...this.#after].join('') : null;
  }

  forget(): void {
    this.#isKnown = false;
    this.#before = [];
    this.#after = [];
  }

  insert(text: string): void {
    if (!this.#isKnown) return;
    this.#before.push(...Array.from(text));
    if (this.#before.length + this.#after.length > MAX_LIKELY_CHARS) this.forget();
  }

  push(key: Key): void {
    if (!this.#isKnown) return;
    switch (key.kind) {
      case 'text':
        this.insert(key.text);
        return;
      case 'backspace':
        this.#before.pop();
        return;
      case 'kill-line':
        // Some editors empty the whole line, others up to the cursor.
        if (this.#after.length > 0) this.forget();
        else this.#kill(this.#before.splice(0));
        return;
      case 'kill-word':
        this.#killWord();
        return;
      case 'end-of-input':
        this.#after.shift();
        return;
      case 'part':
      case 'report':
      case 'paste-start':
      case 'paste-end':
        return;
      case 'other':
        this.#edit(EDITS.get(key.bytes.toString('latin1')));
        return;
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
    switch (edit) {
      case undefined:
        this.forget();
        return;
      case 'redraw':
        return;
      case 'left':
        this.#moveLeft(1);
        return;
      case 'right':
        this.#moveRight(1);
        return;
      case 'home':
        this.#moveLeft(this.#before.length);
        return;
      case 'end':
        this.#moveRight(this.#after.length);
        return;
      case 'word-left':
        this.#moveLeft(wordLength(this.#before.toReversed()));
        return;
      case 'word-right':
        this.#moveRight(wordLength(this.#after));
        return;
      case 'delete':
        this.#after.shift();
        return;
      case 'kill-end':
        this.#kill(this.#after.splice(0));
        return;
      case 'kill-word-right':
        this.#kill(this.#after.splice(0, wordLength(this.#after)));
        return;
      case 'transpose':
        this.#transpose();
        return;
      case 'yank':
        if (this.#killed === null) this.forget();
        else this.insert(this.#killed);
    }
  }

  #moveLeft(chars: number): void {
    this.#after.unshift(...this.#before.splice(this.#before.length - chars, chars));
  }

  #moveRight(chars: number): void {
    this.#before.push(...this.#after.splice(0, chars));
  }

  /** Several kills in a row are put together in ways that differ: only a single one is known. */
  #kill(chars: readonly string[]): void {
    this.#killed = this.#killed === null ? chars.join('') : null;
  }

  #killWord(): void {
    let end = this.#before.length;
    while (end > 0 && isBlank(this.#before[end - 1])) end -= 1;
    let start = end;
    while (start > 0 && !isBlank(this.#before[start - 1])) start -= 1;
    const killed = this.#before.splice(start);
    // Editors disagree about where a word with other signs in it begins.
    if (killed.some((char) => !isBlank(char) && !/^\w$/.test(char))) this.forget();
    else this.#kill(killed);
  }

  #transpose(): void {
    if (this.#after.length > 0) this.#moveRight(1);
    const [second, first] = [this.#before.pop(), this.#before.pop()];
    if (first === undefined || second === undefined) this.forget();
    else this.#before.push(second, first);
  }
}

/** How far a move by a word goes: to the end of the next run of letters and digits. */
function wordLength(chars: readonly string[]): number {
  let length = 0;
  while (length < chars.length && !isLetter(chars[length])) length += 1;
  while (length < chars.length && isLetter(chars[length])) length += 1;
  return length;
}

function isLetter(char: string | undefined): boolean {
  return char !== undefined && /^[\p{L}\p{N}]$/u.test(char);
}

function isBlank(char: string | undefined): boolean {
  return char === ' ' || char === '\t';
}
