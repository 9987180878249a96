/** The end of a running program: what was opened is closed in reverse. */
import { messageOf } from '../errors.ts';
import type { Logger } from '../log.ts';

/** Closes what was opened, last first, whatever fails on the way. */
export class Closers {
  readonly #closers: { readonly name: string; close(): Promise<void> }[] = [];
  readonly #logger: Logger;

  constructor(logger: Logger) {
    this.#logger = logger;
  }

  add(name: string, close: () => Promise<void>): void {
    this.#closers.push({ name, close });
  }

  async close(): Promise<void> {
    for (const part of this.#closers.splice(0).toReversed()) {
      await part.close().catch((error: unknown) => {
        this.#logger.error('not closed cleanly', { part: part.name, why: messageOf(error) });
      });
    }
  }
}
