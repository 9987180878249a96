/** Counts sign-in attempts of each source in a window. Not caught here: attempts from many sources. */
import type { Clock } from '../clock.ts';
import { SallyportError } from '../errors.ts';

export const MAX_ATTEMPTS = 20;
export const ATTEMPT_WINDOW_MS = 10 * 60_000;
/** Remembered sources; the oldest is forgotten first. */
export const MAX_SOURCES = 10_000;

export class Attempts {
  readonly #clock: Clock;
  readonly #sources = new Map<string, { count: number; readonly sinceMs: number }>();

  constructor(clock: Clock) {
    this.#clock = clock;
  }

  /** The last attempt was no mistake: it doesn't count. */
  forgive(source: string): void {
    const seen = this.#sources.get(source);
    if (seen !== undefined && seen.count > 0) seen.count -= 1;
  }

  /** Counts one attempt; throws `limit.exceeded` for one too many in the window. */
  take(source: string): void {
    const nowMs = this.#clock.nowMs();
    let seen = this.#sources.get(source);
    if (seen === undefined || nowMs - seen.sinceMs >= ATTEMPT_WINDOW_MS) {
      seen = { count: 0, sinceMs: nowMs };
      this.#sources.delete(source);
      this.#sources.set(source, seen);
      const oldest = this.#sources.keys().next();
      if (this.#sources.size > MAX_SOURCES && oldest.done !== true) {
        this.#sources.delete(oldest.value);
      }
    }
    seen.count += 1;
    if (seen.count > MAX_ATTEMPTS) {
      throw new SallyportError(
        'limit.exceeded',
        `there were more than ${MAX_ATTEMPTS} sign-in attempts from your address`,
        `wait ${Math.ceil((seen.sinceMs + ATTEMPT_WINDOW_MS - nowMs) / 60_000)} minutes, then try again`,
      );
    }
  }
}
