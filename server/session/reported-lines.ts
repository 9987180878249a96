/**
 * What the shell says it runs, compared with the lines that were let through to it. Not caught here:
 * whether the shell tells the truth; a line that it reports is only ever judged once more.
 */

/** So many lines may be on their way to the shell before it reports the first of them. */
export const MAX_UNREPORTED_LINES = 64;

export type Report =
  | { readonly kind: 'known' }
  /** @property isApproved a person has approved the line that seems to have become this one */
  | { readonly kind: 'unknown'; readonly isApproved: boolean };

export class ReportedLines {
  #unreported: { readonly texts: ReadonlySet<string>; readonly isApproved: boolean }[] = [];

  /** A line went up. @param texts that were judged for it */
  released(texts: readonly string[], isApproved: boolean): void {
    this.#unreported.push({ texts: new Set(texts.map(lettersOf)), isApproved });
    this.#unreported = this.#unreported.slice(-MAX_UNREPORTED_LINES);
  }

  /** The shell says that it runs this. Lines before it went to a program, or were never run. */
  reported(text: string): Report {
    const letters = lettersOf(text);
    if (letters === '') return { kind: 'known' };
    const at = this.#unreported.findIndex(({ texts }) => texts.has(letters));
    if (at >= 0) {
      this.#unreported = this.#unreported.slice(at + 1);
      return { kind: 'known' };
    }
    const isApproved = this.#unreported.shift()?.isApproved === true;
    return { kind: 'unknown', isApproved };
  }
}

/** A shell that puts several lines into one joins them with blanks, semicolons or nothing. */
function lettersOf(text: string): string {
  return text.replace(/\\\n|[\s;]+/g, '');
}
