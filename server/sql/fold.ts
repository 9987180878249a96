/**
 * The text that an expression of literals gives, for statements that run text. Not caught here: anything
 * that depends on data, on settings, or on functions that this table doesn't name; that is null.
 */
import { MAX_SQL_VALUE_CHARACTERS } from './limits.ts';
import type { Token } from './scanner.ts';

/** Looks up a variable by its name in lower case; undefined = it is none, null = its value isn't known. */
export type Lookup = (name: string) => string | null | undefined;

const NO_VARIABLES: Lookup = () => undefined;
/** Brackets inside brackets of one expression. */
const MAX_FOLD_DEPTH = 30;

/** The value of the tokens as one expression; null = it can't be known. */
export function fold(tokens: readonly Token[], lookup: Lookup = NO_VARIABLES): string | null {
  const folder = new Folder(tokens, lookup);
  const value = folder.expression(0);
  return folder.done && value !== null && value.length <= MAX_SQL_VALUE_CHARACTERS ? value : null;
}

/** Splits at commas outside brackets. */
export function splitArguments(tokens: readonly Token[]): Token[][] {
  const parts: Token[][] = [[]];
  let depth = 0;
  for (const token of tokens) {
    if (token.text === '(' || token.text === '[') depth++;
    else if (token.text === ')' || token.text === ']') depth--;
    if (depth === 0 && token.kind === 'sign' && token.text === ',') parts.push([]);
    else parts.at(-1)?.push(token);
  }
  return parts;
}

class Folder {
  readonly #tokens: readonly Token[];
  readonly #lookup: Lookup;
  #at = 0;

  constructor(tokens: readonly Token[], lookup: Lookup) {
    this.#tokens = tokens;
    this.#lookup = lookup;
  }

  get done(): boolean {
    return this.#at >= this.#tokens.length;
  }

  expression(depth: number): string | null {
    let value = this.#term(depth);
    while (value !== null && this.#takes('||')) {
      const next = this.#term(depth);
      value = next === null ? null : value + next;
    }
    return value;
  }

  #takes(sign: string): boolean {
    const token = this.#tokens[this.#at];
    if (token?.kind !== 'sign' || token.text !== sign) return false;
    this.#at++;
    return true;
  }

  #term(depth: number): string | null {
    const token = this.#tokens[this.#at];
    if (token === undefined || depth > MAX_FOLD_DEPTH) return null;
    this.#at++;
    let value: string | null = null;
    if (token.kind === 'string') {
      value = token.value;
      while (this.#tokens[this.#at]?.kind === 'string')
        value += this.#tokens[this.#at++]?.value ?? '';
    } else if (token.kind === 'number') {
      value = /^0x(?:[0-9a-f]{2})+$/i.test(token.value) ? unhex(token.value.slice(2)) : token.value;
    } else if (token.kind === 'sign' && token.text === '(') {
      value = this.expression(depth + 1);
      if (!this.#takes(')')) return null;
    } else if (token.kind === 'word' || token.kind === 'name') {
      value = this.#takes('(') ? this.#call(token.text, depth) : (this.#lookup(token.text) ?? null);
    }
    // The type of a cast doesn't change the text: `'…'::text`, `'…'::pg_catalog.text`.
    while (this.#takes('::')) {
      do this.#at++;
      while (this.#takes('.'));
    }
    return value;
  }

  #call(name: string, depth: number): string | null {
    const args: (string | null)[] = [];
    if (!this.#takes(')')) {
      do args.push(this.expression(depth + 1));
      while (args.at(-1) !== null && this.#takes(','));
      if (!this.#takes(')')) return null;
    }
    const known = args.filter((arg) => arg !== null);
    const apply = FUNCTIONS[name];
    if (known.length < args.length || apply === undefined || !Object.hasOwn(FUNCTIONS, name))
      return null;
    const value = apply(known);
    return value === null || value.length > MAX_SQL_VALUE_CHARACTERS ? null : value;
  }
}

type Apply = (args: readonly string[]) => string | null;

const FUNCTIONS: Readonly<Record<string, Apply>> = {
  concat: (args) => args.join(''),
  concat_ws: ([separator = '', ...rest]) => rest.join(separator),
  lower: ([text = '']) => text.toLowerCase(),
  lcase: ([text = '']) => text.toLowerCase(),
  upper: ([text = '']) => text.toUpperCase(),
  ucase: ([text = '']) => text.toUpperCase(),
  trim: ([text = '']) => text.trim(),
  reverse: ([text = '']) => Array.from(text).toReversed().join(''),
  replace: ([text = '', from = '', to = '']) => (from === '' ? text : text.replaceAll(from, to)),
  quote_ident: ([name = '']) => `"${name.replaceAll('"', '""')}"`,
  quote_literal: ([text = '']) => `'${text.replaceAll("'", "''")}'`,
  quote: ([text = '']) => `'${text.replaceAll("'", "''")}'`,
  format: ([pattern = '', ...args]) => format(pattern, args),
  chr: (args) => characters(args),
  char: (args) => characters(args),
  unhex: ([digits = '']) => unhex(digits),
  decode: ([text = '', encoding = '']) =>
    encoding === 'hex' ? unhex(text) : encoding === 'base64' ? unbase64(text) : null,
  from_base64: ([text = '']) => unbase64(text),
  convert_from: ([text = '']) => text,
  left: ([text = '', count = '0']) => text.slice(0, Number(count)),
  substr: substring,
  substring,
};

function substring([text = '', from = '1', count]: readonly string[]): string | null {
  const start = Number(from) - 1;
  if (!(start >= 0)) return null;
  return text.slice(start, count === undefined ? undefined : start + Number(count));
}

function characters(codes: readonly string[]): string | null {
  const points = codes.map(Number);
  return points.every((point) => point > 0 && point <= 0x10ffff)
    ? String.fromCodePoint(...points)
    : null;
}

function unhex(digits: string): string | null {
  if (!/^(?:[0-9a-f]{2})*$/i.test(digits)) return null;
  return digits.replace(/../g, (pair) => String.fromCharCode(Number.parseInt(pair, 16)));
}

function unbase64(text: string): string | null {
  const bare = text.replace(/\s/g, '');
  if (!/^[A-Za-z0-9+/]*={0,2}$/.test(bare)) return null;
  return atob(bare);
}

/** PostgreSQL's format() with `%s`, `%I`, `%L` and `%%`. */
function format(pattern: string, args: readonly string[]): string | null {
  let next = 0;
  let fits = true;
  const text = pattern.replace(
    /%(?:(\d+)\$)?(.)/gs,
    (_, position: string | undefined, kind: string) => {
      if (kind === '%') return '%';
      const arg = args[position === undefined ? next++ : Number(position) - 1];
      if (arg === undefined || !/[sIL]/.test(kind)) {
        fits = false;
        return '';
      }
      if (kind === 's') return arg;
      return kind === 'I' ? `"${arg.replaceAll('"', '""')}"` : `'${arg.replaceAll("'", "''")}'`;
    },
  );
  return fits ? text : null;
}
