/** Events of one recording that somebody waits for until Postgres has them; oldest first. */
import type { SallyportError } from '../errors.ts';
import { refusal } from './spool-backlog.ts';

interface Waiting {
  readonly eventNumber: number;
  readonly resolve: () => void;
  readonly reject: (error: SallyportError) => void;
}

export class AwaitedEvents {
  readonly #waitMs: number;
  readonly #onLate: (error: SallyportError) => void;
  readonly #waiting: Waiting[] = [];
  #timer: NodeJS.Timeout | null = null;

  /** @param onLate told when nothing was stored for `waitMs` although somebody waits */
  constructor(waitMs: number, onLate: (error: SallyportError) => void) {
    this.#waitMs = waitMs;
    this.#onLate = onLate;
  }

  /** Resolves when `stored` has reached the event. */
  wait(eventNumber: number): Promise<void> {
    return new Promise((resolve, reject) => {
      this.#waiting.push({ eventNumber, resolve, reject });
      const why = `Postgres has not taken the recording for ${this.#waitMs} ms`;
      this.#timer ??= setTimeout(() => this.#onLate(refusal(why)), this.#waitMs);
    });
  }

  /** Postgres has every event before this one. */
  stored(nextEvent: number): void {
    while ((this.#waiting[0]?.eventNumber ?? Infinity) < nextEvent) {
      this.#waiting.shift()?.resolve();
    }
    if (this.#waiting.length > 0) this.#timer?.refresh();
    else this.#stopTimer();
  }

  fail(error: SallyportError): void {
    for (const { reject } of this.#waiting.splice(0)) reject(error);
    this.#stopTimer();
  }

  #stopTimer(): void {
    if (this.#timer !== null) clearTimeout(this.#timer);
    this.#timer = null;
  }
}
