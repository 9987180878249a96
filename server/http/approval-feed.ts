/**
 * Changes of approvals as they happen, as server-sent events: `start` with what waits, then `change` with
 * the approval as it is now. The id of an event is its place in the journal, so whoever comes back says the
 * last one and misses nothing. A client that reads too slowly is cut off and can come back.
 */
import type { ServerResponse } from 'node:http';
import { Bell } from './bell.ts';
import { type EventStream, EventStreams, SharedWatch, type StreamReader } from './event-stream.ts';
import type { ApprovalDesk } from './ports.ts';

export const MAX_LISTENERS = 500;
export const MAX_LISTENERS_PER_PRINCIPAL = 10;
/** Changes that are sent at once. */
const PAGE_CHANGES = 100;
/** Whoever missed more begins anew. */
export const MAX_RESUMED = 1_000;
export const MAX_WAITING_SENT = 200;

type Desk = Pick<ApprovalDesk, 'approval' | 'changes' | 'lastPlace' | 'listApprovals' | 'watch'>;

export interface Listening extends StreamReader {
  /** What the client says that it has got; null = nothing. */
  readonly lastEvent: number | null;
}

export class ApprovalFeed {
  readonly #desk: Desk;
  readonly #watch: SharedWatch;
  readonly #listeners = new EventStreams({
    most: MAX_LISTENERS,
    mostPerPrincipal: MAX_LISTENERS_PER_PRINCIPAL,
    refusal: (most) => ({
      message: `${most} streams of approvals are open already`,
      hint: 'close one of them; the list without a stream is not limited',
    }),
  });
  readonly #changes = new Bell();

  constructor(desk: Desk) {
    this.#desk = desk;
    this.#watch = new SharedWatch(() => desk.watch(() => this.#changes.ring()));
  }

  /** Answers with changes until the client goes away. Throws `limit.exceeded` before anything was sent. */
  async listen(response: ServerResponse, listening: Listening): Promise<void> {
    await this.#listeners.serve(response, listening, async (stream) => {
      await this.#watch.begin();
      await stream.begin();
      await this.#run(stream, listening.lastEvent);
    });
  }

  /** Cuts everybody off. */
  close(): void {
    this.#listeners.close();
    this.#watch.close();
  }

  async #run(stream: EventStream, lastEvent: number | null): Promise<void> {
    let place = lastEvent ?? (await this.#start(stream));
    let resumed = 0;
    while (await stream.mayGoOn()) {
      // Asked for before the look, so that no change falls between.
      const heard = this.#changes.rings;
      const changes = await this.#desk.changes(place, PAGE_CHANGES);
      for (const { id, seq, type } of changes) {
        const approval = await this.#desk.approval(id);
        const what = type.replace('approval.', '');
        if (approval !== null) {
          await stream.send({ id: seq, event: 'change', data: { what, approval } });
        }
        place = seq;
      }
      resumed += changes.length;
      if (changes.length < PAGE_CHANGES) {
        resumed = 0;
        await stream.rest(this.#changes, heard);
      } else if (resumed >= MAX_RESUMED) place = await this.#start(stream);
    }
  }

  async #start(stream: EventStream): Promise<number> {
    const place = await this.#desk.lastPlace();
    const items = await this.#desk.listApprovals({ status: 'waiting', limit: MAX_WAITING_SENT });
    await stream.send({ id: place, event: 'start', data: { items } });
    return place;
  }
}
