/**
 * Answers that go on as server-sent events: how many there may be, what they look like, and what becomes of
 * a client that reads too slowly. Whatever a stream says is said again to whoever comes back, so cutting a
 * client off loses nothing. Not caught here: who may read what; that is asked of the caller again and again.
 */
import type { ServerResponse } from 'node:http';
import { SallyportError } from '../errors.ts';
import type { Bell } from './bell.ts';

/** How often it is checked that the reader still may, and said that the connection lives. */
export const RECHECK_MS = 15_000;
/** A client that takes nothing for so long is cut off. */
export const STALL_MS = 20_000;
/** What the browser waits before it comes back. */
const RETRY_MS = 1_000;

/** At most so many streams of a kind, and what one too many is told. */
export interface StreamBounds {
  readonly most: number;
  readonly mostPerPrincipal: number;
  readonly refusal: (most: number) => { readonly message: string; readonly hint: string };
}

export interface StreamReader {
  readonly principalId: string;
  /** Whether the reader still may; asked again and again. */
  readonly isAllowed: () => Promise<boolean>;
  /** How often; by default RECHECK_MS. */
  readonly recheckMs?: number;
}

/** All open streams of a kind. */
export class EventStreams {
  readonly #bounds: StreamBounds;
  readonly #open = new Map<EventStream, string>();

  constructor(bounds: StreamBounds) {
    this.#bounds = bounds;
  }

  /** Answers by `run` until that is over. Throws `limit.exceeded` before anything was sent. */
  async serve(
    response: ServerResponse,
    reader: StreamReader,
    run: (stream: EventStream) => Promise<void>,
  ): Promise<void> {
    this.#refuseTooMany(reader.principalId);
    const stream = new EventStream(response, reader);
    this.#open.set(stream, reader.principalId);
    try {
      await run(stream);
    } finally {
      this.#open.delete(stream);
      stream.end();
    }
  }

  get size(): number {
    return this.#open.size;
  }

  [Symbol.iterator](): IterableIterator<EventStream> {
    return this.#open.keys();
  }

  /** Cuts everybody off. */
  close(): void {
    for (const stream of this.#open.keys()) stream.cut();
  }

  #refuseTooMany(principalId: string): void {
    const { most, mostPerPrincipal, refusal } = this.#bounds;
    const own = [...this.#open.values()].filter((one) => one === principalId).length;
    if (this.#open.size < most && own < mostPerPrincipal) return;
    const { hint, message } = refusal(own >= mostPerPrincipal ? mostPerPrincipal : most);
    throw new SallyportError('limit.exceeded', message, hint);
  }
}

/** What a client is told; `data` goes as JSON. */
export interface StreamEvent {
  /** What the client says when it comes back. */
  readonly id?: number;
  readonly event?: string;
  readonly data: unknown;
}

/** One answer that goes on. */
export class EventStream {
  readonly #response: ServerResponse;
  readonly #reader: StreamReader;
  #hasBegun = false;
  /** Ends the rest that it has now. */
  #wake = (): void => {};
  #checkedMs = performance.now();

  constructor(response: ServerResponse, reader: StreamReader) {
    this.#response = response;
    this.#reader = reader;
    response.once('close', () => this.#wake());
  }

  get isGone(): boolean {
    return this.#response.destroyed || this.#response.writableEnded;
  }

  /** The client hasn't taken yet what it was told before. */
  get isBehind(): boolean {
    return this.#response.writableNeedDrain;
  }

  /** The head. What fails before it is answered like any other request. */
  async begin(): Promise<void> {
    this.#hasBegun = true;
    this.#response.setHeader('Content-Type', 'text/event-stream; charset=utf-8');
    // Otherwise nginx gathers events.
    this.#response.setHeader('X-Accel-Buffering', 'no');
    await this.#write(`retry: ${RETRY_MS}\n\n`);
  }

  /** Resolves when the client has taken it, as far as buffers say; cuts off one that takes nothing. */
  async send(event: StreamEvent): Promise<void> {
    await this.#write(frameOf(event));
  }

  async sendAll(events: readonly StreamEvent[]): Promise<void> {
    if (events.length > 0) await this.#write(events.map(frameOf).join(''));
  }

  /** False = the client has gone, or may no longer. Asks now and then, and tells the client that it did. */
  async mayGoOn(): Promise<boolean> {
    if (this.isGone) return false;
    if (this.#untilCheckMs() > 0) return true;
    this.#checkedMs = performance.now();
    if (!(await this.#reader.isAllowed())) return false;
    await this.#write(': still here\n\n');
    return !this.isGone;
  }

  /**
   * Until the client has gone or `mayGoOn` has to ask, or until a bell rings.
   * @param heard how often it had rung before the look that found nothing
   */
  async rest(bell: Bell | null = null, heard = 0): Promise<void> {
    if (this.isGone) return;
    let forget = (): void => {};
    let timer: NodeJS.Timeout | undefined;
    await new Promise<void>((resolve) => {
      timer = setTimeout(resolve, Math.max(0, this.#untilCheckMs()));
      this.#wake = resolve;
      if (bell !== null) forget = bell.onNext(heard, resolve);
    });
    clearTimeout(timer);
    forget();
  }

  /** Ends what has begun. */
  end(): void {
    if (this.#hasBegun && !this.#response.destroyed) this.#response.end();
  }

  cut(): void {
    this.#response.destroy();
  }

  #untilCheckMs(): number {
    const { recheckMs = RECHECK_MS } = this.#reader;
    return recheckMs - (performance.now() - this.#checkedMs);
  }

  async #write(text: string): Promise<void> {
    const response = this.#response;
    if (this.isGone || response.write(text)) return;
    await new Promise<void>((resolve) => {
      const stalled = setTimeout(() => response.destroy(), STALL_MS);
      const done = (): void => {
        clearTimeout(stalled);
        response.off('drain', done);
        response.off('close', done);
        resolve();
      };
      response.on('drain', done);
      response.on('close', done);
    });
  }
}

function frameOf({ data, event, id }: StreamEvent): string {
  const idLine = id === undefined ? '' : `id: ${id}\n`;
  const eventLine = event === undefined ? '' : `event: ${event}\n`;
  return `${idLine}${eventLine}data: ${JSON.stringify(data)}\n\n`;
}

/** One subscription for all streams of a kind, made with the first of them. */
export class SharedWatch {
  readonly #watch: () => Promise<() => void>;
  #watching: Promise<() => void> | null = null;

  /** @param watch subscribes; resolves with the un-subscribe */
  constructor(watch: () => Promise<() => void>) {
    this.#watch = watch;
  }

  /** Rejects when it can't; the next stream tries again. */
  async begin(): Promise<void> {
    const watching = (this.#watching ??= this.#watch());
    try {
      await watching;
    } catch (error) {
      if (this.#watching === watching) this.#watching = null;
      throw error;
    }
  }

  close(): void {
    this.#watching?.then(
      (stop) => stop(),
      () => {},
    );
  }
}
