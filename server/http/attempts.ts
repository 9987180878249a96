/**
 * Bounds sign-ins that fail: of each source, of each source with a principal, and of all that have never
 * succeeded together. A wait begins after some free tries and doubles; it holds for all processes and over a
 * restart. Nobody waits because of what others do, unless they come from the same source. Not caught here:
 * guesses from many sources at once; what can be guessed at all has a bound of its own.
 */
import { Lockout, type Lock, type LockoutBounds } from '../access/lockout.ts';
import { sourceOf } from '../access/source.ts';
import type { Clock } from '../clock.ts';
import { messageOf, SallyportError } from '../errors.ts';
import type { Logger } from '../log.ts';
import { silentLogger } from '../log.ts';

/** Failures of a source that cost nothing, and of one principal from there. */
export const MAX_ATTEMPTS = 20;
export const MAX_PRINCIPAL_ATTEMPTS = 8;
export const FIRST_WAIT_MS = 30_000;
/** The longest wait. */
export const ATTEMPT_WINDOW_MS = 10 * 60_000;
/** Failures are forgotten after so much quiet. */
export const FORGET_MS = 30 * 60_000;
/** Remembered sources, and principals of sources. */
export const MAX_SOURCES = 10_000;
/** Attempts in a minute that fail, of all sources that have never succeeded. */
export const MAX_STRANGE_ATTEMPTS = 1_200;
const MINUTE_MS = 60_000;

const BOUNDS: LockoutBounds = {
  free: MAX_ATTEMPTS,
  firstWaitMs: FIRST_WAIT_MS,
  maxWaitMs: ATTEMPT_WINDOW_MS,
  forgetMs: FORGET_MS,
  maxKeys: MAX_SOURCES,
};

/** Where waits are kept for other processes, and for the time after a restart. */
export interface LockoutKeeper {
  all(): Promise<readonly { readonly key: string; readonly lock: Lock }[]>;
  put(key: string, lock: Lock): Promise<void>;
  watch(onLock: (stored: { readonly key: string; readonly lock: Lock }) => void): Promise<void>;
}

export class Attempts {
  readonly #clock: Clock;
  readonly #keeper: LockoutKeeper | null;
  readonly #logger: Logger;
  readonly #sources = new Lockout(BOUNDS);
  readonly #pairs = new Lockout({ ...BOUNDS, free: MAX_PRINCIPAL_ATTEMPTS });
  /** Sources that somebody has signed in from; the oldest is forgotten first. */
  readonly #proven = new Set<string>();
  /** Waits that are with the keeper, by key. */
  readonly #kept = new Map<string, number>();
  #strange = { count: 0, sinceMs: 0 };

  constructor(clock: Clock, keeper: LockoutKeeper | null = null, logger: Logger = silentLogger) {
    this.#clock = clock;
    this.#keeper = keeper;
    this.#logger = logger;
    if (keeper !== null) void this.#learn(keeper);
  }

  /** The last attempt was no mistake: it doesn't count, and nor do the principal's earlier ones. */
  forgive(source: string, principal: string | null = null): void {
    this.takeBack(source);
    const place = sourceOf(source);
    if (principal !== null) this.#pairs.forgive(pairOf(place, principal));
    this.#proven.delete(place);
    this.#proven.add(place);
    const oldest = this.#proven.values().next();
    if (this.#proven.size > MAX_SOURCES && oldest.done !== true) this.#proven.delete(oldest.value);
  }

  /** The last attempt was no failure, and shows nothing about who it was either. */
  takeBack(source: string): void {
    this.#sources.takeBack(sourceOf(source));
    this.#strange.count = Math.max(0, this.#strange.count - 1);
  }

  /**
   * Counts one attempt as failed, until `forgive`; throws `limit.exceeded` for one too many.
   * @param principal who tries, where that is known already
   */
  take(source: string, principal: string | null = null): void {
    const nowMs = this.#clock.nowMs();
    const place = sourceOf(source);
    const pair = principal === null ? null : pairOf(place, principal);
    // A principal who waits adds nothing to what others from there have to bear.
    if (pair !== null) this.#refuse(this.#pairs, pair, nowMs);
    this.#refuse(this.#sources, place, nowMs);
    if (nowMs - this.#strange.sinceMs >= MINUTE_MS) this.#strange = { count: 0, sinceMs: nowMs };
    this.#strange.count += 1;
    if (this.#strange.count > MAX_STRANGE_ATTEMPTS && !this.#proven.has(place)) {
      throw new SallyportError(
        'limit.exceeded',
        'too many sign-ins fail at the moment, from everywhere',
        'wait a minute, then try again; places from where somebody has signed in before go first',
      );
    }
    if (pair !== null) this.#pairs.failed(pair, nowMs);
    this.#sources.failed(place, nowMs);
  }

  #refuse(lockout: Lockout, key: string, nowMs: number): void {
    const lock = lockout.lockOf(key, nowMs);
    if (lock === null) return;
    this.#keep(key, lock);
    const seconds = Math.ceil((lock.untilMs - nowMs) / 1000);
    const wait = seconds < 120 ? `${seconds} seconds` : `${Math.ceil(seconds / 60)} minutes`;
    throw new SallyportError(
      'limit.exceeded',
      `there were ${lock.failures} sign-in attempts that failed from your address`,
      `wait ${wait}, then try again; each further mistake doubles the wait`,
    );
  }

  /** Tells the others of a wait that holds somebody up, once. */
  #keep(key: string, lock: Lock): void {
    if (this.#keeper === null || this.#kept.get(key) === lock.untilMs) return;
    this.#kept.delete(key);
    this.#kept.set(key, lock.untilMs);
    const oldest = this.#kept.keys().next();
    if (this.#kept.size > MAX_SOURCES && oldest.done !== true) this.#kept.delete(oldest.value);
    this.#keeper.put(key, lock).catch((error: unknown) => {
      this.#kept.delete(key);
      this.#logger.warn('lockouts.unwritten', { why: messageOf(error) });
    });
  }

  async #learn(keeper: LockoutKeeper): Promise<void> {
    const learn = ({ key, lock }: { readonly key: string; readonly lock: Lock }): void => {
      this.#kept.set(key, lock.untilMs);
      const lockout = key.includes(' ') ? this.#pairs : this.#sources;
      lockout.restore(key, lock, this.#clock.nowMs());
    };
    try {
      await keeper.watch(learn);
      for (const stored of await keeper.all()) learn(stored);
    } catch (error) {
      this.#logger.warn('lockouts.unread', { why: messageOf(error) });
    }
  }
}

function pairOf(place: string, principal: string): string {
  return `${place} ${principal}`;
}
