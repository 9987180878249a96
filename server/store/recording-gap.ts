/**
 * What a session that goes on without its recorder delivers unrecorded. Not caught here: why it may go
 * on; that is its grant's business.
 */
import type { RecordedEvent, Utf8Output } from '../asciicast/event.ts';
import type { JsonValue } from '../journal/event.ts';

export class Gap {
  readonly why: string;
  #fromUs: number | null = null;
  #toUs = 0;
  #events = 0;
  #bytes = 0;
  /** The next output's exact bytes were counted already. */
  #isExact = false;

  constructor(why: string) {
    this.why = why;
  }

  /** Bytes of output. */
  get bytes(): number {
    return this.#bytes;
  }

  add(event: RecordedEvent | Utf8Output): void {
    this.#fromUs ??= event.atUs;
    this.#toUs = event.atUs;
    this.#events += 1;
    if (event.code === 'utf8') this.#bytes += event.bytes.length;
    if (event.code === 'b') this.#bytes += Buffer.byteLength(event.base64, 'base64');
    if (event.code === 'o' && !this.#isExact) this.#bytes += Buffer.byteLength(event.text);
    this.#isExact = event.code === 'b';
  }

  /** For the journal. */
  data(): Record<string, JsonValue> {
    const { why } = this;
    const fromUs = this.#fromUs ?? 0;
    return { why, fromUs, toUs: this.#toUs, events: this.#events, bytes: this.#bytes };
  }
}
