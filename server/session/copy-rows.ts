/**
 * Rows of COPY as what they are if the server refuses the COPY: psql takes them for statements then. Only
 * what may begin a statement is taken, so that rows pass fast. Not caught here: a statement that stays
 * longer than MAX_STATEMENT_CHARACTERS without its comments and blanks.
 */

/** What is taken from one stretch of rows. */
const MAX_STATEMENTS = 256;
/** Longest statement that is looked for. */
const MAX_STATEMENT_CHARACTERS = 16_384;
/** What is made shorter to see whether that is all; in more of it nobody looks. */
const MAX_PADDED_CHARACTERS = 65_536;
const MAX_PADDED = 32;
/** What is taken beyond its end, for a semicolon in quotes is none. */
const BEYOND_CHARACTERS = 256;
/** What is kept of rows that end within a line. */
const KEPT_CHARACTERS = 64;

/** Behind these a statement begins, or a command of psql. */
const MARK = /[;\n\\]/g;
const BEGINS =
  /\/\*|--|(?:abort|alter|analy[sz]e|begin|call|cluster|comment|commit|copy|create|declare|delete|discard|do|drop|end|execute|explain|grant|import|insert|load|lock|merge|prepare|reassign|refresh|reindex|reset|revoke|rollback|security|select|set|start|table|truncate|update|vacuum|values|with)\b/iy;
/** What stands behind a backslash in rows, and runs nothing in psql. */
const ESCAPE = /[NtnrbfvxX.0-7\s]/;
const BLANK = /[\s(]/;

export interface RowStatements {
  readonly texts: readonly string[];
  /** The end of the rows, to which what comes next may belong. */
  readonly open: string;
  /** There is more than was taken. */
  readonly isCut: boolean;
}

/** @param before the `open` of the rows before */
export function statementsInRows(rows: string, before: string): RowStatements {
  const text = before + rows;
  const texts: string[] = [];
  let open = text.endsWith('\n') ? '' : text.slice(-KEPT_CHARACTERS);
  let semicolon = -1;
  let padded = 0;
  for (const start of startsIn(text)) {
    if (semicolon < start) semicolon = indexOrEnd(text, start);
    const end = Math.min(text.length, semicolon + 1);
    const isLong = end - start > MAX_STATEMENT_CHARACTERS;
    if (isLong && ++padded > MAX_PADDED) {
      if (semicolon < text.length) return { texts, open: '', isCut: true };
      continue;
    }
    if (end - start > MAX_PADDED_CHARACTERS) continue;
    const statement = short(text.slice(start, end));
    if (statement.length > MAX_STATEMENT_CHARACTERS) continue;
    if (semicolon === text.length) {
      open = statement;
      texts.push(statement);
      break;
    }
    if (texts.length >= MAX_STATEMENTS) return { texts, open: '', isCut: true };
    texts.push(statement + text.slice(end, end + BEYOND_CHARACTERS));
  }
  return { texts, open, isCut: false };
}

function indexOrEnd(text: string, from: number): number {
  const at = text.indexOf(';', from);
  return at < 0 ? text.length : at;
}

function* startsIn(text: string): Generator<number> {
  let at = 0;
  for (;;) {
    while (BLANK.test(text[at] ?? '')) at++;
    BEGINS.lastIndex = at;
    if (BEGINS.test(text)) yield at;
    for (;;) {
      MARK.lastIndex = at;
      const mark = MARK.exec(text);
      if (mark === null) return;
      at = mark.index + 1;
      if (mark[0] !== '\\') break;
      const next = text[at] ?? '';
      at++;
      // Two of them end the words of a command; a statement may follow.
      if (next === '\\') break;
      if (next !== '' && !ESCAPE.test(next)) yield at - 2;
    }
  }
}

/** Without what only makes it longer. */
function short(statement: string): string {
  if (statement.length <= MAX_STATEMENT_CHARACTERS) return statement;
  let rest = statement.replace(/--[^\n]*/g, ' ');
  for (let depth = 0; depth < 4; depth += 1) {
    rest = rest.replace(/\/\*(?:[^*/]|\*(?!\/)|\/(?!\*))*\*\//g, ' ');
  }
  return rest.replace(/\s+/g, ' ');
}
