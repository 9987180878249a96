/**
 * SQL text as a client reads it: statements, the client's own commands, variables, rows of COPY. Not
 * caught here: what files hold that the client reads, which is reported as unknown.
 */
import { analyse, type Context } from './analysis.ts';
import { clientCommand } from './client-command.ts';
import type { Dialect } from './dialect.ts';
import {
  MAX_REPLACEMENTS,
  MAX_SQL_CHARACTERS,
  MAX_SQL_DEPTH,
  MAX_STATEMENT_TOKENS,
} from './limits.ts';
import type { Findings } from './findings.ts';
import type { Lookup } from './fold.ts';
import { Rows } from './rows.ts';
import { Scanner, STRING_WORD, type Token } from './scanner.ts';
import { VERBS } from './starts.ts';
import type { SqlState } from './state.ts';

/** How a text is read. */
export interface Reading {
  readonly dialect: Dialect;
  readonly findings: Findings;
  readonly connection: { state: SqlState };
  /** Client commands are taken for what they are; the text isn't one that the server runs. */
  readonly byClient: boolean;
  /** `/*! … *\/` is run rather than a comment. */
  readonly runsExecutable: boolean;
  /** Rows behind COPY are statements: the server refused it. */
  readonly refusesCopy: boolean;
  /** Statements are only told apart, not looked at. */
  readonly onlySplits: boolean;
  readonly via: readonly string[];
  readonly depth: number;
  readonly lookup: Lookup;
}

export class Reader {
  readonly scanner: Scanner;
  readonly reading: Reading;
  /** Rows of COPY were in the text. */
  sawCopyData = false;
  /** The text ends in a client's command that has no line end yet. */
  endsInCommand = false;
  #tokens: Token[] = [];
  #last: readonly Token[] = [];
  #start = 0;
  #brackets = 0;
  #blocks = 0;
  #hasUnknown = false;
  #replacements = 0;
  #rows = new Rows();
  /** Where the last token ends, kept or not. */
  #end = 0;

  constructor(text: string, reading: Reading) {
    this.scanner = new Scanner(text, reading.dialect, reading.runsExecutable);
    this.reading = reading;
  }

  /** Something is unfinished at the end of the text. */
  get isOpen(): boolean {
    return this.#tokens.length > 0 || this.scanner.open !== null;
  }

  /**
   * What the client keeps for the next line. A text that begins like no statement stays none however it
   * goes on, so only what it leaves open counts.
   */
  get rest(): string {
    if (!this.isOpen) return '';
    const [first] = this.#tokens;
    if (first !== undefined && VERBS.has(first.text)) return this.scanner.text.slice(this.#start);
    const opened = this.scanner.open === null ? '' : this.scanner.opener;
    return `${first === undefined ? '' : '- '}${'('.repeat(this.#brackets)}${opened}`;
  }

  /** The statement that is being read, for the client's commands. */
  get pending(): readonly Token[] {
    return this.#tokens;
  }

  /** The statement before. */
  get last(): readonly Token[] {
    return this.#last;
  }

  run(): void {
    const { scanner, reading } = this;
    if (reading.connection.state.inCopyData) this.#skipCopyData(0);
    for (;;) {
      scanner.skip();
      if (scanner.done || reading.findings.isExhausted) break;
      if (this.#tokens.length === 0) this.#start = scanner.at;
      this.endsInCommand = false;
      if (reading.byClient && clientCommand(this)) continue;
      if (this.#ends() || this.#variable()) continue;
      this.#push(scanner.token());
    }
    if (scanner.open !== null) {
      const what = { string: 'a string', comment: 'a comment', name: 'a quoted name' }[
        scanner.open
      ];
      reading.findings.doubt(`${what} in the SQL text has no end`);
    }
    if (scanner.doubt !== null) reading.findings.doubt(scanner.doubt);
  }

  /** The rest of a statement that nothing ends. */
  finish(): void {
    this.close();
  }

  #push(token: Token): void {
    if (this.#tokens.length >= MAX_STATEMENT_TOKENS) {
      this.reading.findings.doubt('a statement is too large to be read');
      this.reading.findings.spend(1);
      this.#hasUnknown = true;
      return;
    }
    const before = this.#tokens.length;
    this.#tokens.push(token);
    this.#rows.look(this.#tokens);
    this.reading.findings.spend(this.#tokens.length - before);
    this.#end = token.end;
    const { kind, text } = token;
    if (kind === 'sign') {
      if (text === '(') this.#brackets++;
      else if (text === ')') this.#brackets = Math.max(0, this.#brackets - 1);
    } else if (kind === 'word' && this.#brackets === 0) this.#block(text);
    const { state } = this.reading.connection;
    if (kind === 'string' && state.hasDoubtfulQuotes) {
      const written = this.scanner.text.slice(token.start, token.end);
      if (/[\\"\ufffd]/.test(written)) {
        this.reading.findings.doubt('a setting changed how strings are read');
      }
    }
  }

  /** psql doesn't end `CREATE FUNCTION … BEGIN ATOMIC …; END` at the semicolons inside. */
  #block(word: string): void {
    if (this.reading.dialect !== 'postgresql' && this.reading.dialect !== 'sqlite') return;
    if (this.#tokens[0]?.text !== 'create') return;
    const routine = this.reading.dialect === 'sqlite' ? /^trigger$/ : /^(?:function|procedure)$/;
    if (!this.#tokens.slice(1, 4).some(({ text }) => routine.test(text))) return;
    if (word === 'begin' || (word === 'case' && this.#blocks > 0)) this.#blocks++;
    else if (word === 'end' && this.#blocks > 0) this.#blocks--;
  }

  #ends(): boolean {
    const { scanner, reading } = this;
    const { text, at } = scanner;
    const { delimiter } = reading.connection.state;
    const sign = reading.dialect === 'mysql' && reading.byClient ? delimiter : ';';
    if (text.startsWith(sign, at)) {
      if (reading.dialect === 'postgresql' && reading.byClient && this.#brackets > 0) return false;
      if (this.#blocks > 0) return false;
      scanner.at += sign.length;
      this.close();
      return true;
    }
    return false;
  }

  /** Ends the statement that is being read. */
  close(): void {
    const { scanner, reading } = this;
    const tokens = this.#tokens;
    const start = this.#start;
    this.#tokens = [];
    this.#brackets = 0;
    this.#blocks = 0;
    this.#rows = new Rows();
    this.#start = scanner.at;
    const hasUnknown = this.#hasUnknown;
    this.#hasUnknown = false;
    if (tokens.length === 0) return;
    this.#last = tokens;
    if (!reading.onlySplits) {
      if (tokens.some(({ text }) => text === 'uescape')) {
        reading.findings.doubt('a name is written with escapes of its own');
      }
      const text = scanner.text.slice(start, this.#end).trim();
      analyse({ tokens, text, source: scanner.text, hasUnknown }, this.context());
    }
    if (reading.dialect === 'postgresql' && readsRows(tokens)) this.#skipCopyData(scanner.at);
  }

  context(): Context {
    const { reading } = this;
    const { dialect, findings, via, depth, connection, lookup } = reading;
    return {
      dialect,
      findings,
      via,
      depth,
      connection,
      lookup: (name) => lookup(name) ?? connection.state.userVariables.get(name),
      read: (text, what, inner) => this.readInner(text, what, inner),
    };
  }

  /** Reads a text that the server runs because of this one. */
  readInner(text: string, what: string, lookup: Lookup = this.reading.lookup): void {
    const { reading } = this;
    const { findings, via, depth } = reading;
    if (depth >= MAX_SQL_DEPTH) return findings.doubt('SQL inside SQL is nested too deeply');
    if (!findings.mayReadInner(text)) return;
    const inner = new Reader(text, {
      ...reading,
      byClient: false,
      refusesCopy: true,
      via: [...via, what],
      depth: depth + 1,
      lookup,
    });
    inner.run();
    inner.finish();
  }

  /** Behind `COPY … FROM STDIN` the next lines are rows, up to `\.`. */
  #skipCopyData(from: number): void {
    const { scanner, reading } = this;
    if (!reading.byClient) return;
    this.sawCopyData = true;
    if (reading.refusesCopy) return;
    const { connection } = reading;
    const lineEnd = connection.state.inCopyData ? -1 : scanner.text.indexOf('\n', from);
    if (lineEnd < 0 && !connection.state.inCopyData) {
      connection.state = { ...connection.state, inCopyData: true };
      return;
    }
    const end = /^\\\.\r?(?:\n|$)/m;
    const rows = scanner.text.slice(lineEnd + 1);
    const found = end.exec(rows);
    const length = found === null ? rows.length : found.index + found[0].length;
    connection.state = { ...connection.state, inCopyData: found === null };
    if (scanner.text.slice(from, lineEnd + 1).trim() === '') {
      scanner.at = lineEnd + 1 + length;
      return;
    }
    scanner.text = scanner.text.slice(0, lineEnd + 1) + rows.slice(length);
  }

  /** The rest of the line, which is taken: the words of a client's command. */
  takeLine(): string {
    const { scanner } = this;
    const end = scanner.text.indexOf('\n', scanner.at);
    const line = scanner.text.slice(scanner.at, end < 0 ? undefined : end);
    scanner.at = end < 0 ? scanner.text.length : end;
    this.endsInCommand = end < 0;
    return line.replace(/\r$/, '');
  }

  /** The client's own command asked for rows. */
  copyFollows(): void {
    this.#skipCopyData(this.scanner.at);
  }

  /** psql puts the value of a variable in place of `:name`, quoted or not, and reads it again. */
  #variable(): boolean {
    const { scanner, reading } = this;
    if (scanner.text[scanner.at] !== ':' || reading.dialect !== 'postgresql' || !reading.byClient) {
      return false;
    }
    const two = scanner.text[scanner.at + 1];
    if (two === ':' || two === '=') return false;
    const match = /^:(?:(['"]?)([\w\u0080-\uffff]+)\1|\{\?(\w+)\})/.exec(
      scanner.text.slice(scanner.at, scanner.at + 66),
    );
    if (match === null) return false;
    const [written, quote = '', name = ''] = match;
    const isTest = match[3] !== undefined;
    const value = isTest ? 'TRUE' : reading.connection.state.variables.get(name);
    if (value === undefined && quote === '' && /^\d+$/.test(name)) return false;
    this.#replacements++;
    if (value === undefined || value === null || this.#replacements > MAX_REPLACEMENTS) {
      reading.findings.doubt('a variable is put into the SQL text whose value is not known');
      this.#hasUnknown = true;
      const start = scanner.at;
      scanner.at += written.length;
      this.#push({ kind: 'string', text: STRING_WORD, value: '', start, end: scanner.at });
      return true;
    }
    const text =
      quote === '"'
        ? `"${value.replaceAll('"', '""')}"`
        : quote === "'"
          ? `${value.includes('\\') ? ' E' : ''}'${value.replaceAll("'", "''").replaceAll('\\', '\\\\')}'`
          : value;
    if (scanner.text.length + text.length > 2 * MAX_SQL_CHARACTERS) {
      reading.findings.doubt('variables make the SQL text too long');
      scanner.at = scanner.text.length;
      return true;
    }
    const behind = scanner.text.slice(scanner.at + written.length);
    scanner.text = scanner.text.slice(0, scanner.at) + text + behind;
    return true;
  }
}

/** `COPY … FROM STDIN`. */
function readsRows(tokens: readonly Token[]): boolean {
  if (tokens[0]?.text !== 'copy') return false;
  return tokens.some(
    ({ kind, text }, at) => kind === 'word' && text === 'stdin' && tokens[at - 1]?.text === 'from',
  );
}
