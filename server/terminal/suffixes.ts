/**
 * Ends of a text at which a command could begin. Not caught here: commands that are spread over more
 * rows than the text covers.
 */

/** So many ends of one text are judged at most; the ones nearest to its end are kept. */
export const MAX_SUFFIXES = 120;
/** Of a longer text only its end is looked at. */
const MAX_TEXT_CHARS = 4096;

/** `* from t` would be whatever file comes first: no command begins so, but much text goes on so. */
const JUST_A_PATTERN = /^[*?]+(?:\s|$)/;

/** The text and each of its ends that starts a word, longest first. */
export function wordSuffixes(text: string): string[] {
  const line = text.slice(-MAX_TEXT_CHARS).trim();
  if (line === '') return [];
  const starts = [...line.matchAll(/\S+/g)].map((match) => match.index);
  return starts
    .slice(-MAX_SUFFIXES)
    .map((start) => line.slice(start))
    .filter((end) => end === line || !JUST_A_PATTERN.test(end));
}

/** The text and each of its ends, character by character, longest first. */
export function charSuffixes(text: string): string[] {
  const line = text.trim();
  if (line === '') return [];
  const chars = Array.from(line);
  const first = Math.max(1, chars.length - MAX_SUFFIXES + 1);
  return [line, ...chars.slice(first).map((_, at) => chars.slice(first + at).join(''))];
}
