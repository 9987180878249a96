/** What waits for an approval, counted per principal, and given up when the bastion stops. */

/** A wait that ends with whoever asked, or with the bastion. */
export interface HeldWait {
  readonly signal: AbortSignal;
  /** It is over. */
  done(): void;
}

/** Kept with what was cancelled by it. */
const STOPPED = 'the bastion was stopped while it waited';

export class HeldCommands {
  readonly #waiting = new Map<string, number>();
  readonly #waits = new Set<AbortController>();
  #isStopping = false;

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

  get isStopping(): boolean {
    return this.#isStopping;
  }

  /** A signal that aborts with `abandoned`, or when the bastion stops. */
  waiting(abandoned: AbortSignal): HeldWait {
    const wait = new AbortController();
    const onAbort = (): void => wait.abort(abandoned.reason);
    abandoned.addEventListener('abort', onAbort);
    if (abandoned.aborted) onAbort();
    if (this.#isStopping) wait.abort(STOPPED);
    this.#waits.add(wait);
    return {
      signal: wait.signal,
      done: () => {
        abandoned.removeEventListener('abort', onAbort);
        this.#waits.delete(wait);
      },
    };
  }

  /** Nothing waits from now on. */
  stop(): void {
    this.#isStopping = true;
    for (const wait of this.#waits) wait.abort(STOPPED);
  }
}
