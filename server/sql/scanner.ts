/**
 * SQL text as tokens: comments, strings and quoted names of each dialect. Not caught here: which tokens
 * make a statement.
 */
import { lexisOf, type Dialect, type Lexis } from './dialect.ts';

export type TokenKind = 'word' | 'name' | 'string' | 'number' | 'sign';

export interface Token {
  readonly kind: TokenKind;
  /** For patterns: words and names in lower case, strings as one `'…'`, signs as they are. */
  readonly text: string;
  /** A string's or name's value without quotes and escapes; else as `text`. */
  readonly value: string;
  readonly start: number;
  readonly end: number;
}

/** Stands for every string in the words of a statement. */
export const STRING_WORD = "'…'";

const SPACE = /[\s\0]/;
const PLAIN_WORD = /[A-Za-z_\u0080-\uffff][\w$\u0080-\uffff]*/y;
/** Names of variables and, in SQL Server, of temporary tables. */
const WORDS: Readonly<Record<Dialect, RegExp>> = {
  postgresql: PLAIN_WORD,
  sqlite: /[A-Za-z_\u0080-\uffff@][\w$\u0080-\uffff]*/y,
  clickhouse: PLAIN_WORD,
  other: PLAIN_WORD,
  mysql: /(?:@@?[\w$\u0080-\uffff]*|[A-Za-z_$\u0080-\uffff][\w$\u0080-\uffff]*)/y,
  mssql: /[A-Za-z_@#\u0080-\uffff][\w@$#\u0080-\uffff]*/y,
};
const NUMBER = /(?:0[xX][0-9A-Fa-f]+|(?:\d[\d_]*)?\.?\d+(?:[eE][+-]?\d+)?|\d+\.?)/y;
const DOLLAR_TAG = /\$(?:[A-Za-z_\u0080-\uffff][\w\u0080-\uffff]*)?\$/y;
const SIGNS = ['::', ':=', '||', '<=', '>=', '<>', '!=', '->', '=>'];
const ESCAPES: Readonly<Record<string, string>> = {
  n: '\n',
  t: '\t',
  r: '\r',
  b: '\b',
  f: '\f',
  '0': '\0',
};

/** Comments inside comments that are told apart behind the text's end. */
const MAX_COMMENT_DEPTH = 1_000;
/** Longest word; what is longer is cut into several. */
const MAX_WORD_CHARACTERS = 256;

/** Reads one token after another; the caller may look at the text between them. */
export class Scanner {
  text: string;
  at = 0;
  /** What the text ends in the middle of; null = nothing. */
  open: 'string' | 'comment' | 'name' | null = null;
  /** What begins that again: a quote, comment signs. */
  opener = '';
  /** Why servers may take the text apart in several ways; null = they don't. */
  doubt: string | null = null;
  readonly lexis: Lexis;
  readonly #dialect: Dialect;
  /** `/*! … *\/` is what it contains; false = it is a comment. */
  readonly #runsExecutable: boolean;
  #inExecutable = false;
  /** Where a string with escapes of its own ended last; -1 = the last string had none. */
  #escapedUntil = -1;

  constructor(text: string, dialect: Dialect, runsExecutable = true) {
    this.text = text;
    this.#dialect = dialect;
    this.lexis = lexisOf(dialect);
    this.#runsExecutable = runsExecutable;
  }

  get done(): boolean {
    return this.at >= this.text.length;
  }

  /** Skips white space and comments. */
  skip(): void {
    for (;;) {
      const char = this.text[this.at];
      if (char === undefined) return;
      if (SPACE.test(char)) this.at++;
      else if (!this.#comment(char)) return;
    }
  }

  #comment(char: string): boolean {
    const { text, at, lexis } = this;
    const next = text[at + 1];
    if (char === '-' && next === '-') {
      const after = text[at + 2];
      if (lexis.dashesNeedSpace && after !== undefined && after > ' ') return false;
      this.#skipLine();
      return true;
    }
    if (
      char === '#' &&
      (lexis.hashComments || (this.#dialect === 'clickhouse' && /[ !]/.test(next ?? '')))
    ) {
      this.#skipLine();
      return true;
    }
    if (char === '*' && next === '/' && this.#inExecutable) {
      this.#inExecutable = false;
      this.at += 2;
      return true;
    }
    if (char !== '/' || next !== '*') return false;
    const executable =
      this.#dialect === 'mysql' ? /^\/\*M?!\d{0,6}/.exec(text.slice(at, at + 12)) : null;
    if (executable !== null && this.#runsExecutable) {
      this.#inExecutable = true;
      this.at += executable[0].length;
      return true;
    }
    this.#blockComment();
    return true;
  }

  #leaveOpen(what: 'string' | 'comment' | 'name', opener: string): void {
    this.open = what;
    this.opener = opener;
  }

  #skipLine(): void {
    // To PostgreSQL a carriage return ends a line, too.
    const lineEnd = this.#dialect === 'postgresql' ? /[\n\r]/g : /\n/g;
    lineEnd.lastIndex = this.at;
    this.at = lineEnd.exec(this.text)?.index ?? this.text.length;
  }

  #blockComment(): void {
    const { text, lexis } = this;
    if (!lexis.nestsComments) {
      const end = text.indexOf('*/', this.at + 2);
      if (end < 0) this.#leaveOpen('comment', '/*');
      this.at = end < 0 ? text.length : end + 2;
      return;
    }
    const mark = /\/\*|\*\//g;
    mark.lastIndex = this.at + 2;
    for (let depth = 1; depth > 0;) {
      const found = mark.exec(text);
      if (found === null) {
        this.#leaveOpen('comment', '/*'.repeat(Math.min(depth, MAX_COMMENT_DEPTH)));
        this.at = text.length;
        return;
      }
      depth += found[0] === '/*' ? 1 : -1;
      this.at = mark.lastIndex;
    }
  }

  /** The token here; call `skip` first and look that the text isn't done. */
  token(): Token {
    const { text, at, lexis } = this;
    const char = text[at] as string;
    if (char === "'") return this.#string("'", lexis.escapes || this.#continuesEscapes(), at);
    if (char === '"') {
      return lexis.doubleQuotesAreStrings
        ? this.#string('"', lexis.escapes, at)
        : this.#name('"', at);
    }
    if (char === '`') return this.#name('`', at);
    if (char === '[' && lexis.brackets && /[\w\s]/.test(text[at + 1] ?? ''))
      return this.#name(']', at);
    if (char === '$' && lexis.dollarQuotes) {
      const quoted = this.#dollarQuote();
      if (quoted !== null) return quoted;
    }
    const word = this.#wordHere();
    if (word !== null) return this.#word(word);
    if (char === '$' && /\d/.test(text.charAt(at + 1))) {
      const parameter = /^\$\d+/.exec(text.slice(at, at + 20))?.[0] ?? char;
      this.at += parameter.length;
      return this.#made('number', parameter, parameter, at);
    }
    if (/[\d.]/.test(char)) {
      NUMBER.lastIndex = at;
      const number = NUMBER.exec(text)?.[0];
      if (number !== undefined && number.length > 0) {
        this.at += number.length;
        if (/^0[xX]/.test(number) && text[this.at] === '$') {
          this.doubt = 'versions of the server read a number in several ways';
        }
        return this.#made('number', number, number, at);
      }
    }
    const two = text.slice(at, at + 2);
    const sign = SIGNS.includes(two) ? two : char;
    this.at += sign.length;
    return this.#made('sign', sign, sign, at);
  }

  #made(kind: TokenKind, text: string, value: string, start: number): Token {
    return { kind, text, value, start, end: this.at };
  }

  /** PostgreSQL goes on with a string behind a line end, and with its escapes. */
  #continuesEscapes(): boolean {
    if (this.#escapedUntil < 0) return false;
    const between = this.text.slice(this.#escapedUntil, this.at);
    return /[\n\r]/.test(between) && !/[^\s]/.test(between.replace(/--[^\n\r]*/g, ''));
  }

  #string(quote: string, escapes: boolean, start: number): Token {
    const { text } = this;
    let at = this.at + 1;
    let value = '';
    const stop = escapes ? (quote === "'" ? /['\\]/g : /["\\]/g) : quote === "'" ? /'/g : /"/g;
    for (;;) {
      stop.lastIndex = at;
      const found = stop.exec(text);
      if (found === null) {
        this.#leaveOpen('string', text.slice(start, this.at + 1));
        value += text.slice(at);
        at = text.length;
        break;
      }
      value += text.slice(at, found.index);
      at = found.index + 1;
      if (found[0] === '\\') {
        const [decoded, length] = escaped(text, at, this.#dialect);
        value += decoded;
        at += length;
      } else if (text[at] === quote) {
        value += quote;
        at++;
      } else break;
    }
    this.at = at;
    this.#escapedUntil = escapes && !this.lexis.escapes ? at : -1;
    this.#checkExecutable(start);
    return this.#made('string', STRING_WORD, value, start);
  }

  #name(close: string, start: number): Token {
    const { text } = this;
    let at = this.at + 1;
    let value = '';
    for (;;) {
      const end = text.indexOf(close, at);
      if (end < 0) {
        this.#leaveOpen('name', text.slice(start, this.at + 1));
        value += text.slice(at);
        at = text.length;
        break;
      }
      value += text.slice(at, end);
      at = end + 1;
      if (text[at] !== close) break;
      value += close;
      at++;
    }
    this.at = at;
    this.#checkExecutable(start);
    return this.#made('name', value.toLowerCase(), value, start);
  }

  #checkExecutable(start: number): void {
    if (this.#inExecutable && this.text.slice(start, this.at).includes('*/')) {
      this.doubt = 'a quote reaches over the end of a comment that only some servers run';
    }
  }

  #dollarQuote(): Token | null {
    DOLLAR_TAG.lastIndex = this.at;
    const tag = DOLLAR_TAG.exec(this.text)?.[0];
    if (tag === undefined) return null;
    const start = this.at;
    const from = start + tag.length;
    const end = this.text.indexOf(tag, from);
    if (end < 0) this.#leaveOpen('string', tag);
    const value = this.text.slice(from, end < 0 ? undefined : end);
    this.at = end < 0 ? this.text.length : end + tag.length;
    return this.#made('string', STRING_WORD, value, start);
  }

  #wordHere(): string | null {
    const pattern = WORDS[this.#dialect];
    pattern.lastIndex = this.at;
    return pattern.exec(this.text)?.[0].slice(0, MAX_WORD_CHARACTERS) ?? null;
  }

  #word(word: string): Token {
    const { text } = this;
    const start = this.at;
    this.at += word.length;
    const lower = word.toLowerCase();
    const next = text[this.at];
    if (this.#dialect === 'postgresql' || this.#dialect === 'other') {
      if (next === "'" && lower === 'e') return this.#string("'", true, start);
      if (next === "'" && /^[nbx]$/.test(lower)) return this.#string("'", false, start);
      if (next === '&' && lower === 'u') {
        const quote = text[this.at + 1];
        if (quote === "'" || quote === '"') {
          this.at++;
          const token = quote === "'" ? this.#string("'", false, start) : this.#name('"', start);
          const value = decodeUnicode(token.value);
          return { ...token, value, text: quote === "'" ? token.text : value.toLowerCase() };
        }
      }
    }
    if (next === "'" && this.#dialect !== 'postgresql') {
      if (/^(?:n|_\w+)$/.test(lower)) return this.#string("'", this.lexis.escapes, start);
      if (lower === 'x') {
        const token = this.#string("'", false, start);
        return { ...token, value: decodeHex(token.value) };
      }
    }
    if (this.#dialect === 'mysql' && lower === '@' && /['"`]/.test(next ?? '')) {
      const token =
        next === '`' ? this.#name('`', start) : this.#string(next as string, true, start);
      return {
        ...token,
        kind: 'word',
        text: `@${token.value.toLowerCase()}`,
        value: `@${token.value}`,
      };
    }
    return this.#made('word', lower, word, start);
  }
}

/** What an escape behind a backslash stands for, and its length. */
function escaped(text: string, at: number, dialect: Dialect): readonly [string, number] {
  const char = text[at] ?? '';
  if (dialect === 'postgresql' || dialect === 'other') {
    const coded = /^(?:x[0-9A-Fa-f]{1,2}|u[0-9A-Fa-f]{4}|U[0-9A-Fa-f]{8}|[0-7]{1,3})/.exec(
      text.slice(at, at + 9),
    )?.[0];
    if (coded !== undefined) {
      const isOctal = /^[0-7]/.test(coded);
      const point = Number.parseInt(isOctal ? coded : coded.slice(1), isOctal ? 8 : 16);
      return [point <= 0x10ffff ? String.fromCodePoint(point) : '\ufffd', coded.length];
    }
  }
  return [ESCAPES[char] ?? char, char.length];
}

function decodeUnicode(value: string): string {
  return value.replace(/\\(\\|\+[0-9A-Fa-f]{6}|[0-9A-Fa-f]{4})/g, (_, code: string) => {
    if (code === '\\') return '\\';
    const point = Number.parseInt(code.replace('+', ''), 16);
    return point <= 0x10ffff ? String.fromCodePoint(point) : '\ufffd';
  });
}

function decodeHex(value: string): string {
  if (!/^(?:[0-9A-Fa-f]{2})*$/.test(value)) return value;
  return value.replace(/../g, (pair) => String.fromCharCode(Number.parseInt(pair, 16)));
}
