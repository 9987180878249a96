/**
 * Backslash commands of psql and of the clients that are like it. Not caught here: what `psqlrc` sets, and
 * what the results of queries put into variables, which is reported as unknown.
 */
import { fold, splitArguments } from './fold.ts';
import type { Reader } from './reader.ts';
import type { Token } from './scanner.ts';
import { remember } from './state.ts';
import { tokensOf } from './tokens.ts';

/** They show something, or change how results look. */
const HARMLESS = new RegExp(
  `^(?:${[
    'd\\w*[+]?',
    '[aCfHtTxzhq?lp]',
    '[lz][+]',
    'help|copyright|conninfo|encoding|errverbose|echo|qecho|warn|pset|timing|password|quit|restrict|unrestrict',
    'c|connect|if|elif|else|endif|bind|bind_named|parse|close|close_prepared|startpipeline|endpipeline|syncpipeline|sendpipeline|flush|flushrequest|getresults',
    's[fv][+]?|cd|list|list[+]|sendpipeline|unset|html|crosstabview',
    'drivers|drop_prepared|pset|x|refresh',
  ].join('|')})$`,
);
const PATTERN = /^\\(!|;|\?|[^\s\\!;|"'`]*)/;

export function psqlCommand(reader: Reader): boolean {
  const { scanner, reading } = reader;
  const { findings } = reading;
  const command = PATTERN.exec(scanner.text.slice(scanner.at, scanner.at + 40))?.[1] ?? '';
  scanner.at += 1 + command.length;
  switch (command) {
    case ';':
    case 'r':
    case 'reset':
      reader.close();
      return true;
    case '!': {
      const line = reader.takeLine().trim();
      if (line === '') findings.doubt('the client starts a shell that reads the same input');
      else findings.runs(line);
      return true;
    }
    case 'copy':
      copy(reader, reader.takeLine());
      return true;
    case 'g':
    case 'gx':
      end(reader);
      return true;
    case 'gexec': {
      const query = reader.pending.length > 0 ? [...reader.pending] : reader.last;
      reader.close();
      argumentsOf(reader);
      results(reader, query);
      return true;
    }
    case 'gset': {
      reader.close();
      argumentsOf(reader);
      // Whatever the query gives may now be the value of any variable.
      const { connection } = reading;
      const known = [...connection.state.variables.keys()];
      connection.state = {
        ...connection.state,
        variables: new Map(known.map((name) => [name, null])),
      };
      return true;
    }
    case 'gdesc':
    case 'watch':
      reader.close();
      argumentsOf(reader);
      return true;
    case 'o':
    case 'out':
    case 'w':
    case 'write':
      output(reader, argumentsOf(reader, true));
      return true;
    case 'i':
    case 'ir':
    case 'include':
    case 'include_relative':
      reader.takeLine();
      findings.doubt('the client reads SQL from a file');
      return true;
    case 'e':
    case 'edit':
    case 'ef':
    case 'ev':
      reader.takeLine();
      findings.doubt(`the client's \\${command} opens an editor and runs what it leaves`);
      return true;
    case 'set':
      set(reader, argumentsOf(reader));
      return true;
    case 'prompt':
    case 'getenv': {
      const values = argumentsOf(reader);
      const name = values[command === 'prompt' ? values.length - 1 : 0] ?? null;
      if (name !== null) setVariable(reader, name, null);
      return true;
    }
    case 'setenv':
      setEnvironment(reader, argumentsOf(reader));
      return true;
    case 'lo_import':
    case 'lo_export': {
      const values = argumentsOf(reader);
      const path = values[command === 'lo_import' ? 0 : 1];
      file(reader, command === 'lo_import' ? 'read' : 'write', path ?? null, `\\${command}`);
      return true;
    }
    case 's': {
      const [path] = argumentsOf(reader);
      if (path !== undefined) file(reader, 'write', path, '\\s');
      return true;
    }
    case '':
      // A lone backslash is no command: psql throws the rest of the line away. `\\` stands between two.
      if (scanner.text[scanner.at] === '\\') scanner.at++;
      else reader.takeLine();
      return true;
    default:
      argumentsOf(reader);
      if (!HARMLESS.test(command)) {
        findings.doubt(`what the client's command \\${command.slice(0, 30)} does isn't known`);
      }
      return true;
  }
}

/** The words behind a command up to the line's end or the next command; null = not known. */
function argumentsOf(reader: Reader, takesPipe = false): (string | null)[] {
  const { scanner, reading } = reader;
  const words: (string | null)[] = [];
  for (;;) {
    while (/[ \t\r]/.test(scanner.text[scanner.at] ?? '')) scanner.at++;
    const char = scanner.text[scanner.at];
    if (char === undefined || char === '\n') {
      reader.endsInCommand = char === undefined;
      return words;
    }
    if (char === '\\') {
      if (scanner.text[scanner.at + 1] === '\\') scanner.at += 2;
      return words;
    }
    if (char === '|' && takesPipe && words.length === 0) return [reader.takeLine()];
    words.push(argument(reader));
    if (words.length > 200) {
      reading.findings.doubt('a command of the client has too many words');
      reader.takeLine();
      return words;
    }
  }
}

function argument(reader: Reader): string | null {
  const { scanner, reading } = reader;
  let value: string | null = '';
  const add = (text: string | null) => {
    value = value === null || text === null ? null : value + text;
  };
  for (;;) {
    const { text, at } = scanner;
    const char = text[at];
    if (char === undefined || /[\s\\]/.test(char)) return value;
    if (char === "'" || char === '"' || char === '`') {
      const quoted = quotedText(text, at, char);
      scanner.at = quoted.end;
      if (char === '`') {
        reading.findings.runs(quoted.value);
        add(null);
      } else add(char === '"' ? `"${quoted.value}"` : quoted.value);
      continue;
    }
    const variable = /^:(['"]?)([\w\u0080-\uffff]+)\1/.exec(text.slice(at, at + 66));
    if (variable !== null) {
      const [written, quote = '', name = ''] = variable;
      const known = reading.connection.state.variables.get(name) ?? null;
      add(known === null || quote === '' ? known : `${quote}${known}${quote}`);
      scanner.at += written.length;
      continue;
    }
    add(char);
    scanner.at++;
  }
}

const SINGLE_ESCAPES: Readonly<Record<string, string>> = {
  n: '\n',
  t: '\t',
  b: '\b',
  r: '\r',
  f: '\f',
};

function quotedText(text: string, start: number, quote: string): { value: string; end: number } {
  let value = '';
  let at = start + 1;
  for (; at < text.length && text[at] !== '\n'; at++) {
    const char = text[at] as string;
    if (char === '\\' && quote === "'") {
      at++;
      const escaped = text[at] ?? '';
      value += SINGLE_ESCAPES[escaped] ?? escaped;
    } else if (char === quote) {
      if (text[at + 1] !== quote || quote !== "'") return { value, end: at + 1 };
      value += quote;
      at++;
    } else value += char;
  }
  return { value, end: at };
}

function setVariable(reader: Reader, name: string, value: string | null): void {
  const { connection } = reader.reading;
  const variables = remember(connection.state.variables, name, value);
  connection.state = { ...connection.state, variables };
}

function set(reader: Reader, [name = null, ...values]: readonly (string | null)[]): void {
  const { findings } = reader.reading;
  if (name === null) return;
  const value = values.every((one) => one !== null) ? values.join('') : null;
  setVariable(reader, name, value);
  if (/^PROMPT\d$/.test(name)) {
    const command = /%`([^`]*)`/.exec(value ?? '')?.[1];
    if (command !== undefined) findings.runs(command);
    else if (value === null) findings.doubt('the prompt is set to what is not known');
  }
}

function setEnvironment(
  reader: Reader,
  [name = null, value = null]: readonly (string | null)[],
): void {
  const { findings } = reader.reading;
  if (
    name !== null &&
    /^(?:PSQL_)?(?:PAGER|EDITOR|VISUAL|WATCH_PAGER)$|^(?:SHELL|PSQL_EDITOR_LINENUMBER_ARG|PSQL_WATCH_PAGER)$/.test(
      name,
    ) &&
    value !== null
  ) {
    findings.feeds(value);
  } else findings.doubt("the client's \\setenv changes what runs");
}

/** `\g`, perhaps with options in brackets, a file or a pipe. */
function end(reader: Reader): void {
  const { scanner } = reader;
  const at = scanner.at;
  reader.close();
  scanner.at = at;
  const options = /^[ \t]*\([^()\n]*\)/.exec(scanner.text.slice(at, at + 1_000))?.[0] ?? '';
  scanner.at += options.length;
  output(reader, argumentsOf(reader, true));
}

function output(reader: Reader, [target]: readonly (string | null)[]): void {
  if (target === undefined) return;
  if (target?.startsWith('|') === true) reader.reading.findings.feeds(target.slice(1));
  else file(reader, 'write', target, 'the client');
}

function file(reader: Reader, access: 'read' | 'write', path: string | null, what: string): void {
  const { findings, via } = reader.reading;
  if (path === null) return findings.doubt(`${what} opens a file whose name isn't known`);
  const text = `${access === 'read' ? 'read' : 'write'} ${path}`;
  findings.add({ text, words: [], strings: [], starts: [], via, files: [{ access, path }] });
}

/** `\copy … from|to program '…' | file | stdin`. */
function copy(reader: Reader, line: string): void {
  const { reading } = reader;
  const { findings } = reading;
  const tokens = tokensOf(line, 'postgresql');
  const at = tokens.findLastIndex(
    ({ kind, text }, index) =>
      kind === 'word' && /^(?:from|to)$/.test(text) && depthAt(tokens, index) === 0,
  );
  const direction = tokens[at]?.text;
  const target = tokens[at + 1];
  if (direction === undefined || target === undefined) {
    findings.doubt("the client's \\copy can't be read");
    return;
  }
  const access = direction === 'from' ? 'read' : 'write';
  if (target.text === 'program') {
    const command = tokens[at + 2];
    if (command?.kind !== 'string') findings.doubt("what the client's \\copy runs can't be known");
    else if (access === 'read') findings.runs(command.value);
    else findings.feeds(command.value);
  } else if (!/^p?std(?:in|out)$/.test(target.text)) {
    const path = target.kind === 'string' ? target.value : unquotedPath(line, target);
    file(reader, access, path, '\\copy');
  }
  // What is copied is a query or a table: the server is asked for it like this.
  const source = line.slice(0, target.start);
  const std = access === 'read' ? 'STDIN' : 'STDOUT';
  reader.readInner(`COPY ${source} ${std}`, '\\copy');
  if (/^p?stdin$/.test(target.text) && access === 'read') reader.copyFollows();
}

function unquotedPath(line: string, target: Token): string {
  return /^\S+/.exec(line.slice(target.start))?.[0] ?? target.text;
}

function depthAt(tokens: readonly Token[], end: number): number {
  let depth = 0;
  for (let at = 0; at < end; at++) {
    if (tokens[at]?.kind !== 'sign') continue;
    if (tokens[at]?.text === '(') depth++;
    else if (tokens[at]?.text === ')') depth--;
  }
  return depth;
}

/** `\gexec` runs every value of the result: known if the query is a row of literals. */
function results(reader: Reader, query: readonly Token[]): void {
  const { findings } = reader.reading;
  const stop = query.findIndex(
    ({ kind, text }, at) =>
      kind === 'word' &&
      /^(?:from|where|limit|order|union|having|group)$/.test(text) &&
      depthAt(query, at) === 0,
  );
  const columns = splitArguments(query.slice(1, stop < 0 ? undefined : stop));
  const hasMore = query.some(
    ({ kind, text }, at) =>
      kind === 'word' && /^(?:union|except|intersect)$/.test(text) && depthAt(query, at) === 0,
  );
  for (const column of columns) {
    const named = column.findIndex(({ kind, text }) => kind === 'word' && text === 'as');
    const text =
      query[0]?.text === 'select' ? fold(column.slice(0, named < 0 ? undefined : named)) : null;
    if (text === null || hasMore) findings.doubt('the result of a query is run as SQL');
    else reader.readInner(text, '\\gexec');
  }
}
