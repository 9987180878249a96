/** Searches take turns, so that they never hold all connections that sessions need. */
import { SallyportError } from '../errors.ts';

/** Searches of one process at once, and those that wait for their turn; further ones are refused. */
export const MAX_SEARCHES = 2;
export const MAX_WAITING_SEARCHES = 32;

export class SearchTurns {
  readonly #waiting: (() => void)[] = [];
  #running = 0;

  /** Runs `search` when it is its turn. Rejects with `limit.exceeded` when too many wait. */
  async run<T>(search: () => Promise<T>): Promise<T> {
    await this.#turn();
    try {
      return await search();
    } finally {
      const next = this.#waiting.shift();
      if (next === undefined) this.#running -= 1;
      else next();
    }
  }

  async #turn(): Promise<void> {
    if (this.#running < MAX_SEARCHES) {
      this.#running += 1;
      return;
    }
    if (this.#waiting.length >= MAX_WAITING_SEARCHES) {
      throw new SallyportError(
        'limit.exceeded',
        'too many searches run at once',
        'try again in a minute',
      );
    }
    // Who ends hands its place over.
    await new Promise<void>((resolve) => {
      this.#waiting.push(resolve);
    });
  }
}
