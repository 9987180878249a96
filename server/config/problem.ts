/** What is wrong with a configuration, and where. Pure data; not caught here: anything at all. */
export type Path = readonly (string | number)[];

export interface Problem {
  /** As the reader named it. */
  readonly file: string;
  /** From 1. */
  readonly line: number;
  readonly column: number;
  /** What is wrong, one line, without a final full stop. */
  readonly message: string;
  /** What to write instead, one line. */
  readonly hint: string;
}

/** `file:line:column: message (hint)`, the form that editors and CI systems turn into links. */
export function formatProblem(problem: Problem): string {
  const { file, line, column, message, hint } = problem;
  return `${file}:${line}:${column}: ${message} (${hint})`;
}

/** In the order in which a reader meets them. */
export function inReadingOrder(problems: readonly Problem[]): Problem[] {
  return [...problems].sort(
    (one, other) =>
      compareText(one.file, other.file) ||
      one.line - other.line ||
      one.column - other.column ||
      compareText(one.message, other.message),
  );
}

export function compareText(one: string, other: string): number {
  return one < other ? -1 : Number(one > other);
}

/** `grants[0].logins[2]`, for messages. */
export function pathText(path: Path): string {
  return path
    .map((step) => (typeof step === 'number' ? `[${step}]` : `.${step}`))
    .join('')
    .replace(/^\./, '');
}

/** The value as a message shows it: quoted, on one line, at most 60 characters. */
export function quoted(value: string): string {
  return JSON.stringify(value.length > 60 ? `${value.slice(0, 59)}…` : value);
}
