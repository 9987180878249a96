/** Time as a port, so that pure code and tests never read the machine's clock. */
export interface Clock {
  /** Wall time, milliseconds since 1970 UTC. */
  nowMs(): number;
  /** Monotonic time in integer microseconds from an arbitrary start. */
  monotonicUs(): number;
}

export const systemClock: Clock = {
  nowMs: () => Date.now(),
  monotonicUs: () => Math.round(performance.now() * 1000),
};
