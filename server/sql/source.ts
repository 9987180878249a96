/**
 * The text of a statement for a grammar: without comments. Not caught here: whether it is a statement.
 */
import type { Token } from './scanner.ts';

export interface Source {
  readonly text: string;
  /** Tokens that are left. */
  readonly count: number;
}

/**
 * @param forMysql writes what the grammar of MySQL doesn't know in another way, or leaves it out
 */
export function sourceOf(source: string, tokens: readonly Token[], forMysql = false): Source {
  const pieces: string[] = [];
  let count = 0;
  let end: number | null = null;
  const add = (token: Token, text: string) => {
    // A string goes on in the next line, so the line end counts.
    if (end !== null && token.start > end) {
      pieces.push(source.slice(end, token.start).includes('\n') ? '\n' : ' ');
    }
    pieces.push(text);
    end = token.end;
    count++;
  };
  for (let at = 0; at < tokens.length; at++) {
    const token = tokens[at] as Token;
    if (forMysql) {
      const dropped = droppedForMysql(tokens, at);
      if (dropped > 0) {
        at += dropped - 1;
        continue;
      }
      if (token.text === ':=') {
        add(token, '=');
        continue;
      }
    }
    add(token, source.slice(token.start, token.end));
  }
  return { text: pieces.join(''), count };
}

/** How many tokens from here the grammar of MySQL doesn't know though they change no kind. */
function droppedForMysql(tokens: readonly Token[], at: number): number {
  const text = (offset: number) => tokens[at + offset]?.text ?? '';
  if (tokens[at]?.kind !== 'word') return 0;
  if (text(0) === 'with' && text(1) === 'rollup') return 2;
  if (text(0) === 'into' && /^(?:outfile|dumpfile)$/.test(text(1))) {
    let length = 3;
    while (
      /^(?:fields|columns|lines|terminated|enclosed|optionally|escaped|starting|by|character|set)$/.test(
        text(length),
      ) ||
      tokens[at + length]?.kind === 'string'
    )
      length++;
    return length;
  }
  if (text(0) === 'into' && text(1).startsWith('@')) {
    let length = 2;
    while (text(length) === ',' && text(length + 1).startsWith('@')) length += 2;
    return length;
  }
  return 0;
}
