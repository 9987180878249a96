/**
 * Lines that nobody edited at a prompt: Enter alone, a line within a paste, keys for a full-screen
 * program. Not caught here: which of these it is; the reader decides.
 */
import { isTailHidden } from './echo.ts';
import type { Prompts } from './prompt.ts';
import type { Screen } from './screen.ts';
import { submittedLine, type Draft, type SubmittedLine } from './submitted-line.ts';
import { charSuffixes, wordSuffixes } from './suffixes.ts';
import type { TypedLine } from './typed.ts';
import { unfinished } from './unfinished.ts';

/** Lines of a paste that may belong together are judged together up to this length. */
const MAX_JOINED_PASTE_CHARS = 4096;

/** Enter without a key before it: nothing, unless a program has filled the line. */
export function bareLine(screen: Screen, prompts: Prompts): Draft {
  const row = screen.logicalLine(screen.cursor.y);
  const rest = prompts.restsOf(row).at(-1);
  if (rest === undefined) return { text: '', guesses: wordSuffixes(row) };
  const before = prompts.restsOf(screen.logicalLineTo(screen.cursor)).at(-1);
  // A prompt at the right margin is set off by blanks; text in the line is not.
  if ((before ?? '').trim() === '' && /^(?:$|\s{2})/.test(rest)) {
    return { text: '', guesses: wordSuffixes(rest) };
  }
  return { text: rest, strict: [rest] };
}

/**
 * A line break inside a paste that the line editor keeps to itself until the paste ends.
 * @param whole what was typed and pasted so far; null = unknown
 * @param isKnown the prompt was seen before: a line editor it is, as far as can be known
 */
export function pastedLine(whole: string | null, isKnown: boolean): SubmittedLine {
  if (whole === null) {
    return submittedLine({ text: null, why: 'the paste contains control characters' });
  }
  const end = whole.lastIndexOf('\n');
  const text = whole.slice(end + 1);
  const before = whole.slice(0, Math.max(0, end)).slice(-MAX_JOINED_PASTE_CHARS);
  const joined = unfinished(before) === null ? [] : [whole.slice(-MAX_JOINED_PASTE_CHARS)];
  return submittedLine({
    text,
    [isKnown ? 'guesses' : 'strict']: [text, ...joined],
    interim: true,
  });
}

/**
 * @param carried what was typed for the program before @param row the row under the cursor
 * @param around.isSilent the target has answered none of the keys: it may be a shell that hides behind
 *   the screen
 * @param around.isCut the row, or some of what was printed, may not be on the screen
 */
export function fullScreenLine(
  carried: string,
  keys: TypedLine,
  row: string,
  { isSilent, isCut }: { readonly isSilent: boolean; readonly isCut: boolean },
): SubmittedLine {
  const typed = carried + keys.raw;
  const { likely } = keys;
  // With keys that edit, the letters are not in the order in which they came.
  const edited = likely === null || likely === keys.raw ? [] : charSuffixes(carried + likely);
  const guesses = [...charSuffixes(typed), ...edited, ...wordSuffixes(row)];
  const isHidden = isSilent && likely === null && keys.raw.trim() !== '';
  // A program inside may ask for a secret.
  const echoed = isTailHidden(keys.raw, row) ? '' : null;
  const isUnseen = isCut && keys.text === null && likely === null;
  const why = isHidden
    ? 'keys that edit were pressed and the screen shows nothing of them'
    : isUnseen
      ? 'keys that edit were pressed and the screen shows only a part of the line'
      : null;
  return submittedLine({
    text: typed === '' ? null : typed,
    why,
    guesses,
    echoed,
    alternate: true,
  });
}
