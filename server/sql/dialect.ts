/**
 * The languages that clients of databases speak, and how each writes comments, strings and names. Not
 * caught here: settings of a server that change the way it reads its own language, but for those that
 * a statement of the same text sets.
 */

/** Which client or server reads the text; `other` = it isn't known which one. */
export type Dialect = 'postgresql' | 'mysql' | 'sqlite' | 'clickhouse' | 'mssql' | 'other';

export interface Lexis {
  readonly nestsComments: boolean;
  /** `#` begins a comment. */
  readonly hashComments: boolean;
  /** `--` begins a comment only before white space. */
  readonly dashesNeedSpace: boolean;
  /** A backslash in `'…'` escapes. */
  readonly escapes: boolean;
  /** `"…"` is a string rather than a name. */
  readonly doubleQuotesAreStrings: boolean;
  readonly dollarQuotes: boolean;
  /** `[name]`. */
  readonly brackets: boolean;
}

const PLAIN: Lexis = {
  nestsComments: false,
  hashComments: false,
  dashesNeedSpace: false,
  escapes: false,
  doubleQuotesAreStrings: false,
  dollarQuotes: false,
  brackets: false,
};

const LEXES: Readonly<Record<Dialect, Lexis>> = {
  postgresql: { ...PLAIN, nestsComments: true, dollarQuotes: true },
  mysql: {
    ...PLAIN,
    hashComments: true,
    dashesNeedSpace: true,
    escapes: true,
    doubleQuotesAreStrings: true,
  },
  sqlite: { ...PLAIN, brackets: true },
  clickhouse: { ...PLAIN, escapes: true, dollarQuotes: true },
  mssql: { ...PLAIN, nestsComments: true, brackets: true },
  other: { ...PLAIN, dollarQuotes: true },
};

export function lexisOf(dialect: Dialect): Lexis {
  return LEXES[dialect];
}
