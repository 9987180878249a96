/**
 * What one connection of a SQL client remembers from one statement to the next. Not caught here: what
 * files that the client read, and functions that the server ran, have changed.
 */
import { MAX_SQL_VALUE_CHARACTERS, MAX_SQL_VARIABLES } from './limits.ts';

export interface SqlState {
  /** What ends a statement in the clients of MySQL. */
  readonly delimiter: string;
  /** psql's `\set`, by name; null = set to what isn't known. */
  readonly variables: ReadonlyMap<string, string | null>;
  /** MySQL's `@name`, by name in lower case; null = what isn't known. */
  readonly userVariables: ReadonlyMap<string, string | null>;
  /** Names of statements that were prepared from a text that was read. */
  readonly prepared: ReadonlySet<string>;
  /** The next lines are rows of `COPY … FROM STDIN`, up to `\.`. */
  readonly inCopyData: boolean;
  /** A setting changed how strings are read: backslashes and double quotes can't be trusted. */
  readonly hasDoubtfulQuotes: boolean;
  /**
   * What the client has read since its last whole statement if the server refused a COPY: then the rows
   * behind it are statements. Null = both readings are at the same place.
   */
  readonly unlessCopied: string | null;
}

/** The state of a fresh connection. */
export function initialSqlState(): SqlState {
  return {
    delimiter: ';',
    variables: new Map(),
    userVariables: new Map(),
    prepared: new Set(),
    inCopyData: false,
    hasDoubtfulQuotes: false,
    unlessCopied: null,
  };
}

/** A fresh connection whose client was given variables (`psql -v`). */
export function stateWithVariables(variables: ReadonlyMap<string, string | null>): SqlState {
  return { ...initialSqlState(), variables: new Map(variables) };
}

/** Remembers a value, within bounds: what is too long or one too many isn't known. */
export function remember(
  values: ReadonlyMap<string, string | null>,
  name: string,
  value: string | null,
): ReadonlyMap<string, string | null> {
  const isFull = values.size >= MAX_SQL_VARIABLES && !values.has(name);
  if (isFull) return values;
  const kept = value !== null && value.length > MAX_SQL_VALUE_CHARACTERS ? null : value;
  return new Map(values).set(name, kept);
}
