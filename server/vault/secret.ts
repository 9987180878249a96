/** Bytes that must not be seen: not in a log, an error, a debugger's listing or a core written later. */
import { inspect } from 'node:util';
import { SallyportError } from '../errors.ts';

const SHOWN = '[secret]';

/**
 * Owns its bytes and wipes them when it is disposed of. Shows itself as `[secret]` wherever it is printed.
 * Copies that others make of `bytes` (strings above all) are beyond its reach.
 */
export class Secret<Kind extends string> implements Disposable {
  readonly kind: Kind;
  #bytes: Buffer | null;

  /** @param bytes become the secret's own: the caller's buffer is wiped, too. */
  constructor(kind: Kind, bytes: Buffer) {
    this.kind = kind;
    // A small Buffer may share its memory with others; this one doesn't.
    this.#bytes = Buffer.from(new Uint8Array(bytes).buffer);
    bytes.fill(0);
  }

  /** The secret itself, valid until the disposal. Throws `internal` after it. */
  get bytes(): Buffer {
    if (this.#bytes !== null) return this.#bytes;
    throw new SallyportError(
      'internal',
      `a ${this.kind} was used after it was wiped`,
      'this is a defect; please report it',
    );
  }

  [Symbol.dispose](): void {
    this.#bytes?.fill(0);
    this.#bytes = null;
  }

  toString(): string {
    return SHOWN;
  }

  toJSON(): string {
    return SHOWN;
  }

  [inspect.custom](): string {
    return SHOWN;
  }
}
