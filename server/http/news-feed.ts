/**
 * Tells lists that something has happened, as server-sent events: `change`, at most one in NEWS_EVERY_MS,
 * without saying what; the page reads its list again. Not caught here: what has changed is for the reader
 * of the list, who may see only some of it.
 */
import type { ServerResponse } from 'node:http';
import { EventStreams, SharedWatch, type StreamReader } from './event-stream.ts';

export const MAX_READERS = 500;
export const MAX_READERS_PER_PRINCIPAL = 10;
export const NEWS_EVERY_MS = 2_000;

export interface NewsSource {
  /** Calls `onNews` whenever something may have changed, any number of times. @returns the un-subscribe */
  watch(onNews: () => void): Promise<() => void>;
}

export class NewsFeed {
  readonly #watch: SharedWatch;
  readonly #readers = new EventStreams({
    most: MAX_READERS,
    mostPerPrincipal: MAX_READERS_PER_PRINCIPAL,
    refusal: () => ({
      message: 'too many lists are kept up to date already',
      hint: 'close some of them; the list itself is not limited, reload it',
    }),
  });
  #timer: NodeJS.Timeout | null = null;

  constructor(source: NewsSource) {
    this.#watch = new SharedWatch(() => source.watch(() => this.#news()));
  }

  /** Answers until the client goes away or may no longer. Throws `limit.exceeded` before anything was sent. */
  async listen(response: ServerResponse, reader: StreamReader): Promise<void> {
    await this.#readers.serve(response, reader, async (stream) => {
      await this.#watch.begin();
      await stream.begin();
      while (await stream.mayGoOn()) await stream.rest();
    });
  }

  /** Cuts everybody off. */
  close(): void {
    if (this.#timer !== null) clearTimeout(this.#timer);
    this.#readers.close();
    this.#watch.close();
  }

  #news(): void {
    if (this.#timer !== null || this.#readers.size === 0) return;
    this.#timer = setTimeout(() => {
      this.#timer = null;
      for (const stream of this.#readers) {
        // Whoever hasn't taken the last one reads the list only after it, and misses nothing.
        if (!stream.isBehind) void stream.send({ event: 'change', data: {} });
      }
    }, NEWS_EVERY_MS);
    this.#timer.unref();
  }
}
