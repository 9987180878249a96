/**
 * JSON web tokens. What looks like the beginning of one may stand in another's middle, and again, so a part
 * is looked at once for all of them. Not caught here: tokens whose parts aren't in base64.
 */

const PART = /[\w-]*/y;
const REST = /\.[\w-]{8,8192}(?:\.[\w-]{0,4096}){1,3}/y;
/** `eyJ` and some more. */
const SHORTEST_HEADER = 11;
const LONGEST_HEADER = 4096;
const MOST_DOTS = 4;

export class WebTokens {
  /** Where the part ends that was looked at last, and the token behind it; -1 = that is none. */
  #partEnd = 0;
  #end = -1;

  /** Where the token ends that begins here; null = none does. Places come in order. */
  endAt(text: string, index: number): number | null {
    if (index >= this.#partEnd) {
      PART.lastIndex = index;
      PART.test(text);
      this.#partEnd = PART.lastIndex;
      REST.lastIndex = this.#partEnd;
      this.#end = REST.test(text) ? REST.lastIndex : -1;
    }
    const length = this.#partEnd - index;
    if (this.#end === -1 || length < SHORTEST_HEADER || length > LONGEST_HEADER) return null;
    return this.#end;
  }
}

/** From here on the text has nothing that no token has, and not more dots. */
export function webTokenStart(text: string, low: number): number {
  let dots = 0;
  let at = text.length;
  while (at > low && /[\w.-]/.test(text[at - 1] ?? '')) {
    if (text[at - 1] === '.' && (dots += 1) > MOST_DOTS) break;
    at -= 1;
  }
  return at;
}
