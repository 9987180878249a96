/**
 * Input between the client and whoever decides about it. It keeps reading while a line is held, so
 * that Ctrl-C and a vanished client are noticed, but only up to a bound; the rest stays in the
 * client's SSH window.
 */
import type { DownstreamEnd, InputUnit } from './ports.ts';
import { Valve } from './valve.ts';

const CTRL_C = 0x03;
/** Signals and changes of the size that wait; more stay where the client's requests wait. */
export const MAX_WAITING_REQUESTS = 1024;

export type ResizeUnit = Extract<InputUnit, { readonly kind: 'resize' }>;

export class InputQueue {
  readonly #end: DownstreamEnd;
  readonly #maxPendingBytes: number;
  readonly #hasTerminal: boolean;
  readonly #valve: Valve;
  readonly #units: InputUnit[] = [];
  readonly #gone = new AbortController();
  #pendingBytes = 0;
  #requests = 0;
  #arrival: (() => void) | null = null;
  #room: (() => void) | null = null;
  #interrupt: AbortController | null = null;
  #resized: ((unit: ResizeUnit) => void) | null = null;

  /**
   * @param hasTerminal the input is keys; otherwise the byte of Ctrl-C is data like any other
   * @param valve while it is shut, nobody gets anything
   */
  constructor(
    end: DownstreamEnd,
    maxPendingBytes: number,
    hasTerminal = true,
    valve: Valve = new Valve(),
  ) {
    this.#valve = valve;
    this.#end = end;
    this.#maxPendingBytes = maxPendingBytes;
    this.#hasTerminal = hasTerminal;
    void this.#pump();
  }

  /** Aborts when the client has gone. */
  get gone(): AbortSignal {
    return this.#gone.signal;
  }

  /** Treats the client as gone, whatever is still queued. */
  abandon(): void {
    this.#gone.abort();
    this.#valve.end();
    this.#interrupt?.abort();
    this.#arrival?.();
  }

  /** The next unit in order; `close` for ever once the client has gone. One reader at a time. */
  async next(): Promise<InputUnit> {
    for (;;) {
      // Nothing that was sent meanwhile counts when its sender has gone.
      if (this.#valve.isShut && !(await this.#valve.passes())) return { kind: 'close' };
      const unit = this.#units.shift();
      if (unit !== undefined) {
        if (unit.kind === 'data') this.#pendingBytes -= unit.bytes.length;
        else this.#requests -= 1;
        this.#room?.();
        return unit;
      }
      if (this.#gone.signal.aborted) return { kind: 'close' };
      await new Promise<void>((resolve) => (this.#arrival = resolve));
      this.#arrival = null;
    }
  }

  /**
   * All of the input, if it ends within so many bytes and the client makes no longer pauses; it stays in the
   * queue. null = it doesn't. No reader meanwhile.
   */
  async whole(maxBytes: number, maxPauseMs: number): Promise<Buffer | null> {
    for (;;) {
      const count = this.#units.length;
      const end = this.#units.findIndex(({ kind }) => kind !== 'data');
      const data = this.#units.flatMap((unit) => (unit.kind === 'data' ? [unit.bytes] : []));
      if (this.#pendingBytes > maxBytes) return null;
      if (end >= 0) return this.#units[end]?.kind === 'eof' ? Buffer.concat(data) : null;
      if (this.#gone.signal.aborted) return null;
      let timer: NodeJS.Timeout | undefined;
      await new Promise<void>((resolve) => {
        this.#arrival = resolve;
        timer = setTimeout(resolve, maxPauseMs);
      });
      clearTimeout(timer);
      this.#arrival = null;
      if (this.#units.length === count) return null;
    }
  }

  /** Puts back what was not used of a unit; it comes first again. */
  unshift(bytes: Buffer): void {
    if (bytes.length === 0) return;
    this.#units.unshift({ kind: 'data', bytes });
    this.#pendingBytes += bytes.length;
  }

  /**
   * Runs `wait` with a signal that aborts when the client presses Ctrl-C, or did so before, or goes away.
   * @param drops whether what was typed up to and including that Ctrl-C is dropped; if the line was
   *   released all the same, it is meant for what runs now
   * @param resized gets changes of the size at once; without it they keep their place among the keys
   */
  async interruptible<T>(
    wait: (abandoned: AbortSignal) => Promise<T>,
    drops: (outcome: T) => boolean = () => true,
    resized: ((unit: ResizeUnit) => void) | null = null,
  ): Promise<T> {
    // A signal of its own: one that is joined to the session's would be kept as long as the session.
    const interrupt = new AbortController();
    this.#interrupt = interrupt;
    this.#resized = resized;
    if (this.#gone.signal.aborted || this.#units.some((unit) => this.#isCtrlC(unit))) {
      interrupt.abort();
    }
    try {
      const outcome = await wait(interrupt.signal);
      if (interrupt.signal.aborted && drops(outcome)) this.#dropThroughCtrlC();
      return outcome;
    } finally {
      this.#interrupt = null;
      this.#resized = null;
    }
  }

  /** Drops the keys that wait; everything else stays in order. @returns those keys */
  dropKeys(): Buffer {
    const dropped = this.#units.filter((unit) => unit.kind === 'data').map(({ bytes }) => bytes);
    const kept = this.#units.filter((unit) => unit.kind !== 'data');
    this.#units.splice(0, Infinity, ...kept);
    this.#pendingBytes = 0;
    this.#room?.();
    return Buffer.concat(dropped);
  }

  /** Waits until more keys have come, for at most `ms`. @returns whether any have */
  async moreKeys(ms: number): Promise<boolean> {
    let isLate = false;
    const timer = setTimeout(() => {
      isLate = true;
      this.#arrival?.();
    }, ms);
    try {
      for (;;) {
        if (this.#units.some(({ kind }) => kind === 'data')) return true;
        if (isLate || this.#gone.signal.aborted) return false;
        await new Promise<void>((resolve) => (this.#arrival = resolve));
        this.#arrival = null;
      }
    } finally {
      clearTimeout(timer);
    }
  }

  async #pump(): Promise<void> {
    for (;;) {
      const unit = await this.#end.read();
      if (this.#isCtrlC(unit)) this.#interrupt?.abort();
      if (unit.kind === 'resize' && this.#resized !== null) {
        this.#resized(unit);
        continue;
      }
      // Of sizes that follow each other only the last one counts: nothing has come between them.
      if (unit.kind === 'resize' && this.#units.at(-1)?.kind === 'resize') this.#units.pop();
      else if (unit.kind === 'data') this.#pendingBytes += unit.bytes.length;
      else this.#requests += 1;
      this.#units.push(unit);
      if (unit.kind === 'close') this.abandon();
      this.#arrival?.();
      if (unit.kind === 'close') return;
      while (
        this.#pendingBytes >= this.#maxPendingBytes ||
        this.#requests >= MAX_WAITING_REQUESTS
      ) {
        await new Promise<void>((resolve) => (this.#room = resolve));
        this.#room = null;
      }
    }
  }

  #isCtrlC(unit: InputUnit): boolean {
    return this.#hasTerminal && unit.kind === 'data' && unit.bytes.includes(CTRL_C);
  }

  /** Drops keys up to and including the Ctrl-C; resizes, signals and the end of input still count. */
  #dropThroughCtrlC(): void {
    const kept: InputUnit[] = [];
    for (let unit = this.#units.shift(); unit !== undefined; unit = this.#units.shift()) {
      if (unit.kind !== 'data') {
        kept.push(unit);
        continue;
      }
      this.#pendingBytes -= unit.bytes.length;
      const at = unit.bytes.indexOf(CTRL_C);
      if (at < 0) continue;
      this.unshift(unit.bytes.subarray(at + 1));
      break;
    }
    this.#units.unshift(...kept);
    this.#room?.();
  }
}
