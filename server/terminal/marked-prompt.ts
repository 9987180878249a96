/**
 * Where the target says that its prompt ends and the line begins. Not caught here: whether that is true.
 * Anybody can print such a mark, so that it only ever adds: another reading of the line, and doubt.
 */
import { readEdited, textsOf, type LineStart, markStart } from './edited-text.ts';
import { Prompts } from './prompt.ts';
import { sameLetters, sameText } from './same-text.ts';
import type { Screen } from './screen.ts';
import { uncertainLine, withStrict, type SubmittedLine } from './submitted-line.ts';

const NO_PROMPTS = new Prompts();

export class MarkedPrompt {
  #end: LineStart | null = null;
  /** Keys came before the mark: a terminal that echoes by itself shows them before it. */
  #isLate = false;

  /** A mark says that the prompt ends at the cursor. @param isLate the line has begun already */
  ended(screen: Screen, isLate: boolean): void {
    this.forget();
    this.#end = markStart(screen, false);
    this.#isLate = isLate;
  }

  /** The line behind the mark was submitted or dropped. */
  forget(): void {
    this.#end?.row.dispose();
    this.#end = null;
  }

  /**
   * The line, which says whether it is the one behind the mark; in doubt when something else is there.
   * @param start where the line's first key came; null = there was none
   */
  compared(
    line: SubmittedLine,
    around: {
      readonly screen: Screen;
      readonly start: LineStart | null;
      readonly wasResized: boolean;
    },
  ): SubmittedLine {
    if (this.#end === null || line.alternate || line.interim) return line;
    if (line.secret) {
      const why = 'the terminal does not echo although the shell has marked its prompt';
      return uncertainLine({ ...line, guesses: new Set() }, why);
    }
    const texts = textsBehind(this.#end, around);
    if (texts === null) return line;
    const text = line.text ?? '';
    if (texts.some((one) => sameText(text, one))) return { ...line, isMarked: true };
    const alike = texts.filter((one) => sameLetters(text, one));
    if (alike.length > 0) return { ...withStrict(line, alike), isMarked: true };
    const isJudged = texts.every((one) => line.candidates.includes(one) && !line.guesses.has(one));
    if (this.#isLate || isJudged) return line;
    const why = 'the marks of the shell say that another line begins behind its prompt';
    return uncertainLine(withStrict(line, texts), why);
  }
}

/** What stands behind the mark; null when the mark can't be found any more. */
function textsBehind(
  end: LineStart,
  { screen, start, wasResized }: Parameters<MarkedPrompt['compared']>[1],
): string[] | null {
  if (end.isAlternate !== screen.isAlternate) return null;
  const { cursor } = screen;
  // A prompt at the right margin comes after the mark.
  const right = start?.right ?? screen.rowText(cursor.y, Math.min(cursor.x, screen.cols)).trim();
  const edited = readEdited(screen, { ...end, right }, NO_PROMPTS, wasResized);
  return edited && textsOf(edited).filter((one) => one !== null);
}
