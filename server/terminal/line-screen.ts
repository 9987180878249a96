/** The emulated screen on which lines are read. Not caught here: what it shows; see screen.ts. */
import { SCROLLBACK_ROWS, Screen } from './screen.ts';

/** Sizes are clamped to what the screen emulates. */
export function lineScreen(cols: number, rows: number): Screen {
  return new Screen(cols, rows, SCROLLBACK_ROWS, { plainLetters: true });
}
