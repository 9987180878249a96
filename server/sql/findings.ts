/** Collects what one reading of SQL finds, within its bounds. Not caught here: anything about meaning. */
import {
  MAX_INNER_TEXTS,
  MAX_MYSQL_NESTED_TOKENS,
  MAX_PARSED_TOKENS,
  MAX_SQL_UNCERTAINTIES,
  MAX_STATEMENTS,
  MAX_TEXT_TOKENS,
  PARSE_COST,
} from './limits.ts';
import type { FileAccess } from './reach-table.ts';

/** A file that a client or the server opens; relative paths start where nobody knows. */
export interface SqlFile {
  readonly access: FileAccess;
  readonly path: string;
}

export interface SqlStatement {
  /** As written, for people. */
  readonly text: string;
  /** Words in lower case, quoted names without quotes, strings as one `'…'`, other signs one by one. */
  readonly words: readonly string[];
  /** The value of each word that is a string, at the same position; else null. */
  readonly strings: readonly (string | null)[];
  /** Positions of words at which a statement begins: its own, and those inside it. */
  readonly starts: readonly number[];
  /** What it is inside of, outermost first: `a DO block`. */
  readonly via: readonly string[];
  readonly files: readonly SqlFile[];
}

export class Findings {
  readonly statements: SqlStatement[] = [];
  readonly shell: string[] = [];
  readonly uncertain = new Set<string>();
  /** Statements that no grammar accepts don't count. */
  readonly onlyAccepted: boolean;
  #isExhausted = false;
  #read = 0;
  #tokens = 0;
  #nested = 0;
  #inner = 0;
  readonly #seen = new Set<string>();

  constructor(onlyAccepted = false) {
    this.onlyAccepted = onlyAccepted;
  }

  doubt(why: string): void {
    if (this.uncertain.size < MAX_SQL_UNCERTAINTIES) this.uncertain.add(why);
  }

  add(statement: SqlStatement): void {
    if (this.statements.length < MAX_STATEMENTS) this.statements.push(statement);
    else this.giveUp('there are too many statements to read');
  }

  /** Nothing more is read. */
  giveUp(why: string): void {
    this.doubt(why);
    this.#isExhausted = true;
  }

  get isExhausted(): boolean {
    return this.#isExhausted;
  }

  /** False when the text has more tokens than are read. */
  spend(tokens: number): boolean {
    this.#read += tokens;
    if (this.#read > MAX_TEXT_TOKENS) this.giveUp('the SQL text is too large to be read');
    return !this.#isExhausted;
  }

  /** A command line that the client or the server gives to a shell. */
  runs(line: string): void {
    const text = line.trim();
    if (this.shell.length < MAX_STATEMENTS) this.shell.push(text);
    else this.doubt('there are too many commands to read');
  }

  /** What the client or the server writes to a shell's command. */
  feeds(line: string): void {
    this.runs(`cat query-result | ${line.trim()}`);
  }

  /** False when the grammars have been given enough for one text. */
  mayParse(tokens: number): boolean {
    this.#tokens += tokens + PARSE_COST;
    if (this.#tokens <= MAX_PARSED_TOKENS) return true;
    this.giveUp('the SQL text is too large to be read');
    return false;
  }

  mayParseNested(tokens: number): boolean {
    this.#nested += tokens;
    return this.#nested <= MAX_MYSQL_NESTED_TOKENS;
  }

  /** False when a text was read before, or too many were. */
  mayReadInner(text: string): boolean {
    if (this.#seen.has(text)) return false;
    this.#seen.add(text);
    if (++this.#inner <= MAX_INNER_TEXTS) return true;
    this.doubt('the SQL runs more texts than can be followed');
    return false;
  }
}
