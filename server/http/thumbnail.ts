/**
 * The last screen of a session as a small picture. It is text in an SVG file without style, script or
 * address in it. Not caught here: colours, and characters that are wider than a cell.
 */
import type { ScreenView } from './ports.ts';

const CELL = { width: 6, height: 12 } as const;
/** Larger terminals are cut: nobody could read it. */
const MAX_COLS = 160;
const MAX_ROWS = 50;

export function thumbnail({ cols, lines, rows }: ScreenView): string {
  const width = Math.min(cols, MAX_COLS) * CELL.width;
  const height = Math.min(rows, MAX_ROWS) * CELL.height;
  const texts = lines
    .slice(0, MAX_ROWS)
    .map((line, row) => ({ text: Array.from(line).slice(0, MAX_COLS).join(''), row }))
    .filter(({ text }) => text.trim() !== '')
    .map(
      ({ row, text }) =>
        `<text x="0" y="${(row + 1) * CELL.height - 3}" xml:space="preserve">${escaped(text)}</text>`,
    );
  return [
    `<svg xmlns="http://www.w3.org/2000/svg" viewBox="-4 -4 ${width + 8} ${height + 8}">`,
    `<rect x="-4" y="-4" width="${width + 8}" height="${height + 8}" fill="#121314"/>`,
    '<g font-family="ui-monospace, Menlo, Consolas, monospace" font-size="10" fill="#d7dade">',
    ...texts,
    '</g></svg>',
  ].join('');
}

/** What XML 1.0 has no place for is left out. */
function escaped(text: string): string {
  return text
    .toWellFormed()
    .replaceAll(/[^\t\u0020-\ud7ff\ue000-\ufffd\u{10000}-\u{10ffff}]/gu, ' ')
    .replaceAll('&', '&amp;')
    .replaceAll('<', '&lt;')
    .replaceAll('>', '&gt;');
}
