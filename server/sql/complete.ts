/**
 * Whether text ends where a client of a database has taken all of it: behind a whole statement or one of
 * the client's own commands. Not caught here: whether the server accepts it.
 */
import type { Dialect } from './dialect.ts';
import { Findings } from './findings.ts';
import { MAX_SQL_CHARACTERS } from './limits.ts';
import { Reader } from './reader.ts';
import { initialSqlState, type SqlState } from './state.ts';

/**
 * @param state what earlier texts of the connection left: the delimiter, rows of COPY that go on
 * @returns `invalid`: it can't be read, however it goes on
 */
export function isCompleteSql(
  text: string,
  dialect: Dialect,
  state: SqlState = initialSqlState(),
): 'complete' | 'incomplete' | 'invalid' {
  if (text.length > MAX_SQL_CHARACTERS || text.includes('\0')) return 'invalid';
  // Every row of COPY is whole by itself: a dump has no end of them.
  if (state.inCopyData) return text.endsWith('\n') || text === '' ? 'complete' : 'incomplete';
  const connection = { state };
  const reader = new Reader(text, {
    dialect,
    findings: new Findings(),
    connection,
    byClient: true,
    runsExecutable: true,
    refusesCopy: false,
    onlySplits: true,
    via: [],
    depth: 0,
    lookup: () => undefined,
  });
  reader.run();
  if (reader.isOpen || reader.endsInCommand) return 'incomplete';
  return connection.state.inCopyData && !text.endsWith('\n') ? 'incomplete' : 'complete';
}
