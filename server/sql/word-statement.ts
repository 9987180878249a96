/**
 * Statements that run text or prepared statements, by their words, where there is no tree: MySQL, SQL
 * Server and what a grammar refuses. Not caught here: text that isn't made of literals, which is reported.
 */
import type { Context } from './analysis.ts';
import { fold, splitArguments } from './fold.ts';
import { MAX_REACHES } from './limits.ts';
import type { Token } from './scanner.ts';
import { remember } from './state.ts';

/** Reports what a statement runs, and remembers what it sets. */
export function readByWords(tokens: readonly Token[], context: Context): void {
  const words = tokens.map(({ text }) => text);
  const isBody =
    words[0] === 'create' &&
    words
      .slice(1, 24)
      .some((word) => /^(?:procedure|function|trigger|event|package|rule)$/.test(word));
  if (words[0] === 'set' && !isBody) assign(tokens, context);
  else forget(tokens, context);
  let runs = 0;
  for (let at = 0; at < tokens.length; at++) {
    if (tokens[at]?.kind !== 'word' || !/^(?:prepare|exec|execute)$/.test(words[at] ?? ''))
      continue;
    if (++runs > MAX_REACHES) {
      context.findings.doubt('a statement runs more texts than can be followed');
      break;
    }
    const isFirst =
      at === 0 || /^(?:;|begin|then|else|do|loop|row|repeat)$/.test(words[at - 1] ?? '');
    if (words[at] === 'prepare' && words[at + 2] === 'from') prepare(tokens, at, isBody, context);
    else if (words[at] === 'execute' && words[at + 1] === 'immediate') {
      run(untilEnd(tokens, at + 2), 'EXECUTE IMMEDIATE', isBody, context);
    } else if (/^exec(?:ute)?$/.test(words[at] ?? '') && words[at + 1] === '(') {
      run(
        tokens.slice(
          at + 2,
          tokens.findIndex((token, index) => index > at && token.text === ')'),
        ),
        'EXEC',
        isBody,
        context,
      );
    } else if (words[at] === 'execute' && isFirst && context.dialect !== 'mssql') {
      const name = words[at + 1] ?? '';
      if (!isBody && !context.connection.state.prepared.has(name)) {
        context.findings.doubt('a prepared statement is run that this session did not prepare');
      }
    }
  }
  if (words[0] === 'do' && tokens[1]?.kind === 'string') {
    context.findings.doubt('a DO block runs code');
  }
  if (
    isBody &&
    tokens.some((token) => token.kind === 'string' && token.value.length > 12) &&
    words.includes('as')
  ) {
    context.findings.doubt('a routine is made, whose code is not read');
  }
}

function untilEnd(tokens: readonly Token[], from: number): Token[] {
  const end = tokens.findIndex(
    ({ kind, text }, index) =>
      index >= from && ((kind === 'sign' && text === ';') || (kind === 'word' && text === 'using')),
  );
  return tokens.slice(from, end < 0 ? undefined : end);
}

function prepare(tokens: readonly Token[], at: number, isBody: boolean, context: Context): void {
  const name = tokens[at + 1]?.text ?? '';
  const { connection } = context;
  if (run(untilEnd(tokens, at + 3), 'PREPARE', isBody, context)) {
    const prepared = new Set(connection.state.prepared).add(name);
    connection.state = { ...connection.state, prepared };
  }
}

/** False when the text can't be known. */
function run(
  expression: readonly Token[],
  what: string,
  isBody: boolean,
  context: Context,
): boolean {
  // Inside a routine the order of assignments isn't that of the text.
  const text = fold(expression, isBody ? undefined : context.lookup);
  if (text === null) context.findings.doubt(`${what} runs text that can't be known`);
  else context.read(text, what);
  return text !== null;
}

/** `SET @a = 'x', @b := concat(…)`. */
function assign(tokens: readonly Token[], context: Context): void {
  const { connection } = context;
  for (const part of splitArguments(tokens.slice(1))) {
    const name = part[0]?.text ?? '';
    if (!name.startsWith('@') || name.startsWith('@@')) continue;
    const isSet = /^(?:=|:=)$/.test(part[1]?.text ?? '');
    const value = isSet ? fold(part.slice(2), context.lookup) : null;
    const userVariables = remember(connection.state.userVariables, name, value);
    connection.state = { ...connection.state, userVariables };
  }
  if (tokens.filter(({ text }) => text === ':=').length > splitArguments(tokens.slice(1)).length) {
    forget(tokens, context);
  }
}

/** What a statement may write into variables isn't known any more. */
function forget(tokens: readonly Token[], context: Context): void {
  const { connection } = context;
  const [head = ''] = tokens.map(({ text }) => text);
  const writes =
    /^(?:call|create|do|declare|fetch|get|if|begin)$/.test(head) ||
    tokens.some(({ text }) => text === ':=' || text === 'into' || text === 'set');
  if (!writes) return;
  for (const { kind, text } of tokens) {
    if (kind !== 'word' || !text.startsWith('@') || text.startsWith('@@')) continue;
    const userVariables = remember(connection.state.userVariables, text, null);
    connection.state = { ...connection.state, userVariables };
  }
}
