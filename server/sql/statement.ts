/**
 * SQL text as statements and words: comments, strings and quoting of PostgreSQL and MySQL, and the
 * clients' own commands. Not caught here: the grammar (a statement is a row of words), and what
 * functions, triggers and views do.
 */

/** Which client or server reads the text. */
export type Dialect = 'postgresql' | 'mysql' | 'sqlite' | 'other';

export interface SqlStatement {
  /** As written, for people. */
  readonly text: string;
  /** Words in lower case, quoted names without quotes, strings as one `'…'`, other signs one by one. */
  readonly words: readonly string[];
}

export interface SqlReading {
  readonly statements: readonly SqlStatement[];
  /** Command lines that the client gives to a shell. */
  readonly shell: readonly string[];
  /** Why parts of it can't be known, in words. */
  readonly uncertain: readonly string[];
}

/** Longest SQL text that is read, in UTF-16 units. */
export const MAX_SQL_CHARACTERS = 1_048_576;
/** Statements of one text that are reported. */
export const MAX_STATEMENTS = 5_000;

/** Total: any text gives a reading. */
export function readSql(text: string, dialect: Dialect): SqlReading {
  if (text.length > MAX_SQL_CHARACTERS) {
    return { statements: [], shell: [], uncertain: ['the SQL text is too long to be read'] };
  }
  const scanner = new Scanner(text, dialect);
  scanner.run();
  return {
    statements: scanner.statements,
    shell: scanner.shell,
    uncertain: [...scanner.uncertain],
  };
}

const STRING_WORD = "'…'";

class Scanner {
  readonly statements: SqlStatement[] = [];
  readonly shell: string[] = [];
  readonly uncertain = new Set<string>();
  readonly #text: string;
  readonly #dialect: Dialect;
  #at = 0;
  #start = 0;
  #words: string[] = [];
  #strings: string[] = [];
  /** Inside `/*! … *\/`, whose contents MySQL runs. */
  #executable = false;

  constructor(text: string, dialect: Dialect) {
    this.#text = text;
    this.#dialect = dialect;
  }

  run(): void {
    while (this.#at < this.#text.length) this.#step();
    this.#close();
  }

  #step(): void {
    const text = this.#text;
    const char = text[this.#at] as string;
    const two = text.slice(this.#at, this.#at + 2);
    const atLineStart = this.#at === 0 || text[this.#at - 1] === '\n';
    if (two === '--' && (this.#dialect !== 'mysql' || /\s|^$/.test(text[this.#at + 2] ?? '')))
      this.#skipLine();
    else if (char === '#' && this.#dialect === 'mysql') this.#skipLine();
    else if (two === '/*') this.#comment();
    else if (two === '*/' && this.#executable) {
      this.#executable = false;
      this.#at += 2;
    } else if (char === '\\') this.#clientCommand();
    else if (char === '.' && this.#dialect === 'sqlite' && atLineStart) this.#dotCommand();
    else if (char === "'" || (char === '"' && this.#dialect === 'mysql')) this.#string(char);
    else if (char === '"' || char === '`') this.#quotedName(char);
    else if (char === '$' && this.#dollarQuote()) return;
    else if (char === ';') {
      this.#at++;
      this.#close();
    } else if (/[A-Za-z_\u0080-\uffff]/.test(char)) this.#word();
    else if (char === ':' && this.#variable()) return;
    else {
      if (!/\s/.test(char)) this.#words.push(char);
      this.#at++;
    }
  }

  #skipLine(): void {
    const end = this.#text.indexOf('\n', this.#at);
    this.#at = end < 0 ? this.#text.length : end;
  }

  #comment(): void {
    if (
      this.#dialect !== 'postgresql' &&
      this.#dialect !== 'sqlite' &&
      /^\/\*M?!/.test(this.#text.slice(this.#at, this.#at + 4))
    ) {
      this.#executable = true;
      this.#at += /^\/\*M?!\d*/.exec(this.#text.slice(this.#at, this.#at + 16))?.[0].length ?? 3;
      return;
    }
    // PostgreSQL nests comments, the others don't.
    let depth = 1;
    let at = this.#at + 2;
    while (at < this.#text.length && depth > 0) {
      const two = this.#text.slice(at, at + 2);
      if (two === '*/') depth--;
      else if (two === '/*' && this.#dialect === 'postgresql') depth++;
      else at--;
      at += 2;
    }
    if (depth > 0) this.uncertain.add('a comment in the SQL text has no end');
    this.#at = Math.max(at, this.#at + 2);
  }

  #string(quote: string): void {
    const escapes = this.#dialect === 'mysql' || /^e$/i.test(this.#words.at(-1) ?? '');
    let at = this.#at + 1;
    let value = '';
    for (; at < this.#text.length; at++) {
      const char = this.#text[at] as string;
      if (char === '\\' && escapes) value += this.#text[++at] ?? '';
      else if (char !== quote) value += char;
      else if (this.#text[at + 1] === quote) value += this.#text[++at] ?? '';
      else break;
    }
    if (at >= this.#text.length) this.uncertain.add('a string in the SQL text has no end');
    this.#at = at + 1;
    this.#words.push(STRING_WORD);
    this.#strings.push(value);
  }

  #quotedName(quote: string): void {
    const end = this.#text.indexOf(quote, this.#at + 1);
    if (end < 0) this.uncertain.add('a quoted name in the SQL text has no end');
    this.#words.push(this.#text.slice(this.#at + 1, end < 0 ? undefined : end).toLowerCase());
    this.#at = end < 0 ? this.#text.length : end + 1;
  }

  #dollarQuote(): boolean {
    if (this.#dialect === 'mysql') return false;
    const tag = /^\$(?:[A-Za-z_]\w*)?\$/.exec(this.#text.slice(this.#at, this.#at + 66))?.[0];
    if (tag === undefined) return false;
    const start = this.#at + tag.length;
    const end = this.#text.indexOf(tag, start);
    if (end < 0) this.uncertain.add('a dollar-quoted string in the SQL text has no end');
    this.#words.push(STRING_WORD);
    this.#strings.push(this.#text.slice(start, end < 0 ? undefined : end));
    this.#at = end < 0 ? this.#text.length : end + tag.length;
    return true;
  }

  #word(): void {
    const word =
      /^[\w$\u0080-\uffff]+/.exec(this.#text.slice(this.#at, this.#at + 256))?.[0] ?? '?';
    const lower = word.toLowerCase();
    this.#at += word.length;
    if (
      this.#words.length === 0 &&
      this.#dialect === 'mysql' &&
      /^(source|system|delimiter)$/.test(lower)
    ) {
      const line = this.#restOfLine();
      if (lower === 'system') this.shell.push(line);
      else
        this.uncertain.add(
          lower === 'source'
            ? 'the client reads SQL from a file'
            : 'the statements end in another sign',
        );
      return;
    }
    this.#words.push(lower);
  }

  /** psql puts the value of a variable in place of `:name`. */
  #variable(): boolean {
    if (this.#text[this.#at + 1] === ':') {
      this.#words.push('::');
      this.#at += 2;
      return true;
    }
    const next = /^:(['"]?)[A-Za-z_]\w*\1/.exec(this.#text.slice(this.#at, this.#at + 66))?.[0];
    if (next === undefined || this.#dialect !== 'postgresql') return false;
    this.uncertain.add('a variable is put into the SQL text');
    this.#words.push(STRING_WORD);
    this.#at += next.length;
    return true;
  }

  #restOfLine(): string {
    const end = this.#text.indexOf('\n', this.#at);
    const line = this.#text.slice(this.#at, end < 0 ? undefined : end);
    this.#at = end < 0 ? this.#text.length : end;
    this.#start = this.#at;
    this.#words = [];
    return line.trim().replace(/;$/, '');
  }

  /** Backslash commands of psql and mysql. */
  #clientCommand(): void {
    const command =
      /^\\(!|[A-Za-z]+|\.|;|\?|$)?/.exec(this.#text.slice(this.#at, this.#at + 34))?.[1] ?? '';
    this.#at += 1 + command.length;
    if (/^(g|G|gx|gset|gexec|crosstabview|watch)$/.test(command)) {
      const rest = /^[^\n;]*/.exec(this.#text.slice(this.#at))?.[0].trim() ?? '';
      this.#close();
      if (command === 'gexec') this.uncertain.add('the result of a query is run as SQL');
      else if (rest.startsWith('|')) this.shell.push(rest.slice(1));
      this.#at += /^[^\n;]*/.exec(this.#text.slice(this.#at))?.[0].length ?? 0;
      this.#start = this.#at;
      return;
    }
    const line = this.#restOfLine();
    if (command === '!') this.shell.push(line);
    else if (/^(i|ir|include|include_relative|\.)$/.test(command)) {
      this.uncertain.add('the client reads SQL from a file');
    } else if (/^(o|out|w|write)$/.test(command) && line.startsWith('|'))
      this.shell.push(line.slice(1));
    else if (command === 'copy') {
      const program = /\bprogram\s+'((?:[^']|'')*)'/i.exec(line)?.[1];
      if (program !== undefined) this.shell.push(program.replaceAll("''", "'"));
    } else if (
      /^(set|setenv|e|edit|ef|ev|gdesc|bind|T|P|R)$/.test(command) &&
      /^(set|setenv|e|edit|ef|ev|P)$/.test(command)
    ) {
      this.uncertain.add(`the client's \\${command} changes what runs`);
    } else if (line.includes('`'))
      this.uncertain.add('the client runs a command inside backquotes');
  }

  /** Dot commands of sqlite3. */
  #dotCommand(): void {
    this.#at++;
    const line = this.#restOfLine();
    const [command = ''] = line.split(/\s/, 1);
    const rest = line.slice(command.length).trim();
    if (/^(sh|she|shel|shell|sys|syst|syste|system)$/.test(command)) this.shell.push(rest);
    else if (/^(output|once|import|excel)/.test(command) && rest.includes('|')) {
      this.shell.push(rest.slice(rest.indexOf('|') + 1));
    } else if (
      /^(read|load|import|open|output|once|archive|ar|clone|restore|save|backup|excel)$/.test(
        command,
      )
    ) {
      this.uncertain.add(`sqlite3 opens files by .${command}`);
    }
  }

  #close(): void {
    const words = this.#words;
    // MySQL has no schemas beside databases.
    if (this.#dialect === 'mysql' && words[1] === 'schema') words[1] = 'database';
    const text = this.#text.slice(this.#start, this.#at).trim();
    if (words.length > 0 && this.statements.length < MAX_STATEMENTS) {
      this.statements.push({ text, words });
      this.#dynamic(words);
    } else if (words.length > 0) this.uncertain.add('there are too many statements to read');
    this.#start = this.#at;
    this.#words = [];
    this.#strings = [];
  }

  /** Statements that run text, or programs of the server. */
  #dynamic(words: readonly string[]): void {
    const [first = ''] = words;
    if (first === 'do') this.uncertain.add('a DO block runs code');
    if (first === 'prepare' || first === 'execute')
      this.uncertain.add('a prepared statement runs text as SQL');
    if (
      /^(function|procedure|trigger|event)$/.test(
        words.slice(1, 4).find((word) => word !== 'or' && word !== 'replace') ?? '',
      )
    ) {
      if (first === 'create') this.uncertain.add('a routine is made, whose code is not read');
    }
    if (first === 'copy' && words.includes('program')) {
      const command = this.#strings[0];
      if (command !== undefined) this.shell.push(command);
    }
    if (
      words.some((word) =>
        /^(pg_read_file|pg_read_binary_file|lo_import|lo_export|load_file|outfile|dumpfile|dblink|dblink_exec|xp_cmdshell|load_extension|readfile|writefile|query_to_xml)$/.test(
          word,
        ),
      )
    ) {
      this.uncertain.add('the SQL reaches files or programs of the server');
    }
  }
}
