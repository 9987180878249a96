/**
 * Which client's commands a dialect has. Not caught here: a client's configuration
 * files.
 */
import { mysqlCommand } from './mysql-command.ts';
import { psqlCommand } from './psql-command.ts';
import type { Reader } from './reader.ts';
import { sqlcmdCommand } from './sqlcmd-command.ts';
import { sqliteCommand } from './sqlite-command.ts';

/** Reads a command of the client that begins here; false = there is none. */
export function clientCommand(reader: Reader): boolean {
  const { scanner, reading } = reader;
  const { text, at } = scanner;
  const isLineStart = startsLine(text, at);
  switch (reading.dialect) {
    case 'postgresql':
      return text[at] === '\\' && psqlCommand(reader);
    case 'mysql':
      return mysqlCommand(reader, isLineStart);
    case 'sqlite':
      return isLineStart && sqliteCommand(reader);
    case 'mssql':
      return isLineStart && sqlcmdCommand(reader);
    case 'clickhouse':
      return text[at] === '\\' && verticalEnd(reader);
    case 'other':
      return text[at] === '\\' && (verticalEnd(reader) || psqlCommand(reader));
  }
}

/** Nothing but blanks stands before it; looks no further, for a line may be as long as the text. */
function startsLine(text: string, at: number): boolean {
  let before = at - 1;
  while (text[before] === ' ' || text[before] === '\t') before--;
  return before < 0 || text[before] === '\n';
}

/** `\G` and `\g` end a statement. */
function verticalEnd(reader: Reader): boolean {
  const { scanner } = reader;
  if (!/^\\[gG](?![A-Za-z])/.test(scanner.text.slice(scanner.at, scanner.at + 3))) return false;
  scanner.at += 2;
  reader.close();
  return true;
}
