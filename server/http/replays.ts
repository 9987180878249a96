/** Segments of a recording for the player. */
import type { RecordingReader, SessionView } from './ports.ts';

export class Replays {
  readonly #recordings: RecordingReader;

  constructor(recordings: RecordingReader) {
    this.#recordings = recordings;
  }

  async index(session: SessionView): Promise<object> {
    return { session: session.id, of: typeof this.#recordings };
  }

  async segment(session: SessionView, number: number): Promise<string | null> {
    return number === 0 ? session.id : null;
  }
}
