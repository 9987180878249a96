/**
 * Makes the target forget a line that was refused, and looks on the screen whether it has. Not caught
 * here: a target that shows an empty line and keeps the text; the next line is judged as it is shown and
 * typed.
 */
import type { LineReader } from '../terminal/line.ts';
import type { InputQueue } from './input-queue.ts';
import { notice } from './notice.ts';
import type { OutputPipe } from './output.ts';
import type { UpstreamEnd } from './ports.ts';
import { elapsed } from './wait.ts';

/** How long the target may take to draw a new prompt after a refused line, milliseconds. */
const REDRAW_WAIT_MS = 60;
/** How long it may take to show that it has dropped the line, milliseconds. */
const CLEAR_WAIT_MS = 400;
const CLEAR_STEP_MS = 5;
/** What empties a line that is still there after Ctrl-C: Ctrl-U, Ctrl-E and Ctrl-U, Ctrl-C once more. */
const CLEARING = ['\u0015', '\u0005\u0015', '\u0003'].map((keys) => Buffer.from(keys));
const INTERRUPT = 0x03;
/** To the end of the line, and everything before the cursor away: Ctrl-E and Ctrl-U. */
const EMPTYING = Buffer.from('\u0005\u0015');
/** So that the target has read a key before the next one comes. */
const BETWEEN_KEYS_MS = 40;

export interface LineClearingOptions {
  readonly reader: LineReader;
  readonly input: InputQueue;
  readonly upstream: UpstreamEnd;
  readonly output: OutputPipe;
  readonly say: (text: string) => Promise<void>;
  readonly nowUs: () => number;
}

export class LineClearing {
  readonly #options: LineClearingOptions;

  constructor(options: LineClearingOptions) {
    this.#options = options;
  }

  /**
   * Empties the line by editing it, for programs that Ctrl-C ends or that keep their line then.
   * @returns whether nothing but the prompt stands there now
   */
  async empty(): Promise<boolean> {
    const { reader, upstream } = this.#options;
    await upstream.write({ kind: 'data', bytes: EMPTYING });
    return this.#comes(() => reader.barePrompt !== null);
  }

  /** Shows the prompt of an emptied line once more, below what was said meanwhile. */
  async showPrompt(): Promise<void> {
    const { reader, output } = this.#options;
    const prompt = reader.barePrompt ?? '';
    reader.afterEmptied();
    await output.push({ kind: 'data', stream: 'stdout', bytes: Buffer.from(prompt) });
  }

  /** Interrupts, and tries other keys where that doesn't help. */
  async interrupt(): Promise<void> {
    const { reader, upstream, nowUs, say } = this.#options;
    for (const [index, bytes] of reader.abortKeys.entries()) {
      if (index > 0) await elapsed(BETWEEN_KEYS_MS);
      await upstream.write({ kind: 'data', bytes });
    }
    reader.afterDenied(nowUs());
    const isGone = (): boolean => !reader.isRefusedLineStuck;
    let isCleared = await this.#comes(isGone);
    let isEdited = false;
    for (const bytes of CLEARING) {
      if (isCleared) break;
      await upstream.write({ kind: 'data', bytes });
      isCleared = await this.#comes(isGone);
      isEdited = !bytes.includes(INTERRUPT);
    }
    if (!isCleared) {
      await say(
        notice('the refused line seems to be there still; empty it before you type another'),
      );
    }
    await elapsed(REDRAW_WAIT_MS);
    // Whoever empties a line where it is draws no prompt below what was said.
    if (isCleared && isEdited && reader.barePrompt !== null) await this.showPrompt();
  }

  /** Whether that is so before long; also true when the client has gone. */
  async #comes(condition: () => boolean): Promise<boolean> {
    const { input, nowUs } = this.#options;
    const endUs = nowUs() + CLEAR_WAIT_MS * 1000;
    while (!condition()) {
      if (nowUs() >= endUs || input.gone.aborted) return input.gone.aborted;
      await elapsed(CLEAR_STEP_MS);
    }
    return true;
  }
}
