/** Segments of a recording for the player. */
import type { RecordedEvent } from '../asciicast/event.ts';
import type { RecordingReader, SessionView } from './ports.ts';

export class Replays {
  readonly #recordings: RecordingReader;

  constructor(recordings: RecordingReader) {
    this.#recordings = recordings;
  }

  async index(session: SessionView): Promise<object> {
    const events = await this.#events(session);
    const duration = events.at(-1)?.[0] ?? 0;
    return {
      version: 1,
      duration,
      term: { cols: session.width, rows: session.height },
      segments: [{ start: 0, url: 'segments/0' }],
    };
  }

  async segment(session: SessionView, number: number): Promise<string | null> {
    if (number !== 0) return null;
    const snapshot = { cols: session.width, rows: session.height, init: '' };
    return JSON.stringify({ snapshot, events: await this.#events(session) });
  }

  async #events(session: SessionView): Promise<[number, string, unknown][]> {
    const all: RecordedEvent[] = [];
    for await (const event of this.#recordings.events(session.id)) all.push(event);
    return all.map((e) => [
      e.atUs / 1e6,
      e.code,
      e.code === 'o' ? e.text : e.code === 'm' ? e.label : e.code === 'x' ? e.status : '',
    ]);
  }
}
