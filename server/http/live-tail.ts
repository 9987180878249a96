/**
 * The newest part of a running session, read once for everybody who watches it: pages of events by the
 * chunk that they start with. Not caught here: who may watch, and how fast.
 */
import { Bell } from './bell.ts';
import type { PlacedEvent, LiveReader, RecordingReader, ReplayReader } from './ports.ts';

/** Chunks of one page. */
export const PAGE_CHUNKS = 16;
/** Pages of one session that are kept. */
export const MAX_PAGES = 4;

export interface LivePage {
  readonly events: readonly PlacedEvent[];
  /** Where the next page starts. */
  readonly nextChunk: number;
  /** There may be more at once. */
  readonly isFull: boolean;
}

type Recordings = Pick<RecordingReader, 'session'> & ReplayReader & LiveReader;

export class LiveTail {
  readonly #recordings: Recordings;
  readonly #sessionId: string;
  readonly #pages = new Map<number, Promise<LivePage>>();
  readonly #unwatch: () => void;
  #ended: Promise<boolean> | null = null;
  /** Rings when there may be more. */
  readonly news = new Bell();

  constructor(recordings: Recordings, sessionId: string) {
    this.#recordings = recordings;
    this.#sessionId = sessionId;
    this.#unwatch = recordings.watch(sessionId, () => this.refresh());
  }

  /** What was found missing is looked for again. */
  refresh(): void {
    this.#ended = null;
    for (const [chunk, page] of this.#pages) {
      void page.then(
        ({ isFull }) => isFull || this.#forget(chunk, page),
        () => this.#forget(chunk, page),
      );
    }
    this.news.ring();
  }

  /** Whether the session has ended: then the chunks that are there are all. */
  hasEnded(): Promise<boolean> {
    if (this.#ended !== null) return this.#ended;
    const ended = this.#recordings
      .session(this.#sessionId)
      .then((session) => session?.status !== 'active');
    this.#ended = ended;
    // What failed is asked again.
    ended.catch(() => {
      if (this.#ended === ended) this.#ended = null;
    });
    return ended;
  }

  page(chunk: number): Promise<LivePage> {
    const known = this.#pages.get(chunk);
    if (known !== undefined) return known;
    const page = this.#read(chunk);
    this.#pages.set(chunk, page);
    page.then(
      ({ events }) => events.length > 0 || this.#forget(chunk, page),
      () => this.#forget(chunk, page),
    );
    const oldest = this.#pages.keys().next();
    if (this.#pages.size > MAX_PAGES && oldest.done !== true) this.#pages.delete(oldest.value);
    return page;
  }

  close(): void {
    this.#unwatch();
    this.refresh();
    this.#pages.clear();
  }

  async #read(chunk: number): Promise<LivePage> {
    const events: PlacedEvent[] = [];
    for await (const placed of this.#recordings.eventsFrom(this.#sessionId, { chunk, event: 1 })) {
      if (placed.chunk - chunk >= PAGE_CHUNKS) break;
      events.push(placed);
    }
    const last = events.at(-1)?.chunk ?? chunk - 1;
    return { events, nextChunk: last + 1, isFull: last - chunk >= PAGE_CHUNKS - 1 };
  }

  #forget(chunk: number, page: Promise<LivePage>): void {
    if (this.#pages.get(chunk) === page) this.#pages.delete(chunk);
  }
}
