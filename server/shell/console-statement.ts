/**
 * Questions about the tokens of a line of code: where its statements end, which names it makes, what it
 * gives to a call. Not caught here: whether the line is valid; where that matters nothing is taken for
 * harmless.
 */
import type { CodeToken } from './console-tokens.ts';

/** Separate at line ends and semicolons, not inside brackets. */
export function statements(tokens: readonly CodeToken[]): CodeToken[][] {
  const all: CodeToken[][] = [[]];
  let depth = 0;
  for (const token of tokens) {
    if (token.kind === 'sign' && /^[([{]$/.test(token.text)) depth += 1;
    if (token.kind === 'sign' && /^[)\]}]$/.test(token.text)) depth -= 1;
    const isEnd = token.kind === 'end' || (token.kind === 'sign' && token.text === ';');
    if (isEnd && depth <= 0) all.push([]);
    else if (!isEnd) all.at(-1)?.push(token);
    else all.at(-1)?.push(token);
  }
  return all;
}

/** `a, b = …` makes the names before the sign; 0 = it is no such statement. */
export function targets(tokens: readonly CodeToken[], isNode: boolean): number {
  let at = isNode && /^(?:const|let|var)$/.test(tokens[0]?.text ?? '') ? 1 : 0;
  const pattern = isNode && at > 0 ? /^[[\]{},.:]$|^\.\.\.$/ : /^[,()*]$/;
  while (
    at < tokens.length &&
    (tokens[at]?.kind === 'name' || pattern.test(tokens[at]?.text ?? ''))
  )
    at += 1;
  return tokens[at]?.kind === 'sign' && tokens[at]?.text === '=' ? at : 0;
}

export function assigns(tokens: readonly CodeToken[]): boolean {
  return tokens.some(
    ({ kind, text }, at) =>
      kind === 'sign' && /^(?:=|[-+*/%]=)$/.test(text) && depthAt(tokens, at) === 0,
  );
}

export function depthAt(tokens: readonly CodeToken[], end: number): number {
  let depth = 0;
  for (const { kind, text } of tokens.slice(0, end)) {
    if (kind === 'sign' && /^[([{]$/.test(text)) depth += 1;
    if (kind === 'sign' && /^[)\]}]$/.test(text)) depth -= 1;
  }
  return depth;
}

/** A name between `for` and `in`, or in the list of parameters of `def` and `lambda`. */
export function isPythonTarget(tokens: readonly CodeToken[], at: number): boolean {
  for (let back = at - 1; back >= 0; back -= 1) {
    const { kind, text } = tokens[back] as CodeToken;
    if (kind === 'name') {
      if (text === 'for' || text === 'lambda') return true;
      if (tokens[back - 1]?.text === 'def') return /^[(,*]$/.test(tokens[at - 1]?.text ?? '');
      if (
        tokens[back + 1]?.text !== ',' &&
        tokens[back + 1]?.text !== '=' &&
        tokens[back + 1]?.text !== ':'
      )
        return false;
    } else if (text === ')' || text === ']' || text === '=>') return false;
    else if (kind === 'sign' && !/^[(,*=:]$/.test(text)) return false;
  }
  return false;
}

/** In a list in brackets that `=>` or `{` follows. */
export function isParameter(tokens: readonly CodeToken[], at: number): boolean {
  for (let next = at + 1; next < tokens.length; next += 1) {
    const { kind, text } = tokens[next] as CodeToken;
    if (text === ')' && kind === 'sign') {
      const after = tokens[next + 1]?.text;
      return after === '=>' || after === '{';
    }
    if (kind === 'sign' && !/^[,=]$|^\.\.\.$/.test(text)) return false;
  }
  return false;
}

export function isValue(token: CodeToken | undefined): boolean {
  if (token === undefined) return false;
  if (token.kind === 'sign') return /^(?:\)|\]|\}|\?\.)$/.test(token.text);
  return (
    token.kind === 'text' ||
    (token.kind === 'name' &&
      !/^(?:return|in|of|case|typeof|new|await|yield|else|do|void|const|let|var)$/.test(token.text))
  );
}

export function isIndexed(tokens: readonly CodeToken[], at: number): boolean {
  const [before, after] = [tokens[at - 1]?.text ?? '', tokens[at + 1]?.text ?? ''];
  return before === '[' || after === ':' || after === ']';
}

/** `{[name]: …}` */
export function isKey(tokens: readonly CodeToken[], open: number): boolean {
  const close = tokens.findIndex(
    ({ kind, text }, at) => at > open && kind === 'sign' && text === ']',
  );
  return close < 0 || tokens[close + 1]?.text === ':';
}

export interface Arguments {
  readonly values: readonly (string | readonly string[])[];
  readonly isShell: boolean;
  /** Behind the closing bracket. */
  readonly end: number;
}

const HARMLESS_OPTIONS =
  /^(?:shell|check|text|capture_output|universal_newlines|timeout|encoding|mode|ignore_errors)$/;

/** Arguments that are texts or lists of texts, and options of no weight. @param open the bracket */
export function literalArguments(tokens: readonly CodeToken[], open: number): Arguments | null {
  const values: (string | string[])[] = [];
  let isShell = false;
  let at = open + 1;
  while (at < tokens.length && tokens[at]?.text !== ')') {
    const token = tokens[at] as CodeToken;
    if (token.kind === 'text') {
      const value = exact(token);
      if (value === null) return null;
      values.push(value);
      at += 1;
    } else if (token.kind === 'sign' && token.text === '[') {
      const list: string[] = [];
      for (at += 1; tokens[at]?.text !== ']' || tokens[at]?.kind !== 'sign'; at += 1) {
        const one = tokens[at];
        if (one === undefined) return null;
        if (one.kind === 'sign' && one.text === ',') continue;
        const value = one.kind === 'text' ? exact(one) : null;
        if (value === null || tokens[at + 1]?.kind === 'text') return null;
        list.push(value);
      }
      values.push(list);
      at += 1;
    } else if (
      token.kind === 'name' &&
      HARMLESS_OPTIONS.test(token.text) &&
      tokens[at + 1]?.text === '='
    ) {
      const value = tokens[at + 2];
      if (
        value === undefined ||
        value.kind === 'sign' ||
        (value.kind === 'name' && !/^(?:True|False|None)$/.test(value.text))
      )
        return null;
      isShell ||= token.text === 'shell' && value.text === 'True';
      at += 3;
    } else return null;
    const sign = tokens[at];
    if (sign?.kind !== 'sign' || !/^[,)]$/.test(sign.text)) return null;
    if (sign.text === ',') at += 1;
  }
  return at < tokens.length ? { values, isShell, end: at + 1 } : null;
}

/** Texts with escapes or code in them aren't taken by the letter. */
function exact({ text, inner }: CodeToken): string | null {
  return text.startsWith('\\') || inner.length > 0 ? null : text;
}

export function quoted(words: readonly string[]): string {
  return words.map((word) => `'${word.replaceAll("'", String.raw`'\''`)}'`).join(' ');
}
