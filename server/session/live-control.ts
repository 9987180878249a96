/**
 * What people do to one running session: they write to it, pause it, let it go on, end it. All of it is
 * committed and journalled before it comes here. A pause has an end: a session that nobody lets go on is
 * ended. Not caught here: who may do that.
 *
 * States: running ⇄ paused; both → over.
 */
import { messageOf } from '../errors.ts';
import type { Logger } from '../log.ts';
import { notice } from './notice.ts';
import type { ControlRequest, Controls } from './ports.ts';
import type { Valve } from './valve.ts';

export interface Controlled {
  readonly id: string;
  readonly valve: Valve;
  /** Tells the client something, behind all output that is on its way; also written into the record. */
  announce(text: string): Promise<void>;
  /** Ends it with a notice. */
  terminate(text: string, why: string): void;
}

type ResumeRequest = Extract<ControlRequest, { readonly kind: 'resume' }>;
type PauseRequest = Extract<ControlRequest, { readonly kind: 'pause' }>;

export class LiveControl {
  readonly #controls: Controls;
  readonly #logger: Logger;
  readonly #controlled: Controlled;
  readonly #unwatch: () => void;
  #limit: NodeJS.Timeout | null = null;
  #isPaused = false;
  #isOver = false;

  constructor(controls: Controls, logger: Logger, controlled: Controlled) {
    this.#controls = controls;
    this.#logger = logger;
    this.#controlled = controlled;
    this.#unwatch = controls.watch(controlled.id, (request) => this.#apply(request));
  }

  /** The session is over: nothing more is done to it. */
  end(): void {
    this.#isOver = true;
    this.#clearLimit();
    this.#unwatch();
    this.#controlled.valve.cut();
  }

  #apply(request: ControlRequest): void {
    if (this.#isOver) return;
    const { valve } = this.#controlled;
    switch (request.kind) {
      case 'notice':
        return void this.#say(`notice from ${request.by}: ${request.text}`);
      case 'pause':
        if (this.#isPaused) return;
        this.#isPaused = true;
        valve.shut();
        this.#limit = setTimeout(() => void this.#pausedTooLong(request), request.forMs);
        this.#limit.unref();
        return void this.#say(`paused by ${request.by}${because(request.reason)}`);
      case 'resume':
        if (!this.#isPaused) return;
        this.#isPaused = false;
        this.#clearLimit();
        return void this.#goOn(request);
      case 'terminate': {
        const { by, reason } = request;
        const why = because(reason);
        return this.#controlled.terminate(
          `session ended by ${by}${why}`,
          `terminated by ${by}${why}`,
        );
      }
    }
  }

  /** Says so before what has waited; a pause may come between. */
  async #goOn({ by, reason }: ResumeRequest): Promise<void> {
    await this.#say(`resumed by ${by}${because(reason)}`);
    if (!this.#isPaused) this.#controlled.valve.open();
  }

  /** What can't be journalled now happens all the same: a pause never lasts longer than was said. */
  async #pausedTooLong({ by, seq }: PauseRequest): Promise<void> {
    const { id } = this.#controlled;
    try {
      if (!(await this.#controls.pauseIsOver(id, seq))) return;
    } catch (error) {
      this.#logger.error('end of a pause not journalled', { session: id, why: messageOf(error) });
    }
    if (this.#isOver) return;
    const text = `session ended: it was paused by ${by}, and nobody let it go on in time`;
    this.#controlled.terminate(text, `paused by ${by} for too long`);
  }

  #say(text: string): Promise<void> {
    // A session whose record fails ends by itself.
    return this.#controlled.announce(notice(text)).catch(() => {});
  }

  #clearLimit(): void {
    if (this.#limit !== null) clearTimeout(this.#limit);
    this.#limit = null;
  }
}

function because(reason: string | null): string {
  return reason === null ? '' : `: ${reason}`;
}
