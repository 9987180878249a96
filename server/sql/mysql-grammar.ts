/**
 * A grammar of MySQL (datafusion-sqlparser-rs, built for WebAssembly). It only says whether a statement is
 * one: what it does is read from its tokens. It knows most queries and changes of data and few of the
 * server's own statements; those are told by their first words. It tries brackets several times, so the
 * caller bounds them. Not caught here: the newest syntax; and MariaDB's where it differs.
 */
import { init, Parser, ParserError } from '@guanmingchiu/sqlparser-ts';

await init();
/** Set when the instance broke: WebAssembly keeps the broken state for good. */
let isBroken = false;

export type Accepted =
  | { readonly kind: 'accepted' }
  | { readonly kind: 'refused'; readonly why: string }
  | { readonly kind: 'failed' };

export function acceptsMysql(text: string): Accepted {
  if (isBroken) return { kind: 'failed' };
  try {
    Parser.validate(text, 'mysql');
    return { kind: 'accepted' };
  } catch (error) {
    const why =
      error instanceof ParserError ? error.message.replace(/^sql parser error: /, '') : '';
    // A trap looks like any other error, but behind it nothing is accepted any more.
    isBroken = !works();
    return isBroken ? { kind: 'failed' } : { kind: 'refused', why };
  }
}

function works(): boolean {
  try {
    Parser.validate('select 1', 'mysql');
    return true;
  } catch {
    return false;
  }
}
