/**
 * Has what was typed appeared on the screen? Not caught here: whether the target took it as it shows it;
 * the reader judges what is shown as well.
 */
import { textSinceStart, type LineStart } from './edited-text.ts';
import { looksLikeSecretPrompt, looksLikeShellPrompt, type Prompts } from './prompt.ts';
import {
  endsWithLine,
  endsWithin,
  endsWithText,
  isBegun,
  isDamaged,
  isEchoed,
  isWindow,
  sameLetters,
} from './same-text.ts';
import type { Screen } from './screen.ts';
import type { ShownLines } from './shown-lines.ts';
import { submittedLine, type SubmittedLine } from './submitted-line.ts';

export interface Surroundings {
  readonly screen: Screen;
  readonly prompts: Prompts;
  readonly start: LineStart;
  readonly shown: ShownLines;
  /** The size has changed since the line began. */
  readonly wasResized: boolean;
}

/** It is there, though not to the letter. @param shown what stands where the line should be */
export function isShown(typed: string, shown: string, around: Surroundings): boolean {
  const { screen, prompts, start, wasResized } = around;
  if (sameLetters(typed, shown) || isWindow(typed, shown, screen.rows)) return true;
  if (isEchoed(typed, textSinceStart(screen, start))) return true;
  if (!wasResized) return false;
  const known = prompts.isKnown(start.prompt) ? [start.prompt] : [];
  return endsWithLine(shown, known, typed) || isDamaged(typed, shown, screen.cols);
}

/**
 * A program took the first of the keys, and the line is what is behind the prompt: the last ones.
 * @param shown what stands behind a known prompt
 */
export function isRest(typed: string, shown: string, around: Surroundings): boolean {
  if (shown.trim() === '' || !endsWithText(typed, shown) || isBegun(typed, shown)) return false;
  // A terminal that echoes by itself shows them before the prompt, and the shell gets them all.
  return !isEchoed(typed, textSinceStart(around.screen, around.start));
}

/** Characters were typed and none of them, or only a row of dots, has appeared. */
export function isHidden(typed: string, shown: string | null, around: Surroundings): boolean {
  const { screen, start } = around;
  if (start.isAlternate !== screen.isAlternate) return false;
  if (start.isStale && screen.logicalLine(screen.cursor.y).includes(typed.trim())) return false;
  if (start.isStale) return !isEchoed(typed, textSinceStart(screen, start));
  if (screen.logicalLineTo(screen.cursor) === start.prompt) return true;
  return isMasked(typed, shown);
}

/** Each character is shown as a dot. */
function isMasked(typed: string, shown: string | null): boolean {
  return MASK.test(shown?.trim() ?? '') && !MASK.test(typed.trim());
}

const MASK = /^[*•●]+$/u;

/**
 * A line of which nothing is shown: a secret, or a command that nobody is to see.
 * @param shown what stands where the line should be
 */
export function hiddenLine(
  row: string,
  typed: string,
  shown: string | null,
  { screen, prompts, start }: Surroundings,
): SubmittedLine {
  // A shell's line editor draws no dots; in all else that doesn't echo, this may well be a command.
  const draws = isMasked(typed, shown) && !prompts.isKnown(start.prompt);
  const isSuspect =
    !draws &&
    (screen.bracketedPaste ||
      prompts.restsOf(row).length > 0 ||
      (looksLikeShellPrompt(row) && !looksLikeSecretPrompt(row)));
  if (!isSuspect) return submittedLine({ text: null, guesses: [typed], secret: true });
  const why = 'the terminal does not echo although a shell seems to be waiting';
  return submittedLine({ text: null, why, strict: [typed], secret: true });
}

/**
 * The end of what was typed is nowhere in the text: from somewhere on the terminal has not echoed, or
 * not yet. Suggestions may change the case.
 */
export function isTailHidden(typed: string, shown: string): boolean {
  return typed.trim() !== '' && !endsWithin(typed, shown);
}

/**
 * The line with what of it may be written down, where its end is not on the screen.
 * @param shown what stands where the line should be
 */
export function echoedOnly(
  line: SubmittedLine,
  typed: string,
  shown: string | null,
  { screen, shown: looks, start }: Surroundings,
): SubmittedLine {
  if (looks.wasEchoed(typed) || !isTailHidden(typed, textSinceStart(screen, start))) return line;
  return { ...line, echoed: shown ?? '' };
}

/** fish's search in its history: Enter takes the found line, which stands above, into the editor. */
export function isPickedLine(shown: string): boolean {
  return /\nsearch: [^\n]*$/.test(shown);
}
