/** Wakes everybody who waits. It counts, so that nobody misses a ring between a look and a wait. */
export class Bell {
  #rings = 0;
  readonly #waiting = new Set<() => void>();

  get rings(): number {
    return this.#rings;
  }

  ring(): void {
    this.#rings += 1;
    const waiting = [...this.#waiting];
    this.#waiting.clear();
    for (const wake of waiting) wake();
  }

  /**
   * Calls `wake` at the first ring beyond those that were `heard`.
   * @returns forgets about it
   */
  onNext(heard: number, wake: () => void): () => void {
    if (this.#rings > heard) wake();
    else this.#waiting.add(wake);
    return () => this.#waiting.delete(wake);
  }
}
