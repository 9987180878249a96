/**
 * Lines that a shell has taken but not run yet, because they were not complete: an open quote, a
 * here-document, a loop. What comes next is judged together with them. Not caught here: input that is
 * cut in a way that only the target's own grammar knows.
 */
import { looksLikeContinuation, type Prompts } from './prompt.ts';
import type { Draft } from './submitted-line.ts';
import { unfinished } from './unfinished.ts';

/** Joined lines are kept up to this length; after that each line stands for itself again. */
export const MAX_JOINED_CHARS = 65_536;

/** The same for lines that should have been dropped. */
const MAX_DOUBTED_CHARS = 4096;

/**
 * `open`: the lines are unfinished, and the shell that took them is still reading. `maybe`: they are
 * unfinished, but another program may have taken them. `asked`: they seem complete, but the prompt asks
 * for more.
 */
type Continuation = 'open' | 'maybe' | 'asked' | null;

export class PendingLines {
  #text = '';
  /** The same of lines that should have been dropped: a shell that ignores Ctrl-C has them still. */
  #doubted = '';
  /** The prompt of the first of them; a different one may ask for more. */
  #prompt = '';

  clear(): void {
    this.#text = '';
    this.#doubted = '';
  }

  /** Ctrl-C went up: most shells have dropped the lines. */
  doubt(): void {
    if (unfinished(this.#text) !== null) this.#doubted = this.#text;
    this.#text = '';
  }

  /** Adds the readings that join the line with the pending ones. @param prompt the line's own prompt */
  join(draft: Draft, prompt: string, prompts: Prompts): Draft {
    const own = this.#joined(draft, prompt, prompts);
    if (this.#doubted === '' || draft.text === null) return own;
    return { ...own, guesses: [`${this.#doubted}\n${draft.text}`, ...(own.guesses ?? [])] };
  }

  #joined(draft: Draft, prompt: string, prompts: Prompts): Draft {
    const how = draft.text === null ? null : this.#continuation(prompt, prompts);
    if (how === null) return draft;
    const joined = `${this.#text}\n${draft.text}`;
    const { strict = [], guesses = [] } = draft;
    if (how === 'maybe') {
      return { ...draft, whole: joined, mayStandAlone: true, guesses: [joined, ...guesses] };
    }
    if (how === 'asked')
      return { ...draft, whole: joined, mayStandAlone: true, strict: [joined, ...strict] };
    // The rest of a quoted text or a here-document can't be parsed by itself.
    const own = strict.filter((one) => one !== null);
    return {
      ...draft,
      whole: joined,
      mayStandAlone: false,
      strict: [joined],
      guesses: [...own, ...guesses],
    };
  }

  /** The line was submitted. */
  add(text: string, prompt: string, prompts: Prompts): void {
    const doubted = `${this.#doubted}\n${text}`;
    const isKept = this.#doubted !== '' && doubted.length <= MAX_DOUBTED_CHARS;
    this.#doubted = isKept && unfinished(doubted) !== null ? doubted : '';
    if (this.#continuation(prompt, prompts) === null) {
      this.#text = text;
      this.#prompt = prompt;
      return;
    }
    const joined = `${this.#text}\n${text}`;
    this.#text = joined.length > MAX_JOINED_CHARS ? '' : joined;
  }

  #continuation(prompt: string, prompts: Prompts): Continuation {
    if (this.#text === '') return null;
    const asksForMore = prompt !== this.#prompt && looksLikeContinuation(prompt);
    const kind = unfinished(this.#text);
    if (kind === null) return asksForMore && !this.#text.includes('\n') ? 'asked' : null;
    if (kind === 'block' && prompt === this.#prompt) return null;
    if (!prompts.isKnown(this.#prompt)) return 'maybe';
    const isOther = prompt !== this.#prompt && !asksForMore && prompts.isKnown(prompt);
    return isOther ? 'maybe' : 'open';
  }
}
