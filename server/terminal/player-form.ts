/**
 * Replays in the form of asciinema-player 3.17's segmented driver, which refuses a recording unless: the
 * first segment starts at 0; starts increase and are before the duration; each segment has its first
 * event at its start; the last one has its last event at the duration; events lie within their segment;
 * no segment is empty; markers lie within the duration. Times are compared as numbers, so all come from
 * integer microseconds by the same division. Not caught here: whether segments and events belong together.
 */
import { type Keyframe, Pauses, type ReplayEvent, type Size } from './keyframe.ts';
import { Screen } from './screen.ts';

/** The player draws each marker anew whenever it seeks: so many are kept, evenly spread. */
export const MAX_MARKERS = 200;

/** `[seconds, code, data]`, codes `o` and `r`. */
export type PlayerEvent = readonly [number, string, string];
export type PlayerMarker = readonly [number, string];

export interface PlayerSegment {
  readonly snapshot: Size & { readonly init: string };
  readonly events: readonly PlayerEvent[];
}

export interface PlayerIndex {
  readonly version: 1;
  readonly duration: number;
  readonly term: Size;
  readonly markers: readonly PlayerMarker[];
  readonly segments: readonly { readonly start: number; readonly url: string }[];
}

export interface IndexParts {
  readonly size: Size;
  /** Starts of the segments, the first at 0. */
  readonly startsUs: readonly number[];
  readonly endUs: number;
  /** In order of time; those after the end are left out. */
  readonly markers: readonly { readonly atUs: number; readonly label: string }[];
  /** Where the player finds segment n, relative to the index. */
  readonly url: (n: number) => string;
}

/** The index. A segment that would start at the very end is left out: the one before has its events. */
export function playerIndex(parts: IndexParts): PlayerIndex {
  const { endUs, size, startsUs, url } = parts;
  const { cols, rows } = Screen.clamp(size);
  const markers = parts.markers.filter(({ atUs }) => atUs <= endUs);
  const step = Math.max(1, Math.ceil(markers.length / MAX_MARKERS));
  return {
    version: 1,
    duration: secondsOf(endUs),
    term: { cols, rows },
    markers: markers
      .filter((_, n) => n % step === 0)
      .map(({ atUs, label }) => [secondsOf(atUs), label]),
    segments: startsUs
      .slice(0, segmentCount(startsUs, endUs))
      .map((startUs, n) => ({ start: secondsOf(startUs), url: url(n) })),
  };
}

/** How many segments the player can be given. */
export function segmentCount(startsUs: readonly number[], endUs: number): number {
  const late = startsUs.findIndex((startUs, n) => n > 0 && startUs >= endUs);
  return late === -1 ? startsUs.length : late;
}

/** Makes one segment from its keyframe and its events. */
export class SegmentBuilder {
  readonly #keyframe: Keyframe;
  readonly #skipIdle: boolean;
  readonly #pauses: Pauses;
  readonly #events: PlayerEvent[] = [];

  constructor(keyframe: Keyframe, skipIdle: boolean) {
    this.#keyframe = keyframe;
    this.#skipIdle = skipIdle;
    this.#pauses = new Pauses(keyframe);
    this.#events.push([secondsOf(this.#playedUs()), 'o', '']);
  }

  push(event: ReplayEvent): void {
    this.#pauses.push(event.atUs);
    const at = secondsOf(this.#playedUs());
    if (event.code === 'o') this.#events.push([at, 'o', event.text ?? '']);
    else if (event.code === 'r') {
      const { cols, rows } = Screen.clamp({ cols: event.cols ?? 0, rows: event.rows ?? 0 });
      this.#events.push([at, 'r', `${cols}x${rows}`]);
    }
  }

  /** @param isLast the recording ends with the newest event */
  finished(isLast: boolean): PlayerSegment {
    const { cols, rows, init } = this.#keyframe;
    const end = secondsOf(this.#playedUs());
    const events =
      isLast && this.#events.at(-1)?.[0] !== end
        ? [...this.#events, [end, 'o', ''] as const]
        : this.#events;
    return { snapshot: { cols, rows, init }, events };
  }

  #playedUs(): number {
    const { atUs, idleUs } = this.#pauses;
    return this.#skipIdle ? atUs - idleUs : atUs;
  }
}

function secondsOf(us: number): number {
  return us / 1_000_000;
}
