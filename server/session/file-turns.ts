/**
 * The order of operations that are being decided: one that changes something goes up after everything
 * before it and before everything behind it; those that only look overtake each other. One that is held
 * steps aside. Not caught here: that a client needs one before another; it waits for the answer then.
 */

/** Operations between their arrival and their way up, held ones included; more stay unread. */
export const MAX_DECIDING = 64;

export interface FileTurn {
  /** Resolves when it may begin. */
  readonly begins: Promise<unknown>;
  /** Those behind it may begin. */
  readonly pass: () => void;
}

export class FileTurns {
  /** Settles when the last one that changes something has passed. */
  #lastChange: Promise<unknown> = Promise.resolve();
  readonly #waiting = new Set<Promise<void>>();
  readonly #running = new Set<Promise<void>>();

  take(changes: boolean): FileTurn {
    const begins = changes ? Promise.all([this.#lastChange, ...this.#waiting]) : this.#lastChange;
    let pass = (): void => {};
    const passed = new Promise<void>((resolve) => (pass = resolve));
    this.#waiting.add(passed);
    void passed.then(() => this.#waiting.delete(passed));
    if (changes) this.#lastChange = passed;
    return { begins, pass };
  }

  /** Counts a task until it ends. @param work never rejects */
  run(work: Promise<void>): void {
    this.#running.add(work);
    void work.then(() => this.#running.delete(work));
  }

  /** Resolves when there is room for another task. */
  async room(): Promise<void> {
    while (this.#running.size >= MAX_DECIDING) await Promise.race(this.#running);
  }

  async idle(): Promise<void> {
    while (this.#running.size > 0) await Promise.all(this.#running);
  }
}
