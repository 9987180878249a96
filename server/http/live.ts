/**
 * Running sessions as they happen, as server-sent events in asciinema's form: a header with the screen,
 * then `[seconds, code, data]`, each with the number of its event as id; `done` at the end. Whoever comes
 * back says the last id, and gets what follows it, or a new header when that is too much.
 * Everything comes from what is stored: a viewer costs the session nothing, and one that reads too slowly
 * is cut off and can come back.
 */
import type { ServerResponse } from 'node:http';
import { setTimeout as sleep } from 'node:timers/promises';
import { Played } from '../asciicast/played.ts';
import { firstKeyframe, type Keyframe } from '../terminal/keyframe.ts';
import {
  type EventStream,
  EventStreams,
  type StreamEvent,
  type StreamReader,
} from './event-stream.ts';
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
type Recordings = Pick<RecordingReader, 'session'> & HeaderReader & ReplayReader & LiveReader;

export interface Watch extends StreamReader {
  readonly session: SessionView;
  /** What the client says that it has got; null = nothing. */
  readonly lastEvent: number | null;
}

export class LiveViews {
  readonly #recordings: Recordings;
  readonly #tails = new Map<string, { readonly tail: LiveTail; viewers: number }>();
  readonly #viewers = new EventStreams({
    most: MAX_VIEWERS,
    mostPerPrincipal: MAX_VIEWERS_PER_PRINCIPAL,
    refusal: (most) => ({
      message: `${most} live views are open already`,
      hint: 'close one of them; the replay of what was recorded so far is not limited',
    }),
  });

  constructor(recordings: Recordings) {
    this.#recordings = recordings;
  }

  /**
   * Answers with the session as it happens, until it ends or the viewer goes away. Throws
   * `limit.exceeded` before anything was sent.
   */
  async watch(response: ServerResponse, watch: Watch): Promise<void> {
    const { session } = watch;
    const header = await this.#recordings.header(session.id);
    if (header === null) throw unknownObject('session');
    const isAllowed = (): Promise<boolean> => {
      // What a lost notification would have said.
      this.#tails.get(session.id)?.tail.refresh();
      return watch.isAllowed();
    };
    await this.#viewers.serve(response, { ...watch, isAllowed }, async (stream) => {
      const tail = this.#tail(session.id);
      try {
        await stream.begin();
        await new Viewer(this.#recordings, stream, watch, tail, header).run();
      } finally {
        this.#leave(session.id);
      }
    });
  }

  /** Cuts everybody off. */
  close(): void {
    this.#viewers.close();
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
  readonly #stream: EventStream;
  readonly #watch: Watch;
  readonly #tail: LiveTail;
  readonly #header: NonNullable<Awaited<ReturnType<HeaderReader['header']>>>;
  #played: Played;
  /** The next event. */
  #chunk = 1;
  #event = 1;
  #fullPages = 0;

  constructor(
    recordings: Recordings,
    stream: EventStream,
    watch: Watch,
    tail: LiveTail,
    header: NonNullable<Awaited<ReturnType<HeaderReader['header']>>>,
  ) {
    this.#recordings = recordings;
    this.#stream = stream;
    this.#watch = watch;
    this.#tail = tail;
    this.#header = header;
    this.#played = new Played(header);
  }

  async run(): Promise<void> {
    if (!(await this.#resume())) await this.#restart();
    while (await this.#stream.mayGoOn()) {
      const heard = this.#tail.news.rings;
      // Before the look: what is missing then is all that will ever come.
      const hasEnded = await this.#tail.hasEnded();
      const page = await this.#tail.page(this.#chunk);
      await this.#sendEvents(page.events);
      this.#chunk = page.nextChunk;
      if (page.isFull) await this.#slowDown();
      else if (page.events.length === 0 && hasEnded) return this.#finish();
      else if (page.events.length === 0) await this.#stream.rest(this.#tail.news, heard);
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
    await this.#stream.send({ id: event - 1, data: header });
  }

  async #sendEvents(events: readonly PlacedEvent[]): Promise<void> {
    const shown: StreamEvent[] = [];
    for (const { event, number } of events) {
      if (number < this.#event) continue;
      this.#event = number + 1;
      const played = this.#played.push(event);
      if (played.code === 'b') continue;
      const data = played.code === 'r' ? `${played.cols}x${played.rows}` : dataOf(played);
      shown.push({ id: number, data: [played.atUs / 1e6, played.code, data] });
    }
    await this.#stream.sendAll(shown);
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

  async #finish(): Promise<void> {
    const session = await this.#recordings.session(this.#watch.session.id);
    const end = { status: session?.status ?? 'closed', exitStatus: session?.exitStatus ?? null };
    await this.#stream.send({ event: 'done', data: end });
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
