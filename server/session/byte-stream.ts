/**
 * Bytes of one direction as whoever reads a protocol needs them: by line, or as many as there are. Who
 * pushes waits while too much is unread. Not caught here: an end that nobody says.
 */

/** Unread bytes beyond which whoever pushes waits. */
const MAX_UNREAD_BYTES = 256 * 1024;

export type StreamLine =
  | { readonly kind: 'line'; readonly bytes: Buffer }
  /** The stream ended; `rest` is what came without a line end. */
  | { readonly kind: 'end'; readonly rest: Buffer }
  | { readonly kind: 'too-long' };

const LINE_FEED = 0x0a;

export class ByteStream {
  #chunks: Buffer[] = [];
  #unreadBytes = 0;
  #isEnded = false;
  #arrival: (() => void) | null = null;
  #room: (() => void) | null = null;

  /** Resolves when there is room for more. One writer. */
  async push(bytes: Buffer): Promise<void> {
    if (this.#isEnded || bytes.length === 0) return;
    this.#chunks.push(bytes);
    this.#unreadBytes += bytes.length;
    this.#arrival?.();
    while (this.#unreadBytes >= MAX_UNREAD_BYTES && !this.#isEnded) {
      await new Promise<void>((resolve) => (this.#room = resolve));
      this.#room = null;
    }
  }

  /** Nothing more will come; what is unread can still be read. */
  end(): void {
    this.#isEnded = true;
    this.#arrival?.();
    this.#room?.();
  }

  /** As `end`, and what is unread is dropped. */
  abort(): void {
    this.#chunks = [];
    this.#unreadBytes = 0;
    this.end();
  }

  /** The next bytes, at most so many; null = the stream has ended. One reader. */
  async take(maxBytes: number): Promise<Buffer | null> {
    for (;;) {
      const [first] = this.#chunks;
      if (first !== undefined) {
        const bytes = first.subarray(0, maxBytes);
        if (bytes.length === first.length) this.#chunks.shift();
        else this.#chunks[0] = first.subarray(bytes.length);
        this.#read(bytes.length);
        return bytes;
      }
      if (this.#isEnded) return null;
      await new Promise<void>((resolve) => (this.#arrival = resolve));
      this.#arrival = null;
    }
  }

  /** The bytes up to the next line end, which is dropped. One reader. */
  async line(maxBytes: number): Promise<StreamLine> {
    const parts: Buffer[] = [];
    let size = 0;
    for (;;) {
      const bytes = await this.take(maxBytes + 1 - size);
      if (bytes === null) return { kind: 'end', rest: Buffer.concat(parts) };
      const at = bytes.indexOf(LINE_FEED);
      if (at >= 0) {
        this.#putBack(bytes.subarray(at + 1));
        return { kind: 'line', bytes: Buffer.concat([...parts, bytes.subarray(0, at)]) };
      }
      parts.push(bytes);
      size += bytes.length;
      if (size > maxBytes) return { kind: 'too-long' };
    }
  }

  #putBack(bytes: Buffer): void {
    if (bytes.length === 0) return;
    this.#chunks.unshift(bytes);
    this.#unreadBytes += bytes.length;
  }

  #read(count: number): void {
    this.#unreadBytes -= count;
    this.#room?.();
  }
}
