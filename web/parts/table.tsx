/** Tables whose rows are stacked on small screens; each cell then says its column's name. */
import type { ComponentChildren } from 'preact';

/** The word above it, with a class where its cells have one too. */
export type Column = string | { readonly word: string; readonly class: string };

export function Table(props: {
  readonly columns: readonly Column[];
  /** Class beside the usual one. */
  readonly layout?: string;
  readonly children: ComponentChildren;
}) {
  const { children, columns, layout } = props;
  return (
    <div class="panel">
      <table class={layout === undefined ? 'things' : `things ${layout}`}>
        <thead>
          <tr>
            {columns.map((one) => {
              const column = typeof one === 'string' ? { word: one, class: undefined } : one;
              return (
                <th key={column.word} scope="col" class={column.class}>
                  {column.word}
                </th>
              );
            })}
          </tr>
        </thead>
        <tbody>{children}</tbody>
      </table>
    </div>
  );
}

/** @param of the word above its column */
export function Cell(props: {
  readonly of: string;
  readonly class?: string;
  readonly children: ComponentChildren;
}) {
  return (
    <td data-of={props.of} class={props.class}>
      {props.children}
    </td>
  );
}
