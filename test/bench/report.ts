/** What the bench found, as a table for people. Pure. */

export interface Figure {
  readonly name: string;
  readonly unit: 'ms' | 'MB/s';
  /** How many samples stand behind each value. */
  readonly samples: number;
  /** By lane. */
  readonly values: Readonly<Record<string, number>>;
}

/** The lane that the others are compared with. */
export const BASE_LANE = 'direct';

/** value ÷ value of the direct connection, by lane. */
export function ratiosOf(figure: Figure): Record<string, number> {
  const base = figure.values[BASE_LANE];
  return Object.fromEntries(
    Object.entries(figure.values).map(([lane, value]) => [
      lane,
      base === undefined ? Number.NaN : value / base,
    ]),
  );
}

/** One line per figure: the direct value, then for each other lane the value and its ratio. */
export function renderTable(figures: readonly Figure[], lanes: readonly string[]): string {
  const nameWidth = Math.max(...figures.map(({ name }) => name.length)) + 2;
  const line = (name: string, cells: readonly string[]): string =>
    `${name.padEnd(nameWidth)}${cells.join('')}`;
  const widths = lanes.map((lane) => (lane === BASE_LANE ? 18 : 20));
  const head = line(
    '',
    lanes.map((lane, index) => lane.padStart(widths[index] ?? 0)),
  );
  const rows = figures.map((figure) => {
    const ratios = ratiosOf(figure);
    const cells = lanes.map((lane) => {
      const value = figure.values[lane];
      const shown = value === undefined ? '–' : `${value.toFixed(1)} ${figure.unit}`;
      if (lane === BASE_LANE) return shown.padStart(18);
      return shown.padStart(12) + (ratios[lane]?.toFixed(2) ?? '').padStart(8);
    });
    return line(figure.name, cells);
  });
  return `${[head, ...rows].join('\n')}\n`;
}
