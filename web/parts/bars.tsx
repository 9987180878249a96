/** A small chart of stacked bars, drawn on the server. The table below it says the same in words. */

export interface Bar {
  readonly label: string;
  /** Same length and order as the series. */
  readonly values: readonly number[];
}

export interface Series {
  readonly name: string;
  /** Class of its rectangles. */
  readonly tone: 'ok' | 'bad' | 'hold';
}

const WIDTH = 600;
const HEIGHT = 120;
const GAP = 2;

export function Bars(props: {
  /** What is counted, as a caption. */
  readonly caption: string;
  readonly series: readonly Series[];
  readonly bars: readonly Bar[];
}) {
  const { bars, caption, series } = props;
  const most = Math.max(1, ...bars.map((bar) => sum(bar.values)));
  const step = WIDTH / Math.max(bars.length, 1);
  return (
    <figure class="chart">
      <figcaption>
        {caption}
        <span class="legend" aria-hidden="true">
          {series.map(({ name, tone }) => (
            <span key={name} class={tone}>
              {name}
            </span>
          ))}
        </span>
      </figcaption>
      <svg
        viewBox={`0 0 ${WIDTH} ${HEIGHT}`}
        preserveAspectRatio="none"
        role="img"
        aria-label={`${caption}; at most ${most.toLocaleString('en')} at once; the table below has the numbers`}
      >
        {bars.map((bar, index) => (
          <g key={bar.label}>
            <title>{`${bar.label}: ${words(series, bar)}`}</title>
            {stacked(bar.values, most).map(({ height, y }, n) => (
              <rect
                key={n}
                class={series[n]?.tone}
                x={(index * step + GAP / 2).toFixed(1)}
                y={y.toFixed(1)}
                width={(step - GAP).toFixed(1)}
                height={height.toFixed(1)}
              />
            ))}
          </g>
        ))}
      </svg>
      <p class="row axis muted" aria-hidden="true">
        <span>{bars[0]?.label}</span>
        <span class="grow" />
        <span>{bars.at(-1)?.label}</span>
      </p>
      <details>
        <summary>Numbers</summary>
        <table>
          <thead>
            <tr>
              <th scope="col">Time (UTC)</th>
              {series.map(({ name }) => (
                <th key={name} scope="col" class="number">
                  {name}
                </th>
              ))}
            </tr>
          </thead>
          <tbody>
            {bars.map((bar) => (
              <tr key={bar.label}>
                <td>{bar.label}</td>
                {bar.values.map((value, n) => (
                  <td key={n} class="number">
                    {value.toLocaleString('en')}
                  </td>
                ))}
              </tr>
            ))}
          </tbody>
        </table>
      </details>
    </figure>
  );
}

/** From the bottom up, in the order of the series. Something is never drawn as nothing. */
function stacked(values: readonly number[], most: number) {
  let y = HEIGHT;
  return values.map((value) => {
    const height = value === 0 ? 0 : Math.max((value / most) * HEIGHT, 1.5);
    y -= height;
    return { y: Math.max(y, 0), height };
  });
}

function words(series: readonly Series[], bar: Bar): string {
  return series
    .map(({ name }, n) => `${(bar.values[n] ?? 0).toLocaleString('en')} ${name}`)
    .join(', ');
}

function sum(values: readonly number[]): number {
  return values.reduce((total, value) => total + value, 0);
}
