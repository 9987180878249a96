/**
 * Commands of the clients of MySQL and MariaDB: backslash and a letter anywhere outside quotes, words at
 * the start of a statement. Not caught here: option files.
 */
import { MAX_DELIMITER_CHARACTERS } from './limits.ts';
import type { Reader } from './reader.ts';

const WORDS =
  /^(system|source|pager|tee|edit|delimiter|nopager|notee|prompt|charset|rehash|status|exit|quit|ego|go|clear|print|connect|warnings|nowarning|resetconnection|query_attributes|ssl_session_data_print|sandbox)(?![\w.(])/i;

export function mysqlCommand(reader: Reader, isLineStart: boolean): boolean {
  const { scanner } = reader;
  const { text, at } = scanner;
  if (text[at] === '\\') {
    const letter = text[at + 1] ?? '';
    scanner.at += 2;
    if (letter === 'g' || letter === 'G' || letter === 'c') {
      reader.close();
      return true;
    }
    backslash(reader, letter);
    return true;
  }
  if (reader.pending.length > 0 || !isLineStart) return false;
  const word = WORDS.exec(text.slice(at, at + 40))?.[1]?.toLowerCase();
  if (word === undefined) return false;
  scanner.at += word.length;
  named(reader, word);
  return true;
}

function backslash(reader: Reader, letter: string): void {
  const NAMES: Readonly<Record<string, string>> = {
    '!': 'system',
    '.': 'source',
    P: 'pager',
    T: 'tee',
    e: 'edit',
    d: 'delimiter',
  };
  named(reader, NAMES[letter] ?? letter);
}

function named(reader: Reader, name: string): void {
  const { reading, scanner } = reader;
  const { findings, connection } = reading;
  const from = scanner.at;
  const line = reader.takeLine().trim();
  const { delimiter } = connection.state;
  const bare = line.endsWith(delimiter) ? line.slice(0, -delimiter.length).trim() : line;
  switch (name) {
    case 'system':
      findings.runs(bare);
      break;
    case 'source':
      findings.doubt('the client reads SQL from a file');
      break;
    case 'pager':
      if (bare !== '') findings.feeds(bare);
      break;
    case 'tee': {
      const path = bare.replace(/^(['"])(.*)\1$/, '$2');
      if (path !== '') {
        const files = [{ access: 'write' as const, path }];
        findings.add({
          text: `tee ${path}`,
          words: [],
          strings: [],
          starts: [],
          via: reading.via,
          files,
        });
      }
      break;
    }
    case 'edit':
      findings.doubt('the client opens an editor and runs what it leaves');
      break;
    case 'delimiter': {
      const sign = /^(?:"([^"]+)"|'([^']+)'|(\S+))/.exec(line);
      const value = sign?.[1] ?? sign?.[2] ?? sign?.[3] ?? '';
      if (value === '' || value.length > MAX_DELIMITER_CHARACTERS || /[\w\\'"`]/.test(value)) {
        findings.doubt('the end of statements is set to what is not followed');
      } else connection.state = { ...connection.state, delimiter: value };
      return;
    }
    default:
  }
  // A client that finds the delimiter in the line takes the line for statements instead.
  const end = scanner.text.slice(from, scanner.at).indexOf(delimiter);
  if (end >= 0) {
    scanner.at = from + end + delimiter.length;
    reader.endsInCommand = false;
  }
}
