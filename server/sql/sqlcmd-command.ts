/** Commands of sqlcmd at the start of a line. Not caught here: values of its variables, reported as unknown. */
import type { Reader } from './reader.ts';

export function sqlcmdCommand(reader: Reader): boolean {
  const { scanner, reading } = reader;
  const head = scanner.text.slice(scanner.at, scanner.at + 40);
  const { findings } = reading;
  const batch = /^go(?:[ \t]+\d+)?[ \t]*(?:\r?\n|$)/i.exec(head);
  if (batch !== null) {
    reader.close();
    scanner.at += batch[0].length;
    return true;
  }
  const command = /^(:?!!|:[a-z]+|ed\b|exit\b|quit\b|reset\b)/i.exec(head)?.[1]?.toLowerCase();
  if (command === undefined) return false;
  const isWord = /^[a-z]/.test(command);
  if (isWord && reader.pending.length > 0) return false;
  scanner.at += command.length;
  const line = reader.takeLine().trim();
  if (command.endsWith('!!')) findings.runs(line);
  else if (command === ':r') findings.doubt('the client reads SQL from a file');
  else if (command === ':ed' || command === 'ed') findings.doubt('the client opens an editor');
  else if (command === ':setvar') findings.doubt('variables are put into the SQL text');
  else if (command === ':exit' || command === 'exit') {
    const query = /^\((.*)\)$/s.exec(line)?.[1];
    if (query !== undefined) reader.readInner(query, ':exit');
  } else if (command === ':out' || command === ':error' || command === ':perftrace') {
    if (line !== '' && !/^std(?:out|err)$/i.test(line)) {
      const files = [{ access: 'write' as const, path: line }];
      findings.add({
        text: `write ${line}`,
        words: [],
        strings: [],
        starts: [],
        via: reading.via,
        files,
      });
    }
  }
  return true;
}
