/**
 * The text before the first packet, RFC 4253 section 4.2, gathered until the identification is whole:
 * ssh2 loses it when it arrives in more than two pieces. Pure.
 * Not caught here: what the identification says; ssh2 reads it.
 */
import { MAX_IDENTIFICATION_BYTES } from './limits.ts';

export type IdentificationOutcome =
  | { readonly kind: 'incomplete' }
  /** Everything that came, to be read from its beginning. */
  | { readonly kind: 'whole'; readonly bytes: Buffer }
  | { readonly kind: 'too-long' };

/** Gathers what comes before the first packet. */
export class Identification {
  readonly #greets: boolean;
  #bytes: Buffer = Buffer.alloc(0);

  /** @param greets whether the peer may send lines before: a server may */
  constructor(greets: boolean) {
    this.#greets = greets;
  }

  /** The next piece. */
  add(chunk: Buffer): IdentificationOutcome {
    this.#bytes = Buffer.concat([this.#bytes, chunk]);
    // A client's first line is all that is read of it, whatever it is.
    const line = this.#greets ? /(^|\n)SSH-[^\n]*\n/ : /\n/;
    const head = this.#bytes.subarray(0, MAX_IDENTIFICATION_BYTES).toString('latin1');
    if (line.test(head)) return { kind: 'whole', bytes: this.#bytes };
    const isFull = this.#bytes.length >= MAX_IDENTIFICATION_BYTES;
    return { kind: isFull ? 'too-long' : 'incomplete' };
  }
}
