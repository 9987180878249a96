/**
 * Recordings as the player wants them: an index, and segments that start with a keyframe. Whatever the
 * size of a recording, one segment is read at a time, from its keyframe on. While keyframes are still
 * being made, the index covers what has them.
 */
import { Played } from '../asciicast/played.ts';
import { SallyportError } from '../errors.ts';
import { firstKeyframe, IDLE_LIMIT_US, type Pause, Pauses } from '../terminal/keyframe.ts';
import { playerIndex, SegmentBuilder, segmentCount } from '../terminal/player-form.ts';
import { unknownObject } from './guard.ts';
import type { HeaderReader, KeyframePlace, ReplayReader, SessionView } from './ports.ts';
import type { ReplayQuery } from './query.ts';

/** With more chunks behind the last keyframe than this, keyframes are made first … */
export const PREPARE_CHUNKS = 40;
/** … and with more than this, the index ends early. */
export const MAX_TAIL_CHUNKS = 96;
/** Chunks of one segment; addresses that the index gives never need as many. */
export const MAX_SEGMENT_CHUNKS = 512;
/** Outlines of ended recordings that are kept; the one not used for longest is dropped first. */
export const MAX_KEPT_OUTLINES = 8;
/** Recordings that are read at once, and those that wait for their turn; further ones are refused. */
export const MAX_RUNS = 4;
export const MAX_WAITING_RUNS = 64;

/** What is known of a recording without reading it all. */
interface Outline {
  readonly places: readonly KeyframePlace[];
  /** The pauses up to the end, in order. */
  readonly pauses: readonly Pause[];
  readonly endUs: number;
  readonly idleUs: number;
  /** The end is that of the recording, as far as it is sealed. */
  readonly complete: boolean;
}

/** The pauses of a recording, for what is shown beside the player. Milliseconds, to the microsecond. */
export interface PausesView {
  readonly durationMs: number;
  readonly playedMs: number;
  /** False while the replay of a large recording is still being prepared: it ends early. */
  readonly complete: boolean;
  readonly pauses: readonly { readonly atMs: number; readonly cutMs: number }[];
}

type Recordings = HeaderReader & ReplayReader;

export class Replays {
  readonly #recordings: Recordings;
  /** By session and size, in order of use. */
  readonly #kept = new Map<string, Outline>();
  readonly #running = new Map<string, Promise<Outline>>();
  readonly #waiting: (() => void)[] = [];
  #runs = 0;

  constructor(recordings: Recordings) {
    this.#recordings = recordings;
  }

  /** The player's index, as JSON. The last segment's address says how far it goes. */
  async index(session: SessionView, { skipIdle }: Pick<ReplayQuery, 'skipIdle'>): Promise<string> {
    const header = await this.#recordings.header(session.id);
    if (header === null) throw unknownObject('session');
    const { complete, endUs, idleUs, pauses, places } = await this.#outline(session);
    const marks = await this.#recordings.commandMarks(session.id);
    const startsUs = [0, ...places.map(({ atUs }) => atUs)];
    const count = segmentCount(startsUs, endUs);
    const starts = [0, ...places.map((place) => place.atUs - (skipIdle ? place.idleUs : 0))];
    const skip = skipIdle ? ['skip=idle'] : [];
    const times = skipIdle ? new SkippedTimes(pauses) : null;
    const index = playerIndex({
      size: header,
      startsUs: starts.slice(0, count),
      endUs: skipIdle ? endUs - idleUs : endUs,
      markers: marks
        .map(({ atMs, text }) => ({ atUs: Math.round(atMs * 1000), label: labelOf(text) }))
        .filter(({ atUs }) => atUs <= endUs)
        .toSorted((a, b) => a.atUs - b.atUs)
        .map(({ atUs, label }) => ({ atUs: times?.played(atUs) ?? atUs, label })),
      url: (n) => {
        const query = [...(n === count - 1 ? [`until=${endUs}`] : []), ...skip].join('&');
        return `segments/${n}${query === '' ? '' : `?${query}`}`;
      },
    });
    return JSON.stringify({ ...index, complete });
  }

  /** What skipping idle time leaves out. */
  async pauses(session: SessionView): Promise<PausesView> {
    const { complete, endUs, idleUs, pauses } = await this.#outline(session);
    return {
      durationMs: endUs / 1000,
      playedMs: (endUs - idleUs) / 1000,
      complete,
      pauses: pauses.map(({ atUs, cutUs }) => ({ atMs: atUs / 1000, cutMs: cutUs / 1000 })),
    };
  }

  /** The JSON of one segment; null when there is no such one. */
  async segment(session: SessionView, n: number, query: ReplayQuery): Promise<string | null> {
    const header = await this.#recordings.header(session.id);
    if (header === null) throw unknownObject('session');
    const { untilUs, skipIdle } = query;
    const first = { keyframe: firstKeyframe(header), afterReturn: false, chunk: 1, event: 1 };
    const from = n === 0 ? first : await this.#recordings.keyframeAt(session.id, n);
    const next = untilUs === null ? await this.#recordings.keyframeAt(session.id, n + 1) : null;
    if (from === null) return null;
    // Without a word the last segment goes as far as there is something.
    const endUs = untilUs ?? Number.MAX_SAFE_INTEGER;
    return this.#inTurn(async () => {
      const played = new Played(header, from.afterReturn);
      const segment = new SegmentBuilder(from.keyframe, skipIdle);
      for await (const { chunk, event, number } of this.#recordings.eventsFrom(session.id, from)) {
        if (next !== null ? number >= next.event : event.atUs > endUs) break;
        if (chunk - from.chunk >= MAX_SEGMENT_CHUNKS) throw tooLong();
        segment.push(played.push(event));
      }
      return JSON.stringify(segment.finished(next === null));
    });
  }

  async #outline(session: SessionView): Promise<Outline> {
    const key = `${session.id} ${session.status} ${session.recording.chunks}`;
    const kept = this.#kept.get(key);
    if (kept !== undefined) {
      this.#keep(key, kept);
      return kept;
    }
    const running = this.#running.get(key) ?? this.#inTurn(() => this.#read(session));
    this.#running.set(key, running);
    try {
      const outline = await running;
      // One whose keyframes are still being made gets better soon.
      const behind = session.recording.chunks - (outline.places.at(-1)?.chunk ?? 1);
      if (session.status !== 'active' && behind <= PREPARE_CHUNKS) this.#keep(key, outline);
      return outline;
    } finally {
      this.#running.delete(key);
    }
  }

  async #read(session: SessionView): Promise<Outline> {
    let places = await this.#recordings.keyframePlaces(session.id);
    if (session.recording.chunks - (places.at(-1)?.chunk ?? 1) > PREPARE_CHUNKS) {
      await this.#recordings.prepare(session.id);
      places = await this.#recordings.keyframePlaces(session.id);
    }
    const last = places.at(-1) ?? { chunk: 1, event: 1, atUs: 0, pauses: 0, idleUs: 0 };
    const ending = new Pauses(last);
    const pauses = places.flatMap(({ newPauses }) => newPauses);
    let complete = true;
    for await (const { chunk, event } of this.#recordings.eventsFrom(session.id, last)) {
      if (chunk - last.chunk >= MAX_TAIL_CHUNKS) {
        complete = false;
        break;
      }
      const pause = ending.push(event.atUs);
      if (pause !== null) pauses.push(pause);
    }
    return { places, pauses, endUs: ending.atUs, idleUs: ending.idleUs, complete };
  }

  #keep(key: string, outline: Outline): void {
    this.#kept.delete(key);
    this.#kept.set(key, outline);
    const oldest = this.#kept.keys().next();
    if (this.#kept.size > MAX_KEPT_OUTLINES && oldest.done !== true)
      this.#kept.delete(oldest.value);
  }

  /** Runs it when there is room. */
  async #inTurn<T>(run: () => Promise<T>): Promise<T> {
    await this.#turn();
    try {
      return await run();
    } finally {
      // Who ends hands its place over.
      const next = this.#waiting.shift();
      if (next === undefined) this.#runs -= 1;
      else next();
    }
  }

  async #turn(): Promise<void> {
    if (this.#runs < MAX_RUNS) {
      this.#runs += 1;
      return;
    }
    if (this.#waiting.length >= MAX_WAITING_RUNS) {
      throw new SallyportError(
        'limit.exceeded',
        'too many recordings are being opened at once',
        'try again in a minute, or download the recording',
      );
    }
    await new Promise<void>((resolve) => {
      this.#waiting.push(resolve);
    });
  }
}

/** From recorded to played times; asked in order of time. */
class SkippedTimes {
  readonly #pauses: readonly Pause[];
  #at = 0;
  #cutUs = 0;

  constructor(pauses: readonly Pause[]) {
    this.#pauses = pauses;
  }

  played(atUs: number): number {
    for (;;) {
      const pause = this.#pauses[this.#at];
      if (pause === undefined || atUs <= pause.atUs + IDLE_LIMIT_US) return atUs - this.#cutUs;
      const endUs = pause.atUs + IDLE_LIMIT_US + pause.cutUs;
      if (atUs < endUs) return pause.atUs + IDLE_LIMIT_US - this.#cutUs;
      this.#cutUs += pause.cutUs;
      this.#at += 1;
    }
  }
}

/** As the recording's own markers have it. */
function labelOf(text: string): string {
  return text.replaceAll(/\s+/g, ' ').trim().slice(0, 200);
}

function tooLong(): SallyportError {
  return new SallyportError(
    'usage.invalid',
    'the segment is larger than any that the index names',
    'use the addresses that the index gives',
  );
}
