/**
 * A grammar of MySQL (datafusion-sqlparser-rs, built for WebAssembly). It only says whether a statement is
 * one: what it does is read from its tokens. It knows most queries and changes of data and few of the
 * server's own statements; those are told by their first words. It tries brackets several times, so the
 * caller bounds them. Not caught here: the newest syntax; and MariaDB's where it differs.
 */
import { init, Parser, ParserError } from '@guanmingchiu/sqlparser-ts';

await init();
const parser = new Parser({ name: 'mysql' });
/** Set when the instance broke: WebAssembly keeps the broken state for good. */
let isBroken = false;

export type Accepted =
  | { readonly kind: 'accepted' }
  | { readonly kind: 'refused'; readonly why: string }
  | { readonly kind: 'failed' };

export function acceptsMysql(text: string): Accepted {
  if (isBroken) return { kind: 'failed' };
  try {
    parser.parse(text);
    return { kind: 'accepted' };
  } catch (error) {
    const why = error instanceof ParserError ? error.message : '';
    if (why.startsWith('sql parser error')) {
      return { kind: 'refused', why: why.replace(/^sql parser error: /, '') };
    }
    isBroken = true;
    return { kind: 'failed' };
  }
}
