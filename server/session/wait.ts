/** Waits with an end. They keep no process alive. */

export function elapsed(ms: number): Promise<void> {
  return new Promise((resolve) => setTimeout(resolve, ms).unref());
}

/** The work's outcome, or undefined when it takes longer. */
export function within<T>(ms: number, work: Promise<T>): Promise<T | undefined> {
  return Promise.race([work, elapsed(ms).then(() => undefined)]);
}
