/** Plain columns for people; hostile text is made printable. */
import { printable } from '../printable.ts';

const MAX_CELL_CHARACTERS = 120;

/** @returns lines with a header, or the sentence `none` when there are no rows */
export function table(
  headers: readonly string[],
  rows: readonly (readonly (string | number | null)[])[],
): string {
  if (rows.length === 0) return 'none\n';
  const cells = rows.map((row) =>
    row.map((cell) => (cell === null ? '-' : printable(String(cell), MAX_CELL_CHARACTERS))),
  );
  const widths = headers.map((header, column) =>
    Math.max(header.length, ...cells.map((row) => row[column]?.length ?? 0)),
  );
  return [headers, ...cells]
    .map((row) =>
      row
        .map((cell, column) => cell.padEnd(widths[column] ?? 0))
        .join('  ')
        .trimEnd(),
    )
    .map((line) => `${line}\n`)
    .join('');
}
