/**
 * Has what was typed appeared on the screen? Not caught here: whether the target took it as it shows it;
 * the reader judges what is shown as well.
 */
import { textSinceStart, type LineStart } from './edited-text.ts';
import type { Prompts } from './prompt.ts';
import { endsWithLine, isDamaged, isEchoed, isWindow, sameLetters } from './same-text.ts';
import type { Screen } from './screen.ts';

export interface Surroundings {
  readonly screen: Screen;
  readonly prompts: Prompts;
  readonly start: LineStart;
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

/** Characters were typed and none of them, or only a row of dots, has appeared. */
export function isHidden(typed: string, shown: string | null, around: Surroundings): boolean {
  const { screen, start } = around;
  if (start.isAlternate !== screen.isAlternate) return false;
  if (start.isStale) return !isEchoed(typed, textSinceStart(screen, start));
  if (screen.logicalLineTo(screen.cursor) === start.prompt) return true;
  return /^[*•●]+$/u.test(shown?.trim() ?? '') && !/^[*•●]+$/u.test(typed.trim());
}

/** fish's search in its history: Enter takes the found line, which stands above, into the editor. */
export function isPickedLine(shown: string): boolean {
  return /\nsearch: [^\n]*$/.test(shown);
}
