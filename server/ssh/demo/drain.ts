/** Waiting for a stream that another program empties. */
import type { Writable } from 'node:stream';

/** Resolves when the stream takes more, or never will. Never rejects. */
export function drained(stream: Writable): Promise<void> {
  if (stream.destroyed) return Promise.resolve();
  return new Promise((resolve) => {
    const done = (): void => {
      stream.off('drain', done).off('close', done);
      resolve();
    };
    stream.once('drain', done).once('close', done);
  });
}
