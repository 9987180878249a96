/**
 * Cuts a recording into segments that can be played by themselves: each begins with a keyframe, the
 * escape sequences that paint the screen as it was. Not caught here: what the emulator's serializer
 * doesn't know (saved cursor, character sets); cuts are made at command boundaries, where that hardly
 * matters, and inside a command only when it prints a lot.
 *
 * The form is that of asciinema-player 3.17's segmented driver, which refuses a recording unless: the
 * first segment starts at 0; starts increase and are before the duration; each further segment has its
 * first event at its start; the last one has its last event at the duration; events lie within their
 * segment; no segment is empty. Times are compared as numbers, so all come from integer microseconds by
 * the same division.
 */
import { Screen } from './screen.ts';

/** A segment ends at the first command boundary after this many characters … */
export const SEGMENT_CHARS = 262_144;
/** … and anywhere after this many times as many. */
export const HARD_FACTOR = 4;
/** The player draws each marker anew whenever it seeks: so many are kept, evenly spread. */
export const MAX_MARKERS = 200;

/** What an event counts for beside its text. */
const EVENT_CHARS = 16;

/** What is needed of a recorded event; others than `o`, `r` and `m` only count for the time. */
export interface ReplayEvent {
  readonly atUs: number;
  readonly code: string;
  readonly text?: string;
  readonly cols?: number;
  readonly rows?: number;
  readonly label?: string;
}

export interface Size {
  readonly cols: number;
  readonly rows: number;
}

/** `[seconds, code, data]`, codes `o` and `r`. */
export type PlayerEvent = readonly [number, string, string];
export type PlayerMarker = readonly [number, string];

/** One segment as the player wants it, and what the index needs of it. */
export interface Segment {
  readonly startUs: number;
  readonly endUs: number;
  readonly markers: readonly PlayerMarker[];
  readonly data: {
    readonly snapshot: Size & { readonly init: string };
    readonly events: readonly PlayerEvent[];
  };
}

export interface PlayerIndex {
  readonly version: 1;
  readonly duration: number;
  readonly term: Size;
  readonly markers: readonly PlayerMarker[];
  readonly segments: readonly { readonly start: number; readonly url: string }[];
}

/**
 * The segments in order, at least one; two are held at a time. Times that go backwards are taken as
 * simultaneous.
 * @param options.segmentChars size of a segment, counted in characters of output; default SEGMENT_CHARS
 */
export async function* segmentRecording(
  size: Size,
  events: AsyncIterable<ReplayEvent>,
  options: { readonly segmentChars?: number } = {},
): AsyncGenerator<Segment> {
  const { segmentChars = SEGMENT_CHARS } = options;
  const screen = new Screen(size.cols, size.rows, 0);
  try {
    let previous: OpenSegment | null = null;
    let current = new OpenSegment(0, screen);
    for await (const event of events) {
      const atUs = Math.max(current.endUs, event.atUs);
      const limit = event.code === 'm' ? segmentChars : segmentChars * HARD_FACTOR;
      if (current.chars >= limit && atUs > current.endUs) {
        if (previous !== null) yield previous.finished(false);
        previous = current;
        current = new OpenSegment(atUs, screen);
      }
      current.push(event, atUs);
      if (event.code === 'o') screen.write(event.text ?? '');
      else if (event.code === 'r') screen.resize(event.cols ?? 0, event.rows ?? 0);
    }
    if (previous !== null && current.startUs === current.endUs) {
      // No segment may start at the very end.
      previous.append(current);
      current = previous;
    } else if (previous !== null) yield previous.finished(false);
    yield current.finished(true);
  } finally {
    screen.dispose();
  }
}

/**
 * The index of all segments.
 * @param segments in order, as they came; their data isn't needed
 * @param url where the player finds segment n, relative to the index
 */
export function playerIndex(
  size: Size,
  segments: readonly Omit<Segment, 'data'>[],
  url: (n: number) => string,
): PlayerIndex {
  const markers = segments.flatMap((segment) => segment.markers);
  const step = Math.max(1, Math.ceil(markers.length / MAX_MARKERS));
  const { cols, rows } = Screen.clamp(size);
  return {
    version: 1,
    duration: secondsOf(segments.at(-1)?.endUs ?? 0),
    term: { cols, rows },
    markers: markers.filter((_, n) => n % step === 0),
    segments: segments.map(({ startUs }, n) => ({ start: secondsOf(startUs), url: url(n) })),
  };
}

class OpenSegment {
  readonly startUs: number;
  endUs: number;
  chars = 0;
  readonly #snapshot: Segment['data']['snapshot'];
  readonly #events: PlayerEvent[] = [];
  readonly #markers: PlayerMarker[] = [];

  constructor(startUs: number, screen: Screen) {
    this.startUs = startUs;
    this.endUs = startUs;
    this.#snapshot = { cols: screen.cols, rows: screen.rows, init: screen.serialize() };
  }

  push(event: ReplayEvent, atUs: number): void {
    this.endUs = atUs;
    this.chars += EVENT_CHARS;
    const at = secondsOf(atUs);
    if (event.code === 'o') {
      const text = event.text ?? '';
      this.#events.push([at, 'o', text]);
      this.chars += text.length;
    } else if (event.code === 'r') {
      const { cols, rows } = Screen.clamp({ cols: event.cols ?? 0, rows: event.rows ?? 0 });
      this.#events.push([at, 'r', `${cols}x${rows}`]);
    } else if (event.code === 'm') this.#markers.push([at, event.label ?? '']);
  }

  append(next: OpenSegment): void {
    for (const event of next.#events) this.#events.push(event);
    for (const marker of next.#markers) this.#markers.push(marker);
    this.endUs = next.endUs;
  }

  finished(isLast: boolean): Segment {
    const events = this.#events;
    const start = secondsOf(this.startUs);
    const end = secondsOf(this.endUs);
    if (events[0]?.[0] !== start) events.unshift([start, 'o', '']);
    if (isLast && events.at(-1)?.[0] !== end) events.push([end, 'o', '']);
    const { startUs, endUs } = this;
    return { startUs, endUs, markers: this.#markers, data: { snapshot: this.#snapshot, events } };
  }
}

function secondsOf(us: number): number {
  return us / 1_000_000;
}
