/** Masks whole texts. Not caught here: half of a secret at a place where the text was cut before. */
import type { Detectors } from './detectors.ts';
import { Masker } from './masker.ts';

export interface MaskedText {
  readonly text: string;
  /** How many secrets were replaced. */
  readonly masked: number;
}

/** @param isCut something was cut off at its end, so that the last secret may not be whole */
export function maskText(detectors: Detectors, text: string, isCut = false): MaskedText {
  if (detectors.isEmpty) return { text, masked: 0 };
  const bytes = Buffer.from(text);
  const masker = new Masker(detectors);
  const out = [masker.push(bytes), isCut ? masker.flush() : masker.end()];
  return masker.masked === 0
    ? { text, masked: 0 }
    : { text: Buffer.concat(out).toString(), masked: masker.masked };
}

/**
 * The words of a command, looked at as the one text that they are. Words keep their number; what belongs
 * to a secret is replaced in each.
 */
export function maskWords(detectors: Detectors, words: readonly string[]): readonly string[] {
  if (detectors.isEmpty) return words;
  const joined = words.join(' ');
  const { text, masked } = maskText(detectors, joined);
  if (masked === 0) return words;
  // Nothing but ASCII keeps its length; then each word is looked at alone.
  if (text.length !== joined.length) return words.map((one) => maskText(detectors, one).text);
  let at = 0;
  return words.map((word) => {
    const start = at;
    at += word.length + 1;
    return text.slice(start, start + word.length);
  });
}
