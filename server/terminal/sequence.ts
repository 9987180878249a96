/**
 * What begins and ends control sequences and strings in the output of a target. Not caught here: what they
 * do, and whether a terminal knows them.
 */

/** For `indexOf`: escape, and the C1 introducers. */
// oxlint-disable-next-line no-control-regex -- escape and the C1 introducers are what starts a sequence
export const INTRODUCER = /[\u001b\u0090\u0098\u009b\u009d-\u009f]/g;
/** For `indexOf`. */
// oxlint-disable-next-line no-control-regex -- these characters end a string
export const STRING_END = /[\u0007\u0018\u001a\u001b\u009c]/g;
/** Behind an escape, what begins a string: titles, links, images. */
export const STRING_INTRODUCERS = ']PX^_';

/** Where `pattern`, which is global, is found at or after `from`; the text's length when it isn't. */
export function indexOf(pattern: RegExp, text: string, from: number): number {
  pattern.lastIndex = from;
  return pattern.exec(text)?.index ?? text.length;
}
