/**
 * Changes of approvals as they happen, as server-sent events: `start` with what waits, then `change` with
 * the approval as it is now. The id of an event is its place in the journal, so whoever comes back says the
 * last one and misses nothing. A client that reads too slowly is cut off and can come back.
 */
import type { ServerResponse } from 'node:http';
import { SallyportError } from '../errors.ts';
import type { ApprovalDesk } from './ports.ts';

export const MAX_LISTENERS = 500;
export const MAX_LISTENERS_PER_PRINCIPAL = 10;
/** How often it is checked that the listener still may, and said that the connection lives. */
export const RECHECK_MS = 15_000;
/** A client that takes nothing for so long is cut off. */
export const STALL_MS = 20_000;
/** Changes that are sent at once. */
const PAGE_CHANGES = 100;
/** Whoever missed more begins anew. */
export const MAX_RESUMED = 1_000;
export const MAX_WAITING_SENT = 200;
/** What the browser waits before it comes back. */
const RETRY_MS = 1_000;

type Desk = Pick<ApprovalDesk, 'approval' | 'changes' | 'lastPlace' | 'listApprovals' | 'watch'>;

export interface Listening {
  readonly principalId: string;
  /** What the client says that it has got; null = nothing. */
  readonly lastEvent: number | null;
  /** Whether the listener still may; asked again and again. */
  readonly isAllowed: () => Promise<boolean>;
}

export class ApprovalFeed {
  readonly #desk: Desk;
  readonly #listeners = new Map<ServerResponse, { principalId: string; wake: () => void }>();
  #watching: Promise<() => void> | null = null;

  constructor(desk: Desk) {
    this.#desk = desk;
  }

  /** Answers with changes until the client goes away. Throws `limit.exceeded` before anything was sent. */
  async listen(response: ServerResponse, listening: Listening): Promise<void> {
    const listener = this.#enter(response, listening.principalId);
    try {
      await (this.#watching ??= this.#desk.watch(() => this.#wakeAll()));
      response.setHeader('Content-Type', 'text/event-stream; charset=utf-8');
      // Otherwise nginx gathers events.
      response.setHeader('X-Accel-Buffering', 'no');
      await this.#run(response, listening, listener);
    } finally {
      this.#listeners.delete(response);
      if (!response.destroyed) response.end();
    }
  }

  /** Cuts everybody off. */
  close(): void {
    for (const response of this.#listeners.keys()) response.destroy();
    void this.#watching?.then((stop) => stop());
  }

  #enter(response: ServerResponse, principalId: string): { wake: () => void } {
    const all = [...this.#listeners.values()];
    const own = all.filter((one) => one.principalId === principalId).length;
    if (all.length >= MAX_LISTENERS || own >= MAX_LISTENERS_PER_PRINCIPAL) {
      const most = own >= MAX_LISTENERS_PER_PRINCIPAL ? MAX_LISTENERS_PER_PRINCIPAL : MAX_LISTENERS;
      throw new SallyportError(
        'limit.exceeded',
        `${most} streams of approvals are open already`,
        'close one of them; the list without a stream is not limited',
      );
    }
    const listener = { principalId, wake: (): void => {} };
    this.#listeners.set(response, listener);
    return listener;
  }

  #wakeAll(): void {
    for (const { wake } of this.#listeners.values()) wake();
  }

  async #run(
    response: ServerResponse,
    { isAllowed, lastEvent }: Listening,
    listener: { wake: () => void },
  ): Promise<void> {
    const isGone = (): boolean => response.destroyed || response.writableEnded;
    response.once('close', () => listener.wake());
    await send(response, `retry: ${RETRY_MS}\n\n`);
    let place = lastEvent === null ? await this.#start(response) : lastEvent;
    let resumed = 0;
    let checkedMs = performance.now();
    while (!isGone()) {
      // Asked for before the look, so that no change falls between.
      const woken = new Promise<void>((resolve) => (listener.wake = resolve));
      const changes = await this.#desk.changes(place, PAGE_CHANGES);
      for (const { id, seq, type } of changes) {
        const approval = await this.#desk.approval(id);
        const data = JSON.stringify({ what: type.replace('approval.', ''), approval });
        if (approval !== null) await send(response, `id: ${seq}\nevent: change\ndata: ${data}\n\n`);
        place = seq;
      }
      resumed += changes.length;
      if (changes.length === PAGE_CHANGES) {
        if (resumed >= MAX_RESUMED) place = await this.#start(response);
        continue;
      }
      resumed = 0;
      await earlier(woken, RECHECK_MS - (performance.now() - checkedMs));
      if (performance.now() - checkedMs < RECHECK_MS) continue;
      checkedMs = performance.now();
      if (isGone() || !(await isAllowed())) return;
      await send(response, ': still here\n\n');
    }
  }

  async #start(response: ServerResponse): Promise<number> {
    const place = await this.#desk.lastPlace();
    const items = await this.#desk.listApprovals({ status: 'waiting', limit: MAX_WAITING_SENT });
    await send(response, `id: ${place}\nevent: start\ndata: ${JSON.stringify({ items })}\n\n`);
    return place;
  }
}

async function earlier(woken: Promise<void>, ms: number): Promise<void> {
  let timer: NodeJS.Timeout | undefined;
  const late = new Promise<void>((resolve) => (timer = setTimeout(resolve, Math.max(0, ms))));
  await Promise.race([woken, late]);
  clearTimeout(timer);
}

/** Resolves when the client has taken it, as far as buffers say; cuts off one that takes nothing. */
async function send(response: ServerResponse, text: string): Promise<void> {
  if (response.destroyed || response.write(text)) return;
  await new Promise<void>((resolve) => {
    const timer = setTimeout(() => response.destroy(), STALL_MS);
    const done = (): void => {
      clearTimeout(timer);
      response.off('drain', done);
      response.off('close', done);
      resolve();
    };
    response.on('drain', done);
    response.on('close', done);
  });
}
