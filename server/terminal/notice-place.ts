/**
 * Shows a line of the bastion's own on a client's terminal without harm to what stands there. While a line
 * is edited, the notice takes its row and the line is drawn again below, with the cursor where it was. In a
 * full-screen program it covers the last row until the program draws that again. Not caught here: colours of
 * the line that is drawn again; programs that fill the screen without the alternate one.
 */
import type { Screen } from './screen.ts';

/** Longer lines are not drawn again; the notice stands behind them. */
const MAX_REDRAWN_ROWS = 50;

/** @returns what to send to the client; `text` is one printable line */
export function noticeOn(screen: Screen, text: string): string {
  if (screen.isAlternate) {
    const shown = clipped(text, screen.cols - 1);
    // Origin mode and colours are saved with the cursor.
    return `\u001b7\u001b[?6l\u001b[${screen.rows};1H\u001b[0;7m${shown}\u001b[0m\u001b[K\u001b8`;
  }
  const { x, y } = screen.cursor;
  const first = screen.lineStart(y);
  const last = screen.lineEnd(y);
  if (screen.isDistorted || screen.isCutOff || last - first > MAX_REDRAWN_ROWS) {
    return `\r\n${text}\r\n`;
  }
  const rows: string[] = [];
  for (let row = first; row < last; row += 1) rows.push(screen.rowText(row));
  // Blanks up to the cursor stand there because they were typed.
  const end = screen.rowText(last);
  const least = last === y ? Math.min(x, screen.cols) : 0;
  rows.push(end.slice(0, Math.max(least, end.trimEnd().length)));
  const drawn = rows.join('');
  const isAtMargin = y === last && x >= screen.cols;
  const back = isAtMargin ? '' : `${up(last - y)}\r${right(x)}`;
  return `\r${up(y - first)}\u001b[J${text}\r\n${drawn}${back}`;
}

function up(rows: number): string {
  return rows === 0 ? '' : `\u001b[${rows}A`;
}

function right(columns: number): string {
  return columns === 0 ? '' : `\u001b[${columns}C`;
}

/** At most so many columns, each character that isn't ASCII counted as two. */
function clipped(text: string, columns: number): string {
  let width = 0;
  let shown = '';
  for (const character of text) {
    width += character > '~' ? 2 : 1;
    if (width > columns) return shown;
    shown += character;
  }
  return shown;
}
