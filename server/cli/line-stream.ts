/**
 * Lines in and lines out, in pieces as large as they arrive: a wait for each line would cost more than
 * what is done with it. Not caught here: bytes that aren't UTF-8; they read as U+FFFD.
 */

/** Longest line that is usually taken whole, in UTF-16 units. */
const MAX_LINE_CHARACTERS = 4 * 1024 * 1024;
/** Output that is collected before it is written, in UTF-16 units. */
const MAX_BATCH_CHARACTERS = 64 * 1024;

/**
 * @param onPause called when every line that has arrived was taken; the next ones are waited for after it
 * @param maxCharacters of a line, in UTF-16 units; what is beyond is left out of it
 */
export async function* linesIn(
  chunks: AsyncIterable<Buffer>,
  onPause: () => Promise<void>,
  maxCharacters = MAX_LINE_CHARACTERS,
): AsyncGenerator<string> {
  const decoder = new TextDecoder();
  let rest = '';
  for await (const chunk of chunks) {
    const lines = decoder.decode(chunk, { stream: true }).split('\n');
    for (const [index, line] of lines.entries()) {
      if (rest.length + line.length <= maxCharacters) rest += line;
      else rest += line.slice(0, maxCharacters - rest.length);
      if (index === lines.length - 1) break;
      yield rest;
      rest = '';
    }
    await onPause();
  }
  rest += decoder.decode();
  if (rest !== '') yield rest;
}

/** Collects lines and hands them on together. */
export class LineBatch {
  readonly #out: (text: string) => Promise<void>;
  #text = '';

  constructor(out: (text: string) => Promise<void>) {
    this.#out = out;
  }

  /** @returns a promise when the caller has to wait until what was collected is taken */
  write(line: string): Promise<void> | void {
    this.#text += `${line}\n`;
    if (this.#text.length >= MAX_BATCH_CHARACTERS) return this.flush();
  }

  async flush(): Promise<void> {
    if (this.#text === '') return;
    const text = this.#text;
    this.#text = '';
    await this.#out(text);
  }
}
