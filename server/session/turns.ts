/**
 * The processor is one for all sessions. A session that works little never waits; of those that work a
 * lot, one piece of work is done at each turn of the event loop, by principals in turn, so that neither
 * much output, nor much input, nor many sessions of one client make the keys of another one wait. Not
 * caught here: a piece that is long by itself; who cuts work into pieces keeps them short.
 */

/** A session that has worked for so long since its last turn waits for the next one, microseconds. */
export const TURN_US = 5000;
/** One part in so many of the processor is a session's without waiting. */
export const FREE_PART = 5;

/** Who waits, by principal; the order of the map is the order of the turns. */
const waiting = new Map<string, (() => void)[]>();
let isTurning = false;

/** Counts the work of one session. `await pause()` stands between pieces of work. */
export class WorkShare {
  readonly #principal: string;
  readonly #nowUs: () => number;
  #usedUs = 0;
  #countedAtUs: number;

  /** @param principal whose work it is; the principals take turns */
  constructor(principal: string, nowUs: () => number) {
    this.#principal = principal;
    this.#nowUs = nowUs;
    this.#countedAtUs = nowUs();
  }

  /** Does a piece of work that isn't cut any further. */
  run<T>(work: () => T): T {
    const startUs = this.#nowUs();
    try {
      return work();
    } finally {
      this.#usedUs += this.#nowUs() - startUs;
    }
  }

  /** Whether others are to work before this session goes on. */
  get isUsedUp(): boolean {
    const nowUs = this.#nowUs();
    this.#usedUs = Math.max(0, this.#usedUs - (nowUs - this.#countedAtUs) / FREE_PART);
    this.#countedAtUs = nowUs;
    return this.#usedUs >= TURN_US;
  }

  /** Lets others work, if it is their turn. */
  async pause(): Promise<void> {
    // A piece that was long costs as many turns as short ones would have.
    while (this.isUsedUp) {
      await new Promise<void>((resolve) => {
        const own = waiting.get(this.#principal);
        if (own === undefined) waiting.set(this.#principal, [resolve]);
        else own.push(resolve);
        turn();
      });
      this.#usedUs -= TURN_US;
    }
  }
}

function turn(): void {
  if (isTurning || waiting.size === 0) return;
  isTurning = true;
  setImmediate(() => {
    isTurning = false;
    const [next] = waiting;
    if (next === undefined) return;
    const [principal, own] = next;
    waiting.delete(principal);
    own.shift()?.();
    if (own.length > 0) waiting.set(principal, own);
    turn();
  });
}
