/**
 * Has the target answered a key of which only it knows what it does? What comes first may be the echo of
 * text that was typed before. Not caught here: an answer in several parts.
 */

export class Answer {
  /** The cursor's line when everything before that key is echoed; null = it is, or nobody knows. */
  #echoed: string | null = null;

  /** Such a key goes up. @param echoed see above @param shown the cursor's line now */
  asked(echoed: string | null, shown: string): void {
    this.#echoed = echoed === shown ? null : echoed;
  }

  /** Output has come. @returns whether it is no more than the echo @param shown the cursor's line now */
  isEcho(shown: string): boolean {
    if (this.#echoed === null) return false;
    const isEcho = this.#echoed.startsWith(shown);
    if (!isEcho || shown === this.#echoed) this.#echoed = null;
    return isEcho;
  }
}
