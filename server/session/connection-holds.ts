/**
 * While a command of a connection waits for an approval, nothing else of that connection passes: no channel
 * opens, no command of another channel is released. Who waits here reads nothing meanwhile, so buffers stay
 * bounded. The bastion's own commands never come here, so that an approval may arrive on the same connection.
 */
import { notice } from './notice.ts';

type Say = (text: string) => Promise<void>;

export class ConnectionHolds {
  /** Whose commands wait for an approval; one channel at a time. */
  #holder: object | null = null;
  #held = 0;
  #approval: string | null = null;
  #isOver = false;
  readonly #waiting = new Set<() => void>();

  /**
   * Resolves when no other channel's command waits for an approval.
   * @param channel whose own commands are no reason to wait
   * @param then called in the same step, before anybody else can pass
   * @returns false = given up: `abandoned` was aborted, or the connection ended
   */
  async whenFree(
    channel: object,
    abandoned: AbortSignal | null,
    say: Say | null,
    then: () => void = () => {},
  ): Promise<boolean> {
    let isTold = false;
    for (;;) {
      if (this.#holder === null || this.#holder === channel) {
        then();
        return true;
      }
      if (this.#isOver || abandoned?.aborted === true) return false;
      if (!isTold) {
        isTold = true;
        const which = this.#approval === null ? 'an approval' : `approval ${this.#approval}`;
        await say?.(notice(`waiting: another command of this connection waits for ${which}`));
        continue;
      }
      await this.#change(abandoned);
    }
  }

  /** The same, and from then on a command of `channel` waits for an approval. */
  enter(channel: object, abandoned: AbortSignal | null, say: Say | null): Promise<boolean> {
    return this.whenFree(channel, abandoned, say, () => {
      this.#holder = channel;
      this.#held += 1;
    });
  }

  /** What it waits for, as people type it. */
  waitsFor(approval: string): void {
    this.#approval = approval;
  }

  /** The command is decided, or given up. */
  leave(): void {
    this.#held -= 1;
    if (this.#held > 0) return;
    this.#holder = null;
    this.#approval = null;
    this.#wake();
  }

  /** The connection has ended. */
  close(): void {
    this.#isOver = true;
    this.#wake();
  }

  async #change(abandoned: AbortSignal | null): Promise<void> {
    let stop = (): void => {};
    await new Promise<void>((resolve) => {
      stop = resolve;
      this.#waiting.add(resolve);
      abandoned?.addEventListener('abort', stop);
    });
    abandoned?.removeEventListener('abort', stop);
    this.#waiting.delete(stop);
  }

  #wake(): void {
    for (const resume of this.#waiting) resume();
  }
}
