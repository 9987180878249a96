/**
 * A line of which the keys say what it holds, where the screen shows something behind its prompt. Not
 * caught here: a target that shows what was typed and takes something else.
 */
import { echoedOnly, hiddenLine, isHidden, isRest, isShown, type Surroundings } from './echo.ts';
import { textsOf, type EditedText } from './edited-text.ts';
import { afterPromptShape } from './prompt.ts';
import { isBegun, sameLetters, sameText } from './same-text.ts';
import type { Draft, Reading, SubmittedLine } from './submitted-line.ts';
import { charSuffixes } from './suffixes.ts';

export interface Typed extends Surroundings {
  readonly edited: EditedText | null;
  /** The wrapped line under the cursor. */
  readonly row: string;
  readonly typed: string;
  /** The line before, when the cursor still stands where its Enter was pressed; else null. */
  readonly entered: string | null;
  /** Further readings that are hardly commands. */
  readonly guesses: readonly string[];
  readonly toLine: (draft: Draft) => SubmittedLine;
}

export function typedLine(around: Typed): Reading {
  const { start, edited, row, typed, entered, guesses, toLine } = around;
  if (entered !== null && edited?.isPromptKnown === true && start.isStale) {
    const text = entered + typed;
    // The Enter before was for a menu: the line is the same one still.
    if (sameLetters(text, edited.text) && edited.text.trimEnd().endsWith(typed.trimEnd())) {
      const strict = [edited.text, text, typed];
      return { line: toLine({ text: edited.text, strict, guesses }), isAgreed: true };
    }
  }
  if (isHidden(typed, edited?.text ?? null, around)) {
    return { line: hiddenLine(row, typed, edited?.text ?? null, around), isAgreed: false };
  }
  // Rows below the cursor are no part of the line when the keys say what it is.
  const others = (edited?.others ?? []).filter((other) => !other.includes('\n'));
  const shown = edited?.text ?? (start.isStale ? row : null);
  if (shown !== null && sameText(typed, shown)) {
    return { line: toLine({ text: typed, strict: [typed, ...others], guesses }), isAgreed: true };
  }
  const shaped = afterPromptShape(row);
  if (shaped !== null && sameText(typed, shaped)) {
    return { line: toLine({ text: typed, strict: [typed], guesses }), isAgreed: true };
  }
  if (edited?.isPromptKnown === true && isRest(typed, edited.text, around)) {
    const { text } = edited;
    const rests = [...charSuffixes(typed), ...guesses];
    return { line: toLine({ text, strict: [text, typed], guesses: rests }), isAgreed: false };
  }
  if (shown !== null && isShown(typed, shown, around)) {
    const isAgreed = start.isStale || sameLetters(typed, shown);
    const strict = start.isStale ? [typed] : [typed, shown];
    return { line: toLine({ text: typed, strict, guesses: [shown, ...guesses] }), isAgreed };
  }
  return contradicted(around, shaped);
}

/** Keys and screen say different things. @param shaped what stands behind something like a prompt */
function contradicted(around: Typed, shaped: string | null): Reading {
  const { edited, typed, guesses, toLine } = around;
  const texts = edited === null ? [shaped] : textsOf(edited);
  const why =
    edited === null
      ? 'nothing on the screen shows where the line begins'
      : 'the screen shows something else than what was typed';
  const isLate = edited !== null && isBegun(typed, edited.text);
  const text = isLate ? typed : (edited?.text ?? typed);
  const otherwise = text === typed ? (edited?.text ?? null) : typed;
  const line = toLine({ text, why, otherwise, strict: [...texts, typed], guesses });
  return { line: echoedOnly(line, typed, edited?.text ?? null, around), isAgreed: false, isLate };
}
