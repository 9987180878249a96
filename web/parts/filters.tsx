/**
 * Forms that narrow a list down. What was typed stands in the address of the list, so that it can be kept,
 * sent on and gone back to.
 */
import type { ComponentChildren } from 'preact';

/** The fields of a form by name; an empty one narrows nothing. */
export type Filters = Readonly<Record<string, string>>;

/** The server refuses longer ones. */
const MAX_CHARACTERS = 200;

export function isFiltered(filters: Filters): boolean {
  return Object.values(filters).some((value) => value !== '');
}

/**
 * Where the list stands that is narrowed down so.
 * @param more what is no filter: the place to go on from, how the list is shown; null = left out
 */
export function filteredAddress(
  path: string,
  filters: Filters,
  more: Readonly<Record<string, string | null>> = {},
): string {
  const query = new URLSearchParams();
  for (const [name, value] of Object.entries({ ...filters, ...more })) {
    if (value !== null && value !== '') query.set(name, value);
  }
  return query.size === 0 ? path : `${path}?${query.toString()}`;
}

/** A form that small screens fold away while it narrows nothing down. */
export function FoldedFilters(props: {
  /** Of the list. */
  readonly path: string;
  readonly filtered: boolean;
  /** Class of a grid of its own. */
  readonly layout?: string;
  readonly children: ComponentChildren;
}) {
  const { children, filtered, layout, path } = props;
  return (
    <details class="panel filtering" open={filtered}>
      <summary>Filters</summary>
      <form
        class={layout === undefined ? 'filters' : `filters ${layout}`}
        method="get"
        action={path}
        role="search"
      >
        {children}
        <Submit word="Filter" clear={filtered ? path : null} />
      </form>
    </details>
  );
}

/** The button of a form, and the way back to the whole list. */
export function Submit(props: { readonly word: string; readonly clear?: string | null }) {
  const { clear = null, word } = props;
  return (
    <div class="row actions">
      <button type="submit" class="primary">
        {word}
      </button>
      {clear !== null && (
        <a class="button quiet" href={clear}>
          Clear
        </a>
      )}
    </div>
  );
}

export function Field(props: {
  readonly name: string;
  readonly label: string;
  readonly value: string;
  readonly kind?: 'text' | 'search' | 'date';
  readonly wide?: boolean;
}) {
  const { kind = 'text', label, name, value, wide = false } = props;
  const typed = { name, value, maxLength: MAX_CHARACTERS, autocomplete: 'off' } as const;
  // An address may say a moment; the form knows days.
  const day = value.slice(0, 10);
  return (
    <label class={wide ? 'wide' : undefined}>
      {label}
      {kind === 'text' && <input {...typed} type="text" />}
      {kind === 'search' && <input {...typed} type="search" spellcheck={false} />}
      {kind === 'date' && <input name={name} value={day} type="date" />}
    </label>
  );
}

export type Choices = readonly (readonly [value: string, word: string])[];

export function Choice(props: {
  readonly name: string;
  readonly label: string;
  readonly value: string;
  readonly choices: Choices;
  readonly wide?: boolean;
}) {
  const { choices, label, name, value: chosen, wide = false } = props;
  return (
    <label class={wide ? 'wide' : undefined}>
      {label}
      <select name={name}>
        {choices.map(([value, word]) => (
          <option key={value} value={value} selected={value === chosen}>
            {word}
          </option>
        ))}
      </select>
    </label>
  );
}
