/**
 * Notices of people on a terminal: between two pieces of output, never inside a control sequence, and so that
 * the line that is edited stays. Not caught here: a target that leaves a sequence open; the notice comes
 * all the same after a moment.
 */
import { StringDecoder } from 'node:string_decoder';
import { noticeOn } from '../terminal/notice-place.ts';
import type { Screen } from '../terminal/screen.ts';
import { SequenceTail } from '../terminal/sequence-tail.ts';
import type { OutputPipe } from './output.ts';
import { elapsed } from './wait.ts';

/** How long the rest of a piece of output, or of a control sequence, may take. */
const MAX_WAIT_MS = 200;
const STEP_MS = 10;

export class TerminalNotices {
  readonly #screen: Screen;
  readonly #output: Pick<OutputPipe, 'say'>;
  readonly #decoder = new StringDecoder('utf8');
  readonly #tail = new SequenceTail();
  /** Settles when the screen shows what the client is getting. */
  #shown: Promise<unknown> = Promise.resolve();

  constructor(screen: Screen, output: Pick<OutputPipe, 'say'>) {
    this.#screen = screen;
    this.#output = output;
  }

  /** The target has sent this. */
  observed(bytes: Buffer): void {
    this.#tail.push(this.#decoder.write(bytes));
  }

  /** Shows a piece of output on the emulated screen and to the client; nothing is said meanwhile. */
  showing(piece: () => Promise<void>): Promise<void> {
    const shown = piece();
    // Whoever shows it gets the failure.
    this.#shown = shown.catch(() => {});
    return shown;
  }

  /** Rejects when it can't be recorded. */
  async say(text: string): Promise<void> {
    const deadlineMs = performance.now() + MAX_WAIT_MS;
    while (performance.now() < deadlineMs) {
      const shown = this.#shown;
      // What waits for a person may take as long as it likes.
      await Promise.race([shown, elapsed(MAX_WAIT_MS)]);
      if (shown === this.#shown && this.#tail.begun === '') break;
      await elapsed(STEP_MS);
    }
    const bytes = Buffer.from(noticeOn(this.#screen, text));
    await this.#output.say({ kind: 'data', stream: 'stdout', bytes });
  }
}
