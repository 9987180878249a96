/**
 * Reads the line that is being edited from the emulated screen: from the end of the prompt to the end
 * of the line. Not caught here: text that the target keeps off the screen, and prompts that a target
 * prints to deceive; the caller compares with the keys.
 */
import { afterPrompt, looksLikeShellPrompt, type Prompts } from './prompt.ts';
import type { Cell, RowMark, Screen } from './screen.ts';

/** A line may be spread over so many rows. */
export const MAX_LINE_ROWS = 1000;
/** After a change of the size, rows may have moved up by so many. */
const RESIZE_SLACK_ROWS = 50;

/** Where a line began: the place of the cursor when its first key came. */
export interface LineStart {
  readonly row: RowMark;
  readonly cursor: Cell;
  /** What was before the cursor in its line, usually the prompt. */
  readonly prompt: string;
  /** What was after it, usually a prompt at the right margin. */
  readonly right: string;
  readonly isAlternate: boolean;
  /**
   * The answer to the last Enter had not come back yet: the cursor was still where that line ended, so
   * the place says nothing.
   */
  readonly isStale: boolean;
}

export interface EditedText {
  readonly text: string;
  /** The same with what looks like a suggestion after the cursor; null = there is none. */
  readonly withGhost: string | null;
  /** Further readings: behind other known prompts, and with the rows below the cursor. */
  readonly others: readonly string[];
  /** What is before the cursor. */
  readonly toCursor: string;
  /** Whether the prompt before it was seen before in this session. */
  readonly isPromptKnown: boolean;
  /** Nothing is between the prompt and the cursor. */
  readonly isEmptyToCursor: boolean;
}

/** Every reading of it. */
export function textsOf(edited: EditedText): (string | null)[] {
  return [edited.text, edited.withGhost, ...edited.others];
}

export function markStart(screen: Screen, isStale: boolean): LineStart {
  const { cursor } = screen;
  return {
    row: screen.markRow(),
    cursor,
    prompt: screen.logicalLineTo(cursor),
    right: screen.rowText(cursor.y, Math.min(cursor.x, screen.cols)).trim(),
    isAlternate: screen.isAlternate,
    isStale,
  };
}

/**
 * The edited text behind the lowest prompt at or above the cursor, no higher than the line began; null
 * when no prompt is found there.
 */
export function readEdited(
  screen: Screen,
  start: LineStart,
  prompts: Prompts,
  wasResized: boolean,
): EditedText | null {
  const last = editedEnd(screen);
  const cursorLine = screen.lineStart(screen.cursor.y);
  const startRow = start.isStale ? cursorLine : (start.row.y ?? cursorLine);
  const highest = Math.max(
    0,
    cursorLine - MAX_LINE_ROWS,
    Math.min(cursorLine, screen.lineStart(startRow) - (wasResized ? RESIZE_SLACK_ROWS : 0)),
  );
  for (let y = cursorLine; y >= highest; y = screen.lineStart(y - 1)) {
    const line = screen.logicalLine(y);
    const isStart = y === screen.lineStart(startRow);
    const own = start.isStale ? null : afterStart(line, start.prompt, isStart);
    const rests = prompts.restsOf(line);
    const first = own ?? rests.at(-1);
    if (first !== undefined) {
      const isPromptKnown = rests.includes(first);
      const others = rests.filter((rest) => rest !== first);
      return editedFrom(screen, start, { y, first, others, isPromptKnown, last });
    }
    if (y === 0) break;
  }
  return null;
}

/** So much of a prompt stays the same when it shows a mode or the time. */
const STABLE_TAIL_CHARS = 3;

/** @param isStart the line began in this row */
function afterStart(line: string, prompt: string, isStart: boolean): string | null {
  if (prompt === '') return null;
  const rest = afterPrompt(line, prompt);
  if (rest !== null || !isStart || prompt.length <= STABLE_TAIL_CHARS) return rest;
  const tail = prompt.slice(-STABLE_TAIL_CHARS);
  return tail.trim() !== '' && line.startsWith(tail, prompt.length - tail.length)
    ? line.slice(prompt.length)
    : null;
}

/** On the alternate screen, and yet behind what looks like a shell's prompt: in a multiplexer. */
export function isShellInside(start: LineStart): boolean {
  return start.isAlternate && !start.isStale && looksLikeShellPrompt(start.prompt);
}

/** The line still stands where it began, and the cursor in another one above it. */
export function isAboveStart(screen: Screen, start: LineStart): boolean {
  const { y } = start.row;
  if (y === null || start.isStale || start.prompt.trim() === '') return false;
  return screen.cursor.y < screen.lineStart(y) && screen.logicalLine(y).startsWith(start.prompt);
}

/** Without a prompt: the cursor's whole line, when the line began at the start of a row or an indent. */
export function readUnprompted(screen: Screen, start: LineStart): EditedText | null {
  if (start.isStale || start.prompt.trim() !== '') return null;
  const y = screen.lineStart(screen.cursor.y);
  const last = editedEnd(screen);
  const first = screen.logicalLine(y);
  return editedFrom(screen, start, { y, first, others: [], isPromptKnown: false, last });
}

/** The last row of the line that the cursor is in. */
function editedEnd(screen: Screen): number {
  let last = screen.lineEnd(screen.cursor.y);
  while (screen.isFilled(last) && screen.logicalLine(last + 1) !== '') {
    last = screen.lineEnd(last + 1);
  }
  return last;
}

/** Everything on the screen from where the line began up to the end of the cursor's line. */
export function textSinceStart(screen: Screen, start: LineStart): string {
  const last = screen.lineEnd(screen.cursor.y);
  const first = Math.max(0, screen.lineStart(start.row.y ?? last), last - MAX_LINE_ROWS);
  const head = screen.logicalLine(first).slice(start.prompt.length);
  return [head, ...linesBelow(screen, first, last)].join('\n');
}

interface Found {
  readonly y: number;
  /** The found line behind its prompt. */
  readonly first: string;
  readonly others: readonly string[];
  readonly isPromptKnown: boolean;
  readonly last: number;
}

function editedFrom(screen: Screen, start: LineStart, found: Found): EditedText {
  const prompt = screen.logicalLine(found.y).length - found.first.length;
  const head = withoutRight(found.first, start.right);
  const full = [head, ...linesBelow(screen, found.y, found.last)].join('\n').trimEnd();
  const whole = wholeText(screen, found, head);
  const toCursor = textToCursor(screen, found.y, Math.max(0, prompt));
  const hasGhost = screen.ghostAfterCursor();
  const below = screen.isAlternate ? [] : linesBelow(screen, found.last, screen.lastTextRow());
  return {
    text: hasGhost ? toCursor.trimEnd() : whole,
    withGhost: hasGhost ? whole : null,
    others: [
      ...found.others,
      ...(whole === full ? [] : [full]),
      ...(below.length === 0 ? [] : [[full, ...below].join('\n').trimEnd()]),
    ],
    toCursor,
    isPromptKnown: found.isPromptKnown,
    isEmptyToCursor: toCursor.trim() === '',
  };
}

/** The line and those below it, up to row `last`; behind a filled row the same line goes on. */
function wholeText(screen: Screen, { y, last }: Found, head: string): string {
  let text = head;
  for (let row = screen.lineEnd(y) + 1; row <= last; row = screen.lineEnd(row) + 1) {
    text += gap(screen, row) + screen.logicalLine(row);
  }
  return text.trimEnd();
}

/** What stands between row `y` and the one above it: nothing but cut off blanks, or a line break. */
function gap(screen: Screen, y: number): string {
  return screen.isFilled(y - 1) ? screen.blanksAtMargin(y - 1) : '\n';
}

/** The wrapped lines after the one of row `y`, up to row `last`. */
function linesBelow(screen: Screen, y: number, last: number): string[] {
  const lines: string[] = [];
  for (let row = screen.lineEnd(y) + 1; row <= last; row = screen.lineEnd(row) + 1) {
    lines.push(screen.logicalLine(row));
  }
  return lines;
}

function textToCursor(screen: Screen, y: number, promptChars: number): string {
  const { cursor } = screen;
  if (screen.lineStart(cursor.y) === y) return screen.logicalLineTo(cursor).slice(promptChars);
  let text = screen.logicalLine(y).slice(promptChars);
  for (let row = screen.lineEnd(y) + 1; row <= cursor.y; row = screen.lineEnd(row) + 1) {
    const isLast = screen.lineEnd(row) >= cursor.y;
    text += gap(screen, row) + (isLast ? screen.logicalLineTo(cursor) : screen.logicalLine(row));
  }
  return text;
}

function withoutRight(line: string, right: string): string {
  if (right === '' || !line.endsWith(right)) return line;
  const left = line.slice(0, line.length - right.length);
  // Only a prompt at the margin is set off by blanks; text that happens to end alike is not.
  return left === '' || left.endsWith('  ') ? left.trimEnd() : line;
}
