/** What a person at a keyboard does, as steps, and the things that they type. */
import type { Random } from './random.ts';
import { isPlain, type Shell } from './shells.ts';

export type Step =
  /** One packet of keys. */
  | { readonly do: 'key'; readonly bytes: string | Buffer }
  /** The same, and at once: no time passes before the next step. */
  | { readonly do: 'burst'; readonly bytes: string }
  | { readonly do: 'paste'; readonly text: string }
  | { readonly do: 'pause'; readonly ms: number }
  /** Until the shell has shown one more prompt; `optional` gives up soon. */
  | { readonly do: 'prompt'; readonly optional: boolean }
  /** Until nothing has moved for a moment. */
  | { readonly do: 'quiet' }
  /** Until this has come since the last Enter. */
  | { readonly do: 'until'; readonly pattern: RegExp }
  | { readonly do: 'resize'; readonly cols: number; readonly rows: number }
  /** Typed for a program that doesn't tell what it reads, or never submitted. */
  | { readonly do: 'unread'; readonly text: string }
  /** Must never be written down. */
  | { readonly do: 'secret'; readonly text: string };

export const LEFT = '\u001b[D';
export const RIGHT = '\u001b[C';
export const UP = '\u001b[A';
export const DOWN = '\u001b[B';
export const BACKSPACE = '\u007f';
export const DELETE = '\u001b[3~';
export const ESCAPE = '\u001b';
export const ENTER = '\r';
export const HOME = '\u001b[H';
export const END = '\u001b[F';
/** Long enough for an escape to be a key of its own. */
export const ESCAPE_MS = 550;

export function ctrl(letter: string): string {
  return String.fromCharCode(letter.charCodeAt(0) & 31);
}

export function key(bytes: string | Buffer): Step {
  return { do: 'key', bytes };
}

export function pause(ms: number): Step {
  return { do: 'pause', ms };
}

export function until(pattern: RegExp): Step {
  return { do: 'until', pattern };
}

export const PROMPT: Step = { do: 'prompt', optional: false };
export const MAYBE_PROMPT: Step = { do: 'prompt', optional: true };
export const QUIET: Step = { do: 'quiet' };

const WORDS =
  'deploy status config server alpha beta gamma release build test check report cluster node'.split(
    ' ',
  );
const WIDE = ['漢字', 'größe', '👍', 'e\u0301te\u0301', '日本語', 'naïve', 'ｆｕｌｌ', '→'];

export class Human {
  readonly random: Random;
  readonly shell: Shell;
  #count = 0;

  constructor(random: Random, shell: Shell) {
    this.random = random;
    this.shell = shell;
  }

  /** Different for every call. */
  number(): number {
    this.#count += 1;
    return this.#count;
  }

  word(): string {
    return this.random.pick(WORDS);
  }

  wide(): string {
    return this.random.pick(WIDE);
  }

  /** A harmless command that has not been typed before. */
  command(): string {
    const id = this.number();
    const isFish = this.shell === 'fish';
    const word = this.word();
    return this.random.pick([
      `echo ${word} ${this.word()} ${id}`,
      `echo "${word} ${id}" | tr a-z A-Z`,
      `true ${word}-${id}`,
      `ls -la --color=never uniquefile.log # ${id}`,
      `printf '%s\\n' ${word} ${id}`,
      `test -f beta_config.yaml && echo yes${id}`,
      isFish ? `set x${id} ${word}; echo $x${id}` : `x${id}=${word}; echo "$x${id}"`,
      `echo ${id} > /dev/null 2>&1`,
      `grep -c one alpha_report.txt # ${word}${id}`,
      `seq 1 3 | head -${1 + this.random.below(3)} # ${id}`,
      `echo 'it''s ${id}' ; true`,
      isFish ? `echo (math ${id} + 3)` : `echo $((${id}+3))`,
      `: ${word} ${this.word()} ${id}`,
      `date +%Y-${id} >/dev/null`,
      `echo é${word}→${id}`,
    ]);
  }

  /** Longer than a row of 80 columns. */
  longCommand(): string {
    let text = 'echo';
    const length = 80 + this.random.below(150);
    while (text.length < length) text += ` ${this.word()}${this.random.below(999)}`;
    return `${text} ${this.number()}`;
  }

  /** Types it, now and then wrong and corrected. */
  *type(text: string, typos = 0.04): Generator<Step> {
    for (const char of text) {
      if (typos > 0 && this.random.chance(typos)) {
        yield key(this.random.pick(Array.from('asdfjkl;qwe')));
        if (char !== ' ' && this.random.chance(0.5)) {
          yield key(char);
          yield key(BACKSPACE);
        }
        yield key(BACKSPACE);
      }
      yield key(char);
    }
  }

  *press(bytes: string, times: number): Generator<Step> {
    for (let n = 0; n < times; n += 1) yield key(bytes);
  }

  *enter(): Generator<Step> {
    yield key(ENTER);
    yield PROMPT;
  }

  *line(text: string, typos?: number): Generator<Step> {
    yield* this.type(text, typos);
    yield* this.enter();
  }

  /** Types lines that belong together, each when the shell has asked for more. */
  *block(lines: readonly string[]): Generator<Step> {
    for (const [at, line] of lines.entries()) {
      yield* this.type(line, 0.02);
      yield key(ENTER);
      yield at === lines.length - 1 ? PROMPT : QUIET;
    }
  }

  /** The shell edits its lines itself: history, completion, cursor keys. */
  get edits(): boolean {
    return this.shell !== 'dash';
  }

  get isPlain(): boolean {
    return isPlain(this.shell);
  }
}
