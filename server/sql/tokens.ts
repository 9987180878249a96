/** All tokens of a text. Not caught here: where its statements end. */
import type { Dialect } from './dialect.ts';
import { MAX_STATEMENT_TOKENS } from './limits.ts';
import { Scanner, type Token } from './scanner.ts';

/** At most as many as a statement may have. */
export function tokensOf(text: string, dialect: Dialect): Token[] {
  const scanner = new Scanner(text, dialect);
  const tokens: Token[] = [];
  for (scanner.skip(); !scanner.done && tokens.length <= MAX_STATEMENT_TOKENS; scanner.skip()) {
    tokens.push(scanner.token());
  }
  return tokens;
}
