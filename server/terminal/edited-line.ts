/**
 * A line that was edited by keys of which only the target knows what they do. The screen says what it
 * holds, unless something speaks against the screen. Not caught here: text that the target keeps off the
 * screen in the moment in which it answers a key.
 */
import { draftByScreen } from './by-screen.ts';
import { isPickedLine } from './echo.ts';
import { isAboveStart, textsOf, type EditedText, type LineStart } from './edited-text.ts';
import { endsWithText, sameLetters, sameText } from './same-text.ts';
import type { Screen } from './screen.ts';
import type { ShownLines } from './shown-lines.ts';
import { uncertainLine, type Draft, type Reading, type SubmittedLine } from './submitted-line.ts';
import type { TypedLine } from './typed.ts';

export interface Edited {
  readonly screen: Screen;
  readonly start: LineStart;
  readonly edited: EditedText | null;
  /** The wrapped line under the cursor. */
  readonly row: string;
  readonly keys: TypedLine;
  readonly shown: ShownLines;
  /** The last Enter took a found line into the editor, and no key has come since. */
  readonly hasPicked: boolean;
  /** The target has answered no key of the line. */
  readonly isSilent: boolean;
  readonly wasResized: boolean;
  /** Further readings that are hardly commands. */
  readonly guesses: readonly string[];
  readonly toLine: (draft: Draft) => SubmittedLine;
}

export function editedLine(around: Edited): Reading {
  const { screen, start, edited, row, keys, hasPicked, guesses, toLine } = around;
  const { raw, likely, text: typed } = keys;
  const shown = edited?.text ?? row;
  // With a blank line on the screen: letters were typed, or the target answered no key at all.
  const isUnseen = raw.trim() !== '' || around.isSilent;
  if (typed === null && keys.isRecalled && shown.trim() === '' && isSearchedFor(raw, screen)) {
    return { line: toLine({ text: '', guesses: [raw, ...guesses] }), isAgreed: false };
  }
  const isTakenBack = likely !== null && likely.trim() === '' && keys.isSure && !around.isSilent;
  if (typed === null && shown.trim() === '' && isUnseen) {
    if (isTakenBack && edited?.isPromptKnown === true && doubtOf(around, edited) === null) {
      return { line: toLine({ text: '', strict: [raw], guesses }), isAgreed: true };
    }
    const why = 'keys were pressed and nothing of them is on the screen';
    return { line: toLine({ text: null, why, strict: [raw], secret: true }), isAgreed: false };
  }
  const isPlaced = start.prompt !== '' || edited?.isPromptKnown === true;
  const isLikely = likely !== null && likely.trim() !== '';
  if (edited !== null && isPlaced && isLikely && sameLetters(likely, shown)) {
    const strict = sameText(likely, shown) ? [likely] : [likely, shown];
    return { line: toLine({ text: likely, strict, guesses }), isAgreed: true };
  }
  // Where keys and screen differ, the target may keep off the screen what was typed, or add to it.
  const unseen = [raw, likely ?? keys.lost, ...around.shown.texts].filter(
    (one) => one.trim() !== '' && !sameText(one, shown),
  );
  const draft = draftByScreen(start, edited, row, { isRecalled: keys.isRecalled, hasPicked });
  const line = toLine({ ...draft, guesses: [...unseen, ...guesses] });
  if (typed !== null || edited === null)
    return { line, isAgreed: typed !== null && edited?.text === '' };
  if (start.prompt.trim() === '' && !edited.isPromptKnown) {
    const why = 'keys that edit were pressed where nothing seems to read them';
    return { line: uncertainLine(line, why), isAgreed: false, isAhead: true };
  }
  // The search is still on the screen, though it has ended.
  if (hasPicked && isPickedLine(edited.text)) return { line, isAgreed: false, isLate: true };
  const isAtEnd = line.interim || endsWithText(edited.toCursor, keys.tail ?? '');
  const why = isAtEnd ? doubtOf(around, edited) : 'the screen does not show what was typed last';
  if (why === null) return { line, isAgreed: false, isLate: isLikely };
  return { line: uncertainLine(line, why), isAgreed: false, isLate: likely !== null || !isAtEnd };
}

/** zsh shows what is searched for below the line, and Enter runs the line. */
function isSearchedFor(raw: string, screen: Screen): boolean {
  const below = screen.logicalLine(screen.lineEnd(screen.cursor.y) + 1);
  const pattern = /^(?:failing )?(?:bck|fwd)-i-search: (.+)_$/.exec(below)?.[1];
  return pattern !== undefined && raw.endsWith(pattern);
}

/** Why the screen may show another line than the one that is edited; null = nothing speaks against it. */
function doubtOf(
  { screen, start, keys, shown, wasResized }: Edited,
  edited: EditedText,
): string | null {
  if (screen.isAlternate) return shown.doubt;
  const { likely } = keys;
  const isOther = !textsOf(edited).some((one) => one !== null && sameLetters(likely ?? '', one));
  if (likely !== null && likely.trim() !== '' && isOther && keys.isSure) {
    return 'the screen shows something else than the keys say';
  }
  if (screen.isDistorted) return 'the terminal is set so that it does not show lines as they are';
  if (!wasResized && isAboveStart(screen, start)) {
    return 'the cursor has left the line for one above it';
  }
  return shown.doubt;
}
