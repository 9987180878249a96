/**
 * A line of which the keys don't say what it holds: history, completion, search, editing. Not caught
 * here: what was typed and isn't shown; the reader adds that.
 */
import { isPickedLine } from './echo.ts';
import { textsOf, type EditedText, type LineStart } from './edited-text.ts';
import { afterPromptShape, incrementalSearch } from './prompt.ts';
import type { Draft } from './submitted-line.ts';

/**
 * @param row the wrapped line under the cursor
 * @param keys.isRecalled keys were pressed that search the history
 * @param keys.hasPicked the last Enter took a found line into the editor
 */
export function draftByScreen(
  start: LineStart,
  edited: EditedText | null,
  row: string,
  keys: { readonly isRecalled: boolean; readonly hasPicked: boolean },
): Draft {
  const shaped = afterPromptShape(row);
  if (edited !== null && keys.isRecalled && isPickedLine(edited.text)) {
    return { text: edited.text, strict: textsOf(edited), interim: !keys.hasPicked };
  }
  if (edited !== null && (start.prompt !== '' || edited.isPromptKnown || shaped === null)) {
    return { text: edited.text, strict: textsOf(edited) };
  }
  const search = incrementalSearch(row);
  if (search.length > 0) return { text: search[0] ?? null, strict: search };
  const why = 'the prompt is unknown, so that the line may begin elsewhere';
  const strict = edited === null ? [shaped] : [...textsOf(edited), shaped];
  return { text: shaped, why, strict };
}
