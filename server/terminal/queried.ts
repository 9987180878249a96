/**
 * Small shells show characters that they can't draw as a question mark, also in lines that they fetch
 * from their history: which line of this session may be meant? Not caught here: lines of earlier
 * sessions, so that what is read here is in doubt.
 */
import { asQueried, isQueried } from './same-text.ts';
import { uncertainLine, withStrict, type SubmittedLine } from './submitted-line.ts';

/** So many lines with such characters are kept, each up to this length. */
const MAX_LINES = 100;
const MAX_LINE_CHARS = 1000;

export class QueriedLines {
  #lines: string[] = [];

  /** A line was typed, and the screen showed it like this. */
  learn(typed: string, shown: string): void {
    if (typed.length > MAX_LINE_CHARS || !isQueried(typed, shown)) return;
    this.#lines = [typed, ...this.#lines.filter((one) => one !== typed)].slice(0, MAX_LINES);
  }

  /** A line that was read from the screen: in doubt where it may be one with other characters. */
  compared(line: SubmittedLine): SubmittedLine {
    const { text } = line;
    if (text === null || !text.includes('?') || line.secret || line.alternate) return line;
    const texts = this.#lines
      .filter((one) => text.startsWith(asQueried(one)))
      .map((one) => one + text.slice(asQueried(one).length));
    const [first] = texts;
    if (first === undefined) return line;
    const why = 'the shell shows some characters as question marks';
    return uncertainLine({ ...withStrict(line, texts), text: first, otherwise: text }, why);
  }
}
