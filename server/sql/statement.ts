/**
 * SQL text as a client or a server reads it: what it runs, which command lines and files it reaches, and
 * what can't be known. Not caught here: what functions, views and triggers of the database do, files that
 * a client reads, and settings that were made before the text.
 */
import type { Dialect } from './dialect.ts';
import { Findings, type SqlStatement } from './findings.ts';
import { MAX_SQL_CHARACTERS } from './limits.ts';
import { Reader } from './reader.ts';
import { initialSqlState, type SqlState } from './state.ts';

export type { Dialect } from './dialect.ts';
export type { SqlFile, SqlStatement } from './findings.ts';
export { initialSqlState, stateWithVariables, type SqlState } from './state.ts';

export interface SqlReading {
  readonly statements: readonly SqlStatement[];
  /** Command lines that the client or the server gives to a shell. */
  readonly shell: readonly string[];
  /** Why parts of it can't be known, in words. */
  readonly uncertain: readonly string[];
  /** The state for the connection's next text, if this one runs. */
  readonly after: SqlState;
}

/**
 * Total: any text gives a reading.
 * @param state what earlier texts of the same connection left; a reading's `after`
 */
export function readSql(
  text: string,
  dialect: Dialect,
  state: SqlState = initialSqlState(),
): SqlReading {
  if (text.length > MAX_SQL_CHARACTERS) {
    const uncertain = ['the SQL text is too long to be read'];
    return { statements: [], shell: [], uncertain, after: state };
  }
  if (dialect === 'other') return readAsAny(text, state);
  const findings = new Findings();
  if (text.includes('\0')) findings.doubt('the SQL text has a character that ends it');
  const connection = { state };
  const first = readOnce(text, dialect, findings, connection, {});
  if (dialect === 'mysql' && /\/\*M?!/.test(text)) {
    // A server of another version takes these for comments.
    readOnce(text, dialect, findings, { state }, { runsExecutable: false });
  }
  if (first.sawCopyData || state.unlessCopied !== null) {
    connection.state = {
      ...connection.state,
      unlessCopied: readUncopied(text, dialect, findings, state),
    };
  }
  return { ...resultOf(findings), after: connection.state };
}

interface How {
  readonly runsExecutable?: boolean;
  readonly refusesCopy?: boolean;
}

function readOnce(
  text: string,
  dialect: Dialect,
  findings: Findings,
  connection: { state: SqlState },
  how: How,
): Reader {
  const reader = new Reader(text, {
    dialect,
    findings,
    connection,
    byClient: true,
    runsExecutable: true,
    refusesCopy: false,
    onlySplits: false,
    via: [],
    depth: 0,
    lookup: () => undefined,
    ...how,
  });
  reader.run();
  reader.finish();
  return reader;
}

/** Longest text that may be pending in the other reading, in UTF-16 units. */
const MAX_UNCOPIED_CHARACTERS = 65_536;

/**
 * When the server refuses a COPY, psql takes the rows behind it for statements. What the grammar accepts
 * there counts as well; what it refuses would do nothing.
 * @returns what would be pending at the end
 */
function readUncopied(
  text: string,
  dialect: Dialect,
  findings: Findings,
  state: SqlState,
): string | null {
  const other = new Findings(true);
  const whole = (state.unlessCopied ?? '') + text;
  const connection = { state: { ...state, inCopyData: false, unlessCopied: null } };
  const reader = new Reader(whole, {
    dialect,
    findings: other,
    connection,
    byClient: true,
    runsExecutable: true,
    refusesCopy: true,
    onlySplits: false,
    via: [],
    depth: 0,
    lookup: () => undefined,
  });
  reader.run();
  const { rest } = reader;
  reader.finish();
  const known = new Set(findings.statements.map(keyOf));
  for (const statement of other.statements) {
    if (!known.has(keyOf(statement))) {
      findings.add({ ...statement, via: ['rows that run if COPY fails', ...statement.via] });
    }
  }
  for (const line of other.shell) if (!findings.shell.includes(line)) findings.runs(line);
  if (rest.length > MAX_UNCOPIED_CHARACTERS) {
    findings.doubt('what rows of COPY would do if it fails is too long to be followed');
    return null;
  }
  return rest === '' ? null : rest;
}

function keyOf({ words }: SqlStatement): string {
  return words.join('\0');
}

/** Nobody says which language it is: it is what any of them makes of it. */
function readAsAny(text: string, state: SqlState): SqlReading {
  const readings = (['postgresql', 'mysql'] as const).map((dialect) =>
    readSql(text, dialect, state),
  );
  const statements = new Map<string, SqlStatement>();
  for (const one of readings.flatMap((reading) => reading.statements)) {
    const key = keyOf(one);
    if (!statements.has(key)) statements.set(key, one);
  }
  // Where one language has a comment and another a statement, all must be certain.
  const isTwofold = /\/\*M?!/.test(text);
  const uncertain = readings.map((reading) => reading.uncertain);
  const certain = readings.find((reading) => reading.uncertain.length === 0);
  const isCertain = certain !== undefined && (!isTwofold || uncertain.flat().length === 0);
  return {
    statements: [...statements.values()],
    shell: [...new Set(readings.flatMap(({ shell }) => shell))],
    uncertain: isCertain ? [] : (uncertain.find((one) => one.length > 0) ?? []),
    after: (certain ?? readings[0])?.after ?? state,
  };
}

function resultOf(findings: Findings): Pick<SqlReading, 'statements' | 'shell' | 'uncertain'> {
  const { statements, shell, uncertain } = findings;
  return { statements, shell, uncertain: [...uncertain] };
}
