/** Counts the commands that wait for an approval, per principal. */
export class HeldCommands {
  readonly #waiting = new Map<string, number>();

  enter(principal: string, limit: number): boolean {
    const count = this.#waiting.get(principal) ?? 0;
    if (count >= limit) return false;
    this.#waiting.set(principal, count + 1);
    return true;
  }

  leave(principal: string): void {
    const count = (this.#waiting.get(principal) ?? 1) - 1;
    if (count === 0) this.#waiting.delete(principal);
    else this.#waiting.set(principal, count);
  }
}
