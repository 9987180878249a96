/**
 * What a paused session waits at: nothing goes to the target, and nothing that comes from it goes on. What
 * waits is one unit of each direction; the rest stays in the windows of the channel, so that other channels
 * of the same connections go on. Not caught here: what was on its way to the client already.
 */
import type { ChannelEnd, InputUnit, OutputUnit, UpstreamEnd } from './ports.ts';

type Resize = Extract<InputUnit, { readonly kind: 'resize' }>;

export class Valve {
  #opening: Promise<void> | null = null;
  #open: () => void = () => {};
  #isOver = false;
  #isCut = false;

  get isShut(): boolean {
    return this.#opening !== null;
  }

  shut(): void {
    if (this.#opening !== null || this.#isOver) return;
    this.#opening = new Promise((resolve) => (this.#open = resolve));
  }

  open(): void {
    this.#opening = null;
    this.#open();
  }

  /** Nobody is there any more: what waits is given up, and nothing waits from now on. */
  end(): void {
    this.#isOver = true;
    this.#open();
  }

  /** The session is over: of what still comes from the target nothing counts but that it has closed. */
  cut(): void {
    this.#isCut = true;
    this.end();
  }

  /** Resolves when it is open: true. False = given up while it was shut. */
  async passes(): Promise<boolean> {
    while (this.#opening !== null) {
      if (this.#isOver) return false;
      await this.#opening;
    }
    return true;
  }

  /** The target's end, as a session sees it that may be paused. */
  guarded(upstream: UpstreamEnd): ChannelEnd<OutputUnit, InputUnit> {
    let latest: Resize | null = null;
    return {
      read: async () => {
        for (;;) {
          const unit = await upstream.read();
          // Of what a client never got nothing is kept; that the target has ended is news all the same.
          const passes = !this.isShut || (await this.passes()) || unit.kind !== 'data';
          if (unit.kind === 'close' || (passes && !this.#isCut)) return unit;
        }
      },
      write: async (unit) => {
        if (unit.kind === 'resize') {
          // Of the sizes that come meanwhile only the last one counts.
          const isWaiting = latest !== null;
          latest = unit;
          if (this.isShut && (isWaiting || !(await this.passes()))) return;
          const last = latest;
          latest = null;
          return last === null ? undefined : upstream.write(last);
        }
        if (this.isShut && unit.kind !== 'close' && !(await this.passes())) return refuse(unit);
        await upstream.write(unit);
      },
    };
  }
}

/** Whoever asked for something that won't happen is told so. */
function refuse(unit: InputUnit): void {
  if (unit.kind === 'signal' || unit.kind === 'break') unit.answer?.(false);
}
