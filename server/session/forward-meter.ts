/** Bytes of one direction of a forward, and how fast they came. Pure; the clock is the caller's. */

const SECOND_US = 1_000_000;

export class ForwardMeter {
  #bytes = 0;
  #peak = 0;
  /** The second that is being counted, since the start. */
  #second = 0;
  #inSecond = 0;

  get bytes(): number {
    return this.#bytes;
  }

  /** Most bytes of one second. */
  get peakBytesPerS(): number {
    return Math.max(this.#peak, this.#inSecond);
  }

  add(bytes: number, atUs: number): void {
    const second = Math.floor(atUs / SECOND_US);
    if (second !== this.#second) {
      this.#peak = this.peakBytesPerS;
      this.#second = second;
      this.#inSecond = 0;
    }
    this.#bytes += bytes;
    this.#inSecond += bytes;
  }

  /** Over the whole time; what took no second counts as one. */
  averageBytesPerS(untilUs: number): number {
    return Math.round(this.#bytes / Math.max(1, untilUs / SECOND_US));
  }
}
