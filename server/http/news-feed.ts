/**
 * Tells lists that something has happened, as server-sent events: `change`, at most one in NEWS_EVERY_MS,
 * without saying what; the page reads its list again. Not caught here: what has changed is for the reader
 * of the list, who may see only some of it.
 */
import type { ServerResponse } from 'node:http';
import { SallyportError } from '../errors.ts';

export const MAX_READERS = 500;
export const MAX_READERS_PER_PRINCIPAL = 10;
export const NEWS_EVERY_MS = 2_000;
/** How often it is checked that the reader still may, and said that the connection lives. */
export const RECHECK_MS = 15_000;
/** What the browser waits before it comes back. */
const RETRY_MS = 1_000;
/** A client that has taken nothing of so much is cut off. */
const MAX_BUFFERED_BYTES = 64 * 1024;

export interface NewsSource {
  /** Calls `onNews` whenever something may have changed, any number of times. @returns the un-subscribe */
  watch(onNews: () => void): Promise<() => void>;
}

interface Reader {
  readonly response: ServerResponse;
  readonly principalId: string;
}

export class NewsFeed {
  readonly #source: NewsSource;
  readonly #readers = new Set<Reader>();
  #watching: Promise<() => void> | null = null;
  #timer: NodeJS.Timeout | null = null;

  constructor(source: NewsSource) {
    this.#source = source;
  }

  /**
   * Answers until the client goes away or may no longer. Throws `limit.exceeded` before anything was sent.
   * @param isAllowed asked again and again
   */
  async listen(
    response: ServerResponse,
    principalId: string,
    isAllowed: () => Promise<boolean>,
  ): Promise<void> {
    const own = [...this.#readers].filter((one) => one.principalId === principalId).length;
    if (this.#readers.size >= MAX_READERS || own >= MAX_READERS_PER_PRINCIPAL) {
      throw new SallyportError(
        'limit.exceeded',
        'too many lists are kept up to date already',
        'close some of them; the list itself is not limited, reload it',
      );
    }
    const reader = { response, principalId };
    this.#readers.add(reader);
    const recheck = setInterval(() => {
      isAllowed().then(
        (allowed) => (allowed ? this.#send(response, ': here\n\n') : response.end()),
        () => response.end(),
      );
    }, RECHECK_MS);
    try {
      await (this.#watching ??= this.#source.watch(() => this.#news()));
      response.setHeader('Content-Type', 'text/event-stream; charset=utf-8');
      // Otherwise nginx gathers events.
      response.setHeader('X-Accel-Buffering', 'no');
      this.#send(response, `retry: ${RETRY_MS}\n\n`);
      if (response.destroyed) return;
      await new Promise<void>((resolve) => response.once('close', resolve));
    } catch (error) {
      // Asked for again by the next reader.
      this.#watching = null;
      throw error;
    } finally {
      clearInterval(recheck);
      this.#readers.delete(reader);
    }
  }

  /** Cuts everybody off. */
  close(): void {
    if (this.#timer !== null) clearTimeout(this.#timer);
    for (const { response } of this.#readers) response.destroy();
    this.#watching?.then(
      (stop) => stop(),
      () => {},
    );
  }

  #news(): void {
    if (this.#timer !== null || this.#readers.size === 0) return;
    this.#timer = setTimeout(() => {
      this.#timer = null;
      for (const { response } of this.#readers) this.#send(response, 'event: change\ndata: {}\n\n');
    }, NEWS_EVERY_MS);
    this.#timer.unref();
  }

  #send(response: ServerResponse, text: string): void {
    if (response.destroyed || response.writableEnded) return;
    if (response.writableLength > MAX_BUFFERED_BYTES) response.destroy();
    else response.write(text);
  }
}
