/**
 * Running sessions as they happen, as server-sent events in asciinema's form: a header with the screen,
 * then `[seconds, code, data]`, each with the number of its event as id; `done` at the end. Whoever comes
 * back says the last id, and gets what follows it, or a new header when that is too much.
 * Everything comes from what is stored: a viewer costs the session nothing, and one that reads too slowly
 * is cut off and can come back.
 */
import { once } from 'node:events';
import type { ServerResponse } from 'node:http';
import { setTimeout as sleep } from 'node:timers/promises';
import { Played } from '../asciicast/played.ts';
import { SallyportError } from '../errors.ts';
import { firstKeyframe, type Keyframe } from '../terminal/keyframe.ts';
import { unknownObject } from './guard.ts';
import { LiveTail, PAGE_CHUNKS } from './live-tail.ts';
import type {
  EventPlace,
  HeaderReader,
  LiveReader,
  PlacedEvent,
  RecordingReader,
  ReplayReader,
  SessionView,
} from './ports.ts';

export const MAX_VIEWERS = 200;
export const MAX_VIEWERS_PER_PRINCIPAL = 10;
/** Somebody who comes back gets every event of so many chunks, and a new header beyond. */
export const MAX_RESUME_CHUNKS = 32;
/** A viewer gets at most one page of chunks in this time. */
export const PAGE_EVERY_MS = 400;
/** After so many full pages in a row, a viewer is taken to the newest keyframe. */
export const FULL_PAGES_BEFORE_JUMP = 4;
/** How often it is checked that the viewer still may, and said that the connection lives. */
export const RECHECK_MS = 15_000;
/** A client that takes nothing for so long is cut off. */
export const STALL_MS = 20_000;
/** What the browser waits before it comes back. */
const RETRY_MS = 1000;

type Recordings = Pick<RecordingReader, 'session'> & HeaderReader & ReplayReader & LiveReader;

export interface Watch {
  readonly session: SessionView;
  readonly principalId: string;
  /** What the client says that it has got; null = nothing. */
  readonly lastEvent: number | null;
  /** Whether the viewer still may; asked again and again. */
  readonly isAllowed: () => Promise<boolean>;
  /** How often; by default RECHECK_MS. */
  readonly recheckMs?: number;
}

export class LiveViews {
  readonly #recordings: Recordings;
  readonly #tails = new Map<string, { readonly tail: LiveTail; viewers: number }>();
  readonly #viewers = new Map<ServerResponse, string>();

  constructor(recordings: Recordings) {
    this.#recordings = recordings;
  }

  /**
   * Answers with the session as it happens, until it ends or the viewer goes away. Throws
   * `limit.exceeded` before anything was sent.
   */
  async watch(response: ServerResponse, watch: Watch): Promise<void> {
    const header = await this.#recordings.header(watch.session.id);
    if (header === null) throw unknownObject('session');
    this.#enter(response, watch.principalId);
    const tail = this.#tail(watch.session.id);
    try {
      response.setHeader('Content-Type', 'text/event-stream; charset=utf-8');
      // Otherwise nginx gathers events.
      response.setHeader('X-Accel-Buffering', 'no');
      await new Viewer(this.#recordings, response, watch, tail, header).run();
    } finally {
      this.#viewers.delete(response);
      this.#leave(watch.session.id);
      if (!response.destroyed) response.end();
    }
  }

  /** Cuts everybody off. */
  close(): void {
    for (const response of this.#viewers.keys()) response.destroy();
  }

  #enter(response: ServerResponse, principalId: string): void {
    const own = [...this.#viewers.values()].filter((one) => one === principalId).length;
    if (this.#viewers.size >= MAX_VIEWERS || own >= MAX_VIEWERS_PER_PRINCIPAL) {
      const most = own >= MAX_VIEWERS_PER_PRINCIPAL ? MAX_VIEWERS_PER_PRINCIPAL : MAX_VIEWERS;
      throw new SallyportError(
        'limit.exceeded',
        `${most} live views are open already`,
        'close one of them; the replay of what was recorded so far is not limited',
      );
    }
    this.#viewers.set(response, principalId);
  }

  #tail(sessionId: string): LiveTail {
    const known = this.#tails.get(sessionId) ?? {
      tail: new LiveTail(this.#recordings, sessionId),
      viewers: 0,
    };
    known.viewers += 1;
    this.#tails.set(sessionId, known);
    return known.tail;
  }

  #leave(sessionId: string): void {
    const known = this.#tails.get(sessionId);
    if (known === undefined) return;
    known.viewers -= 1;
    if (known.viewers > 0) return;
    this.#tails.delete(sessionId);
    known.tail.close();
  }
}

/** A screen to start from. */
type Start = EventPlace & { readonly keyframe: Keyframe; readonly afterReturn: boolean };

class Viewer {
  readonly #recordings: Recordings;
  readonly #response: ServerResponse;
  readonly #gone = new AbortController();
  readonly #watch: Watch;
  readonly #tail: LiveTail;
  readonly #header: NonNullable<Awaited<ReturnType<HeaderReader['header']>>>;
  #played: Played;
  /** The next event. */
  #chunk = 1;
  #event = 1;
  #fullPages = 0;
  readonly #recheckMs: number;
  #checkedMs = performance.now();

  constructor(
    recordings: Recordings,
    response: ServerResponse,
    watch: Watch,
    tail: LiveTail,
    header: NonNullable<Awaited<ReturnType<HeaderReader['header']>>>,
  ) {
    this.#recordings = recordings;
    this.#response = response;
    response.once('close', () => this.#gone.abort());
    this.#watch = watch;
    this.#recheckMs = watch.recheckMs ?? RECHECK_MS;
    this.#tail = tail;
    this.#header = header;
    this.#played = new Played(header);
  }

  get #isGone(): boolean {
    return this.#gone.signal.aborted || this.#response.destroyed;
  }

  async run(): Promise<void> {
    await this.#send(`retry: ${RETRY_MS}\n\n`);
    if (!(await this.#resume())) await this.#restart();
    while (!this.#isGone) {
      const { news } = this.#tail;
      // Before the look: what is missing then is all that will ever come.
      const hasEnded = await this.#tail.hasEnded();
      const page = await this.#tail.page(this.#chunk);
      await this.#sendEvents(page.events);
      this.#chunk = page.nextChunk;
      if (page.isFull) await this.#slowDown();
      else if (page.events.length === 0 && hasEnded) return this.#finish();
      else if (page.events.length === 0) {
        await this.#tail.waitBeyond(news, this.#recheckMs, this.#gone.signal);
      }
      if (!(await this.#mayGoOn())) return;
    }
  }

  /** Goes on behind the last event that the client has got. False = it has none, or is too far behind. */
  async #resume(): Promise<boolean> {
    const { lastEvent, session } = this.#watch;
    if (lastEvent === null) return false;
    const [at, newest] = await Promise.all([
      this.#recordings.chunkOf(session.id, lastEvent),
      this.#recordings.chunkOf(session.id, Number.MAX_SAFE_INTEGER),
    ]);
    // A number that no event has is no reason to trust it.
    if (at === null || newest === null || newest.chunk - at.chunk > MAX_RESUME_CHUNKS) return false;
    if (lastEvent > at.lastEvent) return false;
    this.#chunk = at.chunk;
    this.#event = lastEvent + 1;
    return true;
  }

  /** Starts with the newest keyframe. */
  async #restart(): Promise<void> {
    const newest = await this.#recordings.newestKeyframe(this.#watch.session.id);
    await this.#startFrom(newest ?? this.#beginning());
  }

  #beginning(): Start {
    return { keyframe: firstKeyframe(this.#header), afterReturn: false, chunk: 1, event: 1 };
  }

  async #startFrom({ afterReturn, chunk, event, keyframe }: Start): Promise<void> {
    const { atUs, cols, init, rows } = keyframe;
    this.#played = new Played(this.#header, afterReturn);
    this.#chunk = chunk;
    this.#event = event;
    const header = { cols, rows, time: atUs / 1e6, init };
    await this.#send(`id: ${event - 1}\ndata: ${JSON.stringify(header)}\n\n`);
  }

  async #sendEvents(events: readonly PlacedEvent[]): Promise<void> {
    let text = '';
    for (const { event, number } of events) {
      if (number < this.#event) continue;
      this.#event = number + 1;
      const shown = this.#played.push(event);
      if (shown.code === 'b') continue;
      const data = shown.code === 'r' ? `${shown.cols}x${shown.rows}` : dataOf(shown);
      const line = JSON.stringify([shown.atUs / 1e6, shown.code, data]);
      text += `id: ${number}\ndata: ${line}\n\n`;
    }
    if (text !== '') await this.#send(text);
  }

  /** A session that prints faster than it is shown: from keyframe to keyframe. */
  async #slowDown(): Promise<void> {
    this.#fullPages += 1;
    if (this.#fullPages >= FULL_PAGES_BEFORE_JUMP) {
      this.#fullPages = 0;
      const newest = await this.#recordings.newestKeyframe(this.#watch.session.id);
      if (newest !== null && newest.chunk > this.#chunk + PAGE_CHUNKS)
        await this.#startFrom(newest);
    }
    await sleep(PAGE_EVERY_MS);
  }

  async #mayGoOn(): Promise<boolean> {
    const nowMs = performance.now();
    if (nowMs - this.#checkedMs < this.#recheckMs) return true;
    this.#checkedMs = nowMs;
    // What a lost notification would have said.
    this.#tail.refresh();
    if (!(await this.#watch.isAllowed())) return false;
    await this.#send(': still here\n\n');
    return true;
  }

  async #finish(): Promise<void> {
    const session = await this.#recordings.session(this.#watch.session.id);
    const end = { status: session?.status ?? 'closed', exitStatus: session?.exitStatus ?? null };
    await this.#send(`event: done\ndata: ${JSON.stringify(end)}\n\n`);
  }

  /** Resolves when the client has taken it, as far as buffers say; cuts off one that takes nothing. */
  async #send(text: string): Promise<void> {
    const response = this.#response;
    if (this.#isGone || response.write(text)) return;
    const stop = new AbortController();
    const { signal } = stop;
    const stalled = sleep(STALL_MS, null, { signal }).then(() => response.destroy());
    try {
      await Promise.race([
        once(response, 'drain', { signal }),
        once(response, 'close', { signal }),
        stalled,
      ]);
    } finally {
      stop.abort();
      stalled.catch(() => {});
    }
  }
}

function dataOf(event: Exclude<PlacedEvent['event'], { code: 'b' | 'r' }>): string {
  switch (event.code) {
    case 'o':
      return event.text;
    case 'm':
      return event.label;
    case 'x':
      return event.status;
  }
}
