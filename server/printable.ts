/**
 * Hostile text made safe for one line of a terminal, a log or an error message.
 * Not caught here: look-alike characters; they are shown as they are.
 */

// oxlint-disable-next-line no-control-regex -- control characters are what is replaced here
const UNPRINTABLE = /[\u0000-\u001f\u007f-\u009f\u2028\u2029\u202a-\u202e\u2066-\u2069]/g;

const INVISIBLE = /^[\p{White_Space}\p{Cc}\p{Cf}\p{Cs}\p{Default_Ignorable_Code_Point}\u2800]*$/u;

/** Whether nobody would see anything of it: nothing but blanks, controls, format characters and fillers. */
export function isInvisible(text: string): boolean {
  return INVISIBLE.test(text);
}

/**
 * One line without control characters and text-direction overrides, each replaced by `substitute`,
 * of at most `maxCharacters` UTF-16 units and an ellipsis.
 */
export function printable(text: string, maxCharacters: number, substitute = '?'): string {
  const clipped =
    text.length > maxCharacters ? `${text.slice(0, maxCharacters).toWellFormed()}…` : text;
  return clipped.replace(UNPRINTABLE, substitute);
}
