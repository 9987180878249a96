/**
 * Recordings as the player wants them: an index, and segments that start with a keyframe. Computed when
 * first asked for; a window of segments is kept, so that playing on costs nothing and a recording of any
 * size costs bounded memory. Asking for what is outside the window computes again from the start.
 */
import { setImmediate as nextTurn } from 'node:timers/promises';
import type { RecordedEvent } from '../asciicast/event.ts';
import { asPlayed } from '../asciicast/played.ts';
import { SallyportError } from '../errors.ts';
import { playerIndex, segmentRecording, type Segment } from '../terminal/keyframe.ts';
import { unknownObject } from './guard.ts';
import type { HeaderReader, RecordingReader, SessionView } from './ports.ts';

/** Kept segments of one recording, in characters of JSON; the last one may go beyond. */
export const MAX_WINDOW_CHARACTERS = 16 * 1024 * 1024;
/** Recordings whose segments are kept; the one not used for longest is dropped first. */
export const MAX_KEPT_REPLAYS = 8;
/** Computations at once, and those that wait for their turn; further ones are refused. */
export const MAX_RUNS = 2;
export const MAX_WAITING_RUNS = 32;

interface Replay {
  /** JSON for the player. */
  readonly index: string;
  readonly count: number;
  readonly endUs: number;
  /** JSON by number: the segments of the window. */
  readonly window: ReadonlyMap<number, string>;
}

export class Replays {
  readonly #recordings: RecordingReader & HeaderReader;
  /** By session and extent, in order of use. */
  readonly #kept = new Map<string, Replay>();
  readonly #running = new Map<string, Promise<Replay>>();
  readonly #waiting: (() => void)[] = [];
  #runs = 0;

  constructor(recordings: RecordingReader & HeaderReader) {
    this.#recordings = recordings;
  }

  /**
   * The player's index. Of a running session it covers what is there now; the addresses of its segments
   * say so, and keep to it while the recording grows.
   */
  async index(session: SessionView): Promise<string> {
    return (await this.#replay(session, null, 0)).index;
  }

  /**
   * The JSON of one segment; null when there is no such one.
   * @param untilUs from the segment's address in the index: later events don't belong to it
   */
  async segment(
    session: SessionView,
    number: number,
    untilUs: number | null,
  ): Promise<string | null> {
    return (await this.#replay(session, untilUs, number)).window.get(number) ?? null;
  }

  async #replay(session: SessionView, untilUs: number | null, number: number): Promise<Replay> {
    const extent = untilUs === null ? `${session.recording.chunks} chunks` : `until ${untilUs}`;
    const key = `${session.id} ${extent}`;
    const kept = this.#kept.get(key);
    if (kept !== undefined && (kept.window.has(number) || number >= kept.count)) {
      this.#keep(key, kept);
      return kept;
    }
    const run = `${key} from ${number}`;
    const running = this.#running.get(run) ?? this.#compute(session, untilUs, number);
    this.#running.set(run, running);
    try {
      const replay = await running;
      this.#keep(key, replay);
      // The addresses in this index ask for the segments in the other way.
      if (session.status === 'active') this.#keep(`${session.id} until ${replay.endUs}`, replay);
      return replay;
    } finally {
      this.#running.delete(run);
    }
  }

  #keep(key: string, replay: Replay): void {
    this.#kept.delete(key);
    this.#kept.set(key, replay);
    const oldest = this.#kept.keys().next();
    if (this.#kept.size > MAX_KEPT_REPLAYS && oldest.done !== true) this.#kept.delete(oldest.value);
  }

  async #compute(session: SessionView, untilUs: number | null, from: number): Promise<Replay> {
    await this.#turn();
    try {
      const header = await this.#recordings.header(session.id);
      if (header === null) throw unknownObject('session');
      const recorded = upTo(this.#recordings.events(session.id), untilUs);
      const events = asPlayed(header, recorded);
      const window = new Map<number, string>();
      const places: Omit<Segment, 'data'>[] = [];
      let characters = 0;
      for await (const { data, ...place } of segmentRecording(header, events)) {
        if (places.length >= from && characters < MAX_WINDOW_CHARACTERS) {
          const json = JSON.stringify(data);
          window.set(places.length, json);
          characters += json.length;
        }
        places.push(place);
        // Emulating a screen is work for milliseconds; others get their turn in between.
        await nextTurn();
      }
      const endUs = places.at(-1)?.endUs ?? 0;
      const extent = session.status === 'active' ? `?until=${endUs}` : '';
      const index = playerIndex(header, places, (number) => `segments/${number}${extent}`);
      return { index: JSON.stringify(index), count: places.length, endUs, window };
    } finally {
      const next = this.#waiting.shift();
      if (next === undefined) this.#runs -= 1;
      else next();
    }
  }

  /** Resolves when there is room for one more computation, which is then taken. */
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
    // Who ends hands its place over.
    await new Promise<void>((resolve) => {
      this.#waiting.push(resolve);
    });
  }
}

async function* upTo(
  events: AsyncIterable<RecordedEvent>,
  untilUs: number | null,
): AsyncGenerator<RecordedEvent> {
  for await (const event of events) {
    if (untilUs !== null && event.atUs > untilUs) return;
    yield event;
  }
}
