/**
 * Segments to write into: keeps one spare ready, uses spent files again, and leaves a disk alone for a
 * while after it failed.
 */
import { rename, rm } from 'node:fs/promises';
import { messageOf, type SallyportError } from '../errors.ts';
import { refusal } from './spool-backlog.ts';
import { preallocate, segmentPath, syncDirectory } from './spool-segment.ts';

export interface SupplyOptions {
  readonly directory: string;
  readonly segmentBytes: number;
  readonly retryMs: number;
  readonly firstNumber: number;
  readonly onFailure: (error: SallyportError) => void;
  /** Why there may be no further segment; null = there may. */
  readonly whyNoMore: () => string | null;
}

export class SegmentSupply {
  readonly #options: SupplyOptions;
  readonly #spent: string[] = [];
  #nextNumber: number;
  #spare: Promise<string> | null = null;
  #failure: SallyportError | null = null;
  #failedAtMs = -Infinity;
  #taking: Promise<unknown> = Promise.resolve();
  readonly #waiting = new Set<() => void>();

  constructor(options: SupplyOptions) {
    this.#options = options;
    this.#nextNumber = options.firstNumber;
  }

  /** The last failure, until something works again. */
  get failure(): SallyportError | null {
    return this.#failure;
  }

  /** Whether a spare is there or on its way. */
  get hasSpare(): boolean {
    return this.#spare !== null;
  }

  /** Waits for the spare, or makes one. Rejects with `recording.failed`. */
  async ready(): Promise<string> {
    const sinceFailureMs = performance.now() - this.#failedAtMs;
    if (this.#failure !== null && sinceFailureMs < this.#options.retryMs) throw this.#failure;
    try {
      const path = await (this.#spare ??= this.#make());
      this.#failure = null;
      return path;
    } catch (error) {
      this.#spare = null;
      throw this.failed('the spool has no room on its disk', error);
    }
  }

  /** The next segment, which is the caller's from now on. Rejects with `recording.failed`. */
  take(): Promise<{ readonly path: string; readonly number: number }> {
    // One after the other: two that wait for the same spare would both get it.
    const taken = this.#taking.then(() => this.#takeNext());
    this.#taking = taken.catch(() => {});
    return taken;
  }

  async #takeNext(): Promise<{ readonly path: string; readonly number: number }> {
    const path = await this.ready();
    this.#spare = null;
    const number = this.#nextNumber;
    this.#nextNumber += 1;
    return { path, number };
  }

  /** Resolves when a file was given back, at the latest after `ms`. */
  async changed(ms: number): Promise<void> {
    await new Promise<void>((resolve) => {
      const wake = (): void => {
        clearTimeout(timer);
        this.#waiting.delete(wake);
        resolve();
      };
      const timer = setTimeout(wake, ms);
      this.#waiting.add(wake);
    });
  }

  /** Starts on the next spare, unless the disk has just failed. */
  prepare(): void {
    if (performance.now() - this.#failedAtMs < this.#options.retryMs) return;
    this.#spare ??= this.#make();
    // Nobody waits for it yet; whoever needs it tries again.
    this.#spare.catch((error: unknown) => {
      this.#spare = null;
      this.#failedAtMs = performance.now();
      this.report('the spool has no spare segment', error);
    });
  }

  /** Takes back a file whose records nobody needs. */
  giveBack(path: string): void {
    if (this.#spent.length === 0) this.#spent.push(path);
    else {
      rm(path, { force: true }).catch((error: unknown) =>
        this.report('a spent segment stays', error),
      );
    }
    // It can be used again whatever the disk says.
    this.#failedAtMs = -Infinity;
    for (const wake of this.#waiting) wake();
  }

  /** Removes what was never used or is spent. */
  async close(): Promise<void> {
    const spare = await this.#spare?.catch(() => null);
    if (typeof spare === 'string') this.#spent.push(spare);
    for (const path of this.#spent.splice(0)) await rm(path, { force: true });
  }

  /** Notes a failure of the disk: for a while everything is refused with it. */
  failed(what: string, cause: unknown): SallyportError {
    this.#failure = this.report(what, cause);
    this.#failedAtMs = performance.now();
    return this.#failure;
  }

  report(what: string, cause: unknown): SallyportError {
    const error = refusal(`${what}: ${messageOf(cause)}`, cause);
    this.#options.onFailure(error);
    return error;
  }

  async #make(): Promise<string> {
    const why = this.#options.whyNoMore();
    if (why !== null) throw new Error(why);
    const { directory, segmentBytes } = this.#options;
    const spent = this.#spent.shift();
    if (spent === undefined) return preallocate(directory, this.#nextNumber, segmentBytes);
    const path = segmentPath(directory, this.#nextNumber);
    await rename(spent, path);
    await syncDirectory(directory);
    return path;
  }
}
