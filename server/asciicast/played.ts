/**
 * Events as a terminal must get them to show what the client saw. A session without a terminal had no
 * line discipline that turns LF into CR LF, so its recorded bytes alone would print staircases.
 * Not caught here: control characters of binary output, which act on the player's screen.
 */
import type { CastHeader, RecordedEvent } from './event.ts';

/** Events one by one, from any place of a recording whose state is known. */
export class Played {
  readonly #hasTerminal: boolean;
  #endsWithReturn: boolean;

  /** @param endsWithReturn see `endsWithReturn`, of what was played before */
  constructor(header: Pick<CastHeader, 'term'>, endsWithReturn = false) {
    this.#hasTerminal = header.term !== null;
    this.#endsWithReturn = endsWithReturn;
  }

  /** Output without a terminal stopped behind CR, so that LF needs none. */
  get endsWithReturn(): boolean {
    return this.#endsWithReturn;
  }

  push(event: RecordedEvent): RecordedEvent {
    if (this.#hasTerminal || event.code !== 'o') return event;
    const { text } = event;
    const first = text.startsWith('\n') && this.#endsWithReturn ? '\n' : '';
    if (text !== '') this.#endsWithReturn = text.endsWith('\r');
    return { ...event, text: first + text.slice(first.length).replace(/(?<!\r)\n/g, '\r\n') };
  }
}

/** The same events; in a recording without a terminal, LF has CR before it. What is stored stays as it is. */
export async function* asPlayed(
  header: Pick<CastHeader, 'term'>,
  events: AsyncIterable<RecordedEvent>,
): AsyncGenerator<RecordedEvent> {
  const played = new Played(header);
  for await (const event of events) yield played.push(event);
}
